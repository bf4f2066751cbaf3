"""What arrives: the rate at which the receiver gets what it is sent (the draft's R_hat, 5.5), over the last half second.

A plain window, which stalls and bursts of a radio link, or of a busy machine, do not bend: all that arrived in it counts once.
"""

from __future__ import annotations

from collections import deque

BUCKET = 0.05  # seconds
BUCKETS = 10
"""Of the window, which is half a second: as long as the draft has it."""
STALL = 3
"""Buckets without anything, though packets were sent in them, after which the way may just have held them back: TCP that waits for a
packet, a radio link that changes its cell …"""
HELD_BACK = 0.1
"""… seconds longer than their sender had paused, at least."""

_BUCKET = BUCKET  # asked for with every packet: compiled, it is no object


class AcknowledgedRate:
    """Fed with each packet that arrived, by the receiver's clock."""

    __slots__ = ("_arrival", "_bytes", "_full", "_number", "_sent", "_silent", "_sum", "rate")

    def __init__(self) -> None:
        self.rate = 0.0
        """Bits per second; 0 until known."""
        self._number = -1
        """Of the bucket at hand, since the receiver's clock began."""
        self._bytes = 0
        self._silent = 0
        """Buckets before it in which nothing came, of which it is not known yet whether the way stalled or is slow."""
        self._sent = self._arrival = 0.0
        self._full: deque[int] = deque()
        self._sum = 0

    def add(self, sent: float, arrival: float, size: int) -> None:
        """A packet of `size` bytes arrived. What was overtaken counts with what is at hand."""
        bucket = arrival / _BUCKET
        if bucket >= self._number + 1:
            self._advance(int(bucket), arrival - self._arrival - (sent - self._sent))
        elif bucket < self._number - BUCKETS:
            # The receiver's clock was set back: what is known of before stays until a window is full by the new one.
            self._begin()
            self._number = int(bucket)
            self._bytes = 0
        self._bytes += size
        self._sent, self._arrival = sent, arrival

    def found(self, rate: float) -> None:
        """It is known better, and that what came before says nothing of it."""
        self.rate = rate
        self._begin()

    def _advance(self, number: int, later: float) -> None:
        """The bucket at hand is over. `later` is by how much longer the next packet took to come than the one before it."""
        passed = number - self._number
        if self._number < 0 or passed > BUCKETS:
            # A pause says nothing of the way: the window begins anew, and the rate stays until it is full.
            self._begin()
        else:
            self._finish()
            if len(self._full) == BUCKETS and passed > STALL and later > HELD_BACK:
                # Only where the window is full: what stalls all the time is slow.
                self._silent = passed - 1
            else:
                self._push_silence(passed - 1)
            if len(self._full) == BUCKETS:
                self.rate = 8.0 * self._sum / (BUCKETS * BUCKET)
        self._number = number
        self._bytes = 0

    def _finish(self) -> None:
        silent, self._silent = self._silent, 0
        if silent and 8.0 * self._bytes / BUCKET >= self.rate:
            # What was held back comes at once, as fast as ever: the silence is no measure of the way, as a pause is none.
            self._begin()
            return
        self._push_silence(silent)
        self._push(self._bytes)

    def _begin(self) -> None:
        self._full.clear()
        self._sum = 0
        self._silent = 0

    def _push_silence(self, count: int) -> None:
        for _ in range(count):
            self._push(0)

    def _push(self, count: int) -> None:
        self._full.append(count)
        self._sum += count
        if len(self._full) > BUCKETS:
            self._sum -= self._full.popleft()
