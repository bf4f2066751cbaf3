"""When the media socket is polled: where it wakes us often, as long as looks find something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.transport.polling import INTERVAL, LEAST_FOUND, Polling

SOON = 200
"""Wake-ups or looks after which either mean has long followed."""


def wake(polling: Polling, gaps: list[float]) -> int | None:
    """Wake-ups so far apart; after how many it was polled, None for never."""
    now = 1000.0
    for number, gap in enumerate(gaps):
        now += gap
        if polling.woken(now):
            return number
    return None


def begun() -> Polling:
    polling = Polling()
    assert wake(polling, [INTERVAL / 4] * SOON) is not None
    return polling


@given(st.lists(st.floats(INTERVAL, 60), max_size=SOON))
def test_what_comes_less_often_than_we_would_look_is_never_polled(gaps: list[float]) -> None:
    assert wake(Polling(), gaps) is None


@given(st.lists(st.floats(0, INTERVAL / 2), min_size=SOON, max_size=SOON))
def test_what_comes_twice_as_often_soon_is(gaps: list[float]) -> None:
    assert wake(Polling(), gaps) is not None


@given(st.lists(st.floats(0, INTERVAL / 2), min_size=2, max_size=8), st.integers(1, 50))
def test_a_burst_now_and_then_is_not_dense(burst: list[float], bursts: int) -> None:
    """Two frames of a shared screen that stands still otherwise."""
    assert wake(Polling(), [each for _ in range(bursts) for each in (0.5, *burst)]) is None


@given(st.lists(st.booleans(), max_size=12))
def test_a_few_looks_in_vain_change_nothing(found: list[bool]) -> None:
    polling = begun()
    assert not any(polling.looked(each) for each in found)


def test_looks_in_vain_end_it_and_it_begins_anew() -> None:
    polling = begun()
    for _ in range(3):
        assert any(polling.looked(False) for _ in range(SOON))
        assert wake(polling, [INTERVAL / 4]) is None, "one wake-up says nothing yet"
        assert wake(polling, [INTERVAL / 4] * SOON) is not None


def test_it_goes_on_while_more_looks_find_something_than_not() -> None:
    polling = begun()
    assert LEAST_FOUND < 2 / 3
    assert not any(polling.looked(found) for _ in range(SOON) for found in (True, False, True))


def test_after_an_hour_it_begins_as_soon_as_after_a_moment() -> None:
    dense = [INTERVAL / 4] * SOON
    assert wake(Polling(), [1.0, *dense]) == wake(Polling(), [3600.0, *dense])
