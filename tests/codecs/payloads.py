"""RTP payloads as senders make them: VP8 RFC 7741, VP9 RFC 9628, H264 RFC 6184, RED RFC 2198. Nothing of the code under test."""

from __future__ import annotations

from collections.abc import Sequence

from tests.codecs.encoded import Encoded

MOST = 1_000
"""Bytes of a payload."""


def _cut(data: bytes) -> list[bytes]:
    return [data[at : at + MOST] for at in range(0, len(data), MOST)]


def vp8(picture: Encoded, picture_id: int, tl0: int) -> list[bytes]:
    """4.2: X, S; I, L, T, K; a picture id of 15 bits, TL0PICIDX, TID, Y and KEYIDX."""
    numbers = bytes((0xF0, 0x80 | picture_id >> 8, picture_id & 0xFF, tl0))
    numbers += bytes((picture.temporal << 6 | picture.sync << 5,))
    pieces = _cut(picture.data)
    return [bytes((0x80 | (0x10 if index == 0 else 0),)) + numbers + piece for index, piece in enumerate(pieces)]


def vp9(picture: Encoded, picture_id: int, tl0: int, size: tuple[int, int]) -> list[bytes]:
    """4.2: I, P, L, B, E, V; one spatial layer; with a key frame its size."""
    pieces = _cut(picture.data)
    payloads = []
    for index, piece in enumerate(pieces):
        first = 0xA0 | (0 if picture.keyframe else 0x40)
        first |= (0x08 if index == 0 else 0) | (0x04 if index == len(pieces) - 1 else 0)
        structure = b""
        if picture.keyframe and index == 0:
            first |= 0x02
            structure = bytes((0x10,)) + size[0].to_bytes(2, "big") + size[1].to_bytes(2, "big")
        layer = picture.temporal << 5 | picture.sync << 4
        head = bytes((first, 0x80 | picture_id >> 8, picture_id & 0xFF, layer, tl0))
        payloads.append(head + structure + piece)
    return payloads


def units(annex_b: bytes) -> list[bytes]:
    """The NAL units of a picture in the form of H.264, annex B."""
    found = []
    for part in annex_b.split(b"\0\0\1")[1:]:
        unit = part.rstrip(b"\0")
        found.append(unit)
    return found


def single(annex_b: bytes) -> list[bytes]:
    """RFC 6184 5.6: a packet for each unit, all that packetization mode 0 knows."""
    return units(annex_b)


def aggregated(annex_b: bytes) -> list[bytes]:
    """5.7.1: STAP-A of all that has room in one packet; what has none goes as a unit of its own."""
    payloads: list[bytes] = []
    waiting: list[bytes] = []
    for unit in [*units(annex_b), b""]:
        if waiting and (not unit or sum(len(one) + 2 for one in waiting) + len(unit) + 3 > MOST):
            payloads.append(waiting[0] if len(waiting) == 1 else _stap_a(waiting))
            waiting = []
        waiting.append(unit)
    return payloads


def _stap_a(units_: Sequence[bytes]) -> bytes:
    importance = max(unit[0] & 0x60 for unit in units_)
    return bytes((importance | 24,)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units_)


def fragmented(annex_b: bytes) -> list[bytes]:
    """5.8: FU-A of everything that can be cut in two, in pieces far smaller than need be."""
    payloads = []
    for unit in units(annex_b):
        body = [unit[at : at + 150] for at in range(1, len(unit), 150)]
        if len(body) == 1:
            payloads.append(unit)
            continue
        for index, piece in enumerate(body):
            place = (0x80 if index == 0 else 0) | (0x40 if index == len(body) - 1 else 0)
            payloads.append(bytes((unit[0] & 0x60 | 28, place | unit[0] & 0x1F)) + piece)
    return payloads


def as_browsers_do(annex_b: bytes) -> list[bytes]:
    """Packetization mode 1: parameter sets and what is small together, what is large in fragments."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    for unit in units(annex_b):
        if len(unit) <= MOST // 2:
            small.append(b"\0\0\1" + unit)
            continue
        payloads += aggregated(b"".join(small)) if small else []
        small = []
        payloads += fragmented(b"\0\0\1" + unit)
    return payloads + (aggregated(b"".join(small)) if small else [])


def red(newest: bytes, before: Sequence[tuple[bytes, int]], payload_type: int) -> bytes:
    """RFC 2198 3: `before` are earlier packets, oldest first, each with how much earlier it is in units of the clock."""
    head = b""
    for data, earlier in before:
        block = 0x80000000 | payload_type << 24 | earlier << 10 | len(data)
        head += block.to_bytes(4, "big")
    return head + bytes((payload_type,)) + b"".join(data for data, _ in before) + newest
