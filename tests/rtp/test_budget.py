from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.budget import Budget


def test_a_burst_is_granted_at_once_and_then_what_time_brings() -> None:
    budget = Budget(100, 30)
    assert [budget.take(20, 5.0) for _ in range(3)] == [20, 10, 0]
    assert budget.take(20, 5.125) == 12
    assert budget.take(100, 1000.0) == 30


def test_time_that_does_not_pass_gives_nothing() -> None:
    budget = Budget(100, 30)
    assert budget.take(30, 5.0) == 30
    assert [budget.take(1, moment) for moment in (5.0, 4.0, 5.0)] == [0, 0, 0]


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 600)), max_size=100))
def test_no_more_is_granted_than_the_burst_and_the_rate(asks: list[tuple[float, int]]) -> None:
    budget = Budget(1000, 200)
    now = 10.0
    granted = 0
    for step, wanted in asks:
        now += step
        got = budget.take(wanted, now)
        assert 0 <= got <= wanted
        granted += got
    assert granted <= 200 + (now - 10.0) * 1000 + 1e-3
