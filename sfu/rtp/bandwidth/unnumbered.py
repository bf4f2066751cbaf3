"""The estimate of a sender's way, at the receiver, where packets have no transport-wide numbers: by the timestamps of its pictures.

As Google congestion control was at first (draft-alvestrand-rmcat-congestion-03): a picture that takes longer to come than the one before it
has waited in a queue. A timestamp says when a picture was taken, not when it was sent, so this is coarser than feedback is, and begins at
the most that the sender may send: it takes away where the way is seen to be full, and gives back. A queue too short to wait in is seen by
what it loses; the draft leaves that to the sender, but who sends without numbers may heed nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sfu.rtp.bandwidth.acknowledged import AcknowledgedRate
from sfu.rtp.bandwidth.arrival_groups import ArrivalGroups
from sfu.rtp.bandwidth.loss import LOW, LossControl
from sfu.rtp.bandwidth.overuse import OveruseDetector, Usage
from sfu.rtp.bandwidth.rate_control import RateControl
from sfu.rtp.bandwidth.trendline import Trendline
from sfu.rtp.seq import distance32

CLOCK_RATE = 90_000  # Hz, of every picture's timestamps
QUIET = 1.0
"""Seconds without a picture, or by which its timestamps go another way than time does, after which a stream begins anew."""


class _Stream:
    """One SSRC. The timestamps of different ones have nothing to do with each other."""

    __slots__ = ("arrived", "detector", "expected", "groups", "lost", "moment", "timestamp", "trendline")

    def __init__(self, timestamp: int, now: float) -> None:
        self.timestamp = timestamp
        self.moment = QUIET
        """Seconds, of the sender's clock since somewhere."""
        self.arrived = now
        self.groups = ArrivalGroups()
        self.trendline = Trendline()
        self.detector = OveruseDetector()
        self.expected = -1
        """Packets sent and lost until they were last counted; -1: they were not."""
        self.lost = 0


class UnnumberedEstimator:
    """All pictures of one sender."""

    __slots__ = ("_acknowledged", "_delay", "_loss", "_streams")

    def __init__(self, least: float, most: float) -> None:
        """Bits per second. `most` is the estimate until the way was seen to be full."""
        self._delay = RateControl(most, min(least, most), most)
        self._loss = LossControl(min(least, most), most)
        self._acknowledged = AcknowledgedRate()
        self._streams: dict[int, _Stream] = {}

    @property
    def rate(self) -> float:
        """Bits per second that the way takes, of pictures."""
        return min(self._delay.rate, self._loss.rate)

    def take(
        self, pictures: Sequence[float], counts: Iterable[tuple[int, int, int]], round_trip: float, now: float
    ) -> bool:
        """What came since the last time. True: the way was seen to be full, and the estimate fell.

        `pictures`: four numbers each, SSRC, timestamp, bytes, and when the last packet of it came. `counts`, of each stream: its SSRC, how
        many packets it had in all, and how many of them were lost, whether they were sent again or not.
        """
        before = self.rate
        for at in range(0, len(pictures), 4):
            ssrc, timestamp, size, arrived = pictures[at : at + 4]
            self._came(int(ssrc), int(timestamp), int(size), round_trip, arrived)
        self._count(counts, round_trip, now)
        return self.rate < before

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
            self._delay.update(self._usage(arrived), self._acknowledged.rate, round_trip, arrived)

    def _count(self, counts: Iterable[tuple[int, int, int]], round_trip: float, now: float) -> None:
        packets = lost = 0
        for ssrc, expected, missing in counts:
            stream = self._streams.get(ssrc)
            if stream is None:
                continue
            if 0 <= stream.expected <= expected:  # else it is counted from now on, or has begun anew
                packets += expected - stream.expected
                lost += missing - stream.lost
            stream.expected, stream.lost = expected, missing
        arrived = self._acknowledged.rate
        # What is sent nobody says either: so much more than arrives as there are more packets.
        sent = arrived * packets / (packets - lost) if arrived and packets > lost else self._loss.rate
        self._loss.count(packets, lost, now, round_trip, sent, arrived)
        if arrived and self._loss.ours < LOW and self._usage(now) is Usage.NORMAL:
            self._loss.allow(arrived)

    def forget(self, ssrc: int) -> None:
        """The stream has ended."""
        self._streams.pop(ssrc, None)

    def _usage(self, now: float) -> Usage:
        """All streams go one way: where one of them waits, it is full."""
        found = {stream.detector.usage for stream in self._streams.values() if now - stream.arrived <= QUIET}
        return next((usage for usage in (Usage.OVERUSED, Usage.UNDERUSED) if usage in found), Usage.NORMAL)
