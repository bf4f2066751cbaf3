"""One receiver behind a network in virtual time: pictures as they are allotted, sent as the estimate takes them.

What the plane and the room do is done here in few lines: frames of the layers that are allotted go out with transport-wide numbers, their
receiver's feedback comes back, and what is estimated is allotted anew, five times a second at most, or at once where it falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sfu.app.readings import FALL, STEP_INTERVAL
from sfu.ids import TrackId
from sfu.rooms.allocation import NOTHING, Allotment, allot
from sfu.rooms.ladders import Demand, Layer
from sfu.rooms.pictures import VOICE
from sfu.rtp.arrival_log import ArrivalLog
from sfu.rtp.bandwidth.probing import Probe
from sfu.rtp.bandwidth.restraint import RESUMED, Restraint
from sfu.rtp.transport_feedback import TransportFeedback
from sfu.transport.downlink import Downlink
from sfu.transport.plane import ROOM
from tests.net import Net

FRAMES = 30
PACKET = 1_200  # bytes
KEYFRAME = 4
"""Times a mean frame: what a change of layer costs."""
FEEDBACK = 0.1
PADDING = 250  # bytes
ASKED = 0.05
"""Seconds from asking for a keyframe until it is there."""


@dataclass
class Seen:
    """What the receiver has got of one picture."""

    course: list[tuple[float, tuple[int, int] | None]] = field(default_factory=list)
    """When it began to get which layer; None: paused."""
    arrived: list[float] = field(default_factory=list)
    """When each frame was there, whole."""
    shown: list[float] = field(default_factory=list)
    """When each was that has all it refers to: none is missing since a keyframe. Nothing is sent again here."""
    sent: int = 0
    newest: int = 0
    """The frame that was shown last."""

    def at(self, moment: float) -> tuple[int, int] | None:
        return [layer for since, layer in self.course if since <= moment][-1]

    def freeze(self, begin: float, end: float) -> float:
        """The longest time without a frame, in seconds."""
        return _longest(self.arrived, begin, end)

    def frozen(self, begin: float, end: float) -> float:
        """The same of frames that can be shown."""
        return _longest(self.shown, begin, end)


def _longest(moments: Sequence[float], begin: float, end: float) -> float:
    times = [begin, *(moment for moment in moments if begin < moment < end), end]
    return max(after - before for before, after in pairwise(times))


class Receiver:
    """Somebody who is sent these pictures, and so many voices."""

    def __init__(
        self,
        demands: Sequence[Demand],
        *,
        voices: int = 1,
        seed: int = 1,
        feedback: float = FEEDBACK,
        **conditions: object,
    ) -> None:
        self.net = Net(seed)
        self.feedback = feedback
        self.down = self.net.way(**conditions)
        self.up = self.net.way(delay=0.02)
        self.downlink = Downlink(1, 0, 20e6, 0.0)
        self.arrivals = ArrivalLog()
        self.demands = tuple(demands)
        self.voices = voices
        self.allotment: Allotment = NOTHING
        self.seen: dict[TrackId, Seen] = {demand.track: Seen() for demand in demands}
        self.delays: list[tuple[float, float]] = []
        """When each packet arrived, and how long it took."""
        self._allotted_at = float("-inf")
        self._frames = {demand.track: 0 for demand in demands}
        self._keyframe = {demand.track: True for demand in demands}
        self._waits_until = {demand.track: 0.0 for demand in demands}
        self._restraints = {track: Restraint() for track in self.seen}

    def run(self, until: float) -> None:
        net = self.net
        if net.now == 0.0:
            self._allot()
            forever = 1e9
            net.every(1 / FRAMES, self._frame, forever)
            net.every(0.02, self._voice, forever)
            net.every(self.feedback, self._feedback, forever)
            net.every(STEP_INTERVAL, self._look, forever)
            net.every(1.0, self._mind_silence, forever)
        net.run(until)

    def now_gets(self, track: TrackId) -> tuple[int, int] | None:
        return self.seen[track].at(self.net.now)

    # The room

    def _look(self) -> None:
        """As `Readings` and the room's timer."""
        due = self.allotment.next_timer()
        news = self.downlink.update(self.net.now)
        if news or (due is not None and self.net.now >= due):
            self._allot()

    def _allot(self) -> None:
        now = self.net.now
        estimate = self.downlink.tell(now, known=self.downlink.estimator.known(now))
        before = self.allotment
        self.allotment = allot(self.demands, estimate or None, before, now, sound=self.voices * VOICE)
        for demand in self.demands:
            grant = self.allotment.grants[demand.track]
            layer = None if grant.paused else (grant.spatial, grant.temporal)
            was = before.grants.get(demand.track)
            if was is None or (was.spatial, was.temporal) != (grant.spatial, grant.temporal):
                self.seen[demand.track].course.append((now, layer))
                self._keyframe[demand.track] |= was is None or was.spatial != grant.spatial
                if was is not None and grant.spatial < was.spatial and self.downlink.draining:
                    self._waits_until[demand.track] = now + ROOM + ASKED

    # The plane

    def _mind_silence(self) -> None:
        self.downlink.estimator.silence(self.net.now)

    def _frame(self) -> None:
        now = self.net.now
        for demand in self.demands:
            grant = self.allotment.grants[demand.track]
            self._frames[demand.track] += 1
            layer = _layer(demand, grant.spatial, grant.temporal)
            if now < self._waits_until[demand.track]:
                continue
            if layer is None or self._frames[demand.track] % round(FRAMES / layer.frame_rate):
                continue
            restraint = self._restraints[demand.track]
            restraint.precede(grant.precedence)
            if restraint.begin_frame(self.downlink.fill(now), layered=True) == RESUMED or restraint.left_out:
                self._keyframe[demand.track] = True
            if restraint.left_out:
                continue
            most = restraint.thinned
            thin = _layer(demand, grant.spatial, min(most, grant.temporal)) or layer
            if self._frames[demand.track] % round(FRAMES / thin.frame_rate):
                continue
            size = layer.bits_per_second / 8 / layer.frame_rate
            keyframe = self._keyframe[demand.track]
            if keyframe:
                self._keyframe[demand.track] = False
                size *= KEYFRAME
            self._send_frame(int(size), self.seen[demand.track], keyframe=keyframe)

    def _send_frame(self, size: int, seen: Seen, *, keyframe: bool) -> None:
        missing = list(range(-(-size // PACKET)))
        seen.sent += 1
        number = seen.sent

        def arrived(index: int) -> None:
            missing.remove(index)
            if not missing:
                seen.arrived.append(self.net.now)
                if keyframe or seen.newest == number - 1:
                    seen.newest = number
                    seen.shown.append(self.net.now)

        for index in list(missing):
            self._send(min(PACKET, size - index * PACKET), lambda index=index: arrived(index))

    def _voice(self) -> None:
        for _ in range(self.voices):
            self._send(VOICE // 8 // 50)

    def _send(self, size: int, arrived: object = None) -> None:
        now = self.net.now
        number = self.downlink.sent.note(size, now)

        def deliver(_: object) -> None:
            self.arrivals.note(number, self.net.now)
            self.delays.append((self.net.now, self.net.now - now))
            if callable(arrived):
                arrived()

        self.net.send(self.down, size, deliver)

    def _feedback(self) -> None:
        for packet in self.arrivals.feedback(1, 2):

            def told(_: object, packet: TransportFeedback = packet) -> None:
                estimator = self.downlink.estimator
                estimator.feedback(packet, self.net.now)
                if (
                    self.downlink.update(self.net.now)
                    and estimator.rate(self.net.now) < (1 - FALL) * self.downlink.told
                ):
                    self._allot()
                probe = estimator.begin_probe(1e7, self.net.now)
                if probe is not None:
                    self._pad(probe)

            self.net.send(self.up, 80, told)

    def _pad(self, probe: Probe) -> None:
        sent, now = self.downlink.sent, self.net.now
        while probe.due(sent.total, now) > 0:
            self._send(PADDING)
            probe.note(sent.total, sent.next)
        if not probe.sent and not probe.expired(now):
            self.net.at(probe.wake(PADDING, now), lambda: self._pad(probe))


def _layer(demand: Demand, spatial: int, temporal: int) -> Layer | None:
    return next((layer for layer in demand.layers if (layer.spatial, layer.temporal) == (spatial, temporal)), None)
