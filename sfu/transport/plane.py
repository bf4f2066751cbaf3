"""What forwards: packets of one peer's sections into sections of others. Nothing is decoded (ports.py, MediaPlane).

The way of a packet is `receive`: SSRC list, unprotect, header, section; then `Forwarding`: log, layer, history; and for each receiver
`OutgoingStream.forward`, which writes and protects its copy. `flush` hands the copies of a batch to the kernel. RTCP is `Control`'s.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from sfu.rtp import wire
from sfu.rtp.extensions import TRANSPORT_CC
from sfu.rtp.packet import is_rtcp, parse
from sfu.rtp.rtx import NOTHING, OSN_LENGTH, unwrap
from sfu.transport.control import Control
from sfu.transport.counters import Counters, Kind
from sfu.transport.downlink import Downlink
from sfu.transport.drops import DropReason, Drops
from sfu.transport.forwarding import Forwarding
from sfu.transport.incoming import Feed
from sfu.transport.loudness import Loudness
from sfu.transport.mapping import mapping
from sfu.transport.media_peer import MAX_PICTURES, MediaPeer
from sfu.transport.outbox import MAX_DATAGRAM, Outboxes
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import Egress, Failed, FirstForwarded, PeerId, Report, Section, Stage
from sfu.transport.ports import Destination, Sender, SrtpKeys
from sfu.transport.rates import Rates
from sfu.transport.sections import Sections, detach
from sfu.transport.slab import Slab
from sfu.transport.srtp import REPLAYED, REPLAYED_TOO_OLD, sessions
from sfu.transport.timers import Timers

BITRATE_CAP = 1_500_000
"""Bits per second that a sender of video is told it may send: a good 720p picture."""
RECEIVER_CAP = 20_000_000
"""Bits per second at which the estimate of a way down ends: a dozen such pictures."""
ROOM = 0.1
"""Seconds for which nothing of a picture goes to a way whose queue is suddenly full, before the keyframe of a smaller layer is asked for:
it would find no place. What is seen to wait takes longer, so that the way is not idle meanwhile (sfu.rtp.bandwidth.onset)."""

_HAS_NUMBER = 1 << TRANSPORT_CC
_LEAST = 12 + 10
"""Bytes of the smallest SRTP packet: a header and the shortest tag. No SRTCP packet is smaller."""

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
        self._sections = Sections(self._control, self.counters, clock, self._rng)
        self._reports: list[Report] = []
        self._forwarding = Forwarding(
            self._peers,
            self._control,
            Rates(self._timers, self._tell),
            Loudness(self._peers, self._timers, self._tell),
            self.counters,
            self._bug,
        )
        self._header = self._forwarding.header
        self._elements = self._forwarding.elements

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
        if state.urgent.destination not in (None, destination):
            state.downlink.estimator.moved(self._clock())
        state.urgent.destination = destination
        state.bulk.destination = destination if bulk is None else bulk
        self._connect(state)

    def _connect(self, peer: MediaPeer) -> None:
        """What waited for the peer to be reachable begins."""
        if not peer.connected():
            return
        for stream in peer.outgoing.values():
            self._sections.let_send(peer, stream)
        self._control.report_soon(peer, self._clock())

    def close_peer(self, peer: PeerId) -> None:
        state = self._peers.pop(peer, None)
        if state is None:
            return
        self._control.ways.close(peer)
        self._hand_over()
        self._sections.close(state)
        for outbox in (state.urgent, state.bulk):
            outbox.clear()
            outbox.admitted = False
            outbox.destination = None

    def set_sections(self, peer: PeerId, sections: tuple[Section, ...]) -> dict[str, Egress]:
        state = self._peers.get(peer)
        if state is None:
            return {}
        self._hand_over()
        self._sections.set(state, sections)
        state.urgent.admitted = bool(state.feeds or state.outgoing)
        state.bulk.admitted = any(section.peer_receives for section in sections)
        self._control.report_soon(state, self._clock())
        return {mid: stream.egress for mid, stream in state.outgoing.items() if stream.section.peer_receives}

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
            detach(stream)
        stream.attach(feed, mapping(feed.section, stream.section))
        if stream not in feed.receivers:
            feed.set_receivers((*feed.receivers, stream))
        feed.selection.place(stream)
        now = self._clock()
        if not stream.started and stream.session is not None:
            stream.routed_at = now
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
            detach(stream)

    def set_layer(self, receiver: PeerId, receiver_mid: str, spatial: int, temporal: int, precedence: int = 0) -> None:
        target = self._peers.get(receiver)
        stream = target.outgoing.get(receiver_mid) if target is not None else None
        feed = stream.feed if stream is not None else None
        source = self._peers.get(feed.peer) if feed is not None else None
        if stream is None or stream.is_sound:
            return
        self._hand_over()
        stream.restraint.precede(precedence)
        if (spatial, temporal) == (stream.wanted_spatial, stream.wanted_temporal):
            return
        stream.want(spatial, temporal)
        if feed is None or source is None or target is None:
            return
        now = self._clock()
        # Who may not ask for a keyframe just now has the larger layer for longer, rather than nothing.
        if target.downlink.draining and feed.asks(receiver).is_open(now) and feed.selection.leave_larger(stream):
            self._timers.at(now + ROOM, receiver, partial(self._place, target, stream))
        else:
            feed.selection.place(stream)
            self._ask_for(source, feed, stream, now)

    def _place(self, target: MediaPeer, stream: OutgoingStream, now: float) -> None:
        """There is room on the way for the keyframe of a smaller layer."""
        feed = stream.feed
        source = self._peers.get(feed.peer) if feed is not None else None
        if feed is None or source is None or self._peers.get(target.number) is not target:
            return
        feed.selection.place(stream)
        self._ask_for(source, feed, stream, now)

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

    def owner(self, ssrc: int) -> PeerId | None:
        found = [number for number, peer in self._peers.items() if peer.sends_as(ssrc)]
        return found[0] if len(found) == 1 else None

    def peers(self) -> list[PeerId]:
        return list(self._peers)

    def carried(self, peer: PeerId) -> int:
        state = self._peers.get(peer)
        if state is None:
            return 0
        packets = 0
        for incoming in state.streams.values():
            packets += incoming.log.expected - incoming.log.lost
        for outgoing in state.outgoing.values():
            packets += outgoing.packets
        return packets

    def is_authentic(self, peer: PeerId, slab: Slab, offset: int, length: int) -> bool:
        state = self._peers.get(peer)
        if state is None or state.inbound is None or not _LEAST <= length <= MAX_DATAGRAM:
            return False
        unprotect = state.inbound.unprotect_rtcp if is_rtcp(slab.data[offset + 1]) else state.inbound.unprotect
        return unprotect(slab.address + offset, length) >= 0

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
        view = slab.data
        if is_rtcp(view[offset + 1]):
            self._control.receive(state, slab, offset, length, now)
            return
        _, ssrc = wire.read_long_pair(view, offset + 4)
        stream = state.streams.get(ssrc)
        if stream is None and not state.may_take(ssrc):
            counts[DropReason.SSRC_LIMIT] += 1
            return
        clear = inbound.unprotect(slab.address + offset, length)
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
            if feed.unnumbered:
                if header.timestamp != stream.timestamp and len(state.pictures) < MAX_PICTURES:
                    # The picture before is here.
                    if not state.pictures:
                        self._control.estimation.pictures_come(state, now)
                    state.pictures.extend((ssrc, stream.timestamp, stream.octets, stream.heard_at))
                    stream.octets = 0
                stream.octets += clear
            kind = feed.kind
            counters.packets_in[kind] += 1
            counters.bytes_in[kind] += length
            self._forwarding.receive(state, feed, stream, view, offset, clear, False, now)
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
        self._forwarding.receive(state, feed, stream.primary, view, start, clear, True, now)

    # The end of a wake-up

    def flush(self, since: float) -> None:
        taken = self._hand_over()
        if taken:
            self.counters.forward_latency.observe(self._clock() - since, taken)

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
        first = self._forwarding.first
        if first and taken:
            for number, incoming in first:
                self._tell_first(number, incoming)
            first.clear()
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
