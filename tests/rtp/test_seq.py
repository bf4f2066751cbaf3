from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.seq import Unroller, distance, distance32, newer, newer32

sequences = st.integers(0, 0xFFFF)
timestamps = st.integers(0, 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, 0, True),
        (0, 1, False),
        (5, 5, False),
        (0, 65535, True),
        (65535, 0, False),
        (32767, 0, True),
        (32768, 0, False),
        (0, 32768, False),
    ],
)
def test_newer_follows_the_circle(a: int, b: int, expected: bool) -> None:
    assert newer(a, b) is expected


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(0, 65535, 1), (65535, 0, -1), (3, 3, 0), (32767, 0, 32767), (32768, 0, -32768)]
)
def test_distance_is_signed_and_shortest(a: int, b: int, expected: int) -> None:
    assert distance(a, b) == expected


@given(sequences, sequences)
def test_newer_is_a_positive_distance(a: int, b: int) -> None:
    assert newer(a, b) == (distance(a, b) > 0)
    assert (b + distance(a, b)) & 0xFFFF == a
    assert not (newer(a, b) and newer(b, a))


@given(timestamps, timestamps)
def test_timestamps_compare_likewise(a: int, b: int) -> None:
    assert newer32(a, b) == (distance32(a, b) > 0)
    assert (b + distance32(a, b)) & 0xFFFFFFFF == a


@given(sequences, st.lists(st.integers(-1000, 20000), max_size=50))
def test_unrolled_numbers_are_the_integers_behind_the_wrapped_ones(first: int, steps: list[int]) -> None:
    unroller = Unroller()
    assert unroller.unroll(first) == first
    true = first
    highest = first
    for step in steps:
        true = highest + step
        highest = max(highest, true)
        assert unroller.unroll(true & 0xFFFF) == true
        assert unroller.highest == highest


def test_what_is_late_at_the_start_is_negative() -> None:
    unroller = Unroller()
    assert [unroller.unroll(number) for number in (0, 65535, 1)] == [0, -1, 1]


def test_after_a_reset_the_next_number_is_taken_as_it_is() -> None:
    unroller = Unroller()
    unroller.unroll(65535)
    unroller.unroll(0)
    unroller.reset()
    assert unroller.unroll(40000) == 40000
