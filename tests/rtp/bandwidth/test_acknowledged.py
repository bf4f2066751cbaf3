from __future__ import annotations

import pytest

from sfu.rtp.bandwidth.acknowledged import BUCKET, BUCKETS, AcknowledgedRate


def arrivals(rate: AcknowledgedRate, bits_per_second: float, seconds: float, start: float = 0.0) -> float:
    """Packets of 1,000 bytes at a steady pace; gives when the last one came."""
    gap = 8_000 / bits_per_second
    count = int(seconds / gap)
    for index in range(count):
        rate.add(start + index * gap, 1_000)
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
        rate.add(index // 20 * 0.2, 1_000)
    assert rate.rate == pytest.approx(8e5, rel=0.25)


def test_a_pause_is_no_rate_of_zero() -> None:
    rate = AcknowledgedRate()
    end = arrivals(rate, 1e6, 3.0)
    arrivals(rate, 1e6, 0.3, end + 60.0)
    assert rate.rate > 7e5


def test_what_was_overtaken_counts_too() -> None:
    rate = AcknowledgedRate()
    for index in range(400):
        rate.add(index * 0.01 - (0.015 if index % 10 == 0 else 0.0), 1_250)
    assert rate.rate == pytest.approx(1e6, rel=0.15)
