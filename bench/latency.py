"""Counts of latencies, fine enough for percentiles and bounded however long a run is."""

from __future__ import annotations

RESOLUTION = 10_000  # nanoseconds a bin
BINS = 100_000  # up to one second; what is slower counts as one second


class Latencies:
    """Nanoseconds, counted in bins of 10 µs."""

    __slots__ = ("_bins", "count")

    def __init__(self) -> None:
        self._bins = [0] * BINS
        self.count = 0

    def add(self, nanoseconds: int) -> None:
        """Count one. A negative one, which only a clock that was set back can make, counts as none at all."""
        number = nanoseconds // RESOLUTION
        self._bins[0 if number < 0 else number if number < BINS else BINS - 1] += 1
        self.count += 1

    def percentile_ms(self, share: float) -> float | None:
        """Milliseconds within which `share` (0–1) of all were, rounded up to the bin's end; None where nothing was counted."""
        if self.count == 0:
            return None
        wanted = max(1, -(-self.count * share // 1))
        passed = 0
        for number, count in enumerate(self._bins):
            passed += count
            if passed >= wanted:
                return (number + 1) * RESOLUTION / 1e6
        raise AssertionError("the bins hold `count` values")

    def clear(self) -> None:
        """Begin anew."""
        self._bins = [0] * BINS
        self.count = 0
