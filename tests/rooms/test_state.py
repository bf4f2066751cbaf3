"""A room into which nobody has come."""

from __future__ import annotations

from sfu.rooms.lobby import lobby_entries
from sfu.rooms.roster import roster_entries
from sfu.rooms.state import empty_state
from tests.rooms.sample import VISIT


def test_an_empty_room_has_told_nobody_anything() -> None:
    state = empty_state(VISIT)
    assert state.visit == VISIT
    assert (state.roster, state.lobby) == (roster_entries(()), lobby_entries(()))
    assert (state.participants, state.routes, state.version) == ({}, {}, 0)
