"""RTCP: what peers say and are told. Reports, NACKs, keyframe requests, bit rates (RFC 3550 6, RFC 4585, RFC 5104, REMB)."""

from __future__ import annotations

import random
import struct
from functools import partial

from sfu.errors import MalformedPacket
from sfu.rtp import rtcp
from sfu.rtp.descriptors import NOT_VIDEO, read_frame
from sfu.rtp.extensions import DEPENDENCY_DESCRIPTOR, Elements
from sfu.rtp.frame import Frame
from sfu.rtp.ntp import from_seconds, middle, round_trip, smoothed
from sfu.rtp.packet import Header, parse
from sfu.rtp.transport_feedback import TransportFeedback
from sfu.transport.counters import Counters, KeyframeRequest, Kind, Retransmission
from sfu.transport.drops import DropReason
from sfu.transport.estimation import DEFAULT_ROUND_TRIP, Estimation
from sfu.transport.incoming import Feed, IncomingStream
from sfu.transport.media_peer import MediaPeer
from sfu.transport.outbox import MAX_DATAGRAM
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import CLOCK_RATES, PeerId
from sfu.transport.receptions import Ways
from sfu.transport.reports import compounds, receiver_blocks, remb, sender_report
from sfu.transport.slab import Slab
from sfu.transport.srtp import REPLAYED, REPLAYED_TOO_OLD
from sfu.transport.timers import EVERYBODY, Timers

REPORT_INTERVAL = 1.0
"""Seconds between the reports to a peer, on average; each is varied by half (RFC 3550 6.2), so that they do not march in step."""
FIRST_REPORT_DELAY = 0.05
"""Seconds. Soon, because a sender waits for its bit rate and a receiver for its lip sync; late enough to speak for a few streams."""
NACK_INTERVAL = 0.01
"""Seconds between two rounds of NACKs at least: what is found missing in between is asked for together."""
MAX_CNAME = 255
"""Bytes (RFC 3550 6.5: eight bits of length)."""

_read_ssrc = struct.Struct("!I").unpack_from


