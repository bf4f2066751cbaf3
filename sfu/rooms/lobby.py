"""The lobby: who waits and who was turned away, as only those in charge are told (protocol.md, Who sees whom)."""

from __future__ import annotations

from collections.abc import Iterable

from sfu.admission.windows import iso
from sfu.rooms.participant import Participant

TURNED_AWAY_LISTED = 50
"""The newest; a guest can knock and be denied many times, and the list must stay a message's size."""


def in_lobby(participant: Participant) -> object:
    """All of a participant that the lobby shows; None where it does not stand in it."""
    if participant.admitted:
        return None
    return (
        participant.place,
        participant.name,
        participant.role,
        participant.verified,
        participant.booked,
        participant.second_device,
        participant.connected,
    )


def lobby_entries(participants: Iterable[Participant]) -> dict[str, object]:
    """`waiting`, oldest first, and `turned_away`, oldest first."""
    waiting: list[Participant] = []
    turned_away: list[Participant] = []
    for participant in participants:
        if participant.waiting:
            waiting.append(participant)
        elif participant.turned_away:
            turned_away.append(participant)
    waiting.sort(key=lambda participant: participant.place.waiting_since)
    return {
        "waiting": [
            {
                "participant": participant.participant,
                "name": participant.name,
                "role": participant.role.value,
                "verified": participant.verified,
                "booked": participant.booked,
                "second_device": participant.second_device,
                "connected": participant.connected,
                "waiting_since": iso(participant.place.waiting_since),
            }
            for participant in waiting
        ],
        "turned_away": [
            {
                "participant": participant.participant,
                "name": participant.name,
                "role": participant.role.value,
                "state": participant.state.value,
            }
            for participant in turned_away[-TURNED_AWAY_LISTED:]
        ],
    }
