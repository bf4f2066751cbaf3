"""What of a picture goes out by how full its way is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.bandwidth.allowance import DRAINED
from sfu.rtp.bandwidth.restraint import AS_BEFORE, CHANGED, RESUMED, SOONER, Restraint
from sfu.rtp.frame import ALL

PRECEDENCES = range(len(SOONER) + 2)
FILLS = st.floats(min_value=0, max_value=3)


def after(*fills: float, layered: bool = True) -> tuple[list[int], Restraint]:
    restraint = Restraint()
    return [restraint.begin_frame(fill, layered=layered) for fill in fills], restraint


def test_upper_temporal_layers_go_first_and_come_back_when_the_way_has_drained() -> None:
    changes, restraint = after(0.5, 0.7, 0.7, 0.9)
    assert (changes, restraint.thinned, restraint.left_out) == ([AS_BEFORE, CHANGED, AS_BEFORE, CHANGED], 0, False)
    # Not up again at the next better frame, or it would go to and fro.
    assert [restraint.begin_frame(fill, layered=True) for fill in (0.7, 0.5, DRAINED)] == [AS_BEFORE] * 3
    assert restraint.begin_frame(0.2, layered=True) == CHANGED
    assert (restraint.thinned, restraint.held) == (ALL, False)


def test_a_picture_without_layers_goes_whole_or_not_at_all() -> None:
    changes, restraint = after(0.7, 0.99, 1.01, layered=False)
    assert (changes, restraint.thinned, restraint.left_out) == ([AS_BEFORE, AS_BEFORE, CHANGED], ALL, True)


def test_what_is_left_out_begins_again_with_a_keyframe_when_the_way_has_drained() -> None:
    changes, restraint = after(1.5, 0.9, 0.5, 0.2, 0.2)
    assert changes == [CHANGED, AS_BEFORE, AS_BEFORE, RESUMED, AS_BEFORE]
    assert not restraint.held


@given(st.lists(st.tuples(FILLS, st.booleans())))
def test_held_says_what_is_held_and_every_change_is_told(course: list[tuple[float, bool]]) -> None:
    restraint = Restraint()
    for fill, layered in course:
        before = (restraint.left_out, restraint.thinned)
        change = restraint.begin_frame(fill, layered=layered)
        now = (restraint.left_out, restraint.thinned)
        assert restraint.held == (now != (False, ALL))
        assert (change != AS_BEFORE) == (now != before)
        assert (change == RESUMED) == (before[0] and not now[0])
        assert now[0] == (fill > 1 or (before[0] and fill >= DRAINED))
        if fill < DRAINED:
            assert now == (False, ALL)


def gives(restraint: Restraint) -> tuple[bool, int]:
    """What it gives, such that more is greater."""
    return restraint.left_out, -restraint.thinned


def behind(precedence: int) -> Restraint:
    restraint = Restraint()
    restraint.precede(precedence)
    return restraint


@pytest.mark.parametrize(
    ("fill", "by_precedence"),
    [
        (0.25, [ALL, ALL, ALL, ALL]),
        (0.28, [ALL, ALL, ALL, 1]),
        (0.32, [ALL, ALL, 1, 1]),
        (0.37, [ALL, 1, 1, 0]),
        (0.45, [ALL, 1, 0, None]),
        (0.55, [ALL, 0, None, None]),
        (0.59, [ALL, None, None, None]),
        (0.65, [1, None, None, None]),
        (0.85, [0, None, None, None]),
        (1.05, [None, None, None, None]),
    ],
)
def test_who_gives_what_by_the_order_that_the_room_has_them_in(fill: float, by_precedence: list[int | None]) -> None:
    """The highest temporal layer that goes out; None: nothing does. Whoever is behind all that there is a place for is the last of them."""
    for precedence, expected in [*enumerate(by_precedence), (99, by_precedence[-1])]:
        restraint = behind(precedence)
        restraint.begin_frame(fill, layered=True)
        assert (None if restraint.left_out else restraint.thinned) == expected


@given(st.lists(FILLS), st.lists(st.sampled_from(PRECEDENCES), min_size=2, max_size=5, unique=True))
def test_who_is_behind_gives_no_less_and_the_first_gives_nothing_while_another_goes_out(
    course: list[float], precedences: list[int]
) -> None:
    pictures = {precedence: behind(precedence) for precedence in sorted(precedences)}
    for fill in course:
        for restraint in pictures.values():
            restraint.begin_frame(fill, layered=True)
        order = [gives(restraint) for restraint in pictures.values()]
        assert order == sorted(order)
        if 0 in pictures and pictures[0].held:
            assert all(restraint.left_out for precedence, restraint in pictures.items() if precedence)
