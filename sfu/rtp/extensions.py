"""RTP header extensions (RFC 8285): read once from an incoming packet, written once for every receiver.

Ids are each peer's own. What an element *is* (its kind, below) is not, so a packet is read by the sender's ids into `Elements` and
written by the receiver's ids from there. Only what stands in `CARRIED` passes from peer to peer: rid and repaired rid would tell
a receiver of layers that it does not get, send times and transport-wide numbers belong to one transport, and nothing
unknown is passed on. The mid is the receiver's own, and so is the transport-wide number, which whoever sends the packet fills in.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from sfu.rtp import wire
from sfu.rtp.buffer import Buffer, WritableBuffer
from sfu.rtp.packet import FIXED_LENGTH

URI_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
URI_RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
URI_REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
URI_AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
URI_VIDEO_ORIENTATION = "urn:3gpp:video-orientation"
URI_ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
URI_ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
URI_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
URI_DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
URI_PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
URI_VIDEO_CONTENT_TYPE = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"
URI_TRANSMISSION_OFFSET = "urn:ietf:params:rtp-hdrext:toffset"

# Kinds. 0 is an element that we do not know and therefore do not see.
MID = 1
RID = 2
REPAIRED_RID = 3
AUDIO_LEVEL = 4
VIDEO_ORIENTATION = 5
ABS_CAPTURE_TIME = 6
DEPENDENCY_DESCRIPTOR = 7
TRANSPORT_CC = 8
KINDS = 9

KIND_OF_URI = {
    URI_MID: MID,
    URI_RID: RID,
    URI_REPAIRED_RID: REPAIRED_RID,
    URI_AUDIO_LEVEL: AUDIO_LEVEL,
    URI_VIDEO_ORIENTATION: VIDEO_ORIENTATION,
    URI_ABS_CAPTURE_TIME: ABS_CAPTURE_TIME,
    URI_DEPENDENCY_DESCRIPTOR: DEPENDENCY_DESCRIPTOR,
    URI_TRANSPORT_CC: TRANSPORT_CC,
}

CARRIED = (AUDIO_LEVEL, VIDEO_ORIENTATION, ABS_CAPTURE_TIME, DEPENDENCY_DESCRIPTOR)

ONE_BYTE = 0xBEDE  # profile of the one-byte form
TWO_BYTE = 0x1000  # profile of the two-byte form; its low four bits are the application's

MAX_MID = 32  # bytes; SDP tokens of browsers are one to three characters
MAX_STEPS = 64  # elements and padding bytes looked at in one block; fourteen ids are the most anybody uses
MAX_BLOCK = 4 + (2 + MAX_MID) + (2 + 2) + (2 + 1) + (2 + 1) + (2 + 16) + (2 + 255) + 3
"""The most bytes that a `Writer` ever writes: the room to leave before the payload."""

# Sizes that each kind may have, by its specification. An element of another size is not seen: a reader that trusts the
# id alone reads past the element.
_MIN_SIZE = (0, 1, 1, 1, 1, 1, 8, 3, 2)
_MAX_SIZE = (0, MAX_MID, 255, 255, 1, 1, 16, 255, 2)


class Elements:
    """Where the elements of one packet lie in the buffer that was read. Made once, filled for every packet.

    `present` has bit `1 << kind` for every kind that is there; only then do `offsets[kind]` and `lengths[kind]` mean anything.
    """

    __slots__ = ("lengths", "offsets", "present")

    def __init__(self) -> None:
        self.present = 0
        self.offsets = array("q", [0]) * KINDS
        self.lengths = array("q", [0]) * KINDS

    def has(self, kind: int) -> bool:
        return self.present >> kind & 1 != 0

    def value(self, view: Buffer, kind: int) -> bytes:
        """The element's bytes, empty where it is not there. Copies: for what is read once a source, not once a packet."""
        if not self.has(kind):
            return b""
        return wire.read_bytes(view, self.offsets[kind], self.lengths[kind])


NO_ELEMENTS = Elements()
"""Of a packet that brings none. Nobody fills it."""


