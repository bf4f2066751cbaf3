"""The lobby: who waits, longest first, and who was turned away."""

from __future__ import annotations

from datetime import timedelta

from sfu.admission.waiting_room import State, knock, restored
from sfu.ids import ParticipantId
from sfu.rooms.lobby import TURNED_AWAY_LISTED, lobby_entries
from tests.rooms.sample import ticket
from tests.rooms.stage import Stage
from tests.rooms.test_subscriptions import NOON, participant


def test_those_who_wait_stand_in_it_oldest_first() -> None:
    everybody = [
        participant(ParticipantId(f"p_{minutes}"), knock(NOON + timedelta(minutes=minutes))) for minutes in (3, 1, 2)
    ]
    lobby = lobby_entries(everybody)
    assert isinstance(lobby["waiting"], list)
    assert [entry["participant"] for entry in lobby["waiting"]] == ["p_1", "p_2", "p_3"]
    assert lobby["waiting"][0] == {
        "participant": "p_1",
        "name": "Amina",
        "role": "interpreter",
        "verified": False,
        "booked": False,
        "second_device": False,
        "connected": True,
        "waiting_since": "2026-11-23T12:01:00Z",
    }


def test_everybody_else_stands_where_they_belong() -> None:
    everybody = [
        participant(ParticipantId(f"p_{state}"), restored(state, NOON, NOON if state is State.ADMITTED else None))
        for state in State
    ]
    lobby = lobby_entries(everybody)
    assert isinstance(lobby["waiting"], list)
    assert [entry["participant"] for entry in lobby["waiting"]] == ["p_waiting"]
    assert lobby["turned_away"] == [
        {"participant": "p_denied", "name": "Amina", "role": "interpreter", "state": "denied"},
        {"participant": "p_removed", "name": "Amina", "role": "interpreter", "state": "removed"},
    ]


def test_a_long_list_of_those_turned_away_keeps_the_newest() -> None:
    everybody = [participant(ParticipantId(f"p_{number}"), restored(State.DENIED, NOON, None)) for number in range(60)]
    listed = lobby_entries(everybody)["turned_away"]
    assert isinstance(listed, list)
    assert len(listed) == TURNED_AWAY_LISTED
    assert listed[-1]["participant"] == "p_59"


def test_it_is_told_to_those_in_charge_and_to_nobody_else() -> None:
    stage = Stage()
    eva, per = stage.meeting()
    guest = stage.by_link()
    stage.by_ticket(ticket())
    assert len(stage.messages(eva, "lobby")) == 5
    assert stage.messages(per, "lobby") == stage.messages(guest, "lobby") == []
