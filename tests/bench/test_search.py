from __future__ import annotations

from dataclasses import replace

import pytest

from bench.orders import Measured
from bench.search import TRIALS, at_fault, following, well

GOOD = Measured(
    seconds=2.0, people=3, join_seconds=0.1, sent=1_000, expected=2_000, by_gaps=False, received=2_000, octets=1,
    checked=2_000, reordered=0, corrupt=0, refused=0, unexpected=0, nacks=0, keyframes_asked=0, socket_drops=0,
    server_user=1.5, server_system=0.4, generator_cpu=1.0, memory_before=1, memory_after=2, late_ms_p99=1.0,
    latency_ms_p50=1.0, latency_ms_p99=19.9, latency_ms_p999=30.0, srtp_profile="",
)  # fmt: skip


def found(carried: int, most: int) -> tuple[int, int]:
    """What a search gives for a server that carries so many visits, and how many trials it takes."""
    low, high, count, trials = 0, most + 1, min(4, most), 0
    while trials < TRIALS and low < count < high:
        trials += 1
        if count <= carried:
            low = count
        else:
            high = count
        count = following(low, high, most)
    return low, trials


@pytest.mark.parametrize("carried", [0, 1, 3, 4, 5, 7, 16, 37, 63, 64, 90])
def test_the_search_comes_near_and_never_above(carried: int) -> None:
    low, trials = found(carried, most=64)
    assert low <= min(carried, 64)
    assert min(carried, 64) - low <= max(1, 0.07 * carried)
    assert trials <= TRIALS


def test_a_trial_is_well_below_both_bounds_alone() -> None:
    assert well(GOOD)
    assert not well(replace(GOOD, latency_ms_p99=20.0))
    assert not well(replace(GOOD, latency_ms_p99=None))
    assert not well(replace(GOOD, received=1_998))


@pytest.mark.parametrize(
    ("measured", "fault"),
    [
        (GOOD, "server"),
        (replace(GOOD, generator_cpu=1.9), "generator"),
        (replace(GOOD, socket_drops=1), "generator"),
        (replace(GOOD, server_user=0.2, server_system=0.1), "machine"),
        (replace(GOOD, server_user=0.2, server_system=0.1, late_ms_p99=50.0), "machine"),
    ],
)
def test_what_gave_way_is_who_was_busy(measured: Measured, fault: str) -> None:
    assert at_fault(measured) == fault
