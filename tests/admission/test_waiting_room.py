"""The table of steps, every pair that is not in it, and the one way in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from sfu.admission.waiting_room import TRANSITIONS, Act, Ground, Place, State, admit, knock, move, restored
from sfu.errors import IllegalTransition

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def place(state: State) -> Place:
    """A place in this state."""
    return restored(state, NOON, NOON if state is State.ADMITTED else None)


def test_only_who_waits_can_become_admitted() -> None:
    assert [pair for pair, after in TRANSITIONS.items() if after is State.ADMITTED] == [(State.WAITING, Act.ADMIT)]
    assert [pair for pair in TRANSITIONS if pair[1] is Act.ADMIT] == [(State.WAITING, Act.ADMIT)]


def test_nobody_comes_back_to_wait_but_from_being_in() -> None:
    assert [pair for pair, after in TRANSITIONS.items() if after is State.WAITING] == [(State.ADMITTED, Act.HOLD)]


@pytest.mark.parametrize("pair", [pair for pair in TRANSITIONS if pair[1] is not Act.ADMIT])
def test_a_step_of_the_table_is_taken(pair: tuple[State, Act]) -> None:
    moved = move(place(pair[0]), pair[1], LATER)
    assert moved.state is TRANSITIONS[pair]
    assert moved.admitted_at is None
    assert moved.ground is None


@pytest.mark.parametrize("pair", sorted(set(product(State, Act)) - set(TRANSITIONS)))
def test_a_step_that_is_not_in_the_table_raises_and_changes_nothing(pair: tuple[State, Act]) -> None:
    before = place(pair[0])
    with pytest.raises(IllegalTransition):
        move(before, pair[1], LATER)
    assert before == place(pair[0])


@pytest.mark.parametrize("state", State)
def test_no_other_step_admits(state: State) -> None:
    with pytest.raises(IllegalTransition):
        move(place(state), Act.ADMIT, LATER)


@pytest.mark.parametrize("ground", Ground)
def test_admission_names_its_ground_and_its_time(ground: Ground) -> None:
    admitted = admit(knock(NOON), ground, LATER)
    assert admitted == Place(state=State.ADMITTED, waiting_since=NOON, admitted_at=LATER, ground=ground)


@pytest.mark.parametrize("state", sorted(set(State) - {State.WAITING}))
def test_nobody_is_admitted_who_does_not_wait(state: State) -> None:
    with pytest.raises(IllegalTransition):
        admit(place(state), Ground.BOOKED, LATER)


def test_a_knock_waits() -> None:
    assert knock(NOON) == Place(state=State.WAITING, waiting_since=NOON)


def test_a_hold_begins_a_new_wait() -> None:
    held = move(admit(knock(NOON), Ground.BOOKED, NOON), Act.HOLD, LATER)
    assert held == Place(state=State.WAITING, waiting_since=LATER)


def test_a_restart_restores_an_admission_through_the_one_way_in() -> None:
    assert restored(State.ADMITTED, NOON, LATER) == Place(
        state=State.ADMITTED, waiting_since=NOON, admitted_at=LATER, ground=Ground.RESTORED
    )


def test_an_admission_without_a_time_is_not_believed() -> None:
    assert restored(State.ADMITTED, NOON, None).state is State.WAITING


@pytest.mark.parametrize("state", sorted(set(State) - {State.ADMITTED}))
def test_a_restart_admits_nobody_else(state: State) -> None:
    assert restored(state, NOON, LATER) == Place(state=state, waiting_since=NOON)
