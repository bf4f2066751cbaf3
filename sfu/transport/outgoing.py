"""The stream that a receiving section gets: one SSRC for the section's whole life, whatever feeds it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sfu.rtp import red
from sfu.rtp.bandwidth.restraint import CHANGED, RESUMED, Restraint
from sfu.rtp.extensions import DEPENDENCY_DESCRIPTOR, NO_ELEMENTS, Elements, Writer
from sfu.rtp.frame import ALL, Frame
from sfu.rtp.layers import FILL, FORWARD, Layers
from sfu.rtp.packet import FIXED_LENGTH, Header, write_fixed
from sfu.rtp.seqmap import REFUSED, SequenceMap, TimestampMap
from sfu.transport.counters import Counters
from sfu.transport.downlink import Downlink
from sfu.transport.drops import DropReason
from sfu.transport.mapping import NO_CODEC, NO_RED, Mapping
from sfu.transport.outbox import LAST_START, MAX_CLEAR, MAX_DATAGRAM, Outbox
from sfu.transport.parameters import CLOCK_RATES, Egress, PeerId, Section
from sfu.transport.retransmissions import Retransmissions
from sfu.transport.srtp import SrtpSession

if TYPE_CHECKING:
    from sfu.transport.incoming import Feed, IncomingStream


_NOTHING = Mapping((NO_CODEC,) * 128, (NO_CODEC,) * 128, NO_RED)


class OutgoingStream:
    """One receiving section. A feed is attached while there is a route; numbers and timestamps go on from feed to feed.

    For the outgoing side of RFC 3711: no sequence number goes out twice, for `SequenceMap` gives each one once, and what is
    sent again goes out as a retransmission, on an SSRC and with sequence numbers of its own (RFC 4588).
    """

    __slots__ = (
        "_downlink",
        "_frame",
        "_payload_types",
        "_picture",
        "_sent",
        "_sequences",
        "_ssrc",
        "_strip_red",
        "drops",
        "egress",
        "feed",
        "is_sound",
        "layers",
        "mapping",
        "octets",
        "outbox",
        "packets",
        "padding_type",
        "peer",
        "reported_packets",
        "restraint",
        "retransmissions",
        "round_trip",
        "routed_at",
        "section",
        "session",
        "source",
        "started",
        "switched_by_source",
        "target",
        "timestamps",
        "wanted_spatial",
        "wanted_temporal",
        "writer",
    )

    def __init__(
        self,
        peer: PeerId,
        section: Section,
        egress: Egress,
        outbox: Outbox,
        downlink: Downlink,
        counters: Counters,
        rng: random.Random,
    ) -> None:
        self.peer = peer
        self.section = section
        self.egress = egress
        self._ssrc = egress.ssrc
        self.feed: Feed | None = None
        self.source: IncomingStream | None = None
        """Of the feed's streams the one whose packets go out. This and the next are set by the feed's selection."""
        self.target: IncomingStream | None = None
        """The one that is taken from its next keyframe on."""
        self.layers: Layers | None = None
        """What is left out of the source, and how it is numbered; None while all of it goes out as it is."""
        self.wanted_spatial = ALL
        """Of what comes; -1: nothing."""
        self.wanted_temporal = ALL
        self.is_sound = section.kind == "audio"
        self.session: SrtpSession | None = None
        """None until the peer can be sent to."""
        self.packets = 0
        """Media packets sent so far, without retransmissions, as a sender report counts them (RFC 3550 6.4.1)."""
        self.octets = 0
        """Payload bytes of those."""
        self.reported_packets = 0
        """`packets` when the last sender report was made."""
        self.round_trip = 0.0
        """Seconds, smoothed over the receiver's reports; 0.0 while unknown."""
        self.started = False
        """Whether a packet of the route at hand has been prepared."""
        self.routed_at = 0.0
        """When the route at hand could first have been sent on."""
        self.switched_by_source = False
        """Whether the source's own doing was why it last began to wait."""
        self.restraint = Restraint()
        self._downlink = downlink
        self._sent = downlink.sent
        self.outbox = outbox
        self.drops = counters.drops.counts
        self._use(_NOTHING)
        self._negotiate(section)
        # RFC 3711 3.3.1: a first number in the lower half, or the receiver could guess the rollover counter wrong when
        # the first packets are lost.
        self._sequences = SequenceMap(rng.getrandbits(14))
        self.timestamps = TimestampMap(CLOCK_RATES[section.kind], rng.getrandbits(32))
        self.retransmissions = Retransmissions(rng)
        self._picture = section.kind == "video"
        self._frame = -1

    def update(self, section: Section) -> None:
        """The section was negotiated anew. Its route, if it keeps one, is attached again by the caller."""
        self._negotiate(section)

    def _negotiate(self, section: Section) -> None:
        self.section = section
        self.writer = Writer(section.extensions, section.mid)
        offered = (codec.rtx_payload_type for codec in section.codecs)
        self.padding_type = next((payload_type for payload_type in offered if payload_type is not None), NO_CODEC)

    def attach(self, feed: Feed, mapping: Mapping) -> None:
        """There is a route from `feed` now."""
        self._use(mapping)
        if feed is not self.feed:
            self.leave()
            self.feed = feed
            self.started = self.switched_by_source = False
            self.restraint.precede(0)
            self.wanted_spatial = self.wanted_temporal = ALL
            self._limit_layers()

    def detach(self) -> None:
        """There is no route any more."""
        self.leave()
        self.target = None
        self.feed = None
        self.restraint.release()
        self._use(_NOTHING)

    def _use(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self._payload_types = mapping.payload_types
        self._strip_red = mapping.strip_red

    def carries(self, payload_type: int) -> bool:
        """Whether the receiver has negotiated what the feed sends as `payload_type`; -1 is nothing yet."""
        return payload_type >= 0 and self._payload_types[payload_type] != NO_CODEC

    def can_take(self, stream: IncomingStream) -> bool:
        """Whether the stream would reach the receiver, and be understood."""
        return self.session is not None and self.carries(stream.payload_type)

    def want(self, spatial: int, temporal: int) -> None:
        """What the receiver is to get of the layers that come; the selection is asked to place it by the caller."""
        self.wanted_spatial = spatial
        self.wanted_temporal = temporal
        if self.layers is None and (temporal < ALL or 0 <= spatial < ALL):
            self.layers = self._layers_so_far()
        self._limit_layers()

    def _limit_layers(self) -> None:
        if self.layers is not None:
            simulcast = self.feed is not None and bool(self.feed.section.rids)
            self.layers.wanted_spatial = ALL if simulcast else max(self.wanted_spatial, 0)
            self.layers.wanted_temporal = min(self.wanted_temporal, self.restraint.thinned)

    def lacks_layers(self) -> bool:
        """Whether it takes a keyframe of its own source to get the spatial layers that are wanted."""
        return self.layers is not None and self.source is not None and self.layers.lacks(self.source.highest)

    def begin(self, source: IncomingStream) -> None:
        """The next packet is the first of this stream; of video, of a keyframe."""
        ahead = self.source.ahead_of(source) if self.source is not None and self.source is not source else None
        self.leave()
        self.source = source
        self.target = None
        self._sequences.switch()
        self.timestamps.switch(ahead)
        if self.layers is not None:
            self._limit_layers()
            self.layers.switch()

    def leave(self) -> None:
        """Nothing more comes from the source. What does next follows on its numbers."""
        if self.source is None:
            return
        if self.layers is None and not self.is_sound and self.packets:
            self.layers = self._layers_so_far()
        self.source = None

    def _layers_so_far(self) -> Layers:
        """All went out as it was until now."""
        source = self.source
        return Layers() if source is None else Layers(source.picture_id, source.tl0, source.number)

    def forward(
        self,
        source: memoryview,
        header: Header,
        elements: Elements,
        payload: memoryview,
        frame: Frame | None,
        extended: int,
        newest: bool,
        now: float,
    ) -> int:
        """Prepare the receiver's copy of a packet. `source` is what `elements` point into.

        `frame` is what the packet tells of its frame, None where it tells nothing; `extended` its extended sequence number and `newest`
        whether it is ahead of all others of its stream, both by the stream's log.
        Gives the bytes of the datagram; 0 where it was dropped, which is counted.
        """
        session = self.session
        if session is None:
            self.drops[DropReason.NOT_CONNECTED] += 1
            return 0
        if self._picture and (self._downlink.limited or self.restraint.held):
            # A late packet is of a frame that has been looked at.
            if newest and header.timestamp != self._frame:
                self._look_at_frame(header.timestamp, frame, now)
            if self.restraint.left_out or self.source is None:
                self.drops[DropReason.ABOVE_ESTIMATE] += 1
                return 0
        payload_type = self._payload_types[header.payload_type]
        if payload_type == NO_CODEC:
            self.drops[DropReason.NO_CODEC] += 1
            return 0
        marker, descriptor = header.marker, b""
        layers = self.layers if frame is not None else None
        if layers is not None and frame is not None:
            taken = layers.take(frame, extended, newest or layers.fresh)
            if taken != FORWARD:
                return self._withhold(header, taken, session, payload_type, now)
            if not marker and layers.ends(frame, extended, newest):
                marker = 1
            descriptor = self.descriptor(layers, source, elements, frame, extended)
        if header.payload_type == self._strip_red:
            start, length, inner = red.primary(payload, 0, len(payload))
            if inner < 0:
                self.drops[DropReason.MALFORMED_RED] += 1
                return 0
            payload = payload[start : start + length]
        outbox = self.outbox
        if outbox.end > LAST_START:
            outbox.reserve()
        view = outbox.data
        at = outbox.end
        writer = self.writer
        plain = not elements.present & writer.carried
        extension = 0
        if plain:
            body = at + writer.plain_length
        else:
            extension = writer.write(source, elements, view, at + FIXED_LENGTH, descriptor)
            body = at + FIXED_LENGTH + extension
        size = len(payload)
        end = body + size
        length = end - at
        if length > MAX_CLEAR:
            self.drops[DropReason.TOO_LARGE] += 1
            self._leave_out(header.sequence)
            return 0
        # Only what goes out has a number and a timestamp.
        sequence = self._sequences.map(header.sequence)
        if sequence == REFUSED:
            self.drops[DropReason.SUPERSEDED] += 1
            return 0
        timestamp = self.timestamps.map(header.timestamp, now)
        number = 0
        if writer.number_at:
            number = self._sent.note(length, now)
        else:
            self._sent.total += length
        if plain:
            writer.write_plain(view, at, marker, payload_type, sequence, timestamp, self._ssrc, number)
        else:
            write_fixed(view, at, extension, marker, payload_type, sequence, timestamp, self._ssrc)
            if writer.number_at:
                writer.write_number(view, at + FIXED_LENGTH, number)
        view[body:end] = payload
        if layers is not None and frame is not None:
            layers.write(view, body, frame)
        protected = session.protect(outbox.address + at, length, MAX_DATAGRAM)
        if protected < 0:
            self.drops[DropReason.PROTECT_FAILED] += 1
            return 0
        outbox.commit(protected)
        self.packets += 1
        self.octets += size
        return protected

    def _withhold(self, header: Header, taken: int, session: SrtpSession, payload_type: int, now: float) -> int:
        """A packet of a layer that the receiver does not get. Where its number is a gap already, an empty packet fills it."""
        if taken != FILL:
            thinned = self.restraint.thinned < self.wanted_temporal
            self.drops[DropReason.ABOVE_ESTIMATE if thinned else DropReason.OTHER_LAYER] += 1
            self._sequences.drop(header.sequence)
            return 0
        timestamp = self.timestamps.translate(header.timestamp)
        # Without a moment of its own it must not take a number either.
        sequence = self._sequences.map(header.sequence) if timestamp != REFUSED else REFUSED
        if sequence == REFUSED:
            self.drops[DropReason.SUPERSEDED] += 1
            return 0
        outbox = self.outbox
        outbox.reserve()
        at = outbox.end
        extension = self.writer.write(b"", NO_ELEMENTS, outbox.data, at + FIXED_LENGTH)
        write_fixed(outbox.data, at, extension, 0, payload_type, sequence, timestamp, self._ssrc)
        self.packets += 1
        return self.seal(session, at, at + FIXED_LENGTH + extension, now)

    def seal(self, session: SrtpSession, at: int, end: int, now: float) -> int:
        """Number, protect and commit the packet that was written from `at` to `end`. Gives the bytes of the datagram; 0 if it cannot be."""
        outbox = self.outbox
        if self.writer.number_at:
            self.writer.write_number(outbox.data, at + FIXED_LENGTH, self._sent.note(end - at, now))
        else:
            self._sent.total += end - at
        protected = session.protect(outbox.address + at, end - at, MAX_DATAGRAM)
        if protected < 0:
            self.drops[DropReason.PROTECT_FAILED] += 1
            return 0
        outbox.commit(protected)
        return protected

    def descriptor(self, layers: Layers, source: memoryview, elements: Elements, frame: Frame, extended: int) -> bytes:
        """What the receiver is to see in place of the packet's dependency descriptor; empty where there is none."""
        if not elements.has(DEPENDENCY_DESCRIPTOR) or not self.writer.carries(DEPENDENCY_DESCRIPTOR):
            return b""
        return layers.descriptor(elements.value(source, DEPENDENCY_DESCRIPTOR), frame, extended)

    def _look_at_frame(self, timestamp: int, frame: Frame | None, now: float) -> None:
        """Where a frame begins: whether it goes out. It is sent whole, or not at all."""
        self._frame = timestamp
        layered = self.source is not None and self.source.layered
        change = self.restraint.begin_frame(self._downlink.fill(now), layered=layered)
        if change == RESUMED:
            self._await_keyframe()
        elif change == CHANGED:
            if self.layers is None:
                # The source has noted the frame, and nothing of it has gone out.
                self.layers = self._layers_so_far() if frame is None or self.source is None else Layers.before(frame)
            self._limit_layers()
            if self.feed is not None:
                self.feed.selection.refresh()

    def _await_keyframe(self) -> None:
        """Frames have been left out, so that the decoder has nothing to go on from."""
        if self.feed is not None:
            self.leave()
            self.feed.selection.place(self)

    def _leave_out(self, sequence: int) -> None:
        """A packet cannot go out. It cannot as a retransmission either, so there is no gap, which the receiver would ask about in vain.

        A decoder would not see that its frame has a hole: video goes on with the next keyframe.
        """
        if self.is_sound:
            self._sequences.drop(sequence)
        else:
            self._await_keyframe()

    def skip(self, sequence: int) -> None:
        """A packet of the source carries nothing to forward: close the numbers up behind it."""
        self._sequences.drop(sequence)

    def wanted(self, sequence: int) -> int:
        """The source's number of what went out as `sequence`; negative if nothing did since the source was gone over to."""
        return self._sequences.reverse(sequence)

    @property
    def can_resend(self) -> bool:
        """Whether this receiver has negotiated retransmissions, and can be sent to."""
        return self.session is not None and self.egress.rtx_ssrc is not None
