"""The roster: everybody who is in, as everybody who is in is told (protocol.md, Who sees whom)."""

from __future__ import annotations

from collections.abc import Iterable

from sfu.admission.windows import iso
from sfu.rooms.participant import Participant, Track


def roster_entries(participants: Iterable[Participant]) -> list[dict[str, object]]:
    """Every admitted participant, in the order of admission. Nobody can be left out: there is no argument to ask for it."""
    admitted = [
        (admitted_at, participant) for participant in participants if (admitted_at := participant.place.admitted_at)
    ]
    admitted.sort(key=lambda pair: pair[0])
    return [
        {
            "participant": participant.participant,
            "name": participant.name,
            "role": participant.role.value,
            "verified": participant.verified,
            "connected": participant.connected,
            "connection": participant.reach.value,
            "pinned": participant.pinned,
            "admitted_at": iso(admitted_at),
            "tracks": [track_entry(track) for track in participant.tracks],
        }
        for admitted_at, participant in admitted
    ]


def on_roster(participant: Participant) -> object:
    """All of a participant that the roster shows; None where it does not stand on it."""
    if not participant.admitted:
        return None
    return (
        participant.place,
        participant.name,
        participant.role,
        participant.verified,
        participant.connected,
        participant.reach,
        participant.pinned,
        participant.tracks,
    )


def track_entry(track: Track) -> dict[str, object]:
    """A silenced track shows as muted, and as paused because the server holds it back."""
    return {
        "track": track.track,
        "kind": track.source.kind,
        "source": track.source.value,
        "muted": track.muted or track.silenced,
        "paused": track.silenced,
    }
