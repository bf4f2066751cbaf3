"""Flows over the seeded network of the tests, in virtual time: media that follows its estimate, and TCP beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from sfu.rtp.arrival_log import ArrivalLog
from sfu.rtp.bandwidth.estimator import Estimator
from sfu.rtp.bandwidth.probing import Probe
from sfu.rtp.bandwidth.sent import SentPackets
from sfu.rtp.rtcp import build, parse
from sfu.rtp.transport_feedback import TransportFeedback
from tests.net import Net, Way

FRAME_RATE = 30
PACKET = 1_200  # bytes of media in a packet, about as browsers cut it
PADDING = 1_000  # bytes of a packet that only probes
OVERHEAD = 60  # bytes of RTP, SRTP, UDP and IP around it
AUDIO, AUDIO_INTERVAL = 80, 0.02  # bytes of an Opus packet at 32 kbit/s, seconds between two
PACING = 2.5  # times the rate at which a frame leaves, as browsers do
FEEDBACK_INTERVAL = 0.1  # seconds
FRAME_SPREAD = (0.8, 1.25, 0.95, 1.1, 0.9)  # of the mean; a codec's frames are not of one size
PAUSED = 0.0


@dataclass(slots=True)
class Sample:
    """A flow in one interval of a run."""

    at: float
    estimate: float
    sent: float
    """Bits per second …"""
    arrived: float
    delay: float
    """Seconds that its packets waited before the bottleneck, on average."""
    lost: int


@dataclass(slots=True)
class _Count:
    sent: int = 0
    arrived: int = 0
    packets: int = 0
    waited: float = 0.0
    lost: int = 0


class MediaFlow:
    """One sender whose video follows the estimate at once, up to `most`. Feedback comes as real RTCP over the way back."""

    def __init__(
        self,
        net: Net,
        forward: Way,
        back: Way,
        *,
        start: float = 0.0,
        end: float,
        most: float = 4_000_000.0,
        delay: float = 0.0,
        wanted: float | None = None,
    ) -> None:
        """`delay` seconds are added to each direction, for this flow alone. `wanted` bits per second are probed for (`most`)."""
        self.samples: list[Sample] = []
        self.waits: list[float] = []
        self.most = most
        self._net = net
        self._forward = forward
        self._back = back
        self._end = end
        self._delay = delay
        self._wanted = wanted if wanted is not None else most
        self._sent = SentPackets(first=65_000)
        self._log = ArrivalLog()
        self._estimator: Estimator | None = None
        self._frame = 0
        self._count = _Count()
        self._outgoing = 0.0
        self._paced_until = 0.0
        net.at(start, self._begin)

    @property
    def estimator(self) -> Estimator:
        assert self._estimator is not None, "it has begun"
        return self._estimator

    def _begin(self) -> None:
        self._estimator = Estimator(self._sent, now=self._net.now)
        self._net.every(1 / FRAME_RATE, self._send_frame, self._end)
        self._net.every(AUDIO_INTERVAL, partial(self._send, AUDIO), self._end)
        self._net.every(FEEDBACK_INTERVAL, self._give_feedback, self._end)
        self._net.every(0.5, self._sample, self._end)
        self._net.every(1.0, self._look, self._end)

    def _send_frame(self) -> None:
        now = self._net.now
        rate = min(self.estimator.rate(now), self.most) - 8 * (AUDIO + OVERHEAD) / AUDIO_INTERVAL
        if self.most == PAUSED or rate <= 0:
            return
        size = int(rate / 8 / FRAME_RATE * FRAME_SPREAD[self._frame % len(FRAME_SPREAD)])
        self._frame += 1
        moment = max(now, self._paced_until)
        while size > 0:
            payload = min(size, PACKET)
            self._net.at(moment, partial(self._send, payload))
            moment += 8 * (payload + OVERHEAD) / (PACING * rate)
            size -= payload + OVERHEAD
        self._paced_until = moment

    def _send(self, payload: int) -> None:
        now = self._net.now
        size = payload + OVERHEAD
        number = self._sent.note(size, now)
        self._count.sent += size
        waits = self._forward.queued(now)
        before = self._forward.dropped
        self._net.send(self._forward, size, self._later(partial(self._arrive, number, size)))
        if self._forward.dropped > before:
            self._count.lost += 1
        else:
            self.waits.append(waits)
            self._count.waited += waits
            self._count.packets += 1

    def _arrive(self, number: int, size: int) -> None:
        self._count.arrived += size
        self._log.note(number, self._net.now)

    def _give_feedback(self) -> None:
        for feedback in self._log.feedback(1, 2):
            datagram = build(feedback)
            self._net.send(self._back, len(datagram) + OVERHEAD, self._later(partial(self._take_feedback, datagram)))

    def _later(self, call: Callable[[], None]) -> Callable[[object], None]:
        return lambda _: self._net.after(self._delay, call)

    def _take_feedback(self, datagram: bytes) -> None:
        now = self._net.now
        for packet in parse(datagram):
            assert isinstance(packet, TransportFeedback)
            self.estimator.feedback(packet, now)
        probe = self.estimator.begin_probe(self._wanted, now)
        if probe is not None:
            self._send_probe(probe)

    def _send_probe(self, probe: Probe) -> None:
        now = self._net.now
        while probe.due(self._sent.total, now) > 0:
            self._send(PADDING)
            probe.note(self._sent.total, self._sent.next)
        if not probe.sent and not probe.expired(now):
            self._net.at(probe.wake(PADDING + OVERHEAD, now), partial(self._send_probe, probe))

    def _look(self) -> None:
        self.estimator.silence(self._net.now)

    def _sample(self) -> None:
        count, self._count = self._count, _Count()
        rate = self.estimator.rate(self._net.now)
        waited = count.waited / count.packets if count.packets else 0.0
        self.samples.append(Sample(self._net.now, rate, count.sent * 16.0, count.arrived * 16.0, waited, count.lost))


@dataclass(slots=True)
class TcpFlow:
    """A TCP transfer (Reno): it fills the queue until something is lost, and halves."""

    net: Net
    forward: Way
    back: Way
    end: float
    left: float = float("inf")
    """Bytes that are still to be sent."""
    done: Callable[[], None] | None = None
    """Called once all of them have arrived."""
    arrived: int = 0
    _window: float = 10.0
    _threshold: float = 1e9
    _flying: int = 0
    _recovers_at: float = 0.0
    _size: int = field(default=1_500)

    def begin(self) -> None:
        self._fill()

    def _fill(self) -> None:
        while self._flying < int(self._window) and self.net.now < self.end and self.left > 0:
            self._flying += 1
            self.left -= self._size
            before = self.forward.dropped
            self.net.send(self.forward, self._size, lambda _: self._arrive())
            if self.forward.dropped > before:
                # Noticed by the duplicate acknowledgements of what came after it: about a round trip later.
                self.net.after(2 * self.forward.conditions.delay + self.forward.queued(self.net.now), self._lost)

    def _arrive(self) -> None:
        self.arrived += self._size
        dropped = self.back.dropped
        self.net.send(self.back, 60, lambda _: self._acknowledged())
        if self.back.dropped > dropped:
            # The next acknowledgement, which comes about now, speaks for this one too.
            self.net.after(self.back.conditions.delay, self._acknowledged)

    def _acknowledged(self) -> None:
        self._flying -= 1
        self._window += 1.0 if self._window < self._threshold else 1.0 / self._window
        if self.left <= 0 and not self._flying:
            if self.done is not None:
                self.done()
            return
        self._fill()

    def _lost(self) -> None:
        self._flying -= 1
        self.left += self._size
        if self.net.now >= self._recovers_at:
            self._window = self._threshold = max(self._window / 2, 2.0)
            self._recovers_at = self.net.now + 2 * self.forward.conditions.delay + self.forward.conditions.queue
        self._fill()


OFF = 10.0  # seconds between two downloads, on average
LEAST_FILE, MOST_FILE = 100_000, 1_000_000  # bytes


@dataclass(slots=True)
class Downloads:
    """Somebody who loads one page after the other, each over a TCP connection of its own, and reads between them (RFC 8867 5.7)."""

    net: Net
    forward: Way
    back: Way
    end: float
    chance: Random
    loaded: int = 0
    """Files, so far."""

    def begin(self, *, reading: bool) -> None:
        if reading:
            self.net.after(self.chance.expovariate(1 / OFF), self._load)
        else:
            self._load()

    def _load(self) -> None:
        if self.net.now < self.end:
            size = self.chance.uniform(LEAST_FILE, MOST_FILE)
            TcpFlow(self.net, self.forward, self.back, end=self.end, left=size, done=self._read).begin()

    def _read(self) -> None:
        self.loaded += 1
        self.begin(reading=True)
