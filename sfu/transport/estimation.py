"""Transport-wide feedback both ways: what senders are told of their packets, and what receivers tell makes of the ways to them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sfu.rtp import rtcp
from sfu.rtp.bandwidth.probing import Probe
from sfu.rtp.bandwidth.unnumbered import UnnumberedEstimator
from sfu.rtp.transport_feedback import TransportFeedback
from sfu.transport.counters import Counters, Kind
from sfu.transport.media_peer import MediaPeer
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import Estimates, PeerId
from sfu.transport.retransmissions import PADDING
from sfu.transport.timers import EVERYBODY, Timers

FEEDBACK_INTERVAL = 0.1
"""Seconds between two feedbacks to a sender, at most: browsers react within it."""
MANY = 64
"""Arrivals after which the next one comes sooner …"""
SHORT_FEEDBACK_INTERVAL = 0.05
"""… after so many seconds: above 640 packets a second. What is told stays far below five per cent of what is received."""
TELL_INTERVAL = 1.0
"""Seconds between two times that all estimates are told."""
DEFAULT_ROUND_TRIP = 0.1
"""Seconds, until a report has told better."""
LEAST_LEAVE = 100_000
"""Bits per second that a sender of pictures is always given leave for: below that there is nothing to see."""
HEADROOM = 1.2
"""Times what all video sections of a receiver could get at most: beyond that nothing is probed for."""

Send = Callable[[MediaPeer, list[rtcp.ReportBlock], list[rtcp.Packet]], None]


class Estimation:
    """Of all peers of a plane."""

    def __init__(
        self,
        peers: dict[PeerId, MediaPeer],
        timers: Timers,
        counters: Counters,
        send: Send,
        report_soon: Callable[[MediaPeer, float], None],
        *,
        sender_cap: int,
    ) -> None:
        """`send` hands RTCP to a peer, `report_soon` has it reported to; `sender_cap` is what one sender may send, in bits per second."""
        self._peers = peers
        self._timers = timers
        self._counters = counters
        self._send = send
        self._report_soon = report_soon
        self._sender_cap = sender_cap
        self.changed: dict[PeerId, None] = {}
        """Receivers whose estimate is to be told."""
        self._telling = False

    # Up: what a sender is told

    def arrived(self, peer: MediaPeer, now: float) -> None:
        """The first packet with a transport-wide number since the last feedback has come from the peer."""
        interval = SHORT_FEEDBACK_INTERVAL if peer.arrivals_told > MANY else FEEDBACK_INTERVAL
        self._timers.at(now + interval, peer.number, partial(self._give_feedback, peer))

    def _give_feedback(self, peer: MediaPeer, now: float) -> None:
        if self._peers.get(peer.number) is not peer:
            return
        peer.arrivals_told = peer.arrivals.waiting
        packets: list[rtcp.Packet] = [*peer.arrivals.feedback(peer.report_ssrc, peer.arrivals_ssrc)]
        if packets:
            self._send(peer, [], packets)

    def pictures_come(self, peer: MediaPeer, now: float) -> None:
        """The first of some pictures, whose sender can be told by REMB alone what its way takes."""
        self._timers.at(now + FEEDBACK_INTERVAL, peer.number, partial(self._measure_pictures, peer))

    def _measure_pictures(self, peer: MediaPeer, now: float) -> None:
        if self._peers.get(peer.number) is not peer:
            return
        estimator = peer.unnumbered
        if estimator is None:
            estimator = peer.unnumbered = UnnumberedEstimator(LEAST_LEAVE, self._sender_cap)
        counts = [
            (stream.ssrc, stream.log.expected, stream.log.lost)
            for feed in peer.feeds.values()
            if feed.unnumbered
            for stream in feed.streams
        ]
        if estimator.take(peer.pictures, counts, peer.round_trip or DEFAULT_ROUND_TRIP, now):
            self._report_soon(peer, now)
        del peer.pictures[:]

    def leave(self, peer: MediaPeer) -> int:
        """Bits per second that REMB gives a sender leave for."""
        if peer.unnumbered is not None and any(feed.unnumbered for feed in peer.feeds.values()):
            return int(peer.unnumbered.rate)
        return self._sender_cap

    # Down: what a receiver tells

    def feedback(self, peer: MediaPeer, packet: TransportFeedback, now: float) -> None:
        """Transport-wide feedback of a receiver."""
        estimator = peer.downlink.estimator
        if peer.round_trip:
            estimator.round_trip = peer.round_trip
        estimator.feedback(packet, now)
        self._probe(peer, now)
        self._look(peer, now)

    def remb(self, peer: MediaPeer, packet: rtcp.Remb, now: float) -> None:
        """A receiver's own estimate."""
        peer.downlink.estimator.remb(packet.bitrate, now)
        self._look(peer, now)

    def reported(self, peer: MediaPeer, packets: int, fraction_lost: float, now: float) -> None:
        """A receiver's report of one stream, of `packets` since the report before."""
        peer.downlink.estimator.report(packets, fraction_lost, now)
        self._look(peer, now)

    def _look(self, peer: MediaPeer, now: float) -> None:
        if peer.downlink.update(now) and _known(peer, now):
            self.changed[peer.number] = None
        if not self._telling:
            self._telling = True
            self._timers.at(now + TELL_INTERVAL, EVERYBODY, self._tell_all)

    def _tell_all(self, now: float) -> None:
        """About once a second, while there is anything to tell."""
        self._telling = False
        for peer in list(self._peers.values()):
            downlink = peer.downlink
            downlink.estimator.silence(now)
            downlink.update(now)
            # Also where nothing is sent, so that nothing is told: a picture that is held back comes back by this alone.
            self._probe(peer, now)
            if _known(peer, now):
                self.changed[peer.number] = None
                self._telling = True
            elif downlink.told:
                self.changed[peer.number] = None
            elif downlink.estimator.feedback_at is not None:
                self._telling = True
        if self._telling:
            self._timers.at(now + TELL_INTERVAL, EVERYBODY, self._tell_all)

    def take(self, now: float) -> Estimates | None:
        """What has changed since the last time; None for nothing."""
        if not self.changed:
            return None
        changed, self.changed = self.changed, {}
        peers = [peer for number in changed if (peer := self._peers.get(number)) is not None]
        told = []
        for peer in peers:
            before = peer.downlink.told
            rate = peer.downlink.tell(now, known=_known(peer, now))
            if rate or before:
                told.append((peer.number, rate))
        return Estimates(tuple(told)) if told else None

    # Probes

    def _probe(self, peer: MediaPeer, now: float) -> None:
        """Send a probe if it is time for one, and there is a stream that it can go out on."""
        downlink = peer.downlink
        if downlink.probing or not downlink.estimator.may_probe(now):
            return
        pictures, can_pad = 0, False
        for stream in peer.outgoing.values():
            can_pad = can_pad or _can_pad(stream)
            if stream.feed is not None and not stream.is_sound:
                pictures += 1
        if not can_pad:
            return
        probe = downlink.estimator.begin_probe(HEADROOM * self._sender_cap * pictures, now)
        if probe is not None:
            downlink.probing = True
            self._pad(peer, probe, now)

    def _pad(self, peer: MediaPeer, probe: Probe, now: float) -> None:
        downlink = peer.downlink
        if self._peers.get(peer.number) is not peer:
            return
        sent = downlink.sent
        stream = next((stream for stream in peer.outgoing.values() if _can_pad(stream)), None)
        while probe.due(sent.total, now) > 0:
            size = stream.retransmissions.pad(stream, now) if stream is not None else 0
            if not size:
                probe.give_up(sent.next)
                break
            self._counters.packets_out[Kind.RTX] += 1
            self._counters.bytes_out[Kind.RTX] += size
            probe.note(sent.total, sent.next)
        if probe.sent or probe.expired(now):
            downlink.probing = False
        else:
            self._timers.at(probe.wake(PADDING, now), peer.number, partial(self._pad, peer, probe))


def _known(peer: MediaPeer, now: float) -> bool:
    """Whether there is an estimate to hold pictures to. Where none was ever sent it is what sound has shown of the way, and there was
    nothing to probe with.
    """
    for stream in peer.outgoing.values():
        if stream.packets and not stream.is_sound:
            return peer.downlink.pictured(now)
    return False


def _can_pad(stream: OutgoingStream) -> bool:
    return stream.writer.number_at > 0 and stream.retransmissions.can_pad(stream)
