"""The VP8 payload descriptor (RFC 7741 4.2), read in place and written in place."""

from __future__ import annotations

from sfu.rtp import wire
from sfu.rtp.buffer import Buffer, WritableBuffer
from sfu.rtp.frame import NO_NUMBER, Frame

_START_CODE = (0x9D, 0x01, 0x2A)


def parse(view: Buffer, offset: int, length: int, frame: Frame) -> bool:
    """Read the descriptor of the payload of `length` bytes at `offset`. Copies nothing, never raises.

    False: it is cut short; then the frame is one of the lowest layer without numbers. `frame.end` is not told here: it is the RTP marker.
    """
    end = offset + length
    frame.start = frame.keyframe = frame.sync = frame.up = False
    frame.spatial = frame.temporal = 0
    frame.picture_id = frame.tl0 = NO_NUMBER
    frame.dtis = b""
    frame.closes = True
    frame.sizes = ()
    if length >= 6:
        first, second, picture, tl0, third = wire.read_descriptor(view, offset)
        if first & 0x80 and second & 0xE0 == 0xE0 and picture & 0x8000:
            # What every browser sends of layers: a picture id of 15 bits, TL0PICIDX and TID.
            frame.picture_id = picture & 0x7FFF
            frame.picture_at = 2
            frame.wide = True
            frame.tl0 = tl0
            frame.tl0_at = 4
            frame.temporal = third >> 6
            frame.sync = third & 0x20 != 0
            if first & 0x17 == 0x10:
                frame.start = True
                if length > 6 and view[offset + 6] & 0x01 == 0:
                    _keyframe(view, offset + 6, end, frame)
            return True
    if not length:
        return False
    first = view[offset]
    position = offset + 1
    if first & 0x80:
        if position >= end:
            return False
        extension = view[position]
        position += 1
        if extension & 0x80:
            if position >= end:
                return False
            wide = view[position] & 0x80 != 0
            if wide and position + 1 >= end:
                return False
            frame.wide = wide
            frame.picture_at = position - offset
            frame.picture_id = (view[position] & 0x7F) << 8 | view[position + 1] if wide else view[position]
            position += 2 if wide else 1
        if extension & 0x40:
            if position >= end:
                return _nothing(frame)
            frame.tl0 = view[position]
            frame.tl0_at = position - offset
            position += 1
        if extension & 0x30:
            if position >= end:
                return _nothing(frame)
            if extension & 0x20:
                frame.temporal = view[position] >> 6
                frame.sync = view[position] & 0x20 != 0
            position += 1
    # S and partition 0: the frame begins in this packet.
    if first & 0x17 == 0x10:
        frame.start = True
        # P of the VP8 frame header (RFC 6386 9.1): 0 is a keyframe.
        if position < end and view[position] & 0x01 == 0:
            _keyframe(view, position, end, frame)
    return True


def _nothing(frame: Frame) -> bool:
    frame.picture_id = frame.tl0 = NO_NUMBER
    return False


def _keyframe(view: Buffer, position: int, end: int, frame: Frame) -> None:
    """A keyframe's header at `position`: its size follows the start code."""
    frame.keyframe = True
    start_code = position + 3
    if position + 10 <= end and (view[start_code], view[start_code + 1], view[start_code + 2]) == _START_CODE:
        width = (view[position + 7] & 0x3F) << 8 | view[position + 6]
        height = (view[position + 9] & 0x3F) << 8 | view[position + 8]
        frame.sizes = ((width, height),)


def write_numbers(view: WritableBuffer, offset: int, frame: Frame, picture_id: int, tl0: int) -> None:
    """Put other numbers into the copy, at `offset`, of the payload that `frame` was read from; `NO_NUMBER` leaves one as it is.

    Picture ids keep the width that they have. VP9's numbers are written in the same way.
    """
    if picture_id >= 0:
        at = offset + frame.picture_at
        if frame.wide:
            wire.write_16(view, at, 0x8000 | picture_id & 0x7FFF)
        else:
            view[at] = picture_id & 0x7F
    if tl0 >= 0:
        view[offset + frame.tl0_at] = tl0 & 0xFF
