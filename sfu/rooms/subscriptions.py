"""Who receives what. Routes are not kept up by hand: they follow from the participants, after every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sfu.errors import Code, Refused
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.commands import AddRoute, DropRoute
from sfu.rooms.participant import Participant, Reach, Track
from sfu.rooms.requests import ReceiveSection

Routes = Mapping[tuple[ParticipantId, str], TrackId]
"""Track by receiver and the receiver's section."""


def wanted_routes(participants: Iterable[Participant]) -> dict[tuple[ParticipantId, str], TrackId]:
    """Every route there is to be.

    A track is forwarded while its owner and the receiver are both admitted, both connected by media and within reach, each has been told
    that the other is there, it is neither muted nor silenced, and the receiver has bound a section to it and not paused its
    view. So whoever is let in after somebody's channel was lost hears and sees that one, and is heard, when it is back.
    """
    flowing = [
        (participant, participant.media)
        for participant in participants
        if participant.admitted
        and participant.media is not None
        and participant.media.connected
        and participant.reach is not Reach.LOST
    ]
    heard = {track.track: owner for owner, media in flowing for track in media.tracks if track.heard}
    return {
        (receiver.participant, section.mid): section.track
        for receiver, media in flowing
        for section in media.receiving
        if (owner := heard.get(section.track)) is not None
        and owner.knows_of(receiver.participant)
        and receiver.knows_of(owner.participant)
        and not receiver.has_paused(section.track)
    }


def changed_routes(before: Routes, after: Routes) -> tuple[list[DropRoute], list[AddRoute]]:
    """What leads from one set of routes to the other.

    No `RequestKeyframe` goes with them: the plane asks for a keyframe with every route that is added.
    """
    drops = [DropRoute(track, *key) for key, track in before.items() if after.get(key) != track]
    adds = [AddRoute(track, *key) for key, track in after.items() if before.get(key) != track]
    return drops, adds


def check_bindings(
    receiver: ParticipantId, sections: Iterable[ReceiveSection], tracks: Mapping[TrackId, tuple[ParticipantId, Track]]
) -> None:
    """Raises `Refused` for a section bound to a track that is not on the roster, is one's own, or is of another kind.

    A track goes to one section of a receiver: every further one would be sent the same packets once more.
    """
    bound: set[TrackId] = set()
    for section in sections:
        owner, track = find_track(tracks, section.track)
        if owner == receiver:
            raise Refused(Code.NOT_ALLOWED, "Nobody receives their own track.")
        if track.source.kind != section.kind:
            raise Refused(Code.BAD_MESSAGE, f"A section of kind {section.kind} cannot carry that track.")
        if section.track in bound:
            raise Refused(Code.BAD_MESSAGE, "A track can be bound to one section.")
        bound.add(section.track)


def find_track(tracks: Mapping[TrackId, tuple[ParticipantId, Track]], track: TrackId) -> tuple[ParticipantId, Track]:
    """Owner and track; raises `Refused` where it is not on the roster."""
    try:
        return tracks[track]
    except KeyError:
        # Mostly a race with somebody who leaves: the newest roster is on its way to the asker, or there already.
        raise Refused(
            Code.TRACK_UNKNOWN, "That track is not on the roster, or not any more. Offer again by the newest roster."
        ) from None


def tracks_on_roster(participants: Iterable[Participant]) -> dict[TrackId, tuple[ParticipantId, Track]]:
    """Every track that the roster names."""
    return {
        track.track: (participant.participant, track)
        for participant in participants
        if participant.admitted
        for track in participant.tracks
    }
