from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp import ntp


def test_seconds_and_fraction_stand_in_32_bits_each() -> None:
    assert ntp.from_seconds(1.5) == 0x0000000180000000
    assert ntp.to_seconds(0x0000000180000000) == 1.5
    assert ntp.middle(0x0123456789ABCDEF) == 0x456789AB


@given(st.floats(0, 4_000_000_000))
def test_seconds_survive_to_a_microsecond(seconds: float) -> None:
    assert ntp.to_seconds(ntp.from_seconds(seconds)) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, 0), (0.5, 32768), (-1.0, 0), (65535.0, 65535 * 65536), (1e9, 0xFFFFFFFF)]
)
def test_a_span_stays_within_its_32_bits(seconds: float, expected: int) -> None:
    assert ntp.short(seconds) == expected


def test_the_example_of_rfc_3550() -> None:
    """Figure 2 in 6.4.1: 6.125 s round trip."""
    assert ntp.round_trip(0xB710_8000, 0xB705_2000, 0x0005_4000) == 6.125


@pytest.mark.parametrize(
    ("arrival", "last_sr", "delay"),
    [(100, 0, 0), (100, 0, 5), (100, 90, 20), (100, 200, 0), (100, 50, 0x7FFF_FFFF)],
)
def test_what_does_not_go_together_gives_no_round_trip(arrival: int, last_sr: int, delay: int) -> None:
    assert ntp.round_trip(arrival, last_sr, delay) == -1.0


@given(st.integers(1, 0xFFFFFFFF), st.integers(0, 100_000), st.integers(0, 1_000_000))
def test_round_trips_cross_the_wrap(last_sr: int, there_and_back: int, delay: int) -> None:
    arrival = (last_sr + delay + there_and_back) & 0xFFFFFFFF
    assert ntp.round_trip(arrival, last_sr, delay) == there_and_back / 65536
