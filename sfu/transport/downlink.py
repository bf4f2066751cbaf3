"""The way down to one receiver: what was sent on it, what it takes, and what of the video goes out when it takes less."""

from __future__ import annotations

from sfu.rtp.bandwidth.allowance import Allowance
from sfu.rtp.bandwidth.estimator import SETTLING, Estimator
from sfu.rtp.bandwidth.sent import SentPackets
from sfu.transport.parameters import PeerId

TELL_CHANGE = 0.05
"""Of the estimate: what a change must be so that it is told at once."""


class Downlink:
    """Shared by all streams that one peer is sent."""

    __slots__ = ("_allowance", "_pictured_at", "draining", "estimator", "limited", "peer", "probing", "sent", "told")

    def __init__(self, peer: PeerId, first: int, most: float, now: float) -> None:
        """`first` is the transport-wide number to begin with, `most` the bits per second that an estimate ends at."""
        self.peer = peer
        self.sent = SentPackets(first)
        self.estimator = Estimator(self.sent, most=most, now=now)
        self.told = 0
        """The estimate that was told last; 0 for none."""
        self.probing = False
        """Whether a timer sends the packets of a probe."""
        self.limited = False
        """Whether the way is known to be full, so that video is held to the estimate."""
        self.draining = False
        """Whether the way suddenly takes far less, and its queue is full of what was sent before."""
        self._allowance = Allowance()
        self._pictured_at = float("inf")

    def update(self, now: float) -> bool:
        """After news of the way: whether the estimate is another than was told."""
        known = self.estimator.known(now)
        self.draining = self.estimator.draining(now)
        self.limited = known and (self.estimator.congested(now) or self.estimator.feedback_at is None)
        return known and abs(self.estimator.rate(now) - self.told) > TELL_CHANGE * self.told

    def pictured(self, now: float) -> bool:
        """Of a way on which pictures have gone out: whether they are to be held to its estimate.

        What sound alone has shown of it is a guess, so pictures that come later have as long as those at the start to show more.
        """
        self._pictured_at = min(self._pictured_at, now)
        estimator = self.estimator
        settled = estimator.feedback_at is None or now - self._pictured_at >= SETTLING or estimator.congested(now)
        return settled and estimator.known(now)

    def tell(self, now: float, *, known: bool) -> int:
        """The estimate, to be told now; 0 where it is not, or no more, `known`."""
        self.told = int(self.estimator.rate(now)) if known else 0
        return self.told

    def fill(self, now: float) -> float:
        """How far video runs ahead of what the way takes, of the most that it may; above 1 a frame that begins now is to be left out."""
        return self._allowance.fill(self.sent.total, self.estimator.rate(now), now) if self.limited else 0.0
