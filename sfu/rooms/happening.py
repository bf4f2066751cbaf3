"""What happens to a room without anybody in it asking: channels, transports, time, and what a portal does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from sfu.admission.limits import Limits
from sfu.admission.visit import Visit, VisitState
from sfu.admission.waiting_room import Act
from sfu.admission.windows import Anchor, window
from sfu.ids import ParticipantId
from sfu.rooms.draft import SERVER, Actor, Draft
from sfu.rooms.events import (
    BookingChanged,
    ChannelLost,
    LinkRenewed,
    Measured,
    MediaConnected,
    MediaLost,
    ReachChanged,
    Scored,
    SpeakerChanged,
    TicketRevoked,
    TimeHasCome,
    VisitClosed,
)
from sfu.rooms.joining import visit_facts
from sfu.rooms.quality import Score

Happening = (
    ChannelLost
    | MediaConnected
    | MediaLost
    | ReachChanged
    | SpeakerChanged
    | Measured
    | Scored
    | BookingChanged
    | LinkRenewed
    | TicketRevoked
    | VisitClosed
    | TimeHasCome
)


def take_happening(draft: Draft, event: Happening) -> None:
    """Take what has happened. What speaks of somebody who is not there any more changes nothing."""
    match event:
        case ChannelLost():
            _channel_lost(draft, event)
        case MediaConnected():
            _media_connected(draft, event)
        case MediaLost():
            _media_lost(draft, event)
        case ReachChanged():
            _reach_changed(draft, event)
        case SpeakerChanged(participant):
            draft.speaker = participant
        case Measured(estimates, coming):
            draft.pictures = draft.pictures.measured(estimates, coming)
        case Scored(scores):
            _tell_quality(draft, scores)
        case BookingChanged(visit):
            _booking_changed(draft, visit)
        case LinkRenewed(generation, unsure):
            draft.renew_link(generation, unsure=unsure)
        case TicketRevoked(jti):
            _ticket_revoked(draft, jti)
        case VisitClosed(state, by):
            if draft.visit.closed is None:
                draft.close(state, Actor(by), reason="cancelled" if state is VisitState.CANCELLED else "")
        case TimeHasCome():
            _time_has_come(draft)
        case _:
            assert_never(event)


def closes_at(visit: Visit, anchor: Anchor, limits: Limits) -> float:
    """When (monotonic seconds) the visit ends by itself: by the room's own clock, whatever the wall clock has done since."""
    times = window(
        visit, opens_before_minutes=limits.opens_before_minutes, closes_after_minutes=limits.closes_after_minutes
    )
    return anchor.now_at(times.closes_at)


def _channel_lost(draft: Draft, event: ChannelLost) -> None:
    participant = draft.participants.get(event.participant)
    if participant is not None and participant.channel == event.channel:
        draft.put(replace(participant, channel=None, lost_at=draft.now, last_told=event.told))


def _media_connected(draft: Draft, event: MediaConnected) -> None:
    participant = draft.participants.get(event.participant)
    if participant is not None and participant.media is not None:
        draft.put(replace(participant, media=replace(participant.media, connected=True)))


def _media_lost(draft: Draft, event: MediaLost) -> None:
    participant = draft.participants.get(event.participant)
    if participant is not None and participant.media is not None:
        draft.put(replace(participant, media=None))


def _reach_changed(draft: Draft, event: ReachChanged) -> None:
    participant = draft.participants.get(event.participant)
    if participant is not None and participant.media is not None:
        draft.put(replace(participant, media=replace(participant.media, reach=event.reach)))


def _tell_quality(draft: Draft, scores: Mapping[ParticipantId, Score]) -> None:
    """Everybody is told how everybody is connected: it explains what they see and hear, or do not."""
    told: list[dict[str, object]] = []
    for scored, score in scores.items():
        participant = draft.participants.get(scored)
        if participant is not None and participant.admitted:
            reason = {"reason": score.reason.value} if score.reason is not None else {}
            told.append({"participant": scored, "score": score.value, **reason})
    if told:
        draft.tell_admitted({"type": "quality", "participants": told}, replaces="quality")


def _booking_changed(draft: Draft, visit: Visit) -> None:
    """Takes over what the booking says. What staff have set, and a newer link, stay. It lets nobody in.

    Everybody is told anew what they may know of the visit, where that has changed.
    """
    mine = draft.visit
    draft.visit = replace(
        visit,
        locked=mine.locked,
        closed=mine.closed,
        link_generation=max(mine.link_generation, visit.link_generation),
    )
    for participant in list(draft.participants.values()):
        booked = participant.person is not None and visit.names(participant.person)
        if booked is not participant.booked:
            draft.put(replace(participant, booked=booked))
        facts = visit_facts(draft.visit, participant)
        if facts != visit_facts(mine, participant):
            draft.tell(participant, {"type": "visit", "visit": facts}, replaces="visit")


def _ticket_revoked(draft: Draft, jti: str) -> None:
    """Put out whoever is in with the ticket, staff included.

    The person is not turned away by that: it was the ticket that was wrong, and the portal may mint another.
    """
    draft.tickets_revoked |= {jti}
    portal = Actor(f"portal:{draft.visit.portal}")
    for participant in list(draft.participants.values()):
        if participant.ticket == jti and not participant.turned_away:
            draft.move(participant, Act.REMOVE, portal, reason="ticket_revoked", detail="ticket_revoked")


def _time_has_come(draft: Draft) -> None:
    if draft.visit.closed is None and draft.now >= closes_at(draft.visit, draft.anchor, draft.limits):
        draft.close(VisitState.ENDED, SERVER, reason="", detail="time")
    for participant in list(draft.participants.values()):
        if participant.lost_at is not None and draft.now >= participant.lost_at + draft.limits.resume_seconds:
            draft.move(participant, Act.EXPIRE, SERVER)
