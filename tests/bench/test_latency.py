from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency import RESOLUTION, Latencies


def counted(values: list[int]) -> Latencies:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    return latencies


@given(st.lists(st.integers(0, 900_000_000), min_size=1, max_size=100), st.sampled_from([0.0, 0.5, 0.99, 0.999, 1.0]))
def test_a_percentile_is_the_value_of_that_rank_within_the_resolution(values: list[int], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(len(values) * share)) - 1]
    given_ns = counted(values).percentile_ms(share)
    assert given_ns is not None
    assert 0 < given_ns * 1e6 - exact <= RESOLUTION * 1.000001


def test_nothing_counted_has_no_percentile() -> None:
    assert Latencies().percentile_ms(0.5) is None


def test_what_is_out_of_range_counts_at_the_range_s_ends() -> None:
    latencies = counted([-5, 10**12])
    assert latencies.percentile_ms(0.5) == pytest.approx(0.01)
    assert latencies.percentile_ms(1.0) == pytest.approx(1000.0)


def test_clear_begins_anew() -> None:
    latencies = counted([1, 2, 3])
    latencies.clear()
    assert latencies.count == 0
    assert latencies.percentile_ms(0.5) is None
