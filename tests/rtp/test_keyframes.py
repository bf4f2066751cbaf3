from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.keyframes import ASKS, ASKS_INTERVAL, MAX_TRIES, REQUEST_INTERVAL, AskLimit, KeyframeRequests


def test_one_request_serves_everybody_who_asks() -> None:
    requests = KeyframeRequests()
    assert [requests.want(moment) for moment in (10.0, 10.0, 10.2, 10.49)] == [True, False, False, False]


def test_a_request_is_repeated_until_a_keyframe_comes() -> None:
    requests = KeyframeRequests()
    requests.want(0.0)
    assert requests.next_timer() == REQUEST_INTERVAL
    assert not requests.due(0.4)
    assert requests.due(0.5)
    assert not requests.due(0.6)
    requests.seen()
    assert requests.next_timer() is None
    assert not requests.due(5.0)


def test_who_asks_just_after_a_keyframe_gets_another_when_the_interval_is_over() -> None:
    requests = KeyframeRequests()
    requests.want(0.0)
    requests.seen()
    assert not requests.want(0.1)
    assert requests.wanted
    assert requests.next_timer() == 0.5
    assert requests.due(0.5)


def test_a_source_that_gives_none_is_left_alone_until_somebody_asks_again() -> None:
    requests = KeyframeRequests()
    sent = [tick for tick in range(200) if (requests.want(0.0) if tick == 0 else requests.due(tick / 10))]
    assert len(sent) == MAX_TRIES
    assert requests.next_timer() is None
    assert requests.want(30.0)


@given(st.lists(st.tuples(st.floats(0, 0.3), st.sampled_from(["want", "due", "seen"])), max_size=200))
def test_requests_are_never_closer_than_the_interval(steps: list[tuple[float, str]]) -> None:
    requests = KeyframeRequests()
    now = 100.0
    last = 0.0
    for step, act in steps:
        now += step
        if act == "seen":
            requests.seen()
        elif requests.want(now) if act == "want" else requests.due(now):
            assert now - last >= REQUEST_INTERVAL
            assert requests.wanted
            last = now


def test_a_receiver_is_heard_three_times_in_ten_seconds() -> None:
    limit = AskLimit()
    heard = [second for second in range(30) if limit.allow(float(second))]
    assert heard == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    for first in range(30):
        assert sum(first <= second < first + ASKS_INTERVAL for second in heard) <= ASKS
