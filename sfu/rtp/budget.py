"""How much work one peer may cause: a token bucket."""

from __future__ import annotations


class Budget:
    """`burst` at once, `per_second` over time. Full at first."""

    __slots__ = ("_burst", "_left", "_per_second", "_refilled_at")

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = float(burst)
        self._refilled_at = 0.0

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` there is budget for; they are spent."""
        refill = (now - self._refilled_at) * self._per_second
        if refill > 0:
            self._left = min(self._left + refill, self._burst)
            self._refilled_at = now
        granted = min(wanted, int(self._left))
        self._left -= granted
        return granted