class Reader:
    """Reads extension blocks by the ids that one peer has negotiated, as (id, URI) pairs."""

    __slots__ = ("_kind_of_first", "_kind_of_id")

    def __init__(self, ids: Iterable[tuple[int, str]]) -> None:
        self._kind_of_id = bytearray(256)
        # The first byte of a one-byte element holds id and size: a kind stands here only with a size that it may have.
        self._kind_of_first = bytearray(256)
        for identifier, kind in _usable(ids):
            self._kind_of_id[identifier] = kind
            if identifier <= 14:
                for size in range(_MIN_SIZE[kind], min(_MAX_SIZE[kind], 16) + 1):
                    self._kind_of_first[identifier << 4 | (size - 1)] = kind

    def read(self, view: Buffer, profile: int, offset: int, length: int, elements: Elements) -> bool:
        """Find the known elements in the block of `length` bytes at `offset`; `profile` is the block's. Never raises.

        False where an element runs past the block or the block is stuffed with more than `MAX_STEPS` steps; what was found before stands.
        A block of another profile has no elements.
        """
        elements.present = 0
        if profile == ONE_BYTE:
            return self._read_one_byte(view, offset, offset + length, elements)
        if profile & 0xFFF0 == TWO_BYTE:
            return self._read_two_byte(view, offset, offset + length, elements)
        return True

    def _read_one_byte(self, view: Buffer, position: int, end: int, elements: Elements) -> bool:
        kinds = self._kind_of_first
        offsets = elements.offsets
        lengths = elements.lengths
        for _ in range(MAX_STEPS):
            if position >= end:
                return True
            first = view[position]
            position += 1
            if first == 0:
                continue
            # RFC 8285 4.2: id 15, and id 0 with a length, end the reading; neither makes the block wrong.
            if first >= 0xF0 or first < 0x10:
                return True
            size = (first & 0x0F) + 1
            following = position + size
            if following > end:
                return False
            kind = kinds[first]
            if kind:
                elements.present |= 1 << kind
                offsets[kind] = position
                lengths[kind] = size
            position = following
        return position >= end

    def _read_two_byte(self, view: Buffer, position: int, end: int, elements: Elements) -> bool:
        kinds = self._kind_of_id
        offsets = elements.offsets
        lengths = elements.lengths
        for _ in range(MAX_STEPS):
            if position >= end:
                return True
            identifier = view[position]
            position += 1
            if identifier == 0:
                continue
            if position >= end:
                return False
            size = view[position]
            position += 1
            if position + size > end:
                return False
            kind = kinds[identifier]
            if kind and _MIN_SIZE[kind] <= size <= _MAX_SIZE[kind]:
                elements.present |= 1 << kind
                offsets[kind] = position
                lengths[kind] = size
            position += size
        return position >= end


