"""What one receiving section is sent again, and what it is sent to probe its way: the retransmission stream (RFC 4588)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sfu.rtp import red, wire
from sfu.rtp.extensions import NO_ELEMENTS, Elements
from sfu.rtp.frame import Frame
from sfu.rtp.layers import FORWARD
from sfu.rtp.packet import FIXED_LENGTH, Header, write_fixed
from sfu.rtp.resends import Resends
from sfu.rtp.rtx import write_original
from sfu.rtp.seqmap import REFUSED
from sfu.transport.drops import DropReason
from sfu.transport.mapping import NO_CODEC
from sfu.transport.outbox import MAX_CLEAR

if TYPE_CHECKING:
    from sfu.transport.outgoing import OutgoingStream

PADDING = 255
"""Bytes of a packet that only probes: the most that its last byte can count (RFC 3550 5.1)."""
_PADDING = bytes(PADDING - 1) + bytes((PADDING,))


class Retransmissions:
    """The sequence numbers of one section's retransmission stream, and what may still go out on it.

    The stream that is repeated is handed in with each call, so that the two do not hold each other.
    """

    __slots__ = ("_resends", "_sequence")

    def __init__(self, rng: random.Random) -> None:
        self._resends = Resends()
        self._sequence = rng.getrandbits(14)

    def may_resend(self, media: OutgoingStream, sequence: int, size: int, now: float) -> bool:
        """Whether a retransmission of `size` bytes keeps within the round trip and the share of the media."""
        return self._resends.may_resend(sequence, size, media.octets, now, media.round_trip)

    def resend(
        self,
        media: OutgoingStream,
        sequence: int,
        source: memoryview,
        header: Header,
        elements: Elements,
        payload: memoryview,
        frame: Frame | None,
        extended: int,
        now: float,
    ) -> int:
        """Prepare again, as a retransmission (RFC 4588 4), what went out as `sequence`; the rest as for `OutgoingStream.forward`."""
        session = media.session
        ssrc = media.egress.rtx_ssrc
        payload_type = media.mapping.rtx_payload_types[header.payload_type]
        if session is None or ssrc is None or payload_type == NO_CODEC:
            return 0
        if header.payload_type == media.mapping.strip_red:
            start, length, _ = red.primary(payload, 0, len(payload))
            payload = payload[start : start + length]
        marker = header.marker
        descriptor = b""
        layers = media.layers if frame is not None else None
        if layers is not None and frame is not None:
            if layers.take(frame, extended, False) != FORWARD:
                layers, elements, payload, marker = None, NO_ELEMENTS, payload[:0], 0
            else:
                marker |= layers.ends(frame, extended, False)
                descriptor = media.descriptor(layers, source, elements, frame, extended)
        outbox = media.outbox
        outbox.reserve()
        view = outbox.data
        at = outbox.end
        extension = media.writer.write(source, elements, view, at + FIXED_LENGTH, descriptor)
        body = write_original(view, at + FIXED_LENGTH + extension, sequence)
        end = body + len(payload)
        if end - at > MAX_CLEAR:
            media.drops[DropReason.TOO_LARGE] += 1
            return 0
        timestamp = media.timestamps.translate(header.timestamp)
        if timestamp == REFUSED:
            return 0
        self._sequence = (self._sequence + 1) & 0xFFFF
        write_fixed(view, at, extension, marker, payload_type, self._sequence, timestamp, ssrc)
        view[body:end] = payload
        if layers is not None and frame is not None:
            layers.write(view, body, frame)
        return media.seal(session, at, end, now)

    def can_pad(self, media: OutgoingStream) -> bool:
        """Whether padding can be sent: as a retransmission, and only once there was something to retransmit."""
        return media.can_resend and media.packets > 0 and media.padding_type != NO_CODEC

    def pad(self, media: OutgoingStream, now: float) -> int:
        """Prepare a retransmission of padding alone, which a receiver counts and drops. Gives the bytes of the datagram; 0 for none."""
        session, ssrc = media.session, media.egress.rtx_ssrc
        if session is None or ssrc is None or not self.can_pad(media):
            return 0
        outbox = media.outbox
        outbox.reserve()
        view = outbox.data
        at = outbox.end
        extension = media.writer.write(_PADDING, NO_ELEMENTS, view, at + FIXED_LENGTH)
        body = at + FIXED_LENGTH + extension
        end = body + PADDING
        self._sequence = (self._sequence + 1) & 0xFFFF
        write_fixed(view, at, extension, 0, media.padding_type, self._sequence, media.timestamps.newest, ssrc)
        view[at] |= 0x20
        wire.write_bytes(view, body, _PADDING)
        return media.seal(session, at, end, now)
