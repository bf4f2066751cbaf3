"""What forwards: packets of one peer's sections into sections of others. Nothing is decoded (ports.py, MediaPlane).

The way of a packet is `receive`: SSRC list, unprotect, header, section, log, and then for each receiver `OutgoingStream.forward`,
which writes and protects its copy. `flush` hands the copies of a batch to the kernel. RTCP is `Control`'s.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from sfu.rtp.descriptors import is_keyframe_start, read_frame
from sfu.rtp.extensions import AUDIO_LEVEL, DEPENDENCY_DESCRIPTOR, TRANSPORT_CC, Elements
from sfu.rtp.frame import Frame
from sfu.rtp.history import History
from sfu.rtp.levels import level
from sfu.rtp.packet import Header, is_rtcp, parse
from sfu.rtp.receive_log import DUPLICATE, JUMPED, NEVER, NEW, RECOVERED, RESTARTED, TOO_OLD
from sfu.rtp.rtx import NOTHING, OSN_LENGTH, unwrap
from sfu.transport.control import Control
from sfu.transport.counters import Counters, Kind
from sfu.transport.downlink import Downlink
from sfu.transport.drops import DropReason, Drops
from sfu.transport.incoming import Feed, IncomingStream
from sfu.transport.mapping import mapping
from sfu.transport.media_peer import MediaPeer
from sfu.transport.outbox import MAX_DATAGRAM, Outboxes
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import AudioLevels, Egress, Failed, FirstForwarded, PeerId, Report, Section, Stage
from sfu.transport.ports import Destination, Sender, SrtpKeys
from sfu.transport.rates import Rates
from sfu.transport.slab import Slab
from sfu.transport.srtp import REPLAYED, REPLAYED_TOO_OLD, sessions
from sfu.transport.timers import EVERYBODY, Timers

LEVELS_INTERVAL = 0.15
"""Seconds between two reports of audio levels."""
BITRATE_CAP = 1_500_000
"""Bits per second that a sender of video is told it may send: a good 720p picture."""
RECEIVER_CAP = 20_000_000
"""Bits per second at which the estimate of a way down ends: a dozen such pictures."""

_HAS_LEVEL = 1 << AUDIO_LEVEL
_HAS_DESCRIPTOR = 1 << DEPENDENCY_DESCRIPTOR
_HAS_NUMBER = 1 << TRANSPORT_CC
_LEAST = 12 + 10
"""Bytes of the smallest SRTP packet: a header and the shortest tag. No SRTCP packet is smaller."""

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
        receiver_cap: int = RECEIVER_CAP,
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
        self._receiver_cap = receiver_cap
        self._on_bug = on_bug
        self._rng = rng if rng is not None else random.SystemRandom()
        self._outboxes = Outboxes(sender, self.counters)
        self._peers: dict[PeerId, MediaPeer] = {}
        self._timers = Timers()
        self._control = Control(
            self._peers, self._timers, self.counters, bitrate_cap=bitrate_cap, ntp_epoch=ntp_epoch, rng=self._rng
        )
        self._reports: list[Report] = []
        self._rates = Rates(self._timers, self._tell)
        self._first: list[tuple[PeerId, bool]] = []
        self._heard: list[Feed] = []
        # One of each for all packets: they are read and forgotten within one call.
        self._header = Header()
        self._elements = Elements()
        self._frame = Frame()

    # Peers, sections, routes

    def open_peer(self, peer: PeerId) -> None:
        downlink = Downlink(peer, self._rng.getrandbits(15), self._receiver_cap, self._clock())
        self._peers[peer] = MediaPeer(peer, self._outboxes, downlink, self._rng)
        self._control.ways.open(peer, self._clock())

    def set_keys(self, peer: PeerId, keys: SrtpKeys) -> None:
        state = self._peers.get(peer)
        if state is None:
            return
        assert state.inbound is None, "a second handshake would start packet indices over"
        state.inbound, state.outbound = sessions(keys)
        self._connect(state)

    def set_destination(self, peer: PeerId, destination: Destination, bulk: Destination | None = None) -> None:
        state = self._peers.get(peer)
        if state is None:
            return
        self._hand_over()
        state.urgent.destination = destination
        state.bulk.destination = destination if bulk is None else bulk
        self._connect(state)

    def _connect(self, peer: MediaPeer) -> None:
        """What waited for the peer to be reachable begins."""
        if not peer.connected():
            return
        for stream in peer.outgoing.values():
            self._let_send(peer, stream)
        self._control.report_soon(peer, self._clock())

    def _let_send(self, peer: MediaPeer, stream: OutgoingStream) -> None:
        stream.session = peer.outbound if peer.connected() and stream.section.peer_receives else None
        if stream.feed is not None:
            stream.feed.selection.refresh()

    def close_peer(self, peer: PeerId) -> None:
        state = self._peers.pop(peer, None)
        if state is None:
            return
        self._control.ways.close(peer)
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
        self._control.report_soon(state, self._clock())
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
            feed.selection.place_all()
        peer.declare(feed)

    def _set_outgoing(self, peer: MediaPeer, section: Section) -> None:
        stream = peer.outgoing.get(section.mid)
        if stream is None:
            egress = Egress(peer.ssrcs.allocate(peer.streams), self._rtx_ssrc(peer, section, None))
            outbox = peer.urgent if section.kind == "audio" else peer.bulk
            stream = OutgoingStream(peer.number, section, egress, outbox, peer.downlink, self.counters, self._rng)
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
            self._control.forget(source)
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
        feed.selection.place(stream)
        now = self._clock()
        self._control.report_soon(target, now)
        self._ask_for(source, feed, stream, now)

    def _ask_for(self, peer: MediaPeer, feed: Feed, receiver: OutgoingStream, now: float) -> None:
        """Ask for the keyframe that a receiver waits for, if it can be sent it."""
        source = receiver.target
        if source is not None and receiver in source.waiting:
            self._control.ask_for_route(peer, feed, source, now)
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

    def set_layer(self, receiver: PeerId, receiver_mid: str, spatial: int, temporal: int) -> None:
        target = self._peers.get(receiver)
        stream = target.outgoing.get(receiver_mid) if target is not None else None
        feed = stream.feed if stream is not None else None
        source = self._peers.get(feed.peer) if feed is not None else None
        if stream is None or stream.is_sound:
            return
        self._hand_over()
        stream.want(spatial, temporal)
        if feed is not None and source is not None:
            feed.selection.place(stream)
            self._ask_for(source, feed, stream, self._clock())

    def request_keyframe(self, sender: PeerId, sender_mid: str) -> None:
        peer = self._peers.get(sender)
        feed = peer.feeds.get(sender_mid) if peer is not None else None
        if peer is None or feed is None:
            return
        for stream in feed.streams:
            if stream.is_taken:
                self._control.want_keyframe(peer, stream, self._clock())
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
            self._control.receive(state, slab, offset, length, now)
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
        elements = self._elements
        elements.present = 0
        if header.extension_length:
            feed.reader.read(view, header.extension_profile, header.extension_offset, header.extension_length, elements)
            if elements.present & _HAS_NUMBER:
                # Also of what is not forwarded: a sender probes with retransmissions and padding.
                number_at = elements.offsets[TRANSPORT_CC]
                if state.arrivals.note(view[number_at] << 8 | view[number_at + 1], now):
                    state.arrivals_ssrc = ssrc
                    self._control.estimation.arrived(state, now)
        counters = self.counters
        if stream.primary is None:
            kind = feed.kind
            counters.packets_in[kind] += 1
            counters.bytes_in[kind] += length
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
        if header.extension_length:
            feed.reader.read(view, header.extension_profile, header.extension_offset, header.extension_length, elements)
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
        header = self._header
        codec = feed.descriptors.get(header.payload_type)
        if codec is None:
            self._counts[DropReason.UNKNOWN_PAYLOAD_TYPE] += 1
            return
        sequence = header.sequence
        log = stream.log
        verdict = log.received(sequence, header.timestamp, now, repaired)
        if verdict != NEW and verdict != RECOVERED:
            if verdict != RESTARTED:
                self._counts[_REFUSALS[verdict]] += 1
                return
            self._restart(feed, stream)
        stream.ended = False
        stream.heard_at = now
        if not stream.live and not self._arrive(peer, feed, stream, now):
            self._counts[DropReason.OTHER_LAYER] += 1
            return
        if log.nacks_at < NEVER and stream.is_taken and feed.asks_nack:
            self._control.watch_losses(peer, stream, log.nacks_at)
        payload_length = header.payload_length
        if payload_length == 0:
            self._counts[DropReason.PADDING] += 1
            for receiver in stream.receivers:
                receiver.skip(sequence)
            return
        elements = self._elements
        if elements.present & _HAS_LEVEL:
            loudness = level(view[elements.offsets[AUDIO_LEVEL]])
            if feed.loudest < 0:
                self._hear(feed, loudness, now)
            elif loudness < feed.loudest:
                feed.loudest = loudness
        start = offset + header.header_length
        if header.payload_type != stream.payload_type:
            stream.payload_type = header.payload_type
            feed.selection.refresh()
        if stream.keeps_history:
            history = stream.history
            if history is None:
                history = stream.history = History.for_video() if feed.kind is Kind.VIDEO else History.for_audio()
            history.store(sequence, view, offset, length, now)
        frame = None
        newest = verdict != RECOVERED
        extended = 0
        if codec:
            if (
                stream.described
                or header.timestamp != stream.timestamp
                or stream.waiting
                or stream.keyframes.wanted
                or not newest
            ):
                frame = self._look(stream, codec, view, start, newest)
                extended = log.highest if newest else log.extended(sequence)
            else:
                # Nothing needs to know more of the middle of a frame than that it is one.
                stream.meter.octets[0] += payload_length
                stream.meter.frames[0] += header.marker
            if header.marker and feed.section.rids:
                self._look_above(feed, stream, now)
            if stream.waiting or stream.keyframes.wanted:
                self._look_for_keyframe(peer, feed, stream, codec, view, start, frame, now)
        receivers = stream.receivers
        if not receivers:
            self._count_untaken(feed, stream)
            return
        payload = view[start : start + payload_length]
        sent = sent_bytes = 0
        for receiver in receivers:
            try:
                size = receiver.forward(view, header, elements, payload, frame, extended, newest, now)
                if size:
                    sent += 1
                    sent_bytes += size
                    if not receiver.started:
                        self._start(peer, receiver, now)
            except Exception as error:
                self._bug(receiver.peer, error)
        counters = self.counters
        counters.packets_out[feed.kind] += sent
        counters.bytes_out[feed.kind] += sent_bytes

    def _look(self, stream: IncomingStream, codec: int, view: memoryview, start: int, newest: bool) -> Frame | None:
        """What the packet at hand tells of its frame, which is counted for its layer; None where it tells nothing."""
        header, elements, frame = self._header, self._elements, self._frame
        descriptor = elements.present & _HAS_DESCRIPTOR
        described = read_frame(
            codec,
            view,
            start,
            header.payload_length,
            header.marker,
            stream.structures,
            elements.offsets[DEPENDENCY_DESCRIPTOR] if descriptor else 0,
            elements.lengths[DEPENDENCY_DESCRIPTOR] if descriptor else 0,
            newest,
            frame,
        )
        meter = stream.meter
        if not described:
            meter.octets[0] += header.payload_length
            meter.frames[0] += header.marker
            if newest:
                stream.timestamp = header.timestamp
            return None
        layer = frame.spatial << 3 | frame.temporal
        meter.octets[layer] += header.payload_length
        if frame.end:
            meter.frames[layer] += 1
        if newest:
            stream.note(frame, header.timestamp)
        return frame

    def _look_for_keyframe(
        self,
        peer: MediaPeer,
        feed: Feed,
        stream: IncomingStream,
        codec: int,
        view: memoryview,
        start: int,
        frame: Frame | None,
        now: float,
    ) -> None:
        """Somebody waits for a keyframe of the stream: does one begin with the packet at hand?"""
        if frame is not None:
            keyframe = frame.keyframe
        else:
            keyframe = is_keyframe_start(codec, view, start, self._header.payload_length)
        if keyframe:
            stream.keyframes.seen()
            feed.selection.begin(stream)
        elif stream.waiting and not stream.keyframes.wanted and feed.may_ask(stream, now):
            self._control.want_keyframe(peer, stream, now)

    def _look_above(self, feed: Feed, stream: IncomingStream, now: float) -> None:
        """A frame of a simulcast layer ends: those above it that have paused are not waited for."""
        silent = feed.selection.silent_above(stream, now)
        if silent is not None:
            feed.selection.pause(silent)
            self._rates.tell(feed, now)

    def _count_untaken(self, feed: Feed, stream: IncomingStream) -> None:
        """Nobody gets the packet at hand, each for a reason."""
        counts = self._counts
        if not feed.receivers:
            counts[DropReason.NO_ROUTE] += 1
            return
        counts[DropReason.NOT_A_KEYFRAME] += len(stream.waiting)
        for receiver in stream.unable:
            counts[DropReason.NOT_CONNECTED if receiver.session is None else DropReason.NO_CODEC] += 1
        if not stream.waiting and not stream.unable:
            counts[DropReason.OTHER_LAYER] += 1

    def _restart(self, feed: Feed, stream: IncomingStream) -> None:
        """The source began anew: its sequence numbers and timestamps mean other packets and moments from here on."""
        stream.report_ntp = None
        if stream.history is not None:
            stream.history.clear()
        feed.selection.restart(stream)

    def _arrive(self, peer: MediaPeer, feed: Feed, stream: IncomingStream, now: float) -> bool:
        """The first packet of a stream, or the first after a silence. False: another stream has its place."""
        if not feed.selection.arrive(stream, now):
            return False
        # Without feedback Chromium stays at 293 kbit/s: let the first REMB not wait for its turn.
        self._control.report_soon(peer, now)
        if feed.kind is Kind.VIDEO:
            self._rates.watch(feed, stream, now)
        return True

    def _start(self, peer: MediaPeer, receiver: OutgoingStream, now: float) -> None:
        """The first packet of a route has been prepared."""
        receiver.started = True
        self._first.append((peer.number, True))
        self._first.append((receiver.peer, False))
        target = self._peers.get(receiver.peer)
        if target is not None:
            self._control.report_soon(target, now)

    def _hear(self, feed: Feed, loudness: int, now: float) -> None:
        """The first level that is heard of a section since the last report."""
        feed.loudest = loudness
        if not self._heard:
            self._timers.at(now + LEVELS_INTERVAL, EVERYBODY, self._report_levels)
        self._heard.append(feed)

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

    def _tell(self, report: Report) -> None:
        self._reports.append(report)

    def take_reports(self) -> list[Report]:
        reports, self._reports = self._reports, []
        estimation, ways = self._control.estimation, self._control.ways
        if estimation.changed and (estimates := estimation.take(self._clock())) is not None:
            reports.append(estimates)
        if ways.waiting is not None:
            reports.append(ways.waiting)
            ways.waiting = None
        return reports

    def _hand_over(self) -> int:
        """Hand what is prepared to the kernel: sound and reports first, so that video is what a full buffer drops."""
        taken = self._outboxes.send()
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
