"""Transport-wide feedback: when each packet of a transport arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sfu.errors import MalformedPacket
from sfu.rtp import wire
from sfu.rtp.buffer import Buffer

REFERENCE_UNIT = 0.064  # seconds
DELTA_UNIT = 0.00025  # seconds

_FIXED = struct.Struct("!IIHHI")
_LARGE = struct.Struct("!h")

_NOT_RECEIVED = 0
_SMALL_DELTA = 1
_LARGE_DELTA = 2
_RESERVED = 3
_VECTORS = 0x8000
"""From here on chunks are vectors; below, runs of one status."""
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
    view: Buffer = body
    length = len(body)
    statuses = bytearray(count)
    position = _parse_chunks(view, statuses)
    arrivals: list[int | None] = []
    for place in range(count):
        size = statuses[place]
        if position + size > length:
            raise MalformedPacket("transport feedback: deltas")
        if size == _NOT_RECEIVED:
            arrivals.append(None)
        elif size == _SMALL_DELTA:
            arrivals.append(view[position])
        else:
            delta = view[position] << 8 | view[position + 1]
            arrivals.append(delta if delta < 0x8000 else delta - 0x10000)
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


def _parse_chunks(view: Buffer, statuses: bytearray) -> int:
    """Write the status of each packet, which is the size of its delta in bytes; gives where the deltas begin."""
    length, count = len(view), len(statuses)
    position = _FIXED.size
    at = 0
    while at < count:
        if position + 2 > length:
            raise MalformedPacket("transport feedback: chunks")
        chunk = view[position] << 8 | view[position + 1]
        position += 2
        if chunk < _VECTORS:
            run = chunk & 0x1FFF
            if run == 0:
                raise MalformedPacket("transport feedback: empty run")
            status = chunk >> 13
            for place in range(at, min(at + run, count)):
                statuses[place] = status
            at += run
        else:
            bits = 2 if chunk >= _VECTOR else 1
            mask = (1 << bits) - 1
            shift = 14 - bits
            while shift >= 0 and at < count:
                statuses[at] = chunk >> shift & mask
                shift -= bits
                at += 1
    if _RESERVED in statuses:
        raise MalformedPacket("transport feedback: reserved status")
    return position
