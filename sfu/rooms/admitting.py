"""The requests of those who may admit (protocol.md, Requests of those who may admit).

Two staff clicking at once is no error: what is already as asked is answered `ok`, and neither done nor logged again.
A person who is in charge themselves is protected: nobody puts them back or out, and turning away another device of
theirs does not turn away the person.

Denying or removing a participant turns away its person: no ticket of theirs joins, and no other device of theirs that
waits is let in. A device that is in already stays until it is removed itself, so that a stranger with a forwarded link who is
denied ends nobody's call; but after a removal it does not come back once its channel is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sfu.admission.records import Action
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import Act, Ground, State
from sfu.errors import Code, Refused
from sfu.ids import ParticipantId, PersonId
from sfu.rooms.draft import Actor, Draft
from sfu.rooms.joining import turned_away
from sfu.rooms.participant import Participant
from sfu.rooms.requests import Admit, Allow, Deny, End, Hold, Lock, Pin, Remove, SendNotice, Silence
from sfu.rooms.subscriptions import find_track, tracks_on_roster

NOTICE_LENGTH = 500
"""Characters."""


def admit(draft: Draft, by: Participant, request: Admit) -> None:
    """Let in one who waits. Whoever was turned away, or whose person was, is not let in before that is lifted."""
    target = _target(draft, request.participant)
    if target.admitted:
        return
    if target.turned_away:
        raise turned_away(target.state)
    if target.person is not None and target.person in draft.turned_away:
        raise turned_away(draft.turned_away[target.person])
    if not target.booked and not request.agreed:
        raise Refused(Code.AGREEMENT_REQUIRED, "The booking does not name this person: staff and patient must agree.")
    if sum(participant.admitted for participant in draft.participants.values()) >= draft.limits.room_capacity:
        raise Refused(Code.FULL, "The visit is full.")
    draft.admit(target, Ground.BOOKED if target.booked else Ground.AGREED, actor(by))


def deny(draft: Draft, by: Participant, request: Deny) -> None:
    """Turn away one who waits."""
    target = _target(draft, request.participant)
    if target.turned_away:
        return
    if target.admitted:
        raise Refused(Code.NOT_ALLOWED, "This person is in. Remove them, or put them back first.")
    _turn_away(draft, target, Act.DENY, actor(by), request.reason)


def hold(draft: Draft, by: Participant, request: Hold) -> None:
    """Put one who is in back to the waiting room."""
    target = _target(draft, request.participant)
    if target.waiting:
        return
    if target.turned_away:
        raise turned_away(target.state)
    _check_not_in_charge(draft, target)
    draft.move(target, Act.HOLD, actor(by))


def remove(draft: Draft, by: Participant, request: Remove) -> None:
    """Put out for good one who waits or is in."""
    target = _target(draft, request.participant)
    if target.turned_away:
        return
    _check_not_in_charge(draft, target)
    _turn_away(draft, target, Act.REMOVE, actor(by), request.reason)


def allow(draft: Draft, by: Participant, request: Allow) -> None:
    """Lift a denial or removal, for the participant and the person. Nobody comes in by that: they may knock again."""
    if request.participant in draft.departed:
        return
    target = _target(draft, request.participant)
    if not target.turned_away:
        return
    draft.move(target, Act.ALLOW, actor(by))
    draft.turned_away = {person: state for person, state in draft.turned_away.items() if person != target.person}


def lock(draft: Draft, by: Participant, request: Lock) -> None:
    if draft.visit.locked is not request.locked:
        draft.visit = draft.visit.with_locked(request.locked)
        draft.log(Action.LOCKED if request.locked else Action.UNLOCKED, actor(by), None)


def notice(draft: Draft, by: Participant, request: SendNotice) -> None:
    """Tell something to one who waits, or to all who wait."""
    if not 1 <= len(request.text) <= NOTICE_LENGTH:
        raise Refused(Code.BAD_MESSAGE, f"A notice has 1 to {NOTICE_LENGTH} characters.")
    if request.participant is None:
        to = [participant for participant in draft.participants.values() if participant.waiting]
    else:
        to = [_target(draft, request.participant)]
        if not to[0].waiting:
            raise Refused(Code.NOT_ALLOWED, "A notice is for those who wait.")
    for participant in to:
        draft.tell(participant, {"type": "notice", "text": request.text})


def silence(draft: Draft, by: Participant, request: Silence) -> None:
    """Mute somebody's track at the server, until its owner unmutes it."""
    owner_id, track = find_track(tracks_on_roster(draft.participants.values()), request.track)
    if track.silenced:
        return
    owner = draft.participants[owner_id]
    draft.put(owner.with_track(replace(track, silenced=True)))
    draft.log(Action.SILENCED, actor(by), owner, track.source.value)


def pin(draft: Draft, by: Participant, request: Pin) -> None:
    """Have somebody who is in seen by all, and well, or no longer so. It is a thing of the picture: it is not logged."""
    target = _target(draft, request.participant)
    if not target.admitted and request.pinned:
        raise Refused(Code.NOT_ALLOWED, "Only somebody who is in can be pinned.")
    if target.pinned is not request.pinned:
        draft.put(replace(target, pinned=request.pinned))


def read_link(draft: Draft, by: Participant) -> Mapping[str, object]:
    """The generation of the shared link that is good now. Who has fetched it is in the log, as where a portal does."""
    draft.log(Action.LINK_READ, actor(by), None)
    return {"link_generation": draft.visit.link_generation}


def end(draft: Draft, by: Participant, request: End) -> None:
    """End the visit for all, the asker included."""
    draft.close(VisitState.ENDED, actor(by), reason="")


def actor(participant: Participant) -> Actor:
    """A participant as the access log names them."""
    return Actor(participant.participant, participant.person)


def _turn_away(draft: Draft, target: Participant, act: Act, by: Actor, reason: str) -> None:
    draft.move(target, act, by, reason=reason)
    person = target.person
    if person is None or _is_in_charge(draft, person):
        return
    state = draft.participants[target.participant].state
    if draft.turned_away.get(person) is not State.REMOVED:
        draft.turned_away = {**draft.turned_away, person: state}


def _is_in_charge(draft: Draft, person: PersonId) -> bool:
    """Whether the person is in charge, on another device."""
    return any(
        participant.person == person and participant.may_admit(draft.visit)
        for participant in draft.participants.values()
    )


def _check_not_in_charge(draft: Draft, target: Participant) -> None:
    if target.may_admit(draft.visit):
        raise Refused(Code.NOT_ALLOWED, "Those who may admit cannot be put out.")


def _target(draft: Draft, participant: ParticipantId) -> Participant:
    try:
        return draft.participants[participant]
    except KeyError:
        raise Refused(Code.PARTICIPANT_UNKNOWN, "There is no such participant in this visit.") from None
