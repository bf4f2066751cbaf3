"""The estimate of one receiver's way down, from all that it tells: transport-wide feedback or REMB, and loss (draft-ietf-rmcat-gcc-02)."""

from __future__ import annotations

from sfu.rtp.bandwidth.acknowledged import AcknowledgedRate
from sfu.rtp.bandwidth.arrival_groups import ArrivalGroups
from sfu.rtp.bandwidth.loss import LOW, LossControl
from sfu.rtp.bandwidth.onset import Onset
from sfu.rtp.bandwidth.overuse import OveruseDetector, Usage
from sfu.rtp.bandwidth.probing import Probe, ProbePlan
from sfu.rtp.bandwidth.rate_control import RateControl
from sfu.rtp.bandwidth.sent import ANSWERED, SentPackets
from sfu.rtp.bandwidth.trendline import Trendline
from sfu.rtp.transport_feedback import DELTA_UNIT, REFERENCE_UNIT, TransportFeedback

START = 300_000.0  # bits per second, until something is known
LEAST = 30_000.0  # bits per second: sound goes on whatever happens
MOST = 20_000_000.0  # bits per second: a dozen good pictures
DEFAULT_ROUND_TRIP = 0.1  # seconds, until known
FORGET = 2.0
"""Seconds without feedback after which delays of before are not compared with those after."""
SILENCE = 3.0
"""Seconds in which packets are sent and no feedback comes, after which the estimate is halved, and each second after that again."""
DRAINING = 1.0
"""Seconds after the way has suddenly taken far less, in which what was sent before still waits on it."""
CONGESTED = 5.0  # seconds after a delay or a loss has lowered the estimate
SETTLING = 2.0
"""Seconds from the first feedback in which probes and what arrives may find the rate. Until then it is a guess, also where the first probes
came back slower than they were sent, which may be our own lateness: pictures go out unless the way is seen to be full."""
REMB_LASTS = 5.0  # seconds; receivers repeat theirs every second
LIMITED = 0.65
"""Of the estimate: where less than this is sent, nothing is learnt of whether it holds."""
UNFILLED = 1.0
"""Seconds for which less than that was sent, after which a delay that grows is not by what is sent, as long as that arrives."""
CARRIED = 0.6
"""Of what is sent, what arrives at least where it is carried: both are means, over half a second each but not the same one."""
SENDING_WINDOW = 0.5  # seconds over which the sending rate is smoothed

_HALF_REFERENCE = 1 << 23
_ALL_REFERENCE = 1 << 24


