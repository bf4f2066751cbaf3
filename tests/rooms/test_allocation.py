"""What a receiver gets of pictures: who goes first, what gives first, and that it stays steady."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.ids import TrackId
from sfu.rooms.allocation import (
    HEAD_ROOM,
    LEAST_STAY,
    LENT_TO_BETTER,
    LENT_TO_BETTER_SECONDS,
    LENT_TO_LEAST,
    LENT_TO_LEAST_SECONDS,
    MOST_PATIENCE,
    NOTHING,
    PATIENCE,
    PAUSED,
    RESUME_PATIENCE,
    Allotment,
    Grant,
    allot,
    share,
)
from sfu.rooms.ladders import SIGNING_FRAME_RATE, Demand, Layer, Wish, ladder
from tests.rooms.simulcast import SIMULCAST, layers

A, B, C = TrackId("t_a"), TrackId("t_b"), TrackId("t_c")
PLAIN = (Layer(0, 0, 600_000, 1280, 720, 30.0),)
SIGNER, SCREEN = Wish(pinned=True), Wish(screen=True)


def camera(track: TrackId, wish: Wish | None = None, *, speaking: bool = False) -> Demand:
    return Demand(track, SIMULCAST, wish or Wish(), speaking)


def given_to(allotment: Allotment) -> dict[TrackId, tuple[int, int] | None]:
    return {
        track: None if grant.paused else (grant.spatial, grant.temporal) for track, grant in allotment.grants.items()
    }


def at(kilobits: float | None, *demands: Demand) -> dict[TrackId, tuple[int, int] | None]:
    """What somebody gets who has just come."""
    return given_to(allot(demands, None if kilobits is None else kilobits * 1000, NOTHING, 0.0))


# What one gets


@pytest.mark.parametrize(
    ("kilobits", "expected"),
    [(1500, (2, 2)), (1499, (1, 2)), (500, (1, 2)), (499, (0, 2)), (149, (0, 1)), (60, (0, 0)), (59, None), (0, None)],
)
def test_one_picture_by_what_the_way_takes(kilobits: float, expected: tuple[int, int] | None) -> None:
    assert at(kilobits, camera(A)) == {A: expected}


def test_a_picture_without_layers_is_all_or_nothing() -> None:
    assert at(600, Demand(A, PLAIN)) == {A: (0, 0)}
    assert at(599, Demand(A, PLAIN)) == {A: None}


def test_of_what_does_not_come_nothing_is_given_and_nothing_held_back() -> None:
    assert at(5000, Demand(A, ())) == {}
    assert at(100, Demand(A, ()), camera(B)) == {B: (0, 1)}


# Who goes first


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (camera(A, SCREEN), camera(B, SIGNER)),
        (camera(A, SCREEN), camera(B, Wish(priority=255), speaking=True)),
        (camera(A, SIGNER), camera(B, Wish(priority=255), speaking=True)),
        (camera(A, Wish(priority=2)), camera(B, speaking=True)),
        (camera(A, speaking=True), camera(B)),
        (camera(A), camera(B, Wish(priority=0))),
    ],
)
def test_who_goes_first_gets_all_that_the_other_can_spare(first: Demand, second: Demand) -> None:
    for demands in ([first, second], [second, first]):
        assert at(1500 + 150, *demands)[A] == (2, 2)
        assert at(1500 + 150, *demands)[B] is not None


def test_those_who_are_alike_share() -> None:
    assert at(1000, camera(A), camera(B)) == {A: (1, 2), B: (1, 2)}
    assert at(999, camera(A), camera(B)) == {A: (1, 2), B: (0, 2)}


def test_everybody_is_seen_before_anybody_is_seen_well() -> None:
    assert at(180, camera(A, SCREEN), camera(B, speaking=True), camera(C)) == {A: (0, 0), B: (0, 0), C: (0, 0)}
    assert at(159, camera(A, SCREEN), camera(B, speaking=True), camera(C)) == {A: (0, 0), B: (0, 0), C: None}


@pytest.mark.parametrize(
    ("kilobits", "expected"),
    [
        (150 + 60 + 60, {A: (0, 2), B: (0, 0), C: (0, 0)}),
        (150 + 60, {A: (0, 2), B: (0, 0), C: None}),
        (150, {A: (0, 2), B: None, C: None}),
        (149, {A: (0, 1), B: None, C: None}),
        (59, {A: None, B: None, C: None}),
    ],
)
def test_a_signer_is_fluent_while_anything_else_can_give(
    kilobits: float, expected: dict[TrackId, tuple[int, int] | None]
) -> None:
    assert at(kilobits, camera(C), camera(B, SCREEN), camera(A, SIGNER)) == expected


def test_a_signer_whose_camera_is_slow_keeps_what_it_has() -> None:
    slow = Demand(A, layers(frame_rate=15.0), SIGNER)
    assert at(150 + 60, slow, camera(B, SCREEN)) == {A: (0, 2), B: (0, 0)}


# Steadiness


def after(allotment: Allotment, kilobits: float, now: float, *demands: Demand) -> Allotment:
    return allot(demands, kilobits * 1000, allotment, now)


def test_down_is_at_once_and_up_takes_head_room_and_patience() -> None:
    held = after(NOTHING, 2000, 0.0, camera(A))
    held = after(held, 400, 1.0, camera(A))
    assert given_to(held) == {A: (0, 2)}
    for now in (1.2, 50.0):
        held = after(held, 500 * HEAD_ROOM - 1, now, camera(A))
        assert given_to(held) == {A: (0, 2)}, "without head room it stays for ever"
        assert held.next_timer() is None
    held = after(held, 600, 60.0, camera(A))
    assert held.next_timer() == 60.0 + PATIENCE
    assert given_to(after(held, 600, 60.0 + PATIENCE - 0.01, camera(A))) == {A: (0, 2)}
    assert given_to(after(held, 600, 60.0 + PATIENCE, camera(A))) == {A: (1, 2)}


@pytest.mark.parametrize(
    ("demand", "course"),
    [
        (camera(A), [None, (0, 0), (0, 2), (1, 2), (2, 2)]),
        (camera(A, SCREEN), [None, (0, 0), (1, 0), (2, 0), (2, 2)]),
        (Demand(A, PLAIN), [None, (0, 0)]),
    ],
)
def test_up_is_by_one_resolution_at_a_time(demand: Demand, course: list[tuple[int, int] | None]) -> None:
    held = after(NOTHING, 10, 0.0, demand)
    seen = [given_to(held)[A]]
    held = after(held, 5000, 1.0, demand)
    while (due := held.next_timer()) is not None:
        held = after(held, 5000, due, demand)
        seen.append(given_to(held)[A])
    assert seen == course


def test_a_moment_without_head_room_begins_the_wait_anew() -> None:
    held = after(NOTHING, 400, 0.0, camera(A))
    held = after(held, 600, 1.0, camera(A))
    held = after(held, 500, 2.0, camera(A))
    held = after(held, 600, 3.0, camera(A))
    assert given_to(after(held, 600, 1.0 + PATIENCE, camera(A))) == {A: (0, 2)}
    assert given_to(after(held, 600, 3.0 + PATIENCE, camera(A))) == {A: (1, 2)}


def test_what_did_not_last_is_tried_again_later_each_time() -> None:
    now, waits = 0.0, []
    held = after(NOTHING, 400, now, camera(A))
    for _ in range(6):
        held = after(held, 600, now, camera(A))
        due = held.next_timer()
        assert due is not None
        waits.append(due - now)
        held = after(held, 600, due, camera(A))
        assert given_to(held) == {A: (1, 2)}
        now = due + LEAST_STAY - 0.1
        held = after(held, 400, now, camera(A))
        assert given_to(held) == {A: (0, 2)}
    assert waits == pytest.approx([3.0, 6.0, 12.0, 24.0, MOST_PATIENCE, MOST_PATIENCE])
    held = after(held, 600, now, camera(A))
    now += MOST_PATIENCE
    held = after(held, 600, now, camera(A))
    assert given_to(held) == {A: (1, 2)}
    held = after(held, 400, now + LEAST_STAY, camera(A))
    assert held.patience == PATIENCE, "what has lasted is trusted"


def test_what_has_just_got_better_is_not_taken_back_for_a_moment() -> None:
    held = after(NOTHING, 400, 0.0, camera(A))
    held = after(held, 600, 1.0, camera(A))
    rose = 1.0 + PATIENCE
    held = after(held, 600, rose, camera(A))
    held = after(held, 500 / LENT_TO_BETTER, rose + 0.3, camera(A))
    assert given_to(held) == {A: (1, 2)}
    assert held.next_timer() == rose + LENT_TO_BETTER_SECONDS
    assert given_to(after(held, 500, rose + 0.5, camera(A))) == {A: (1, 2)}, "it was a moment"
    assert given_to(after(held, 500 / LENT_TO_BETTER, rose + LENT_TO_BETTER_SECONDS, camera(A))) == {A: (0, 2)}, (
        "it was not"
    )
    assert given_to(after(held, 499 / LENT_TO_BETTER, rose + 0.5, camera(A))) == {A: (0, 2)}, "so much is not lent"


def test_nothing_is_paused_for_a_moments_lack() -> None:
    held = after(NOTHING, 120, 0.0, camera(A), camera(B))
    assert given_to(held) == {A: (0, 0), B: (0, 0)}
    held = after(held, 100, 20.0, camera(A), camera(B))
    assert given_to(held) == {A: (0, 0), B: (0, 0)}
    assert held.next_timer() == 20.0 + LENT_TO_LEAST_SECONDS
    held = after(held, 95, 21.0, camera(A), camera(B))
    assert given_to(held) == {A: (0, 0), B: (0, 0)}
    held = after(held, 90, 20.0 + LENT_TO_LEAST_SECONDS, camera(A), camera(B))
    assert given_to(held) == {A: (0, 0), B: None}
    assert held.next_timer() is None


def test_what_is_paused_is_not_left_so_for_long() -> None:
    held = Allotment({A: Grant(PAUSED, 0, True, Wish())}, patience=MOST_PATIENCE)
    held = after(held, 80, 1.0, camera(A))
    assert held.next_timer() == 1.0 + RESUME_PATIENCE
    assert given_to(after(held, 80, 1.0 + RESUME_PATIENCE, camera(A))) == {A: (0, 0)}


def test_where_much_is_lacking_a_pause_is_at_once() -> None:
    held = after(NOTHING, 120, 0.0, camera(A), camera(B))
    assert given_to(after(held, 120 / LENT_TO_LEAST - 1, 20.0, camera(A), camera(B))) == {A: (0, 0), B: None}


def test_what_is_lent_is_counted_with_the_sound() -> None:
    """Half of what is sent is sound here, which falls with the estimate and is not for pictures to give."""
    held = allot([camera(A)], 200_000, NOTHING, 0.0, sound=100_000)
    assert given_to(held) == {A: (0, 1)}
    held = allot([camera(A)], 160_000 / LENT_TO_LEAST, held, 1.0, sound=100_000)
    assert given_to(held) == {A: (0, 0)}
    assert given_to(allot([camera(A)], 159_000 / LENT_TO_LEAST, held, 1.0, sound=100_000)) == {A: None}


def test_a_pause_ends_by_itself() -> None:
    held = after(NOTHING, 50, 0.0, camera(A))
    assert given_to(held) == {A: None}
    held = after(held, 80, 1.0, camera(A))
    due = held.next_timer()
    assert due is not None
    assert due <= 1.0 + 1.0, "sooner than a picture gets better"
    assert given_to(after(held, 80, due, camera(A))) == {A: (0, 0)}


def test_a_picture_shown_larger_is_better_at_once() -> None:
    held = after(NOTHING, 1000, 0.0, camera(A, Wish(320, 180)), camera(B, Wish(320, 180)))
    assert given_to(held) == {A: (0, 2), B: (0, 2)}
    held = after(held, 1000, 0.1, camera(A, Wish(640, 360)), camera(B, Wish(320, 180)))
    assert given_to(held) == {A: (1, 2), B: (0, 2)}


def test_who_begins_to_speak_takes_from_others_when_that_has_lasted() -> None:
    held = after(NOTHING, 700, 0.0, camera(A, speaking=True), camera(B))
    assert given_to(held) == {A: (1, 2), B: (0, 2)}
    held = after(held, 750, 1.0, camera(A), camera(B, speaking=True))
    assert given_to(held) == {A: (1, 2), B: (0, 2)}
    held = after(held, 750, 1.0 + PATIENCE, camera(A), camera(B, speaking=True))
    assert given_to(held) == {A: (0, 2), B: (1, 2)}


def test_a_layer_that_has_gone_is_replaced_by_what_comes() -> None:
    held = after(NOTHING, 400, 0.0, camera(A))
    higher = tuple(layer for layer in SIMULCAST if layer.spatial > 0)
    held = after(held, 400, 0.1, Demand(A, higher))
    assert given_to(held) == {A: (1, 0)}


# Whatever comes and whatever is wanted

wishes = st.builds(
    Wish,
    width=st.none() | st.integers(0, 2000),
    height=st.none() | st.integers(0, 2000),
    frame_rate=st.none() | st.integers(1, 60),
    priority=st.integers(0, 3),
    screen=st.booleans(),
    pinned=st.booleans(),
)
coming = st.lists(st.lists(st.integers(1, 3000), min_size=3, max_size=3), min_size=0, max_size=3).map(
    lambda rates: layers([sorted(of_spatial) for of_spatial in rates])
)


@st.composite
def receivers(draw: st.DrawFn) -> list[Demand]:
    count = draw(st.integers(1, 5))
    return [Demand(TrackId(f"t_{index}"), draw(coming), draw(wishes), draw(st.booleans())) for index in range(count)]


budgets = st.integers(0, 12_000).map(lambda kilobits: kilobits * 1000)


def bits(demand: Demand, grant: Grant | None) -> int:
    if grant is None or grant.paused:
        return 0
    (rate,) = (
        layer.bits_per_second
        for layer in demand.layers
        if (layer.spatial, layer.temporal) == (grant.spatial, grant.temporal)
    )
    return rate


def total(demands: Sequence[Demand], allotment: Allotment) -> int:
    return sum(bits(demand, allotment.grants.get(demand.track)) for demand in demands)


@given(receivers(), st.lists(st.tuples(budgets, st.floats(0.0, 5.0)), min_size=1, max_size=8))
def test_never_more_than_the_way_takes_whatever_was_before(
    demands: list[Demand], course: list[tuple[int, float]]
) -> None:
    held, now = NOTHING, 0.0
    for budget, passed in course:
        now += passed
        held = allot(demands, budget, held, now)
        assert total(demands, held) <= (budget if held.lent_until is None else budget * LENT_TO_BETTER)
        assert (held.next_timer() or float("inf")) > now


@given(receivers(), budgets)
def test_nothing_that_is_left_would_make_anything_better(demands: list[Demand], budget: int) -> None:
    ladders = {demand.track: ladder(demand) for demand in demands}
    steps = share(demands, ladders, budget, {})
    spent = sum(ladders[track][step].bits_per_second for track, step in steps.items() if step > PAUSED)
    for track, step in steps.items():
        if step + 1 < len(ladders[track]):
            now = ladders[track][step].bits_per_second if step > PAUSED else 0
            assert spent - now + ladders[track][step + 1].bits_per_second > budget


@given(receivers(), budgets)
def test_nothing_is_paused_while_another_could_give(demands: list[Demand], budget: int) -> None:
    """Whoever is paused could not be seen at all beside the least of those before it."""
    ladders = {demand.track: ladder(demand) for demand in demands}
    steps = share(demands, ladders, budget, {})
    for demand in demands:
        if steps[demand.track] == PAUSED and ladders[demand.track]:
            least = sum(
                ladders[other.track][_kept(other)].bits_per_second for other in demands if steps[other.track] > PAUSED
            )
            assert least + ladders[demand.track][0].bits_per_second > budget


def _kept(demand: Demand) -> int:
    """What a picture is entitled to before others get more than their least."""
    rungs = ladder(demand)
    if not demand.wish.pinned:
        return 0
    fluent = [step for step, layer in enumerate(rungs) if layer.frame_rate >= SIGNING_FRAME_RATE]
    return fluent[0] if fluent else len(rungs) - 1


@given(receivers(), budgets, budgets)
def test_more_bandwidth_never_makes_worse_what_comes_first(demands: list[Demand], one: int, other: int) -> None:
    """First that pictures are there at all, then how good they are, both in order of rank."""
    distinct = [replace(demand, wish=replace(demand.wish, priority=index)) for index, demand in enumerate(demands)]
    ladders = {demand.track: ladder(demand) for demand in distinct}
    ranked = sorted(distinct, key=lambda demand: demand.rank)
    served = sorted(ranked, key=lambda demand: not demand.wish.pinned)

    def standing(budget: int) -> tuple[list[int], list[int]]:
        steps = share(distinct, ladders, budget, {})
        there = [min(steps[demand.track], _kept(demand)) for demand in served if ladders[demand.track]]
        return there, [steps[demand.track] for demand in ranked]

    assert standing(min(one, other)) <= standing(max(one, other))


@given(receivers(), budgets)
def test_a_signer_is_slow_only_where_everything_would_not_be_enough(demands: list[Demand], budget: int) -> None:
    signer = Demand(A, SIMULCAST, SIGNER)
    others = [replace(demand, wish=replace(demand.wish, pinned=False)) for demand in demands]
    grant = allot([*others, signer], budget, NOTHING, 0.0).grants[A]
    if grant.paused or grant.temporal < 2:
        assert budget < 150_000


@given(receivers(), budgets)
def test_only_the_smallest_of_a_camera_is_slowed(demands: list[Demand], budget: int) -> None:
    cameras = [replace(demand, wish=replace(demand.wish, screen=False, frame_rate=None)) for demand in demands]
    grants = allot(cameras, budget, NOTHING, 0.0).grants
    for demand in cameras:
        grant = grants.get(demand.track)
        if grant is not None and not grant.paused and grant.temporal < 2:
            assert grant.spatial == 0
