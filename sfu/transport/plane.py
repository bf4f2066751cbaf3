"""What forwards: packets of one peer's sections into sections of others. Nothing is decoded (ports.py, MediaPlane).

The way of a packet is `receive`: SSRC list, unprotect, header, section, log, and `_forward` to each receiver, whose
`OutgoingStream.forward` writes and protects its copy. `flush` hands the copies of a batch to the kernel. What is not due with a
packet is a timer's.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from functools import partial

from sfu.errors import MalformedPacket
from sfu.rtp import rtcp
from sfu.rtp.descriptors import is_keyframe_start
from sfu.rtp.extensions import AUDIO_LEVEL, Elements
from sfu.rtp.history import History
from sfu.rtp.levels import level
from sfu.rtp.ntp import from_seconds, middle, round_trip
from sfu.rtp.packet import Header, is_rtcp, parse
from sfu.rtp.receive_log import DUPLICATE, JUMPED, NEW, RECOVERED, RESTARTED, TOO_OLD
from sfu.rtp.rtx import NOTHING, OSN_LENGTH, unwrap
from sfu.transport.counters import Counters, KeyframeRequest, Kind, Retransmission
from sfu.transport.drops import DropReason, Drops
from sfu.transport.incoming import Feed, IncomingStream
from sfu.transport.mapping import mapping
from sfu.transport.media_peer import MediaPeer
from sfu.transport.outbox import MAX_DATAGRAM, Outboxes
from sfu.transport.outgoing import CLOCK_RATES, OutgoingStream
from sfu.transport.parameters import AudioLevels, Egress, Failed, FirstForwarded, PeerId, Report, Section, Stage
from sfu.transport.ports import Destination, Sender, SrtpKeys
from sfu.transport.reports import compounds, receiver_blocks, remb, sender_report
from sfu.transport.slab import Slab
from sfu.transport.srtp import REPLAYED, REPLAYED_TOO_OLD, sessions
from sfu.transport.timers import Timers

REPORT_INTERVAL = 1.0
"""Seconds between the reports to a peer, on average; each is varied by half (RFC 3550 6.2), so that they do not march in step."""
FIRST_REPORT_DELAY = 0.05
"""Seconds. Soon, because a sender waits for its bit rate and a receiver for its lip sync; late enough to speak for a few streams."""
LEVELS_INTERVAL = 0.15
"""Seconds between two reports of audio levels."""
NACK_INTERVAL = 0.01
"""Seconds between two rounds of NACKs at least: what is found missing in between is asked for together."""
DEFAULT_ROUND_TRIP = 0.1
"""Seconds, until a report has told better."""
BITRATE_CAP = 1_500_000
"""Bits per second that a sender of video is told it may send: a good 720p picture."""

MAX_CNAME = 255
"""Bytes (RFC 3550 6.5: eight bits of length)."""

_LEAST = 12 + 10
"""Bytes of the smallest SRTP packet: a header and the shortest tag. No SRTCP packet is smaller."""

EVERYBODY: PeerId = 0
"""Whose timer it is that works for all peers."""

_read_ssrc = struct.Struct("!I").unpack_from

Clock = Callable[[], float]


class Plane:
    """The forwarding plane of one process."""

    def __init__(
        self,
        sender: Sender,
        clock: Clock,
        *,
        bitrate_cap: int = BITRATE_CAP,
        ntp_epoch: float = 0.0,
        rng: random.Random | None = None,
        on_bug: Callable[[Exception], None] | None = None,
    ) -> None:
        """`clock` is the one that `now` is read from. `ntp_epoch` is what NTP time, in seconds, is when the clock says 0; any constant
        serves, for receivers only compare our reports with each other. `on_bug` is told of our own faults, each of which ends one peer.
        """
        self.drops = Drops()
        self.counters = Counters(self.drops)
        self.bugs = 0
        self._counts = self.drops.counts
        self._clock = clock
        self._bitrate_cap = bitrate_cap
        self._on_bug = on_bug
        self._ntp_epoch = ntp_epoch
        self._rng = rng if rng is not None else random.SystemRandom()
        self._urgent = Outboxes(sender, self.counters)
        self._bulk = Outboxes(sender, self.counters)
        self._peers: dict[PeerId, MediaPeer] = {}
        self._timers = Timers()
        self._reports: list[Report] = []
        self._first: list[tuple[PeerId, bool]] = []
        self._lossy: dict[IncomingStream, MediaPeer] = {}
        self._nacks_at = float("inf")
        self._nacked_at = float("-inf")
        self._heard: list[Feed] = []
        # One of each for all packets: they are read and forgotten within one call.
        self._header = Header()
        self._elements = Elements()
        self._kept_header = Header()
        self._kept_elements = Elements()

    # Peers, sections, routes

    def open_peer(self, peer: PeerId) -> None:
        self._peers[peer] = MediaPeer(peer, self._urgent, self._bulk, self._rng)

    def set_keys(self, peer: PeerId, keys: SrtpKeys) -> None:
        state = self._peers.get(peer)
        if state is None:
            return
        assert state.inbound is None, "a second handshake would start packet indices over"
        state.inbound, state.outbound = sessions(keys)
        self._connect(state)

    def set_destination(self, peer: PeerId, destination: Destination) -> None:
        state = self._peers.get(peer)
        if state is None:
            return
        self._hand_over()
        state.urgent.destination = state.bulk.destination = destination
        self._connect(state)

    def _connect(self, peer: MediaPeer) -> None:
        """What waited for the peer to be reachable begins."""
        if not peer.connected():
            return
        for stream in peer.outgoing.values():
            self._let_send(peer, stream)
        self._schedule_reports(peer, self._clock() + FIRST_REPORT_DELAY)

    def _let_send(self, peer: MediaPeer, stream: OutgoingStream) -> None:
        stream.session = peer.outbound if peer.connected() and stream.section.peer_receives else None
        if stream.feed is not None:
            stream.feed.refresh()

    def close_peer(self, peer: PeerId) -> None:
        state = self._peers.pop(peer, None)
        if state is None:
            return
        self._hand_over()
        for feed in list(state.feeds.values()):
            self._close_feed(state, feed)
        for stream in list(state.outgoing.values()):
            self._detach(stream)
            stream.session = None
        for outbox in (state.urgent, state.bulk):
            outbox.clear()
            outbox.admitted = False
            outbox.destination = None

    def set_sections(self, peer: PeerId, sections: tuple[Section, ...]) -> dict[str, Egress]:
        state = self._peers.get(peer)
        if state is None:
            return {}
        self._hand_over()
        named = {section.mid: section for section in sections}
        for mid, feed in list(state.feeds.items()):
            if mid not in named or not named[mid].peer_sends:
                self._close_feed(state, feed)
        for mid in [mid for mid in state.outgoing if mid not in named]:
            self._close_outgoing(state, mid)
        for section in sections:
            if section.peer_sends:
                self._set_feed(state, section)
            if section.peer_receives or section.mid in state.outgoing:
                self._set_outgoing(state, section)
        state.urgent.admitted = bool(state.feeds or state.outgoing)
        state.bulk.admitted = any(section.peer_receives for section in sections)
        self._schedule_reports(state, self._clock() + FIRST_REPORT_DELAY)
        return {mid: stream.egress for mid, stream in state.outgoing.items() if stream.section.peer_receives}

    def _set_feed(self, peer: MediaPeer, section: Section) -> None:
        feed = peer.feeds.get(section.mid)
        if feed is None:
            feed = peer.feeds[section.mid] = Feed(peer.number, section)
        elif feed.section == section:
            return
        else:
            before = feed.section
            feed.update(section)
            peer.undeclare(feed, before)
            for stream in feed.receivers:
                stream.attach(feed, mapping(section, stream.section))
        peer.declare(feed)

    def _set_outgoing(self, peer: MediaPeer, section: Section) -> None:
        stream = peer.outgoing.get(section.mid)
        if stream is None:
            egress = Egress(peer.ssrcs.allocate(peer.streams), self._rtx_ssrc(peer, section, None))
            outbox = peer.urgent if section.kind == "audio" else peer.bulk
            stream = OutgoingStream(peer.number, section, egress, outbox, self.counters, self._rng)
            peer.outgoing[section.mid] = stream
        elif stream.section != section:
            stream.update(section)
            stream.egress = Egress(stream.egress.ssrc, self._rtx_ssrc(peer, section, stream.egress.rtx_ssrc))
            if not section.peer_receives:
                self._detach(stream)
            elif stream.feed is not None:
                stream.attach(stream.feed, mapping(stream.feed.section, section))
        peer.outgoing_by_ssrc[stream.egress.ssrc] = stream
        self._let_send(peer, stream)

    def _rtx_ssrc(self, peer: MediaPeer, section: Section, before: int | None) -> int | None:
        if before is not None or all(codec.rtx_payload_type is None for codec in section.codecs):
            return before
        return peer.ssrcs.allocate(peer.streams)

    def _close_feed(self, peer: MediaPeer, feed: Feed) -> None:
        for stream in feed.receivers:
            stream.detach()
        feed.set_receivers(())
        for source in feed.streams:
            self._lossy.pop(source, None)
        peer.forget_feed(feed)
        del peer.feeds[feed.section.mid]

    def _close_outgoing(self, peer: MediaPeer, mid: str) -> None:
        stream = peer.outgoing.pop(mid)
        self._detach(stream)
        stream.session = None
        del peer.outgoing_by_ssrc[stream.egress.ssrc]
        if peer.outbound is not None:
            peer.outbound.remove_stream(stream.egress.ssrc)
            if stream.egress.rtx_ssrc is not None:
                peer.outbound.remove_stream(stream.egress.rtx_ssrc)

    def add_route(self, sender: PeerId, sender_mid: str, receiver: PeerId, receiver_mid: str) -> None:
        source, target = self._peers.get(sender), self._peers.get(receiver)
        feed = source.feeds.get(sender_mid) if source is not None else None
        stream = target.outgoing.get(receiver_mid) if target is not None else None
        if feed is None or stream is None or source is None or target is None:
            return
        if not stream.section.peer_receives or stream.section.kind != feed.section.kind:
            return
        self._hand_over()
        if stream.feed is not feed:
            self._detach(stream)
        stream.attach(feed, mapping(feed.section, stream.section))
        if stream not in feed.receivers:
            feed.set_receivers((*feed.receivers, stream))
        now = self._clock()
        self._schedule_reports(target, now + FIRST_REPORT_DELAY)
        if feed.awaited and feed.active is not None:
            self._want_keyframe(source, feed.active, now)
            self._hand_over()

    def drop_route(self, receiver: PeerId, receiver_mid: str) -> None:
        target = self._peers.get(receiver)
        stream = target.outgoing.get(receiver_mid) if target is not None else None
        if stream is not None:
            self._hand_over()
            self._detach(stream)

    def _detach(self, stream: OutgoingStream) -> None:
        feed = stream.feed
        if feed is not None:
            feed.set_receivers(tuple(other for other in feed.receivers if other is not stream))
            stream.detach()

    def request_keyframe(self, sender: PeerId, sender_mid: str) -> None:
        peer = self._peers.get(sender)
        feed = peer.feeds.get(sender_mid) if peer is not None else None
        if peer is not None and feed is not None and feed.active is not None:
            self._want_keyframe(peer, feed.active, self._clock())
            self._hand_over()

    # Packets in

    def receive(self, peer: PeerId, slab: Slab, offset: int, length: int, now: float) -> None:
        counts = self._counts
        state = self._peers.get(peer)
        if state is None:
            counts[DropReason.UNKNOWN_PEER] += 1
            return
        inbound = state.inbound
        if inbound is None:
            counts[DropReason.NO_KEYS] += 1
            return
        if length < _LEAST:
            counts[DropReason.TOO_SHORT] += 1
            return
        if length > MAX_DATAGRAM:
            counts[DropReason.TOO_LARGE] += 1
            return
        view = slab.view
        if is_rtcp(view[offset + 1]):
            self._receive_rtcp(state, slab, offset, length, now)
            return
        ssrc: int = _read_ssrc(view, offset + 8)[0]
        stream = state.streams.get(ssrc)
        if stream is None and not state.may_take(ssrc):
            counts[DropReason.SSRC_LIMIT] += 1
            return
        clear = inbound.unprotect(slab.pointer + offset, length)
        if clear < 0:
            replayed = clear in (REPLAYED, REPLAYED_TOO_OLD)
            counts[DropReason.REPLAYED if replayed else DropReason.UNAUTHENTICATED] += 1
            return
        # Only now that the packet is known to be the peer's does its SSRC get a place.
        if stream is None:
            stream = state.take(ssrc)
        header = self._header
        if not parse(view, offset, clear, header):
            counts[DropReason.MALFORMED_RTP] += 1
            return
        feed = stream.feed
        if feed is None:
            if not state.bind(stream, view, header, self._elements):
                counts[DropReason.UNBOUND_SSRC] += 1
                return
            feed = stream.feed
            assert feed is not None, "bind has found it"
        counters = self.counters
        if stream.primary is None:
            counters.packets_in[feed.kind] += 1
            counters.bytes_in[feed.kind] += length
            self._receive_media(state, feed, stream, view, offset, clear, False, now)
            return
        counters.packets_in[Kind.RTX] += 1
        counters.bytes_in[Kind.RTX] += length
        original = feed.media_of_rtx.get(header.payload_type)
        if original is None:
            counts[DropReason.UNKNOWN_PAYLOAD_TYPE] += 1
            return
        start = unwrap(view, offset, header, original, stream.primary.ssrc)
        if start == NOTHING:
            counts[DropReason.PADDING] += 1
            return
        clear -= OSN_LENGTH
        parse(view, start, clear, header)
        self._receive_media(state, feed, stream.primary, view, start, clear, True, now)

    def _receive_media(
        self,
        peer: MediaPeer,
        feed: Feed,
        stream: IncomingStream,
        view: memoryview,
        offset: int,
        length: int,
        repaired: bool,
        now: float,
    ) -> None:
        """A clear packet whose header has been parsed: note it, keep it, forward it."""
        counts = self._counts
        header = self._header
        codec = feed.descriptors.get(header.payload_type)
        if codec is None:
            counts[DropReason.UNKNOWN_PAYLOAD_TYPE] += 1
            return
        verdict = stream.log.received(header.sequence, header.timestamp, now, repaired)
        if verdict not in (NEW, RECOVERED):
            if verdict != RESTARTED:
                counts[_REFUSALS[verdict]] += 1
                return
            self._restart(feed, stream)
        stream.ended = False
        stream.heard_at = now
        if feed.asks_nack and feed.receivers:
            due = stream.log.next_timer()
            if due is not None:
                self._lossy[stream] = peer
                if due < self._nacks_at:
                    self._schedule_nacks(due)
        if stream is not feed.active:
            if not feed.prefers(stream, now):
                counts[DropReason.OTHER_LAYER] += 1
                return
            self._activate(peer, feed, stream, now)
        if header.payload_length == 0:
            counts[DropReason.PADDING] += 1
            for receiver in feed.receivers:
                receiver.skip(header.sequence)
            return
        elements = self._elements
        elements.present = 0
        if header.extension_length:
            feed.reader.read(view, header.extension_profile, header.extension_offset, header.extension_length, elements)
            if elements.has(AUDIO_LEVEL):
                self._hear(feed, level(view[elements.offsets[AUDIO_LEVEL]]), now)
        receivers = feed.receivers
        if not receivers:
            counts[DropReason.NO_ROUTE] += 1
            return
        if feed.keeps_history:
            history = stream.history
            if history is None:
                history = stream.history = History.for_video() if feed.kind is Kind.VIDEO else History.for_audio()
            history.store(header.sequence, view, offset, length, now)
        start = offset + header.header_length
        keyframe = False
        if feed.awaited or stream.keyframes.wanted:
            keyframe = is_keyframe_start(codec, view, start, header.payload_length)
            if keyframe:
                stream.keyframes.seen()
            elif feed.awaited and not stream.keyframes.wanted:
                self._want_keyframe(peer, stream, now)
        payload = view[start : start + header.payload_length]
        sent = sent_bytes = 0
        for receiver in receivers:
            try:
                size = receiver.forward(view, header, elements, payload, keyframe, now)
                if size:
                    sent += 1
                    sent_bytes += size
                    if not receiver.started:
                        self._start(peer, receiver, now)
            except Exception as error:
                self._bug(receiver.peer, error)
        self.counters.packets_out[feed.kind] += sent
        self.counters.bytes_out[feed.kind] += sent_bytes
        if keyframe:
            feed.refresh()

    def _restart(self, feed: Feed, stream: IncomingStream) -> None:
        """The source began anew: its sequence numbers mean other packets from here on."""
        if stream.history is not None:
            stream.history.clear()
        if stream is feed.active:
            feed.activate(stream)

    def _activate(self, peer: MediaPeer, feed: Feed, stream: IncomingStream, now: float) -> None:
        feed.activate(stream)
        # Without feedback Chromium stays at 293 kbit/s: let the first REMB not wait for its turn.
        self._schedule_reports(peer, now + FIRST_REPORT_DELAY)

    def _start(self, peer: MediaPeer, receiver: OutgoingStream, now: float) -> None:
        """The first packet of a route has been prepared."""
        receiver.started = True
        self._first.append((peer.number, True))
        self._first.append((receiver.peer, False))
        target = self._peers.get(receiver.peer)
        if target is not None:
            self._schedule_reports(target, now + FIRST_REPORT_DELAY)

    def _hear(self, feed: Feed, loudness: int, now: float) -> None:
        if feed.loudest < 0:
            feed.loudest = loudness
            if not self._heard:
                self._timers.at(now + LEVELS_INTERVAL, EVERYBODY, self._report_levels)
            self._heard.append(feed)
        elif loudness < feed.loudest:
            feed.loudest = loudness

    def _report_levels(self, now: float) -> None:
        heard, self._heard = self._heard, []
        levels = []
        for feed in heard:
            peer = self._peers.get(feed.peer)
            if peer is not None and peer.feeds.get(feed.section.mid) is feed:
                levels.append((feed.peer, feed.section.mid, feed.loudest))
            feed.loudest = -1
        if levels:
            self._reports.append(AudioLevels(tuple(levels)))

    # Control packets in

    def _receive_rtcp(self, peer: MediaPeer, slab: Slab, offset: int, length: int, now: float) -> None:
        assert peer.inbound is not None, "receive has looked"
        view = slab.view
        ssrc: int = _read_ssrc(view, offset + 4)[0]
        if not peer.may_report(ssrc):
            self._counts[DropReason.SSRC_LIMIT] += 1
            return
        clear = peer.inbound.unprotect_rtcp(slab.pointer + offset, length)
        if clear < 0:
            replayed = clear in (REPLAYED, REPLAYED_TOO_OLD)
            self._counts[DropReason.REPLAYED if replayed else DropReason.UNAUTHENTICATED] += 1
            return
        peer.note_reporter(ssrc)
        self.counters.packets_in[Kind.RTCP] += 1
        self.counters.bytes_in[Kind.RTCP] += length
        try:
            packets = rtcp.parse(view[offset : offset + clear])
        except MalformedPacket:
            self._counts[DropReason.MALFORMED_RTCP] += 1
            return
        for packet in packets:
            self._handle_rtcp(peer, packet, now)

    def _handle_rtcp(self, peer: MediaPeer, packet: rtcp.Packet, now: float) -> None:
        match packet:
            case rtcp.SenderReport():
                self._handle_sender_report(peer, packet, now)
                self._handle_blocks(peer, packet.reports, now)
            case rtcp.ReceiverReport():
                self._handle_blocks(peer, packet.reports, now)
            case rtcp.Nack():
                stream = peer.outgoing_by_ssrc.get(packet.media_ssrc)
                if stream is not None:
                    self._resend(stream, packet.lost, now)
            case rtcp.PictureLoss():
                self._handle_keyframe_wish(peer, packet.media_ssrc, now)
            case rtcp.FullIntraRequest():
                for ssrc, _ in packet.requests:
                    self._handle_keyframe_wish(peer, ssrc, now)
            case rtcp.Bye():
                for ssrc in packet.ssrcs:
                    self._handle_bye(peer, ssrc)
            case _:
                pass  # CNAMEs mean nothing to us; estimates of the way to the receiver will be read here.

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
                    self._schedule_reports(target, now + FIRST_REPORT_DELAY)

    def _handle_blocks(self, peer: MediaPeer, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        for block in blocks:
            stream = peer.outgoing_by_ssrc.get(block.ssrc)
            if stream is None:
                continue
            self.counters.loss_out.observe(block.fraction_lost / 256)
            self.counters.jitter.observe(block.jitter / CLOCK_RATES[stream.section.kind])
            seconds = round_trip(middle(from_seconds(now + self._ntp_epoch)), block.last_sr, block.delay_since_last_sr)
            if seconds >= 0:
                stream.round_trip = peer.round_trip = seconds
                self.counters.round_trip.observe(seconds)

    def _handle_bye(self, peer: MediaPeer, ssrc: int) -> None:
        """The stream has ended, until its next packet: browsers say BYE on a mute that takes the track away, too."""
        stream = peer.streams.get(ssrc)
        if stream is not None and stream.feed is not None and stream.primary is None:
            stream.ended = True
            if stream.feed.active is stream:
                stream.feed.activate(None)

    # Retransmissions, keyframes

    def _resend(self, stream: OutgoingStream, lost: tuple[int, ...], now: float) -> None:
        """A receiver asks for packets again. Without RTX there is no way: the packet itself, sent again, would use its nonce again."""
        outcomes = self.counters.retransmissions
        source = stream.feed.active if stream.feed is not None else None
        if not stream.can_resend:
            outcomes[Retransmission.NOT_NEGOTIATED] += len(lost)
            return
        if stream.feed is None or source is None or source.history is None:
            outcomes[Retransmission.UNKNOWN] += len(lost)
            return
        header = self._kept_header
        elements = self._kept_elements
        for sequence in lost:
            number = stream.wanted(sequence)
            kept = source.history.get(number) if number >= 0 else None
            if kept is None:
                outcomes[Retransmission.UNKNOWN] += 1
                continue
            if not stream.may_resend(sequence, len(kept), now):
                outcomes[Retransmission.LIMITED] += 1
                continue
            parse(kept, 0, len(kept), header)
            stream.feed.reader.read(
                kept, header.extension_profile, header.extension_offset, header.extension_length, elements
            )
            payload = kept[header.header_length : header.header_length + header.payload_length]
            size = stream.resend(sequence, kept, header, elements, payload)
            if size:
                self.counters.packets_out[Kind.RTX] += 1
                self.counters.bytes_out[Kind.RTX] += size
            outcomes[Retransmission.SENT if size else Retransmission.NOT_NEGOTIATED] += 1

    def _handle_keyframe_wish(self, peer: MediaPeer, ssrc: int, now: float) -> None:
        """A receiver says that it cannot decode."""
        stream = peer.outgoing_by_ssrc.get(ssrc)
        feed = stream.feed if stream is not None else None
        source = feed.active if feed is not None else None
        if stream is None or feed is None or source is None:
            return
        # While one is under way, whoever repeats the wish adds nothing to it, and does not use up what it may ask for.
        if not source.keyframes.wanted and not stream.asks.allow(now):
            self.counters.keyframe_requests[KeyframeRequest.LIMITED] += 1
            return
        sender = self._peers.get(feed.peer)
        if sender is not None:
            self._want_keyframe(sender, source, now)

    def _want_keyframe(self, peer: MediaPeer, stream: IncomingStream, now: float) -> None:
        if stream.feed is None or stream.feed.kind is not Kind.VIDEO:
            return
        if stream.keyframes.want(now):
            self._ask_keyframe(peer, stream)
        else:
            self.counters.keyframe_requests[KeyframeRequest.MERGED] += 1
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
        outcomes = self.counters.keyframe_requests
        if any(codec.pli for codec in codecs):
            self._send_rtcp(peer, [], [rtcp.PictureLoss(peer.report_ssrc, stream.ssrc)])
            outcomes[KeyframeRequest.SENT] += 1
        elif any(codec.fir for codec in codecs):
            peer.fir_number = (peer.fir_number + 1) & 0xFF
            self._send_rtcp(peer, [], [rtcp.FullIntraRequest(peer.report_ssrc, ((stream.ssrc, peer.fir_number),))])
            outcomes[KeyframeRequest.SENT] += 1
        else:
            outcomes[KeyframeRequest.NOT_NEGOTIATED] += 1

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
                self._want_keyframe(peer, stream, now)
            due = stream.log.next_timer()
            if due is None:
                del self._lossy[stream]
            else:
                earliest = min(earliest, due)
        for peer, packets in wanted.items():
            self._send_rtcp(peer, [], packets)
        if self._lossy:
            self._schedule_nacks(earliest)

    # Reports

    def _schedule_reports(self, peer: MediaPeer, when: float) -> None:
        """Reports to the peer are due at `when`, if not before."""
        if peer.report_at is None or when < peer.report_at:
            peer.report_at = when
            self._timers.at(when, peer.number, partial(self._report, peer))

    def _report(self, peer: MediaPeer, now: float) -> None:
        if self._peers.get(peer.number) is not peer or peer.report_at is None or now < peer.report_at:
            return
        peer.report_at = None
        if not peer.connected():
            return  # `_connect` begins anew
        packets: list[rtcp.Packet] = []
        for stream in peer.outgoing.values():
            feed = stream.feed
            if feed is None or feed.active is None or stream.packets == stream.reported_packets:
                continue
            made = sender_report(stream, feed.active, self._peers[feed.peer], now + self._ntp_epoch)
            if made is not None:
                stream.reported_packets = stream.packets
                cname = feed.section.stream.encode("ascii", "replace")[:MAX_CNAME]
                packets += made, rtcp.SourceDescription(((made.ssrc, cname),))
        leave = remb(peer, self._bitrate_cap)
        if leave is not None:
            packets.append(leave)
        blocks = receiver_blocks(peer, self.counters, now)
        if blocks or packets:
            self._send_rtcp(peer, blocks, packets)
        if peer.feeds or any(stream.feed is not None for stream in peer.outgoing.values()):
            self._schedule_reports(peer, now + REPORT_INTERVAL * (0.5 + self._rng.random()))

    def _send_rtcp(self, peer: MediaPeer, blocks: list[rtcp.ReportBlock], packets: list[rtcp.Packet]) -> None:
        outbound = peer.outbound
        outbox = peer.urgent
        if outbound is None or outbox.destination is None or not outbox.admitted:
            return
        for datagram in compounds(peer.report_ssrc, blocks, packets):
            outbox.reserve()
            at = outbox.end
            outbox.view[at : at + len(datagram)] = datagram
            protected = outbound.protect_rtcp(outbox.pointer + at, len(datagram), MAX_DATAGRAM)
            if protected < 0:
                self._counts[DropReason.PROTECT_FAILED] += 1
                continue
            outbox.commit(protected)
            self.counters.packets_out[Kind.RTCP] += 1
            self.counters.bytes_out[Kind.RTCP] += protected

    # The end of a wake-up

    def flush(self, now: float) -> None:
        taken = self._hand_over()
        if taken:
            self.counters.forward_latency.observe(self._clock() - now, taken)

    def next_timer(self) -> float | None:
        return self._timers.next()

    def handle_timers(self, now: float) -> None:
        for owner, call in self._timers.due(now):
            try:
                call(now)
            except Exception as error:
                self._bug(owner, error)
        self._hand_over()

    def _bug(self, number: PeerId, error: Exception) -> None:
        """Our own fault in one peer's objects: this peer ends, the others go on."""
        self.bugs += 1
        if number in self._peers:
            self.close_peer(number)
            self._reports.append(Failed(number, Stage.BUG))
        if self._on_bug is not None:
            self._on_bug(error)

    def take_reports(self) -> list[Report]:
        reports, self._reports = self._reports, []
        return reports

    def _hand_over(self) -> int:
        """Hand what is prepared to the kernel: sound and reports first, so that video is what a full buffer drops."""
        taken = self._urgent.send() + self._bulk.send()
        if self._first and taken:
            for number, incoming in self._first:
                self._tell_first(number, incoming)
            self._first.clear()
        return taken

    def _tell_first(self, number: PeerId, incoming: bool) -> None:
        peer = self._peers.get(number)
        if peer is None:
            return
        told = peer.forwarded_from if incoming else peer.forwarded_to
        if not told:
            self._reports.append(FirstForwarded(number, incoming))
        if incoming:
            peer.forwarded_from = True
        else:
            peer.forwarded_to = True


_REFUSALS = {DUPLICATE: DropReason.DUPLICATE, TOO_OLD: DropReason.TOO_OLD, JUMPED: DropReason.SEQUENCE_JUMP}
