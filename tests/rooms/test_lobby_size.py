"""The longest lobby is one message that a channel takes, or no staff could come in while strangers wait under long names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from annotated_types import Le

from sfu.admission.names import NAME_LENGTH
from sfu.admission.waiting_room import State, knock, restored
from sfu.config.sections import Admission
from sfu.ids import ParticipantId
from sfu.rooms.lobby import TURNED_AWAY_LISTED, lobby_entries
from sfu.signaling import frames
from sfu.signaling.outbox import MAX_BYTES
from sfu.visits.bookings import MAX_GUARDIANS, MAX_STAFF
from tests.rooms.test_subscriptions import NOON, participant

LONGEST = "\N{FAMILY}" * NAME_LENGTH
BOOKED = MAX_STAFF + MAX_GUARDIANS + 1
"""Those whom a booking names find a place beyond the capacity."""


def test_the_longest_lobby_leaves_room_for_other_messages() -> None:
    (most,) = (limit.le for limit in Admission.model_fields["lobby_capacity"].metadata if isinstance(limit, Le))
    assert isinstance(most, int)
    waiting = [
        participant(ParticipantId(f"p_{number:032x}"), knock(NOON + timedelta(seconds=number)))
        for number in range(most + BOOKED)
    ]
    turned_away = [
        participant(ParticipantId(f"p_{number:032x}"), restored(State.REMOVED, NOON, None))
        for number in range(TURNED_AWAY_LISTED)
    ]
    everybody = [replace(each, name=LONGEST) for each in waiting + turned_away]
    lobby = frames.event({"type": "lobby", "version": 2**53, **lobby_entries(everybody)})
    assert lobby.count("\\ud83d\\udc6a") == NAME_LENGTH * len(everybody)
    assert len(lobby.encode()) < MAX_BYTES * 0.9
