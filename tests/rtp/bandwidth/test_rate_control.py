from __future__ import annotations

import pytest

from sfu.rtp.bandwidth.overuse import Usage
from sfu.rtp.bandwidth.rate_control import BETA, HEADROOM, HEADROOM_BITS, RateControl

NORMAL, OVERUSED, UNDERUSED = Usage.NORMAL, Usage.OVERUSED, Usage.UNDERUSED
ROUND_TRIP = 0.1


def control(rate: float = 1e6) -> RateControl:
    return RateControl(rate, 3e4, 5e6)


def updates(what: RateControl, usage: Usage, acknowledged: float, seconds: float, now: float) -> float:
    """Ten updates a second; gives when the next would be."""
    for index in range(round(seconds * 10)):
        what.update(usage, acknowledged, ROUND_TRIP, now + index / 10)
    return now + seconds


def test_while_the_link_is_unknown_the_rate_grows_by_eight_per_cent_a_second() -> None:
    one = control()
    updates(one, NORMAL, 9e5, 1.1, 0.0)
    assert one.rate == pytest.approx(1.08e6, rel=0.01)


def test_it_goes_no_further_than_what_arrives_allows() -> None:
    one = control(3e5)
    updates(one, NORMAL, 2e5, 20.0, 0.0)
    assert one.rate == pytest.approx(HEADROOM * 2e5 + HEADROOM_BITS)


def test_what_is_above_that_stays() -> None:
    one = control(2e6)
    updates(one, NORMAL, 1e5, 20.0, 0.0)
    assert one.rate == 2e6


def test_what_arrives_is_carried() -> None:
    one = control(3e5)
    updates(one, NORMAL, 1.2e6, 0.3, 0.0)
    assert 1.2e6 <= one.rate < 1.22e6


def test_overuse_takes_it_below_what_arrives() -> None:
    one = control()
    now = updates(one, NORMAL, 9e5, 1.0, 0.0)
    updates(one, OVERUSED, 8e5, 0.1, now)
    assert one.rate == pytest.approx(BETA * 8e5)


def test_within_a_round_trip_it_is_lowered_once() -> None:
    one = control()
    one.update(OVERUSED, 9e5, 0.2, 1.0)
    one.update(OVERUSED, 7e5, 0.2, 1.1)
    assert one.rate == pytest.approx(BETA * 9e5)
    one.update(OVERUSED, 7e5, 0.2, 1.21)
    assert one.rate == pytest.approx(BETA * 7e5)


def test_where_little_is_sent_it_is_lowered_by_a_share_once_a_round_trip() -> None:
    one = control(1e6)
    for now in (1.0, 1.05, 1.11):
        one.update(OVERUSED, 5e4, ROUND_TRIP, now, unfilled=True)
    assert one.rate == pytest.approx(BETA * BETA * 1e6)
    one.update(OVERUSED, 5e4, ROUND_TRIP, 1.22)
    assert one.rate == pytest.approx(BETA * 5e4)


def test_a_queue_that_drains_holds_it() -> None:
    one = control()
    updates(one, UNDERUSED, 9e5, 5.0, 0.0)
    assert one.rate == 1e6


def test_near_where_the_link_was_full_it_grows_slowly() -> None:
    one = control()
    now = 0.0
    for _ in range(6):
        now = updates(one, NORMAL, 8e5, 0.5, now)
        now = updates(one, OVERUSED, 9.5e5, 0.1, now)
    low = one.rate
    updates(one, NORMAL, 8e5, 1.1, now)
    assert low < one.rate < low * 1.06


def test_far_above_where_the_link_was_full_it_grows_fast_again() -> None:
    one = control()
    now = updates(one, OVERUSED, 5e5, 0.1, 0.0)
    now = updates(one, NORMAL, 2e6, 0.5, now)
    before = one.rate
    updates(one, NORMAL, 2e6, 1.0, now)
    assert one.rate == pytest.approx(before * 1.08, rel=0.01)


@pytest.mark.parametrize("usage", list(Usage))
def test_it_keeps_within_its_limits(usage: Usage) -> None:
    for acknowledged in (0.0, 1.0, 1e4, 1e9):
        one = control()
        updates(one, usage, acknowledged, 60.0, 0.0)
        assert 3e4 <= one.rate <= 5e6
