"""What a participant asks for its own media and text (protocol.md, Media)."""

from __future__ import annotations

from dataclasses import replace

from sfu.errors import Code, Refused
from sfu.ids import TrackId
from sfu.rooms.commands import OpenMedia, SendBinding
from sfu.rooms.draft import Draft
from sfu.rooms.participant import Media, Participant, Track
from sfu.rooms.requests import Mute, Offer, SendSection, SendText, Source, View
from sfu.rooms.subscriptions import check_bindings, find_track, tracks_on_roster

SHARES = frozenset({Source.SCREEN, Source.SCREEN_AUDIO})
TEXT_LENGTH = 500
"""Characters (EN 301 549 6.2)."""


def offer(draft: Draft, by: Participant, request: Offer) -> dict[str, object]:
    """Take an offer into effect. Gives the answer's `send`; whoever applies `OpenMedia` adds the SDP."""
    mids = [section.mid for section in request.send] + [section.mid for section in request.receive]
    if len(set(mids)) != len(mids):
        raise Refused(Code.BAD_MESSAGE, "A section can be bound once.")
    if len({section.source for section in request.send}) != len(request.send):
        # Or one person's streams would crowd out everybody else's at receivers, who have places for so many.
        raise Refused(Code.BAD_MESSAGE, "A source can be sent once.")
    check_bindings(by.participant, request.receive, tracks_on_roster(draft.participants.values()))
    if by.media is None or request.fresh:
        request = replace(request, fresh=True)
        media = Media()
    else:
        media = by.media
    by = _without_ended_shares(by, request)
    known = {(track.mid, track.source): track for track in media.tracks}
    tracks = tuple(
        known.get((section.mid, section.source)) or _new_track(draft, by, section) for section in request.send
    )
    draft.put(replace(by, media=replace(media, tracks=tracks, receiving=request.receive)))
    bindings = tuple(SendBinding(track.mid, track.track, track.source.kind) for track in tracks)
    draft.open_media(OpenMedia(by.participant, request, bindings))
    return {"send": [{"mid": track.mid, "track": track.track} for track in tracks]}


def mute(draft: Draft, by: Participant, request: Mute) -> None:
    """Mute or unmute one's own track. Unmuting lifts what staff have silenced, too."""
    owner, track = find_track(tracks_on_roster(draft.participants.values()), request.track)
    if owner != by.participant:
        raise Refused(Code.NOT_ALLOWED, "Only its owner can mute a track.")
    draft.put(by.with_track(replace(track, muted=request.muted, silenced=track.silenced and request.muted)))


def view(draft: Draft, by: Participant, request: View) -> None:
    """Note what a receiver shows of a track."""
    tracks = tracks_on_roster(draft.participants.values())
    owner, track = find_track(tracks, request.track)
    if owner == by.participant:
        raise Refused(Code.NOT_ALLOWED, "Nobody receives their own track.")
    others = tuple(known for known in by.views if known.track in tracks and known.track != track.track)
    draft.put(replace(by, views=(*others, request)))


def text(draft: Draft, by: Participant, request: SendText) -> None:
    """Real-time text to all admitted, the sender included, so that everybody reads the same in the same order."""
    if len(request.text) > TEXT_LENGTH:
        raise Refused(Code.BAD_MESSAGE, f"A text has at most {TEXT_LENGTH} characters.")
    draft.tell_admitted({"type": "text", "participant": by.participant, "text": request.text, "final": request.final})


def _new_track(draft: Draft, by: Participant, section: SendSection) -> Track:
    """Neither a new section nor a new transport makes heard what was muted or silenced."""
    source = section.source
    return Track(
        TrackId(f"t_{draft.new_token()}"), section.mid, source, muted=source in by.muted, silenced=source in by.silenced
    )


def _without_ended_shares(by: Participant, request: Offer) -> Participant:
    """A share that is offered no more has ended, and what was muted of it: whoever shares anew has chosen what and for whom."""
    ended = SHARES - {section.source for section in request.send}
    return replace(by, muted=by.muted - ended, silenced=by.silenced - ended)
