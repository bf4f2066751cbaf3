"""The stream that a receiving section gets: one SSRC for the section's whole life, whatever feeds it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sfu.rtp import red
from sfu.rtp.extensions import Elements, Writer
from sfu.rtp.packet import FIXED_LENGTH, Header, write_fixed
from sfu.rtp.resends import Resends
from sfu.rtp.rtx import write_original
from sfu.rtp.seqmap import REFUSED, SequenceMap, TimestampMap
from sfu.transport.counters import Counters
from sfu.transport.downlink import Downlink
from sfu.transport.drops import DropReason
from sfu.transport.mapping import NO_CODEC, NO_RED, Mapping
from sfu.transport.outbox import LAST_START, MAX_DATAGRAM, Outbox
from sfu.transport.parameters import Egress, PeerId, Section
from sfu.transport.srtp import MAX_TRAILER, SrtpSession

if TYPE_CHECKING:
    from sfu.transport.incoming import Feed

CLOCK_RATES = {"audio": 48_000, "video": 90_000}
"""Hz, of all codecs of a kind that we forward (RFC 7587 4.1, RFC 7741 4.1 and its like)."""

MAX_CLEAR = MAX_DATAGRAM - MAX_TRAILER
"""Bytes of an RTP packet before protection."""

PADDING = 255
"""Bytes of a packet that only probes: the most that its last byte can count (RFC 3550 5.1)."""
_PADDING = bytes(PADDING - 1) + bytes((PADDING,))

_NOTHING = Mapping((NO_CODEC,) * 128, (NO_CODEC,) * 128, NO_RED)


class OutgoingStream:
    """One receiving section. A feed is attached while there is a route; numbers and timestamps go on from feed to feed.

    For the outgoing side of RFC 3711: no sequence number goes out twice, for `SequenceMap` gives each one once, and what is
    sent again goes out as a retransmission, on an SSRC and with sequence numbers of its own (RFC 4588).
    """

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
        self.feed: Feed | None = None
        self.awaiting_keyframe = False
        """Whether a video stream waits for the frame that a decoder can start with."""
        self.session: SrtpSession | None = None
        """None until the peer can be sent to."""
        self.packets = 0
        """Media packets sent so far, without retransmissions, as a sender report counts them (RFC 3550 6.4.1)."""
        self.octets = 0
        """Payload bytes of those."""
        self.reported_packets = 0
        """`packets` when the last sender report was made."""
        self.round_trip = 0.0
        """Seconds, as of the receiver's newest report; 0.0 while unknown."""
        self.started = False
        """Whether a packet of the route at hand has been prepared."""
        self.switched_by_source = False
        """Whether the source's own doing was why it last began to wait."""
        self.wanted_layer = (0, 0)
        """(spatial, temporal) of what its receiver is to get."""
        self.left_out = False
        """Whether video is left out because more has been sent than the way takes; then it begins again with a keyframe."""
        self._downlink = downlink
        self._sent = downlink.sent
        self._outbox = outbox
        self._drops = counters.drops.counts
        self._use(_NOTHING)
        self._elements = Elements()
        self._negotiate(section)
        # RFC 3711 3.3.1: a first number in the lower half, or the receiver could guess the rollover counter wrong when
        # the first packets are lost.
        self._sequences = SequenceMap(rng.getrandbits(14))
        self.timestamps = TimestampMap(CLOCK_RATES[section.kind], rng.getrandbits(32))
        self._resends = Resends()
        self._rtx_sequence = rng.getrandbits(14)
        self._picture = section.kind == "video"
        self._frame = -1

    def update(self, section: Section) -> None:
        """The section was negotiated anew. Its route, if it keeps one, is attached again by the caller."""
        self._negotiate(section)

    def _negotiate(self, section: Section) -> None:
        self.section = section
        self._writer = Writer(section.extensions, section.mid)
        offered = (codec.rtx_payload_type for codec in section.codecs)
        self._padding_type = next((payload_type for payload_type in offered if payload_type is not None), NO_CODEC)

    def attach(self, feed: Feed, mapping: Mapping) -> None:
        """There is a route from `feed` now."""
        self._use(mapping)
        if feed is not self.feed:
            self.feed = feed
            self.started = False
            self.switch()

    def detach(self) -> None:
        """There is no route any more."""
        self.feed = None
        self.left_out = False
        self.awaiting_keyframe = False
        self._use(_NOTHING)

    def _use(self, mapping: Mapping) -> None:
        self._payload_types = mapping.payload_types
        self._rtx_payload_types = mapping.rtx_payload_types
        self._strip_red = mapping.strip_red

    def carries(self, payload_type: int) -> bool:
        """Whether the receiver has negotiated what the feed sends as `payload_type`; -1 is nothing yet."""
        return payload_type >= 0 and self._payload_types[payload_type] != NO_CODEC

    def switch(self, *, by_source: bool = False) -> None:
        """The next packet comes from another source, or from the same one after a pause."""
        self.switched_by_source = by_source
        self._sequences.switch()
        self.timestamps.switch()
        self.awaiting_keyframe = self.section.kind == "video"

    def forward(
        self,
        source: memoryview,
        header: Header,
        elements: Elements,
        payload: memoryview,
        keyframe: bool,
        now: float,
    ) -> int:
        """Prepare the receiver's copy of a packet. `source` is what `elements` point into.

        Gives the bytes of the datagram; 0 where it was dropped, which is counted.

        `keyframe` need only be true to fact while `awaiting_keyframe`.
        """
        session = self.session
        if session is None:
            self._drops[DropReason.NOT_CONNECTED] += 1
            return 0
        if self._picture and (self._downlink.limited or self.left_out):
            self._look_at_frame(header.timestamp, now)
        if self.left_out:
            self._drops[DropReason.ABOVE_ESTIMATE] += 1
            return 0
        payload_type = self._payload_types[header.payload_type]
        if payload_type == NO_CODEC:
            self._drops[DropReason.NO_CODEC] += 1
            return 0
        if self.awaiting_keyframe and not keyframe:
            self._drops[DropReason.NOT_A_KEYFRAME] += 1
            return 0
        if header.payload_type == self._strip_red:
            start, length, inner = red.primary(payload, 0, len(payload))
            if inner < 0:
                self._drops[DropReason.MALFORMED_RED] += 1
                return 0
            payload = payload[start : start + length]
        outbox = self._outbox
        if outbox.end > LAST_START:
            outbox.reserve()
        view = outbox.view
        at = outbox.end
        extension = self._writer.write(source, elements, view, at + FIXED_LENGTH)
        body = at + FIXED_LENGTH + extension
        size = len(payload)
        end = body + size
        if end - at > MAX_CLEAR:
            self._drops[DropReason.TOO_LARGE] += 1
            self._leave_out(header.sequence)
            return 0
        # Only what goes out has a number and a timestamp.
        sequence = self._sequences.map(header.sequence)
        if sequence == REFUSED:
            self._drops[DropReason.SUPERSEDED] += 1
            return 0
        timestamp = self.timestamps.map(header.timestamp, now)
        self.awaiting_keyframe = False
        write_fixed(view, at, extension, header.marker, payload_type, sequence, timestamp, self.egress.ssrc)
        view[body:end] = payload
        if self._writer.number_at:
            self._writer.write_number(view, at + FIXED_LENGTH, self._sent.note(end - at, now))
        else:
            self._sent.total += end - at
        protected = session.protect(outbox.pointer + at, end - at, MAX_DATAGRAM)
        if protected < 0:
            self._drops[DropReason.PROTECT_FAILED] += 1
            return 0
        outbox.commit(protected)
        self.packets += 1
        self.octets += size
        return protected

    def _look_at_frame(self, timestamp: int, now: float) -> None:
        """Where a frame begins: whether it goes out. It is sent whole, or not at all."""
        if timestamp == self._frame:
            return
        self._frame = timestamp
        if self.left_out:
            if self._downlink.drained(now):
                self.left_out = False
                self._await_keyframe()
        elif self._downlink.exceeded(now):
            self.left_out = True

    def _await_keyframe(self) -> None:
        """Frames have been left out, so that the decoder has nothing to go on from."""
        if not self.awaiting_keyframe and self.feed is not None:
            self.switch()
            self.feed.refresh()

    def _leave_out(self, sequence: int) -> None:
        """A packet cannot go out. It cannot as a retransmission either, so there is no gap, which the receiver would ask about in vain.

        A decoder would not see that its frame has a hole: video goes on with the next keyframe.
        """
        if self.section.kind == "audio":
            self._sequences.drop(sequence)
        else:
            self._await_keyframe()

    def skip(self, sequence: int) -> None:
        """A packet of the source carries nothing to forward: close the numbers up behind it."""
        self._sequences.drop(sequence)

    def wanted(self, sequence: int) -> int:
        """The source's number of what went out as `sequence`; negative if nothing did since the last switch."""
        return self._sequences.reverse(sequence)

    @property
    def can_resend(self) -> bool:
        """Whether this receiver has negotiated retransmissions, and can be sent to."""
        return self.session is not None and self.egress.rtx_ssrc is not None

    def may_resend(self, sequence: int, size: int, now: float) -> bool:
        """Whether a retransmission of `size` bytes keeps within the round trip and the share of the media."""
        return self._resends.may_resend(sequence, size, self.octets, now, self.round_trip)

    def resend(
        self,
        sequence: int,
        source: memoryview,
        header: Header,
        elements: Elements,
        payload: memoryview,
        now: float,
    ) -> int:
        """Prepare again, as a retransmission (RFC 4588 4), what went out as `sequence`; the rest as for `forward`."""
        session = self.session
        ssrc = self.egress.rtx_ssrc
        payload_type = self._rtx_payload_types[header.payload_type]
        if session is None or ssrc is None or payload_type == NO_CODEC:
            return 0
        if header.payload_type == self._strip_red:
            start, length, _ = red.primary(payload, 0, len(payload))
            payload = payload[start : start + length]
        outbox = self._outbox
        outbox.reserve()
        view = outbox.view
        at = outbox.end
        extension = self._writer.write(source, elements, view, at + FIXED_LENGTH)
        body = write_original(view, at + FIXED_LENGTH + extension, sequence)
        end = body + len(payload)
        if end - at > MAX_CLEAR:
            self._drops[DropReason.TOO_LARGE] += 1
            return 0
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        timestamp = self.timestamps.translate(header.timestamp)
        write_fixed(view, at, extension, header.marker, payload_type, self._rtx_sequence, timestamp, ssrc)
        view[body:end] = payload
        if self._writer.number_at:
            self._writer.write_number(view, at + FIXED_LENGTH, self._sent.note(end - at, now))
        else:
            self._sent.total += end - at
        protected = session.protect(outbox.pointer + at, end - at, MAX_DATAGRAM)
        if protected < 0:
            self._drops[DropReason.PROTECT_FAILED] += 1
            return 0
        outbox.commit(protected)
        return protected

    @property
    def numbered(self) -> bool:
        """Whether its packets have transport-wide numbers."""
        return self._writer.number_at > 0

    @property
    def can_pad(self) -> bool:
        """Whether padding can be sent: as a retransmission, and only once there was something to retransmit."""
        return self.can_resend and self.packets > 0 and self._padding_type != NO_CODEC

    def pad(self, now: float) -> int:
        """Prepare a retransmission of padding alone, which a receiver counts and drops. Gives the bytes of the datagram; 0 for none."""
        session, ssrc = self.session, self.egress.rtx_ssrc
        if session is None or ssrc is None or not self.can_pad:
            return 0
        outbox = self._outbox
        outbox.reserve()
        view = outbox.view
        at = outbox.end
        self._elements.present = 0
        extension = self._writer.write(_PADDING, self._elements, view, at + FIXED_LENGTH)
        body = at + FIXED_LENGTH + extension
        end = body + PADDING
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        write_fixed(view, at, extension, 0, self._padding_type, self._rtx_sequence, self.timestamps.newest, ssrc)
        view[at] |= 0x20
        view[body:end] = _PADDING
        if self._writer.number_at:
            self._writer.write_number(view, at + FIXED_LENGTH, self._sent.note(end - at, now))
        protected = session.protect(outbox.pointer + at, end - at, MAX_DATAGRAM)
        if protected < 0:
            self._drops[DropReason.PROTECT_FAILED] += 1
            return 0
        outbox.commit(protected)
        return protected
