"""The VP9 payload descriptor (RFC 9628 4.2), read in place."""

from __future__ import annotations

from sfu.rtp.buffer import Buffer
from sfu.rtp.frame import NO_NUMBER, Frame


def parse(view: Buffer, offset: int, length: int, frame: Frame) -> bool:
    """Read the descriptor of the payload of `length` bytes at `offset`. Copies nothing, never raises.

    False: it is cut short; then the frame is one of the lowest layer without numbers.
    """
    frame.start = frame.end = frame.keyframe = frame.sync = frame.up = frame.closes = False
    frame.spatial = frame.temporal = 0
    frame.picture_id = frame.tl0 = NO_NUMBER
    frame.dtis = b""
    frame.sizes = ()
    end = offset + length
    if not length:
        return False
    first = view[offset]
    position = offset + 1
    if first & 0x80:
        if position >= end:
            return False
        wide = view[position] & 0x80 != 0
        if wide and position + 1 >= end:
            return False
        frame.wide = wide
        frame.picture_at = position - offset
        frame.picture_id = (view[position] & 0x7F) << 8 | view[position + 1] if wide else view[position]
        position += 2 if wide else 1
    if first & 0x20:
        flexible = first & 0x10 != 0
        if position + (1 if flexible else 2) > end:
            frame.picture_id = NO_NUMBER
            return False
        layer = view[position]
        frame.temporal = layer >> 5
        frame.up = layer & 0x10 != 0
        frame.spatial = layer >> 1 & 7
        position += 1
        if not flexible:
            frame.tl0 = view[position]
            frame.tl0_at = position - offset
            position += 1
    frame.start = first & 0x08 != 0
    frame.end = first & 0x04 != 0
    # P: predicted from another picture. Of the spatial layers of a keyframe only the lowest stands by itself.
    frame.keyframe = frame.start and first & 0x40 == 0 and frame.spatial == 0 and position < end
    if first & 0x02:
        if first & 0x50 == 0x50:
            position = _after_references(view, position, end)
        frame.sizes = _sizes(view, position, end)
    return True


def _after_references(view: Buffer, position: int, end: int) -> int:
    """Past the reference indices of flexible mode: at most three, each saying whether another follows."""
    for _ in range(3):
        if position >= end or view[position] & 0x01 == 0:
            break
        position += 1
    return position + 1


def _sizes(view: Buffer, position: int, end: int) -> tuple[tuple[int, int], ...]:
    """What a scalability structure tells of each spatial layer's size; empty where it does not."""
    if position >= end or view[position] & 0x10 == 0:
        return ()
    layers = (view[position] >> 5) + 1
    position += 1
    if position + 4 * layers > end:
        return ()
    return tuple(
        (view[at] << 8 | view[at + 1], view[at + 2] << 8 | view[at + 3])
        for at in range(position, position + 4 * layers, 4)
    )
