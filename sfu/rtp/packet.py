"""The RTP packet: its header read in place and written in place (RFC 3550 5.1)."""

from __future__ import annotations

import struct

from sfu.rtp import wire
from sfu.rtp.buffer import Buffer, WritableBuffer

FIXED_LENGTH = 12  # bytes, without CSRCs and extension
MAX_CSRCS = 15


class Header:
    """What `parse` found. One object is made once and filled for every packet.

    `header_length` counts everything before the payload, `padding` everything after it: the packet is `header_length` +
    `payload_length` + `padding` bytes long. `extension_offset` and `extension_length` say where the elements of the header
    extension lie in the buffer that was parsed (after the four bytes of profile and length); both are 0 without one, as is
    `extension_profile`. `payload_length` 0 is a packet of padding alone, as bandwidth probes are.
    """

    __slots__ = (
        "csrc_count",
        "extension_length",
        "extension_offset",
        "extension_profile",
        "header_length",
        "marker",
        "padding",
        "payload_length",
        "payload_type",
        "sequence",
        "ssrc",
        "timestamp",
    )

    def __init__(self) -> None:
        self.payload_type = 0
        self.marker = 0
        self.sequence = 0
        self.timestamp = 0
        self.ssrc = 0
        self.csrc_count = 0
        self.header_length = 0
        self.payload_length = 0
        self.padding = 0
        self.extension_profile = 0
        self.extension_offset = 0
        self.extension_length = 0


def is_rtcp(second_byte: int) -> bool:
    """Whether a packet on a port shared by RTP and RTCP is RTCP, by its second byte (RFC 5761 4: 192 … 223)."""
    return 192 <= second_byte <= 223


def parse(view: Buffer, offset: int, length: int, header: Header) -> bool:
    """Read the header of the `length` bytes at `offset`, which the caller knows to lie inside `view`. Copies nothing, never raises.

    False: not an RTP packet. Then `header` holds nothing of use.
    """
    if length < FIXED_LENGTH:
        return False
    first, second, header.sequence, header.timestamp, header.ssrc = wire.read_fixed(view, offset)
    if first & 0xC0 != 0x80:
        return False
    csrc_count = first & 0x0F
    header_length = FIXED_LENGTH + 4 * csrc_count
    if first & 0x10:
        if header_length + 4 > length:
            return False
        header.extension_profile, words = wire.read_pair(view, offset + header_length)
        header_length += 4
        header.extension_offset = offset + header_length
        header.extension_length = 4 * words
        header_length += 4 * words
    else:
        header.extension_profile = 0
        header.extension_offset = 0
        header.extension_length = 0
    payload_length = length - header_length
    if payload_length < 0:
        return False
    padding = 0
    if first & 0x20:
        # The count stands in the last byte and counts itself. It may take the whole payload, never a byte of the header.
        padding = view[offset + length - 1]
        if padding == 0 or padding > payload_length:
            return False
    header.marker = second >> 7
    header.payload_type = second & 0x7F
    header.csrc_count = csrc_count
    header.header_length = header_length
    header.payload_length = payload_length - padding
    header.padding = padding
    return True


def write_fixed(
    view: WritableBuffer,
    offset: int,
    extension: int,
    marker: int,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
) -> None:
    """Write the twelve fixed bytes at `offset`: no CSRCs, no padding; `extension`, unless 0, announces an extension block."""
    wire.write_fixed(view, offset, 0x90 if extension else 0x80, marker << 7 | payload_type, sequence, timestamp, ssrc)


def build(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes = b"",
    *,
    marker: bool = False,
    csrcs: tuple[int, ...] = (),
    extension: tuple[int, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    """A whole packet, for tests and load generators. `extension` is (profile, elements), the elements padded here to words.

    `padding` is the number of padding bytes, its count included.
    """
    first = 0x80 | len(csrcs) | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    packet = bytearray(struct.pack("!BBHII", first, int(marker) << 7 | payload_type, sequence, timestamp, ssrc))
    for csrc in csrcs:
        packet += struct.pack("!I", csrc)
    if extension is not None:
        profile, elements = extension
        elements += bytes(-len(elements) % 4)
        packet += struct.pack("!HH", profile, len(elements) // 4) + elements
    packet += payload
    if padding:
        packet += bytes(padding - 1) + bytes((padding,))
    return bytes(packet)
