"""What arrives: the rate at which the receiver gets what it is sent (the draft's R_hat, 5.5), over the last half second.

A plain window, which stalls and bursts of a radio link, or of a busy machine, do not bend: all that arrived in it counts once.
"""

from __future__ import annotations

from collections import deque

BUCKET = 0.05  # seconds
BUCKETS = 10
"""Of the window, which is half a second: as long as the draft has it."""


class AcknowledgedRate:
    """Fed with each packet that arrived, by the receiver's clock."""

    __slots__ = ("_bytes", "_full", "_number", "_sum", "rate")

    def __init__(self) -> None:
        self.rate = 0.0
        """Bits per second; 0 until known."""
        self._number = -1
        """Of the bucket at hand, since the receiver's clock began."""
        self._bytes = 0
        self._full: deque[int] = deque()
        self._sum = 0

    def add(self, arrival: float, size: int) -> None:
        """A packet of `size` bytes arrived. What was overtaken counts with what is at hand."""
        number = int(arrival / BUCKET)
        if number > self._number:
            self._advance(number)
        self._bytes += size

    def _advance(self, number: int) -> None:
        passed = number - self._number
        if self._number < 0 or passed > BUCKETS:
            # A pause says nothing of the way: the window begins anew, and the rate stays until it is full.
            self._full.clear()
            self._sum = 0
        else:
            self._push(self._bytes)
            for _ in range(passed - 1):
                self._push(0)
            if len(self._full) == BUCKETS:
                self.rate = 8.0 * self._sum / (BUCKETS * BUCKET)
        self._number = number
        self._bytes = 0

    def _push(self, count: int) -> None:
        self._full.append(count)
        self._sum += count
        if len(self._full) > BUCKETS:
            self._sum -= self._full.popleft()
