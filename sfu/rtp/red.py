"""Redundant audio (RFC 2198): the primary encoding taken out for receivers that did not negotiate RED."""

from __future__ import annotations

from sfu.rtp.buffer import Buffer

MAX_REDUNDANT = 8  # blocks; browsers send one or two, and the loop must end soon on garbage
NOTHING = (0, 0, -1)


def primary(view: Buffer, offset: int, length: int) -> tuple[int, int, int]:
    """Where in the RED payload of `length` bytes at `offset` the primary encoding lies: (offset, length, payload type).

    `NOTHING`, known by its payload type of -1, where this is not RED or the primary is empty.
    """
    end = offset + length
    position = offset
    redundant = 0
    for _ in range(MAX_REDUNDANT + 1):
        if position >= end:
            return NOTHING
        first = view[position]
        if first & 0x80 == 0:
            start = position + 1 + redundant
            if start >= end:
                return NOTHING
            return start, end - start, first & 0x7F
        if position + 4 > end:
            return NOTHING
        redundant += (view[position + 2] & 0x03) << 8 | view[position + 3]
        position += 4
    return NOTHING
