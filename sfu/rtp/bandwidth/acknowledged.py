"""What arrives: the rate at which the receiver gets what it is sent (the draft's R_hat, 5.5), smoothed as far as it is certain."""

from __future__ import annotations

FIRST_WINDOW = 0.5  # seconds of the first sample: a start has few packets
WINDOW = 0.15  # seconds of each sample after it
UNCERTAINTY = 10.0
"""How far a sample that is off is mistrusted: the variance given to it grows with its distance from the estimate, in this measure."""
DRIFT = 5.0
"""What the estimate's own variance, in the same measure, grows by from sample to sample."""
FIRST_VARIANCE = 50.0


class AcknowledgedRate:
    """Fed with each packet that arrived, by the receiver's clock."""

    __slots__ = ("_arrived", "_bytes", "_span", "_variance", "newest", "rate")

    def __init__(self) -> None:
        self.rate = 0.0
        """Bits per second; 0 until known."""
        self.newest = (0.0, 0.0)
        """The last two samples, not smoothed: what shows a drop first."""
        self._variance = FIRST_VARIANCE
        self._arrived = -1.0
        self._span = 0.0
        self._bytes = 0

    def add(self, arrival: float, size: int) -> None:
        """A packet of `size` bytes arrived."""
        if self._arrived >= 0:
            gap = arrival - self._arrived
            if gap < 0:
                # Overtaken on the way: it belongs to the sample at hand.
                self._bytes += size
                return
            window = WINDOW if self.rate else FIRST_WINDOW
            self._span += gap
            if gap > window:
                # A pause says nothing of the way.
                self._bytes = 0
                self._span %= window
            if self._span >= window:
                self._sample(8.0 * self._bytes / window)
                self._span -= window
                self._bytes = 0
        self._arrived = arrival
        self._bytes += size

    def _sample(self, sample: float) -> None:
        self.newest = (self.newest[1], sample)
        if not self.rate:
            self.rate = sample
            return
        off = UNCERTAINTY * abs(self.rate - sample) / self.rate
        variance = off * off
        predicted = self._variance + DRIFT
        self.rate = max((variance * self.rate + predicted * sample) / (variance + predicted), 1.0)
        self._variance = variance * predicted / (variance + predicted)
