"""A layered VP8 source, and a receiver that takes apart what it gets and says whether it can be decoded. Nothing of the code under test."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.rtp.descriptors_made import vp8

# Chromium's three temporal layers: (temporal layer, Y) of each frame of a round of eight.
PATTERN = ((0, False), (2, True), (1, True), (2, False), (0, False), (2, False), (1, False), (2, False))


@dataclass
class Sent:
    """A packet of the source."""

    sequence: int
    """Extended."""
    timestamp: int
    marker: bool
    payload: bytes
    frame: int
    """Which frame of the source it is of: its number there."""


@dataclass
class Source:
    """Frames of one to three packets. Numbers start anywhere."""

    rng: random.Random
    name: int = 0
    sequence: int = 0
    picture_id: int = 0
    tl0: int = 0
    frame: int = 0
    place: int = 0
    references: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """By frame, the frames that it is predicted from."""
    layer: dict[int, int] = field(default_factory=dict)
    _last: list[int] = field(default_factory=lambda: [-1, -1, -1])

    def __post_init__(self) -> None:
        self.sequence = self.rng.randrange(65_536)
        self.picture_id = self.rng.randrange(32_768)
        self.tl0 = self.rng.randrange(256)

    def next(self, *, keyframe: bool = False) -> Iterator[Sent]:
        """The packets of the next frame."""
        if keyframe:
            self.place = 0
        temporal, sync = PATTERN[self.place % 8]
        self.place += 1
        self.frame += 1
        self.picture_id = (self.picture_id + 1) % 32_768
        if temporal == 0:
            self.tl0 = (self.tl0 + 1) % 256
        if keyframe:
            self._last = [-1, -1, -1]
        lower = self._last[:1] if temporal == 0 or sync else self._last[: temporal + 1]
        self.references[self.frame] = tuple(frame for frame in lower if frame >= 0)
        self.layer[self.frame] = temporal
        self._last[temporal] = self.frame
        packets = self.rng.randint(1, 3)
        for index in range(packets):
            payload = vp8(
                self.picture_id, self.tl0, temporal, sync=sync, start=index == 0, keyframe=keyframe and index == 0
            )
            tag = self.name.to_bytes(2, "big") + self.frame.to_bytes(4, "big") + bytes((index, packets))
            yield Sent(self.sequence, self.frame * 3000, index == packets - 1, payload + tag, self.frame)
            self.sequence += 1


@dataclass
class Got:
    """A packet as the receiver sees it."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes


@dataclass
class Picture:
    """A frame put together by its receiver."""

    picture_id: int
    tl0: int
    temporal: int
    timestamp: int
    source: int
    frame: int
    keyframe: bool


def depacketised(packets: list[Got], *, start: int) -> list[Picture]:
    """The whole frames, in order: an own reading of RFC 7741. `start` is the first sequence number, to unroll from.

    Raises AssertionError for what no stream may have: pieces of one frame that differ, or a marker in its middle.
    """
    pictures: list[Picture] = []
    by_number: dict[int, Got] = {}
    highest = start
    for packet in packets:
        extended = highest + ((packet.sequence - highest + 0x8000) & 0xFFFF) - 0x8000
        assert extended not in by_number, "a number twice"
        highest = max(highest, extended)
        by_number[extended] = packet
    whole: list[Got] = []
    expected = -1
    for number in sorted(by_number):
        packet = by_number[number]
        if not packet.payload:
            expected = number + 1 if expected == number else -1
            continue
        begins = packet.payload[0] & 0x10 != 0
        if begins:
            whole = [packet]
        elif expected == number and whole:
            whole.append(packet)
            assert packet.timestamp == whole[0].timestamp
            assert packet.payload[2:6] == whole[0].payload[2:6], "one frame, one set of numbers"
        else:
            whole = []
        expected = number + 1
        if packet.marker and whole:
            tag = packet.payload[-8:]
            assert tag[6] == tag[7] - 1, "the marker is on the last packet"
            assert len(whole) == tag[7], "all packets of the frame"
            first = whole[0].payload
            pictures.append(
                Picture(
                    (first[2] & 0x7F) << 8 | first[3],
                    first[4],
                    first[5] >> 6,
                    packet.timestamp,
                    int.from_bytes(tag[:2], "big"),
                    int.from_bytes(tag[2:6], "big"),
                    first[6] & 1 == 0,
                )
            )
            whole = []
            expected = number + 1
    return pictures
