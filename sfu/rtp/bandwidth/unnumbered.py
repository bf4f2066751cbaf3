"""The estimate of a sender's way, at the receiver, where packets have no transport-wide numbers: by the timestamps of its pictures.

As Google congestion control was at first (draft-alvestrand-rmcat-congestion-03): a picture that takes longer to come than the one before it
has waited in a queue. A timestamp says when a picture was taken, not when it was sent, so this is coarser than feedback is, and begins at
the most that the sender may send: it takes away where the way is seen to be full, and gives back.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfu.rtp.bandwidth.acknowledged import AcknowledgedRate
from sfu.rtp.bandwidth.arrival_groups import ArrivalGroups
from sfu.rtp.bandwidth.overuse import OveruseDetector, Usage
from sfu.rtp.bandwidth.rate_control import RateControl
from sfu.rtp.bandwidth.trendline import Trendline
from sfu.rtp.seq import distance32

CLOCK_RATE = 90_000  # Hz, of every picture's timestamps
QUIET = 1.0
"""Seconds without a picture, or by which its timestamps go another way than time does, after which a stream begins anew."""


class _Stream:
    """One SSRC. The timestamps of different ones have nothing to do with each other."""

    __slots__ = ("arrived", "detector", "groups", "moment", "timestamp", "trendline")

    def __init__(self, timestamp: int, now: float) -> None:
        self.timestamp = timestamp
        self.moment = QUIET
        """Seconds, of the sender's clock since somewhere."""
        self.arrived = now
        self.groups = ArrivalGroups()
        self.trendline = Trendline()
        self.detector = OveruseDetector()


class UnnumberedEstimator:
    """All pictures of one sender."""

    __slots__ = ("_acknowledged", "_control", "_streams")

    def __init__(self, least: float, most: float) -> None:
        """Bits per second. `most` is the estimate until the way was seen to be full."""
        self._control = RateControl(most, min(least, most), most)
        self._acknowledged = AcknowledgedRate()
        self._streams: dict[int, _Stream] = {}

    @property
    def rate(self) -> float:
        """Bits per second that the way takes, of pictures."""
        return self._control.rate

    def take(self, pictures: Sequence[float], round_trip: float) -> bool:
        """Pictures that came, four numbers each: SSRC, timestamp, bytes, and when the last packet of it came. True: the way was seen to be
        full, and the estimate fell.
        """
        before = self._control.rate
        for at in range(0, len(pictures), 4):
            ssrc, timestamp, size, arrived = pictures[at : at + 4]
            self._came(int(ssrc), int(timestamp), int(size), round_trip, arrived)
        return self._control.rate < before

    def _came(self, ssrc: int, timestamp: int, size: int, round_trip: float, arrived: float) -> None:
        if timestamp < 0:
            return  # nothing has come before the first
        self._acknowledged.add(arrived, arrived, size)  # when it was sent nobody says
        stream = self._streams.get(ssrc)
        if stream is None:
            stream = self._streams[ssrc] = _Stream(timestamp, arrived)
        step = distance32(timestamp, stream.timestamp) / CLOCK_RATE
        if arrived - stream.arrived > QUIET or abs(step) > QUIET:
            stream = self._streams[ssrc] = _Stream(timestamp, arrived)
            step = 0.0
        stream.arrived = arrived
        if step < 0:
            return
        stream.timestamp = timestamp
        stream.moment += step
        groups = stream.groups
        if groups.add(stream.moment, arrived):
            stream.trendline.add(groups.send_delta, groups.arrival_delta, arrived)
            stream.detector.update(stream.trendline.slope, stream.trendline.count, groups.send_delta, arrived)
            self._control.update(self._usage(arrived), self._acknowledged.rate, round_trip, arrived)

    def forget(self, ssrc: int) -> None:
        """The stream has ended."""
        self._streams.pop(ssrc, None)

    def _usage(self, now: float) -> Usage:
        """All streams go one way: where one of them waits, it is full."""
        found = {stream.detector.usage for stream in self._streams.values() if now - stream.arrived <= QUIET}
        return next(usage for usage in (Usage.OVERUSED, Usage.UNDERUSED, Usage.NORMAL) if usage in found)
