"""A receiver that shares nothing with the code under test: it checks that what it gets is one whole stream, and puts frames together.

Where aiortc takes a payload apart, it does; the rest is an own reading of RFC 9628 and of the AV1 RTP payload format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from aiortc.codecs.h264 import H264PayloadDescriptor
from aiortc.codecs.vpx import VpxPayloadDescriptor

from tests.transport.plane_world import Received


def whole(packets: Sequence[Received]) -> list[list[Received]]:
    """The packets of each picture, in order. Fails unless no number is missing, every picture ends with its marker and time goes on."""
    for one, following in pairwise(packets):
        assert (following.sequence - one.sequence) & 0xFFFF == 1, "a gap, or a number twice"
        passed = (following.timestamp - one.timestamp) & 0xFFFFFFFF
        assert (passed == 0) is (one.marker == 0), "the marker is on the last packet of each picture, and on no other"
        assert passed < 90_000, "time never goes back"
    assert not packets or packets[-1].marker
    pictures: list[list[Received]] = [[]]
    for packet in packets:
        pictures[-1].append(packet)
        if packet.marker:
            pictures.append([])
    return pictures[:-1]


@dataclass(frozen=True, slots=True)
class Vp8Picture:
    data: bytes
    picture_id: int
    tl0: int
    temporal: int


def vp8(payloads: Sequence[bytes]) -> Vp8Picture:
    data = b""
    numbers: set[tuple[int, int, int]] = set()
    for index, payload in enumerate(payloads):
        descriptor, rest = VpxPayloadDescriptor.parse(payload)
        assert (descriptor.partition_start, descriptor.partition_id) == (int(index == 0), 0)
        assert descriptor.picture_id is not None
        assert descriptor.tl0picidx is not None
        assert descriptor.tid is not None
        numbers.add((descriptor.picture_id, descriptor.tl0picidx, descriptor.tid[0]))
        data += rest
    (told,) = numbers
    return Vp8Picture(data, *told)


def h264(payloads: Iterable[bytes]) -> list[bytes]:
    """The NAL units of a picture."""
    data = b"".join(H264PayloadDescriptor.parse(payload)[1] for payload in payloads)
    return data.split(b"\0\0\0\1")[1:]


@dataclass(frozen=True, slots=True)
class Layer:
    """The frame of one spatial layer."""

    spatial: int
    temporal: int
    data: bytes


@dataclass(slots=True)
class Vp9Picture:
    picture_id: int
    tl0: int
    keyframe: bool
    layers: list[Layer] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return b"".join(layer.data for layer in self.layers)


def vp9(payloads: Sequence[bytes]) -> Vp9Picture:
    """RFC 9628 4.2. Fails where a layer's frame has no beginning or no end, or layers are not in order."""
    picture: Vp9Picture | None = None
    open_ = False
    for payload in payloads:
        first = payload[0]
        assert first & 0xA0 == 0xA0, "picture id and layers are told"
        assert payload[1] & 0x80, "fifteen bits"
        picture_id = (payload[1] & 0x7F) << 8 | payload[2]
        spatial, temporal = payload[3] >> 1 & 7, payload[3] >> 5
        at = 4
        tl0 = -1
        if first & 0x10:  # F: flexible mode
            more = bool(first & 0x40)
            while more:
                more = bool(payload[at] & 1)
                at += 1
        else:
            tl0 = payload[at]
            at += 1
        if first & 0x02:  # V: scalability structure
            head = payload[at]
            at += 1
            if head & 0x10:
                at += 4 * ((head >> 5) + 1)
            if head & 0x08:
                groups = payload[at]
                at += 1
                for _ in range(groups):
                    at += 1 + (payload[at] >> 2 & 3)
        if picture is None:
            picture = Vp9Picture(picture_id, tl0, not first & 0x40)
        assert (picture_id, tl0) == (picture.picture_id, picture.tl0), "one picture, one set of numbers"
        assert bool(first & 0x08) is not open_, "a frame begins where one has ended"
        if first & 0x08:
            assert spatial == len(picture.layers), "from the lowest, none left out"
            picture.layers.append(Layer(spatial, temporal, b""))
        last = picture.layers[-1]
        assert (last.spatial, last.temporal) == (spatial, temporal)
        picture.layers[-1] = Layer(spatial, temporal, last.data + payload[at:])
        open_ = not first & 0x04
    assert picture is not None
    assert not open_
    return picture


def av1(payloads: Iterable[bytes]) -> list[bytes]:
    """The OBUs of a temporal unit, or of one layer's frame of it (AV1 RTP payload format 4.4)."""
    units: list[bytes] = []
    continues = False
    for payload in payloads:
        head = payload[0]
        assert bool(head & 0x80) is continues, "a fragment goes on, or none does"
        count = head >> 4 & 3
        at = 1
        elements: list[bytes] = []
        while at < len(payload):
            if count and len(elements) == count - 1:
                elements.append(payload[at:])
                break
            length, at = _leb128(payload, at)
            elements.append(payload[at : at + length])
            at += length
        assert not count or len(elements) == count
        if continues:
            units[-1] += elements.pop(0)
        units += elements
        continues = bool(head & 0x40)
    assert not continues
    return units


TEMPORAL_DELIMITER = b"\x12\0"
"""What a decoder takes as the begin of a temporal unit (AV1 7.5); over RTP it is left out."""


def sized(units: Iterable[bytes]) -> bytes:
    """OBUs as a decoder takes them (AV1 5.2, 5.3): each with its size, which over RTP is told by the payload's elements."""
    data = b""
    for unit in units:
        if unit[0] & 0x02:
            data += unit
            continue
        head = 2 if unit[0] & 0x04 else 1
        size = len(unit) - head
        coded = b""
        while True:
            coded += bytes((size & 0x7F | (0x80 if size > 0x7F else 0),))
            size >>= 7
            if not size:
                break
        data += bytes((unit[0] | 0x02,)) + unit[1:head] + coded + unit[head:]
    return data


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
        shift += 7
