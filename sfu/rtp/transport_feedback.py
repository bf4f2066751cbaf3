"""Transport-wide feedback: when each packet of a transport arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sfu.errors import MalformedPacket
from sfu.rtp import wire

REFERENCE_UNIT = 0.064  # seconds
DELTA_UNIT = 0.00025  # seconds

_FIXED = struct.Struct("!IIHHI")
_CHUNK = struct.Struct("!H")
_LARGE = struct.Struct("!h")

_NOT_RECEIVED = 0
_SMALL_DELTA = 1
_LARGE_DELTA = 2
_VECTOR = 0xC000
"""A chunk of seven statuses of two bits each, of which the first stands highest: at …"""
_FIRST_SHIFT = 12


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    """Transport-wide sequence number of the first status."""
    reference_time: int
    """In `REFERENCE_UNIT`, mod 2^24, by a clock of the receiver's own."""
    feedback_count: int
    """Counts these packets, mod 256, so that a lost one is seen."""
    arrivals: tuple[int | None, ...]
    """For each number from `base_sequence` on: `DELTA_UNIT`s after the arrival before it (the first: after the reference time), or None for
    a packet that did not arrive."""


def parse_transport_feedback(body: bytes, limit: int) -> TransportFeedback | None:
    """Read what follows the four bytes of the RTCP header. None where it has more than `limit` statuses.

    Raises MalformedPacket.
    """
    if len(body) < 16:
        raise MalformedPacket("transport feedback: length")
    sender_ssrc, media_ssrc, base, count, last = _FIXED.unpack_from(body)
    if count > limit:
        return None
    statuses, position = _parse_chunks(body, count)
    arrivals: list[int | None] = []
    for status in statuses:
        size = status
        if position + size > len(body):
            raise MalformedPacket("transport feedback: deltas")
        if status == _NOT_RECEIVED:
            arrivals.append(None)
        elif status == _SMALL_DELTA:
            arrivals.append(body[position])
        else:
            arrivals.append(_LARGE.unpack_from(body, position)[0])
        position += size
    return TransportFeedback(sender_ssrc, media_ssrc, base, last >> 8, last & 0xFF, tuple(arrivals))


def build_transport_feedback(packet: TransportFeedback) -> bytes:
    """What follows the four bytes of the RTCP header, not yet padded to words. Statuses are written as vectors of seven."""
    arrivals = packet.arrivals
    at = _FIXED.size
    end = at + 2 * -(-len(arrivals) // 7)
    body = bytearray(end + 2 * len(arrivals))
    _FIXED.pack_into(
        body,
        0,
        packet.sender_ssrc,
        packet.media_ssrc,
        packet.base_sequence,
        len(arrivals),
        (packet.reference_time & 0xFFFFFF) << 8 | (packet.feedback_count & 0xFF),
    )
    view = body
    chunk, shift = _VECTOR, _FIRST_SHIFT
    for arrival in arrivals:
        if arrival is not None:
            delta = arrival
            if 0 <= delta <= 255:
                chunk |= _SMALL_DELTA << shift
                view[end] = delta
                end += 1
            else:
                chunk |= _LARGE_DELTA << shift
                _LARGE.pack_into(body, end, delta)
                end += 2
        shift -= 2
        if shift < 0:
            wire.write_16(view, at, chunk)
            at += 2
            chunk, shift = _VECTOR, _FIRST_SHIFT
    if shift != _FIRST_SHIFT:
        wire.write_16(view, at, chunk)
    return bytes(body[:end])


def _parse_chunks(body: bytes, count: int) -> tuple[list[int], int]:
    """The statuses of `count` packets, each as the size of its delta in bytes, and where the deltas begin."""
    statuses: list[int] = []
    position = 16
    while len(statuses) < count:
        if position + 2 > len(body):
            raise MalformedPacket("transport feedback: chunks")
        chunk = _CHUNK.unpack_from(body, position)[0]
        position += 2
        left = count - len(statuses)
        if chunk & 0x8000 == 0:
            run = chunk & 0x1FFF
            if run == 0:
                raise MalformedPacket("transport feedback: empty run")
            statuses.extend([chunk >> 13] * min(run, left))
        elif chunk & 0x4000 == 0:
            statuses.extend([chunk >> (13 - index) & 1 for index in range(min(14, left))])
        else:
            statuses.extend([chunk >> (12 - 2 * index) & 3 for index in range(min(7, left))])
    if 3 in statuses:
        raise MalformedPacket("transport feedback: reserved status")
    return statuses, position
