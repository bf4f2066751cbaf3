from __future__ import annotations

import pytest

from sfu.rtp.bandwidth.acknowledged import BUCKET, BUCKETS, AcknowledgedRate


def arrivals(rate: AcknowledgedRate, bits_per_second: float, seconds: float, start: float = 0.0) -> float:
    """Packets of 1,000 bytes at a steady pace; gives when the last one came."""
    gap = 8_000 / bits_per_second
    count = int(seconds / gap)
    for index in range(count):
        rate.add(start + index * gap, start + index * gap, 1_000)
    return start + (count - 1) * gap


def test_nothing_is_known_before_the_first_window() -> None:
    rate = AcknowledgedRate()
    arrivals(rate, 1e6, BUCKET * BUCKETS * 0.9)
    assert rate.rate == 0


@pytest.mark.parametrize("bits_per_second", [1e5, 1e6, 8e6])
def test_a_steady_rate_is_found(bits_per_second: float) -> None:
    rate = AcknowledgedRate()
    arrivals(rate, bits_per_second, 3.0)
    assert rate.rate == pytest.approx(bits_per_second, rel=0.1)


def test_a_change_is_followed_within_the_window() -> None:
    rate = AcknowledgedRate()
    end = arrivals(rate, 2e6, 3.0)
    arrivals(rate, 3e5, BUCKET * (BUCKETS + 2), end + 0.026)
    assert rate.rate == pytest.approx(3e5, rel=0.1)


def test_stalls_and_bursts_do_not_bend_it() -> None:
    """A busy machine: everything that arrived in 200 ms is handed on at once."""
    rate = AcknowledgedRate()
    for index in range(1_000):
        rate.add(index * 0.01, index // 20 * 0.2, 1_000)
    assert rate.rate == pytest.approx(8e5, rel=0.25)
    for index in range(1_000, 1_400):
        rate.add(index * 0.01, index // 20 * 0.2, 250)
    assert rate.rate == pytest.approx(2e5, rel=0.25), "what stalls all the time is measured all the same"


def test_a_pause_is_no_rate_of_zero() -> None:
    rate = AcknowledgedRate()
    end = arrivals(rate, 1e6, 3.0)
    arrivals(rate, 1e6, 0.3, end + 60.0)
    assert rate.rate > 7e5


def test_what_was_overtaken_counts_too() -> None:
    rate = AcknowledgedRate()
    for index in range(400):
        rate.add(index * 0.01, index * 0.01 - (0.015 if index % 10 == 0 else 0.0), 1_250)
    assert rate.rate == pytest.approx(1e6, rel=0.15)


@pytest.mark.parametrize("stall", [0.2, 0.3, 0.45])
def test_a_way_that_held_everything_back_for_a_moment_is_no_slower(stall: float) -> None:
    """TCP waits for a packet that was lost: nothing comes, and then all of it."""
    rate = AcknowledgedRate()
    end = arrivals(rate, 1e6, 3.0)
    least = rate.rate
    for index in range(1, 200):
        sent = end + index * 0.008
        rate.add(sent, max(sent, end + stall + index * 0.001), 1_000)
        least = min(least, rate.rate)
    assert least > 9e5
    assert rate.rate == pytest.approx(1e6, rel=0.1)


def test_a_way_that_has_become_slow_is_known_as_slow_however_far_apart_its_packets_come() -> None:
    rate = AcknowledgedRate()
    end = arrivals(rate, 1e6, 3.0)
    for index in range(1, 20):
        rate.add(end + index * 0.008, end + index * 0.2, 1_000)
    assert rate.rate == pytest.approx(4e4, rel=0.3)


def test_a_sender_that_paused_was_not_held_back() -> None:
    """A shared screen: five frames a second, each at once."""
    rate = AcknowledgedRate()
    for frame in range(40):
        for _ in range(10 if frame < 20 else 2):
            rate.add(frame * 0.2, frame * 0.2 + 0.03, 1_000)
    assert rate.rate == pytest.approx(8e4, rel=0.3)


def test_a_clock_that_is_set_back_does_not_keep_the_rate_of_before() -> None:
    rate = AcknowledgedRate()
    end = arrivals(rate, 8e6, 3.0, start=1_000.0)
    for index in range(200):
        rate.add(end + index * 0.01, 500.0 + index * 0.01, 200)
    assert rate.rate == pytest.approx(160_000, rel=0.1)
