"""Knocks are counted over a sliding time: an hour, or what is asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.limits import KNOCK_PERIOD, RESUME_PERIOD, Knocks


def test_a_knock_counts_for_an_hour() -> None:
    knocks = Knocks().with_one(0.0).with_one(10.0)
    assert knocks.within(10.0) == 2
    assert knocks.within(KNOCK_PERIOD - 0.1) == 2
    assert knocks.within(KNOCK_PERIOD) == 1
    assert knocks.within(KNOCK_PERIOD + 10.0) == 0


def test_a_count_may_be_of_a_shorter_time() -> None:
    knocks = Knocks().with_one(0.0, RESUME_PERIOD).with_one(10.0, RESUME_PERIOD)
    assert knocks.within(10.0, RESUME_PERIOD) == 2
    assert knocks.within(RESUME_PERIOD, RESUME_PERIOD) == 1
    assert knocks.with_one(RESUME_PERIOD, RESUME_PERIOD).times == (10.0, RESUME_PERIOD)


@given(st.lists(st.floats(0, 3 * KNOCK_PERIOD), max_size=40).map(sorted))
def test_only_knocks_of_the_last_hour_are_kept(times: list[float]) -> None:
    knocks = Knocks()
    for index, time in enumerate(times):
        knocks = knocks.with_one(time)
        assert knocks.within(time) == len(knocks.times)
        assert len(knocks.times) == sum(earlier > time - KNOCK_PERIOD for earlier in times[: index + 1])