class Estimator:
    """One receiver's. `sent` is noted by whoever sends; everything else comes from feedback."""

    def __init__(
        self, sent: SentPackets, *, start: float = START, least: float = LEAST, most: float = MOST, now: float
    ) -> None:
        self.least = least
        self.most = most
        self.round_trip = DEFAULT_ROUND_TRIP
        """Seconds, by the receiver's reports; whoever knows better sets it."""
        self.feedback_at: float | None = None
        """When transport-wide feedback came last; None where there never was any."""
        self.probe: Probe | None = None
        """The one under way."""
        self.sending = 0.0
        """Bits per second sent of late, probes included."""
        self._sent = sent
        self._delay = RateControl(start, least, most)
        self._loss = LossControl(least, most)
        self._plan = ProbePlan(start)
        self._acknowledged = AcknowledgedRate()
        self._remb = most
        self._remb_at = float("-inf")
        self._reference = 0
        self._reference_24 = -1
        self._silent_since = now
        self._total = sent.total
        self._total_at = now
        self._began_at = now
        self._settled = False
        self._fell_at = float("-inf")
        self._narrowed_at = float("-inf")
        self._filled_at = now
        self._restart()

    def _restart(self) -> None:
        self._groups = ArrivalGroups()
        self._trendline = Trendline()
        self._detector = OveruseDetector()
        self._onset = Onset()

    def rate(self, now: float) -> float:
        """Bits per second that the way takes, of all that is sent to the receiver; until anything is `known`, the start rate."""
        rate = min(self._loss.rate, self._remb if now - self._remb_at <= REMB_LASTS else self.most)
        if self.feedback_at is not None or not self.known(now):
            rate = min(rate, self._delay.rate)
        return max(rate, self.least)

    def known(self, now: float) -> bool:
        """Whether the receiver has told enough to estimate from. If not, nobody should be held to `rate`."""
        if self.feedback_at is not None:
            return self._settled
        return now - self._remb_at <= REMB_LASTS or self._loss.rate < self._loss.most

    def congested(self, now: float) -> bool:
        """Whether the way was seen to be full of late. If not, an estimate may just be what nobody has tried to exceed."""
        return now - self._fell_at < CONGESTED

    def draining(self, now: float) -> bool:
        """Whether the way suddenly takes far less than was sent on it, so that its queue is full of what was sent before."""
        return now - self._narrowed_at < DRAINING

    @property
    def usage(self) -> Usage:
        return self._detector.usage

    @property
    def acknowledged(self) -> float:
        """Bits per second that arrive; 0 until known."""
        return self._acknowledged.rate

    @property
    def loss(self) -> float:
        """The share of packets lost of late."""
        return self._loss.loss

    def feedback(self, feedback: TransportFeedback, now: float) -> None:
        """Transport-wide feedback came in."""
        if self.feedback_at is not None and now - self.feedback_at > FORGET:
            self._restart()
        elif self.feedback_at is None:
            self._began_at = now
        self.feedback_at = self._silent_since = now
        before = self.rate(now)
        self._measure_sending(now)
        received, lost = self._read(feedback)
        acknowledged = self._acknowledged.rate
        carried = self._onset.rate(self.sending)
        if carried and self._delay.narrow(carried, now):
            self._acknowledged.found(carried)
            acknowledged = carried
            self.probe = None
            self._narrowed_at = now
        elif received:
            unfilled = self._unfilled(acknowledged, now)
            self._delay.update(self._detector.usage, acknowledged, self.round_trip, now, unfilled)
        self._loss.count(received + lost, lost, now, self.round_trip, max(self.sending, self.least), acknowledged)
        if acknowledged and self._detector.usage is Usage.NORMAL and self._loss.ours < LOW:
            self._loss.allow(acknowledged)
        self._finish_probe(now)
        after = self.rate(now)
        if after < before:
            self._fell_at = now
            self._plan.fell(before, after, now)
        self._settled = self._settled or after < before or now - self._began_at >= SETTLING

    def _unfilled(self, acknowledged: float, now: float) -> bool:
        """Whether far less than the estimate has been sent for a while, and arrives."""
        if self.sending >= LIMITED * self._delay.rate:
            self._filled_at = now
        return now - self._filled_at > UNFILLED and acknowledged >= CARRIED * self.sending

    def _read(self, feedback: TransportFeedback) -> tuple[int, int]:
        """Go through the arrivals; how many were told anew as received and as lost, less those that were told lost before and have come."""
        sent = self._sent
        groups, trendline, detector, onset = self._groups, self._trendline, self._detector, self._onset
        acknowledged, probe = self._acknowledged, self.probe
        arrival = self._unroll(feedback.reference_time) * REFERENCE_UNIT
        number = sent.extend(feedback.base_sequence)
        received = lost = 0
        for delta in feedback.arrivals:
            if delta is not None:
                arrival += delta * DELTA_UNIT
            if not sent.known(number):
                number += 1
                continue
            if delta is None:
                lost += sent.lose(number)
                number += 1
                continue
            sent_at = sent.sent_at(number)
            size = sent.take(number)
            if size != ANSWERED:
                if size < ANSWERED:
                    # Overtaken, and not lost.
                    size = -size
                    lost -= 1
                received += 1
                acknowledged.add(sent_at, arrival, size)
                onset.add(sent_at, arrival, size)
                if probe is not None:
                    probe.arrived(number, sent_at, arrival, size)
                if groups.add(sent_at, arrival):
                    trendline.add(groups.send_delta, groups.arrival_delta, arrival)
                    detector.update(trendline.slope, trendline.count, groups.send_delta, arrival)
            number += 1
        return received, lost

    def _unroll(self, reference: int) -> int:
        if self._reference_24 >= 0:
            step = (reference - self._reference_24) % _ALL_REFERENCE
            self._reference += step if step < _HALF_REFERENCE else step - _ALL_REFERENCE
        self._reference_24 = reference
        return self._reference

    def moved(self, now: float) -> None:
        """The receiver has another address: delays, and what was found of link and loss, were another way's. The rate is tried anew."""
        self._restart()
        self._delay.forget()
        self._loss = LossControl(self.least, self.most)
        self._fell_at = float("-inf")
        self.probe = None
        self._plan.moved(self.rate(now))

    def _measure_sending(self, now: float) -> None:
        passed = now - self._total_at
        if passed <= 0:
            return
        rate = 8.0 * (self._sent.total - self._total) / passed
        self.sending += (rate - self.sending) * min(passed / SENDING_WINDOW, 1.0)
        self._total = self._sent.total
        self._total_at = now

    def report(self, packets: int, fraction_lost: float, now: float) -> None:
        """A receiver report came in, of `packets` of which this share was lost. Transport-wide feedback tells it sooner and better."""
        if self.feedback_at is None:
            self._measure_sending(now)
            lost = round(packets * fraction_lost)
            self._loss.count(packets, lost, now, self.round_trip, max(self.sending, self.least), 0.0)

    def remb(self, bitrate: float, now: float) -> None:
        """The receiver's own estimate came in (draft-alvestrand-rmcat-remb)."""
        self._remb = bitrate
        self._remb_at = now

    def silence(self, now: float) -> bool:
        """To be asked about once a second. True: packets are sent and none is told of, so the estimate was halved."""
        if self.feedback_at is None or now - self._silent_since < SILENCE:
            return False
        self._silent_since = now - SILENCE + 1.0
        if self._sent.total == self._total:
            return False
        self._total = self._sent.total
        self._total_at = now
        before = self.rate(now)
        self._delay.set(before / 2, now)
        self._plan.fell(before, self.rate(now), now)
        return True

    def may_probe(self, now: float) -> bool:
        """Whether it may be time for a probe; if not, `begin_probe` gives none."""
        return self.feedback_at is not None and self._plan.may(now)

    def begin_probe(self, wanted: float, now: float) -> Probe | None:
        """A probe to send now, if it is time for one. Beyond `wanted` bits per second nobody has use for it."""
        if self.feedback_at is None:
            return None
        if self.probe is not None:
            if not self.probe.expired(now):
                return None
            self.probe = None
        # What was found long ago says nothing of the way now, and where nothing is sent nothing else will be found.
        if now - self.feedback_at <= FORGET and self._detector.usage is not Usage.NORMAL:
            return None
        estimate = self.rate(now)
        rate = self._plan.next(estimate, min(wanted, self.most), self.sending < LIMITED * estimate, now)
        if not rate:
            return None
        self.probe = Probe(rate, self._sent.total, self._sent.next, now)
        return self.probe

    def _finish_probe(self, now: float) -> None:
        probe = self.probe
        if probe is None:
            return
        found = probe.result()
        if not found and not probe.expired(now):
            return
        self.probe = None
        if found and self._detector.usage is not Usage.OVERUSED:
            self._plan.found(probe.rate, found)
            if found > self._delay.rate:
                self._delay.set(found, now)
            self._loss.allow(found)
