"""Retransmission on an SSRC of its own (RFC 4588): the payload is the original sequence number and the original payload."""

from __future__ import annotations

from sfu.rtp import wire
from sfu.rtp.buffer import Buffer, WritableBuffer
from sfu.rtp.packet import Header

OSN_LENGTH = 2  # bytes of the original sequence number
NOTHING = -1


def original_sequence(view: Buffer, offset: int, header: Header) -> int:
    """The sequence number that a parsed retransmission at `offset` stands for.

    `NOTHING` where there is none: browsers probe for bandwidth with retransmission packets of padding alone, or with the number and
    nothing after it. Such a packet is received, and then dropped: forwarded on the media SSRC it breaks decoding.
    """
    if header.payload_length <= OSN_LENGTH:
        return NOTHING
    start = offset + header.header_length
    return view[start] << 8 | view[start + 1]


def unwrap(view: WritableBuffer, offset: int, header: Header, payload_type: int, ssrc: int) -> int:
    """Make the retransmission at `offset` the original packet again, in place. `header` is of the retransmission, parsed.

    Gives the offset of the original, which is `OSN_LENGTH` bytes shorter and ends where the retransmission ended; parse it anew.
    `NOTHING` where there is no original in it; then nothing was written.
    """
    sequence = original_sequence(view, offset, header)
    if sequence == NOTHING:
        return NOTHING
    start = offset + OSN_LENGTH
    head = wire.read_bytes(view, offset, header.header_length)
    wire.write_bytes(view, start, head)
    wire.write_fixed(view, start, head[0], header.marker << 7 | payload_type, sequence, header.timestamp, ssrc)
    return start


def write_original(view: WritableBuffer, offset: int, sequence: int) -> int:
    """Write the original sequence number at `offset`, where the payload begins; gives where the original payload goes."""
    view[offset] = sequence >> 8
    view[offset + 1] = sequence & 0xFF
    return offset + OSN_LENGTH
