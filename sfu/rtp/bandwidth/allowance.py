"""How far video may run ahead of the estimate before frames are left out: first those of upper temporal layers, then all.

A queue that is not there: it fills with all that is sent and drains at the estimate. Its receiver's real queue is like it. What
fills it is mostly a source without layers, or the time until a lower layer has begun.
"""

from __future__ import annotations

DELAY = 0.6
"""Seconds that the queue may take to drain; a picture that is later than this is no conversation."""
LEAST = 60_000
"""Bytes that pass at once, however low the estimate: a keyframe, without which there is no picture at all."""
THINNED = ((0.8, 0), (0.6, 1))
"""Of the most, from where on frames above this temporal layer are left out: what nothing refers to goes before everything does."""
DRAINED = 0.3
"""Of the most, what the queue drains to before all goes on: there must be room for the keyframe that it then may begin with."""

UNASKED = 0.5
"""Seconds; while video is held to the estimate, it is asked at every frame."""


class Allowance:
    __slots__ = ("_at", "_queue", "_total")

    def __init__(self) -> None:
        self._queue = 0.0
        self._total = 0
        self._at = -1.0

    def fill(self, total: int, rate: float, now: float) -> float:
        """How full the queue is, of the most; above 1 the next frame is to be left out. `total` bytes have been sent so far, `rate` is
        the estimate.
        """
        return self._update(total, rate, now) / max(LEAST, rate / 8 * DELAY)

    def _update(self, total: int, rate: float, now: float) -> float:
        passed = max(now - self._at, 0.0)
        # What was sent while nobody asked has gone: it was sent by another estimate, and held nothing up.
        if self._at >= 0 and passed <= UNASKED:
            queue = self._queue = max(self._queue + total - self._total - rate / 8 * passed, 0.0)
        else:
            queue = self._queue = 0.0
        self._total = total
        self._at = now
        return queue
