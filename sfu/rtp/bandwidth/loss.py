"""The rate that the loss allows (draft-ietf-rmcat-gcc-02 6), and what loss is the way's own.

The draft lowers the rate for as long as more than 10 % is lost, down to nothing where a radio link loses 20 % whatever is sent.
So we look at what the lowering brings: loss that stays the same at half the rate is not ours, and is not answered.
"""

from __future__ import annotations

LOW, HIGH = 0.02, 0.1
"""Below the first the rate may grow, above the second it falls; between them it stays."""
GROWTH = 1.05  # an update below LOW …
UPDATE_INTERVAL = 1.0  # … of which there is one in so many seconds
DECREASE_INTERVAL = 0.3  # seconds between two decreases, and a round trip
MIN_PACKETS = 40
"""Packets that a share is counted of: one of five lost says nothing."""
SMOOTHING = 0.3  # of what the loss was, what each new share replaces …
SLOW_SMOOTHING = 0.1  # … and of the average by which the way's own loss is told
ENDED = HIGH / 2
"""Loss below which what began is over."""
TRIED = 0.5
"""Of the rate at which a loss began: there it is seen whether it has answered."""
UNMOVED = 0.7
"""Of the loss at which it began: what is above this at the lower rate has not answered."""
MARGIN, SUDDEN_MARGIN = 0.05, 0.15  # of loss above the way's own that is ours again: for long, and of late
HEAVY = 0.3  # of loss: then no more is sent than arrives


class LossControl:
    __slots__ = (
        "_began_loss",
        "_began_rate",
        "_decreased_at",
        "_lost",
        "_packets",
        "_slow",
        "_updated_at",
        "_way",
        "least",
        "loss",
        "most",
        "rate",
    )

    def __init__(self, least: float, most: float) -> None:
        self.rate = most
        """No limit until something is lost."""
        self.least = least
        """Below that it would take minutes of growth until anybody saw that the loss is over."""
        self.most = most
        self.loss = 0.0
        """The share of late, 0 … 1."""
        self._slow = 0.0
        self._way = 0.0
        self._began_loss = 0.0
        self._began_rate = 0.0
        self._packets = 0
        self._lost = 0
        self._decreased_at = float("-inf")
        self._updated_at = float("-inf")

    @property
    def ours(self) -> float:
        """The share that is put down to what we send."""
        way = self._way
        return 0.0 if way and self._slow < way + MARGIN and self.loss < way + SUDDEN_MARGIN else self.loss

    def count(self, packets: int, lost: int, now: float, round_trip: float, rate: float, arrived: float) -> None:
        """Of so many packets so many were lost, while they were sent at `rate`, and `arrived` bits per second came (0: not known).

        Below 0 where more have come that were counted as lost than were lost since.
        """
        self._packets += packets
        self._lost += lost
        if self._packets < MIN_PACKETS:
            return
        # What is taken back may have been counted before.
        share = max(self._lost, 0) / self._packets
        self._packets = self._lost = 0
        self.loss += SMOOTHING * (share - self.loss)
        self._slow += SLOW_SMOOTHING * (share - self._slow)
        if self._slow < self._way * UNMOVED:
            self._way = 0.0
        ours = self.ours
        if self._slow < ENDED:
            self._began_rate = 0.0
        # The mean outlives what it is of: with nothing lost any more, what is sent now is not too much.
        if ours > HIGH and share > HIGH and now - self._decreased_at >= DECREASE_INTERVAL + round_trip:
            self._decreased_at = self._updated_at = now
            self._decrease(ours, min(rate, self.rate), arrived)
        elif ours < LOW and now - self._updated_at >= UPDATE_INTERVAL:
            self._updated_at = now
            self.allow(self.rate * GROWTH)

    def allow(self, rate: float) -> None:
        """So much is known to be carried."""
        if rate > self.rate:
            self.rate = min(rate, self.most)

    def _decrease(self, loss: float, rate: float, arrived: float) -> None:
        if not self._began_rate:
            self._began_rate, self._began_loss = rate, loss
        elif rate < self._began_rate * TRIED and self._slow > self._began_loss * UNMOVED:
            self._way = self._slow
            self._began_rate = 0.0
            return
        self.rate = rate * (1 - 0.5 * loss)
        if arrived and loss > HEAVY:
            self.rate = min(self.rate, arrived)
        self.rate = max(self.rate, self.least)
