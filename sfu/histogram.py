"""A histogram of plain integers, cheap enough to feed anywhere; the metrics collector reads it when scraped."""

from __future__ import annotations

from bisect import bisect_left


class Histogram:
    """Counts of values by upper bound, in the unit of `bounds` (seconds, ratios, bits per second)."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count `value` (less or equal to its bound, as Prometheus has it)."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times