class Writer:
    """Writes extension blocks by the ids that one receiver has negotiated for a section, as (id, URI) pairs, with its own mid.

    The one-byte form wherever it can say it; the two-byte form where an id is above 14 or an element is longer than 16 bytes,
    which only a dependency descriptor is. Whoever negotiates either understands both forms (RFC 8285 4.1.2).
    """

    __slots__ = (
        "_alone",
        "_head",
        "_ids",
        "_plain_first",
        "_prepared",
        "_two_byte_head",
        "_two_byte_only",
        "carried",
        "number_at",
        "plain_length",
        "two_byte_number_at",
    )

    def __init__(self, ids: Iterable[tuple[int, str]], mid: str) -> None:
        id_of_kind = {kind: identifier for identifier, kind in _usable(ids)}
        self.carried = 0
        """Has bit `1 << kind` for every kind that the receiver is passed on."""
        for kind in CARRIED:
            if kind in id_of_kind:
                self.carried |= 1 << kind
        self._ids = tuple((kind, id_of_kind[kind]) for kind in CARRIED if kind in id_of_kind)
        name = mid.encode("ascii", "replace")[:MAX_MID]
        mid_id = id_of_kind.get(MID, 0) if name else 0
        number_id = id_of_kind.get(TRANSPORT_CC, 0)
        self._two_byte_only = (
            max(mid_id, number_id, *(identifier for _, identifier in self._ids)) > 14 or len(name) > 16
        )
        # What every block begins with: profile, a length to be written, the receiver's mid, and room for its number.
        one_byte_head = bytes((ONE_BYTE >> 8, ONE_BYTE & 0xFF, 0, 0))
        two_byte_head = bytes((TWO_BYTE >> 8, TWO_BYTE & 0xFF, 0, 0))
        if mid_id:
            two_byte_head += bytes((mid_id, len(name))) + name
            if not self._two_byte_only:
                one_byte_head += bytes((mid_id << 4 | (len(name) - 1),)) + name
        self.number_at = self.two_byte_number_at = 0
        """Where in a block of each form the two bytes of the transport-wide number go, which `write` leaves 0; 0: not negotiated."""
        if number_id:
            two_byte_head += bytes((number_id, 2, 0, 0))
            one_byte_head += bytes((number_id << 4 & 0xFF | 1, 0, 0))
            self.two_byte_number_at = len(two_byte_head) - 2
            self.number_at = self.two_byte_number_at if self._two_byte_only else len(one_byte_head) - 2
        self._head, self._two_byte_head = one_byte_head, two_byte_head
        # The whole block of a packet that has nothing to carry.
        head = two_byte_head if self._two_byte_only else one_byte_head
        alone = _block(head) if mid_id or number_id else b""
        self._alone = alone
        self.plain_length = FIXED_LENGTH + len(alone)
        """Bytes of the header, fixed part and block, that `write_plain` writes."""
        self._plain_first = 0x90 if alone else 0x80
        # The whole block of a packet that has one byte to carry, as sound with its level has, and where in it that byte goes.
        self._prepared: dict[int, tuple[bytes, int, int]] = {
            1 << kind: (_block(head + bytes((identifier << 4, 0))), len(head) + 1, kind)
            for kind, identifier in self._ids
            if _MAX_SIZE[kind] == 1 and not self._two_byte_only
        }

    def carries(self, kind: int) -> bool:
        """Whether the receiver has negotiated elements of this kind."""
        return self.carried >> kind & 1 != 0

    def write(
        self, source: Buffer, elements: Elements, view: WritableBuffer, offset: int, descriptor: bytes = b""
    ) -> int:
        """Write the whole block, its four bytes of profile and length included, at `offset` of `view`.

        `elements` says what the incoming packet has, and where in `source`; `descriptor`, unless empty, is what goes in place of
        its dependency descriptor. Gives the bytes written: a multiple of 4, at most
        `MAX_BLOCK`, 0 where the packet needs no extension.
        """
        present = elements.present & self.carried
        if present == 0:
            alone = self._alone
            view[offset : offset + len(alone)] = alone
            return len(alone)
        prepared = self._prepared.get(present)
        if prepared is not None:
            block, place, kind = prepared
            wire.write_bytes(view, offset, block)
            view[offset + place] = source[elements.offsets[kind]]
            return len(block)
        if self._two_byte_only or (
            present >> DEPENDENCY_DESCRIPTOR & 1 and (len(descriptor) or elements.lengths[DEPENDENCY_DESCRIPTOR]) > 16
        ):
            return self._write_two_byte(source, elements, present, view, offset, descriptor)
        head = self._head
        position = offset + len(head)
        view[offset:position] = head
        for kind, identifier in self._ids:
            if present >> kind & 1:
                if kind == DEPENDENCY_DESCRIPTOR and descriptor:
                    size = len(descriptor)
                    view[position] = identifier << 4 | (size - 1)
                    wire.write_bytes(view, position + 1, descriptor)
                    position += 1 + size
                    continue
                size = elements.lengths[kind]
                start = elements.offsets[kind]
                view[position] = identifier << 4 | (size - 1)
                position += 1
                if size == 1:
                    view[position] = source[start]
                else:
                    view[position : position + size] = source[start : start + size]
                position += size
        return _finish(view, offset, position)

    def write_plain(
        self,
        view: WritableBuffer,
        offset: int,
        marker: int,
        payload_type: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        number: int,
    ) -> None:
        """Write the `plain_length` bytes of the header of a packet that has none of the elements in `carried`, with its
        transport-wide number where that was negotiated. As `write_fixed`, `write` and `write_number` would."""
        wire.write_fixed(view, offset, self._plain_first, marker << 7 | payload_type, sequence, timestamp, ssrc)
        block = offset + FIXED_LENGTH
        view[block : offset + self.plain_length] = self._alone
        if self.number_at:
            wire.write_16(view, block + self.number_at, number)

    def write_number(self, view: WritableBuffer, offset: int, number: int) -> None:
        """Fill the transport-wide number into the block that `write` wrote at `offset`; only where `number_at` is not 0."""
        place = offset + (self.number_at if view[offset] == ONE_BYTE >> 8 else self.two_byte_number_at)
        view[place] = number >> 8
        view[place + 1] = number & 0xFF

    def _write_two_byte(
        self,
        source: Buffer,
        elements: Elements,
        present: int,
        view: WritableBuffer,
        offset: int,
        descriptor: bytes,
    ) -> int:
        head = self._two_byte_head
        position = offset + len(head)
        view[offset:position] = head
        for kind, identifier in self._ids:
            if present >> kind & 1:
                if kind == DEPENDENCY_DESCRIPTOR and descriptor:
                    size = len(descriptor)
                    view[position] = identifier
                    view[position + 1] = size
                    wire.write_bytes(view, position + 2, descriptor)
                    position += 2 + size
                    continue
                size = elements.lengths[kind]
                start = elements.offsets[kind]
                view[position] = identifier
                view[position + 1] = size
                position += 2
                view[position : position + size] = source[start : start + size]
                position += size
        return _finish(view, offset, position)


def _usable(ids: Iterable[tuple[int, str]]) -> list[tuple[int, int]]:
    """(id, kind) of the extensions known here; 0 and 15 are no ids (RFC 8285 4.2)."""
    return [
        (identifier, KIND_OF_URI[uri])
        for identifier, uri in ids
        if uri in KIND_OF_URI and 1 <= identifier <= 255 and identifier != 15
    ]


def _block(begun: bytes) -> bytes:
    """A whole block of which all but padding and length is written."""
    block = bytearray(begun.ljust(MAX_BLOCK, b"\0"))
    return bytes(block[: _finish(block, 0, len(begun))])


def _finish(view: WritableBuffer, offset: int, position: int) -> int:
    """Pad the block to words and write its length (its first byte is 0: `MAX_BLOCK`); gives the length of it all."""
    while (position - offset) & 3:
        view[position] = 0
        position += 1
    length = position - offset
    view[offset + 3] = (length >> 2) - 1
    return length