class Control:
    """The RTCP of all peers of a plane. Feedback leaves with the next flush, reports at their own pace by timers."""

    def __init__(
        self,
        peers: dict[PeerId, MediaPeer],
        timers: Timers,
        counters: Counters,
        *,
        bitrate_cap: int,
        ntp_epoch: float,
        rng: random.Random,
    ) -> None:
        self._peers = peers
        self._timers = timers
        self._counters = counters
        self._drops = counters.drops.counts
        self._ntp_epoch = ntp_epoch
        self._rng = rng
        self.estimation = Estimation(peers, timers, counters, self._send, self.report_soon, sender_cap=bitrate_cap)
        self.ways = Ways(peers, timers)
        self._lossy: dict[IncomingStream, MediaPeer] = {}
        self._nacks_at = float("inf")
        self._nacked_at = float("-inf")
        self._header, self._elements, self._frame = Header(), Elements(), Frame()

    def receive(self, peer: MediaPeer, slab: Slab, offset: int, length: int, now: float) -> None:
        """An SRTCP datagram of a peer that has keys."""
        assert peer.inbound is not None, "whoever calls has looked"
        view = slab.view
        ssrc: int = _read_ssrc(view, offset + 4)[0]
        if not peer.may_report(ssrc):
            self._drops[DropReason.SSRC_LIMIT] += 1
            return
        clear = peer.inbound.unprotect_rtcp(slab.address + offset, length)
        if clear < 0:
            replayed = clear in (REPLAYED, REPLAYED_TOO_OLD)
            self._drops[DropReason.REPLAYED if replayed else DropReason.UNAUTHENTICATED] += 1
            return
        peer.note_reporter(ssrc)
        self._counters.packets_in[Kind.RTCP] += 1
        self._counters.bytes_in[Kind.RTCP] += length
        if peer.reporting.take(length, now) < length:
            self._drops[DropReason.RTCP_LIMIT] += 1
            return
        try:
            packets = rtcp.parse(view[offset : offset + clear])
        except MalformedPacket:
            self._drops[DropReason.MALFORMED_RTCP] += 1
            return
        for packet in packets:
            self._handle(peer, packet, now)

    def _handle(self, peer: MediaPeer, packet: rtcp.Packet, now: float) -> None:
        match packet:
            case TransportFeedback():  # comes most
                if peer.statuses.take(len(packet.arrivals), now) == len(packet.arrivals):
                    self.estimation.feedback(peer, packet, now)
                else:
                    self._drops[DropReason.RTCP_LIMIT] += 1
            case rtcp.SenderReport():
                self._handle_sender_report(peer, packet, now)
                self._handle_blocks(peer, packet.reports, now)
            case rtcp.ReceiverReport():
                self._handle_blocks(peer, packet.reports, now)
            case rtcp.Nack():
                stream = peer.outgoing_by_ssrc.get(packet.media_ssrc)
                if stream is not None:
                    self._resend(peer, stream, packet.lost, now)
            case rtcp.PictureLoss():
                self._handle_keyframe_wish(peer, packet.media_ssrc, now)
            case rtcp.FullIntraRequest():
                for ssrc, _ in packet.requests:
                    self._handle_keyframe_wish(peer, ssrc, now)
            case rtcp.Bye():
                for ssrc in packet.ssrcs:
                    self._handle_bye(peer, ssrc)
            case rtcp.Remb():
                self.estimation.remb(peer, packet, now)
            case _:
                pass  # CNAMEs mean nothing to us.

    def _handle_sender_report(self, peer: MediaPeer, packet: rtcp.SenderReport, now: float) -> None:
        stream = peer.streams.get(packet.ssrc)
        if stream is None or stream.feed is None or stream.primary is not None:
            return
        first = stream.report_ntp is None
        stream.sender_report(packet.ntp, packet.rtp_timestamp, now)
        assert stream.report_ntp is not None, "just set"
        peer.clock_offset(stream.report_ntp, now + self._ntp_epoch)
        if first:
            for receiver in stream.feed.receivers:
                target = self._peers.get(receiver.peer)
                if target is not None:
                    self.report_soon(target, now)

    def _handle_blocks(self, peer: MediaPeer, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        spans: list[float] = []
        for block in blocks:
            stream = peer.outgoing_by_ssrc.get(block.ssrc)
            if stream is None:
                continue
            self._counters.loss_out.observe(block.fraction_lost / 256)
            self._counters.jitter.observe(block.jitter / CLOCK_RATES[stream.section.kind])
            seconds = round_trip(middle(from_seconds(now + self._ntp_epoch)), block.last_sr, block.delay_since_last_sr)
            if seconds >= 0:
                spans.append(seconds)
                stream.round_trip = smoothed(stream.round_trip or peer.round_trip, seconds)
                self._counters.round_trip.observe(seconds)
            packets = self.ways.down(peer.number).block(block, CLOCK_RATES[stream.section.kind])
            if packets:
                self.estimation.reported(peer, packets, block.fraction_lost / 256, now)
        if spans:  # once a report: what delays it delays all of its blocks
            peer.round_trip = smoothed(peer.round_trip, min(spans))

    def _handle_bye(self, peer: MediaPeer, ssrc: int) -> None:
        """The stream has ended, until its next packet: browsers say BYE on a mute that takes the track away, too."""
        stream = peer.streams.get(ssrc)
        if stream is not None and stream.feed is not None and stream.primary is None and not stream.ended:
            stream.ended = True
            stream.feed.selection.depart(stream)

    # Retransmissions, keyframes

    def _resend(self, peer: MediaPeer, stream: OutgoingStream, lost: tuple[int, ...], now: float) -> None:
        """A receiver asks for packets again. Without RTX there is no way: the packet itself, sent again, would use its nonce again."""
        outcomes = self._counters.retransmissions
        source = stream.source
        if not stream.can_resend:
            outcomes[Retransmission.NOT_NEGOTIATED] += len(lost)
            return
        if stream.feed is None or source is None or source.history is None:
            outcomes[Retransmission.UNKNOWN] += len(lost)
            return
        heard = peer.named.take(len(lost), now)
        outcomes[Retransmission.LIMITED] += len(lost) - heard
        header = self._header
        elements = self._elements
        for sequence in lost[:heard]:
            number = stream.wanted(sequence)
            kept = source.history.get(number) if number >= 0 else None
            if kept is None:
                outcomes[Retransmission.UNKNOWN] += 1
                continue
            if not stream.retransmissions.may_resend(stream, sequence, len(kept), now):
                outcomes[Retransmission.LIMITED] += 1
                continue
            parse(kept, 0, len(kept), header)
            stream.feed.reader.read(
                kept, header.extension_profile, header.extension_offset, header.extension_length, elements
            )
            payload = kept[header.header_length : header.header_length + header.payload_length]
            frame = self._frame if stream.layers is not None and self._describe(source, kept) else None
            size = stream.retransmissions.resend(
                stream, sequence, kept, header, elements, payload, frame, source.log.extended(number), now
            )
            if size:
                self._counters.packets_out[Kind.RTX] += 1
                self._counters.bytes_out[Kind.RTX] += size
            outcomes[Retransmission.SENT if size else Retransmission.NOT_NEGOTIATED] += 1

    def _describe(self, source: IncomingStream, kept: memoryview) -> bool:
        """Read into `_frame` what a kept packet, whose header and elements have been read, tells of its frame."""
        header, elements = self._header, self._elements
        descriptor = elements.has(DEPENDENCY_DESCRIPTOR)
        return read_frame(
            source.feed.descriptors.get(header.payload_type, NOT_VIDEO) if source.feed is not None else NOT_VIDEO,
            kept,
            header.header_length,
            header.payload_length,
            header.marker,
            source.structures,
            elements.offsets[DEPENDENCY_DESCRIPTOR] if descriptor else 0,
            elements.lengths[DEPENDENCY_DESCRIPTOR] if descriptor else 0,
            False,
            self._frame,
        )

    def _handle_keyframe_wish(self, peer: MediaPeer, ssrc: int, now: float) -> None:
        """A receiver says that it cannot decode."""
        stream = peer.outgoing_by_ssrc.get(ssrc)
        feed = stream.feed if stream is not None else None
        # Who is about to go over to another layer can decode again with that one's keyframe.
        source = stream.target or stream.source if stream is not None else None
        if stream is None or feed is None or source is None:
            return
        # While one is under way, whoever repeats the wish adds nothing to it, and does not use up what it may ask for.
        if not source.keyframes.wanted and not feed.asks(stream.peer).allow(now):
            self._counters.keyframe_requests[KeyframeRequest.LIMITED] += 1
            return
        sender = self._peers.get(feed.peer)
        if sender is not None:
            self.want_keyframe(sender, source, now)

    def ask_for_route(self, peer: MediaPeer, feed: Feed, stream: IncomingStream, now: float) -> None:
        """A receiver waits for a keyframe of the peer's stream. Beyond what it may ask for it waits for longer."""
        if stream.keyframes.wanted or feed.may_ask(stream, now):
            self.want_keyframe(peer, stream, now)
        else:
            self._counters.keyframe_requests[KeyframeRequest.LIMITED] += 1

    def want_keyframe(self, peer: MediaPeer, stream: IncomingStream, now: float) -> None:
        """Somebody needs a keyframe of the peer's stream: ask for it, or let a request that is under way speak for this one too."""
        if stream.feed is None or stream.feed.kind is not Kind.VIDEO:
            return
        if stream.keyframes.want(now):
            self._ask_keyframe(peer, stream)
        else:
            self._counters.keyframe_requests[KeyframeRequest.MERGED] += 1
        if not stream.keyframe_timer:
            self._watch_keyframe(peer, stream)

    def _watch_keyframe(self, peer: MediaPeer, stream: IncomingStream) -> None:
        due = stream.keyframes.next_timer()
        stream.keyframe_timer = due is not None
        if due is not None:
            self._timers.at(due, peer.number, partial(self._keyframe_due, peer, stream))

    def _keyframe_due(self, peer: MediaPeer, stream: IncomingStream, now: float) -> None:
        stream.keyframe_timer = False
        if stream.feed is None or self._peers.get(peer.number) is not peer:
            return
        if stream.keyframes.due(now):
            self._ask_keyframe(peer, stream)
        self._watch_keyframe(peer, stream)

    def _ask_keyframe(self, peer: MediaPeer, stream: IncomingStream) -> None:
        """By PLI, or by FIR where that is all that was negotiated."""
        codecs = stream.feed.section.codecs if stream.feed is not None else ()
        outcomes = self._counters.keyframe_requests
        if any(codec.pli for codec in codecs):
            self._send(peer, [], [rtcp.PictureLoss(peer.report_ssrc, stream.ssrc)])
            outcomes[KeyframeRequest.SENT] += 1
        elif any(codec.fir for codec in codecs):
            peer.fir_number = (peer.fir_number + 1) & 0xFF
            self._send(peer, [], [rtcp.FullIntraRequest(peer.report_ssrc, ((stream.ssrc, peer.fir_number),))])
            outcomes[KeyframeRequest.SENT] += 1
        else:
            outcomes[KeyframeRequest.NOT_NEGOTIATED] += 1

    def watch_losses(self, peer: MediaPeer, stream: IncomingStream, due: float) -> None:
        """Packets of the stream are missing, to be asked for at `due`."""
        self._lossy[stream] = peer
        if due < self._nacks_at:
            self._schedule_nacks(due)

    def forget(self, stream: IncomingStream) -> None:
        """Ask for nothing more of the stream."""
        self._lossy.pop(stream, None)

    def _schedule_nacks(self, due: float) -> None:
        self._nacks_at = max(due, self._nacked_at + NACK_INTERVAL)
        self._timers.at(self._nacks_at, EVERYBODY, self._send_nacks)

    def _send_nacks(self, now: float) -> None:
        """Ask every sender, in one compound, for what is missing of its streams."""
        if now < self._nacks_at:
            return
        self._nacked_at = now
        self._nacks_at = float("inf")
        wanted: dict[MediaPeer, list[rtcp.Packet]] = {}
        earliest = float("inf")
        for stream, peer in list(self._lossy.items()):
            if stream.feed is None:
                del self._lossy[stream]
                continue
            lost = stream.log.nacks_due(now, peer.round_trip or DEFAULT_ROUND_TRIP)
            if lost:
                wanted.setdefault(peer, []).append(rtcp.Nack(peer.report_ssrc, stream.ssrc, tuple(lost)))
            if stream.log.given_up != stream.given_up:
                stream.given_up = stream.log.given_up
                self.want_keyframe(peer, stream, now)
            due = stream.log.next_timer()
            if due is None:
                del self._lossy[stream]
            else:
                earliest = min(earliest, due)
        for peer, packets in wanted.items():
            self._send(peer, [], packets)
        if self._lossy:
            self._schedule_nacks(earliest)

    # Reports

    def report_soon(self, peer: MediaPeer, now: float) -> None:
        """There is something new to tell the peer; from then on reports go out at their own pace."""
        self._schedule(peer, now + FIRST_REPORT_DELAY)

    def _schedule(self, peer: MediaPeer, when: float) -> None:
        if peer.report_at is None or when < peer.report_at:
            peer.report_at = when
            self._timers.at(when, peer.number, partial(self._report, peer))

    def _report(self, peer: MediaPeer, now: float) -> None:
        if self._peers.get(peer.number) is not peer or peer.report_at is None or now < peer.report_at:
            return
        peer.report_at = None
        if not peer.connected():
            return  # whoever connects it schedules anew
        packets: list[rtcp.Packet] = []
        for stream in peer.outgoing.values():
            feed = stream.feed
            if feed is None or stream.source is None or stream.packets == stream.reported_packets:
                continue
            made = sender_report(stream, stream.source, self._peers[feed.peer], now + self._ntp_epoch)
            if made is not None:
                stream.reported_packets = stream.packets
                cname = feed.section.stream.encode("ascii", "replace")[:MAX_CNAME]
                packets += made, rtcp.SourceDescription(((made.ssrc, cname),))
        leave = remb(peer, self.estimation.leave(peer))
        if leave is not None:
            packets.append(leave)
        blocks = receiver_blocks(peer, self._counters, now)
        if blocks or packets:
            self._send(peer, blocks, packets)
        if peer.feeds or any(stream.feed is not None for stream in peer.outgoing.values()):
            self._schedule(peer, now + REPORT_INTERVAL * (0.5 + self._rng.random()))

    def _send(self, peer: MediaPeer, blocks: list[rtcp.ReportBlock], packets: list[rtcp.Packet]) -> None:
        outbound = peer.outbound
        outbox = peer.urgent
        if outbound is None or outbox.destination is None or not outbox.admitted:
            return
        for datagram in compounds(peer.report_ssrc, blocks, packets):
            outbox.reserve()
            at = outbox.end
            outbox.view[at : at + len(datagram)] = datagram
            protected = outbound.protect_rtcp(outbox.address + at, len(datagram), MAX_DATAGRAM)
            if protected < 0:
                self._drops[DropReason.PROTECT_FAILED] += 1
                continue
            outbox.commit(protected)
            self._counters.packets_out[Kind.RTCP] += 1
            self._counters.bytes_out[Kind.RTCP] += protected
