"""What the first bytes of a video payload tell: whether a keyframe begins here. Nothing is decoded.

VP8 RFC 7741 4.2, VP9 RFC 9628 4.2, H264 RFC 6184 5, AV1 the AOM's RTP payload format 4.4. At most `PEEK` bytes are looked at; garbage is
no keyframe, and nothing raises. The end of a frame is the RTP marker bit in all four formats.
"""

from __future__ import annotations

from sfu.rtp import vp8, vp9
from sfu.rtp.buffer import Buffer
from sfu.rtp.dependency import Structures
from sfu.rtp.frame import NO_NUMBER, Frame

PEEK = 16  # bytes

NOT_VIDEO = 0
VP8 = 1
VP9 = 2
H264 = 3
AV1 = 4

CODEC_OF_NAME = {"VP8": VP8, "VP9": VP9, "H264": H264, "AV1": AV1}
"""By the name in SDP, upper case."""

_NAL_IDR = 5
_NAL_SPS = 7
_NAL_STAP_A = 24
_NAL_FU_A = 28


def read_frame(
    codec: int,
    view: Buffer,
    offset: int,
    length: int,
    marker: int,
    structures: Structures,
    descriptor: int,
    descriptor_length: int,
    newest: bool,
    frame: Frame,
) -> bool:
    """What the packet with this payload tells of its frame. `structures` are the source's, `descriptor` and `descriptor_length`
    where its dependency descriptor lies, 0 without one; `newest`, that it is ahead of all others of the source.

    False: nothing is told. Where there is a descriptor, what it says counts, for the payload may be encrypted: of VP8 and VP9 only the
    numbers in the payload's own descriptor are read then, of others nothing.
    """
    if codec == VP8:
        vp8.parse(view, offset, length, frame)
        frame.end = marker != 0
    elif codec == VP9:
        vp9.parse(view, offset, length, frame)
    elif descriptor_length:
        frame.clear()
        return structures.read(view, descriptor, descriptor_length, frame, newest)
    else:
        return False
    # Chromium that has negotiated descriptors says nothing of layers in VP8's payload any more.
    frame.number = NO_NUMBER
    if descriptor_length:
        structures.read(view, descriptor, descriptor_length, frame, newest)
    return True


def is_keyframe_start(codec: int, view: Buffer, offset: int, length: int) -> bool:
    """Whether the payload of `length` bytes at `offset` is the first packet of a keyframe: where a receiver can begin to decode.

    H264 may say so twice for one keyframe, of its parameter sets and of its first slice. False for other codecs.
    """
    end = offset + min(length, PEEK)
    if codec == VP8:
        return _vp8(view, offset, end)
    if codec == VP9:
        return _vp9(view, offset, end)
    if codec == H264:
        return _h264(view, offset, end)
    if codec == AV1:
        return _av1(view, offset, end)
    return False


def _vp8(view: Buffer, position: int, end: int) -> bool:
    if position >= end:
        return False
    first = view[position]
    # S and partition 0: the frame begins in this packet.
    if first & 0x17 != 0x10:
        return False
    position += 1
    if first & 0x80:
        if position >= end:
            return False
        extension = view[position]
        position += 1
        if extension & 0x80:
            if position >= end:
                return False
            position += 2 if view[position] & 0x80 else 1
        if extension & 0x40:
            position += 1
        if extension & 0x30:
            position += 1
    # P of the VP8 payload header: 0 is a key frame.
    return position < end and view[position] & 0x01 == 0


def _vp9(view: Buffer, position: int, end: int) -> bool:
    if position >= end:
        return False
    first = view[position]
    # B set, P not: the beginning of a frame that is not predicted from another picture.
    if first & 0x48 != 0x08:
        return False
    position += 1
    if first & 0x80:
        if position >= end:
            return False
        position += 2 if view[position] & 0x80 else 1
    if first & 0x20:
        # Of the spatial layers of a keyframe only the lowest stands by itself.
        return position < end and view[position] & 0x0E == 0
    return position < end


def _h264(view: Buffer, position: int, end: int) -> bool:
    if position >= end:
        return False
    kind = view[position] & 0x1F
    if kind == _NAL_STAP_A:
        position += 1
        # Units before the parameter sets are short (a delimiter); what lies beyond the peek is not looked at.
        while position + 2 < end:
            if _h264_unit(view, position + 2, end, view[position + 2] & 0x1F):
                return True
            position += 2 + (view[position] << 8 | view[position + 1])
        return False
    if kind == _NAL_FU_A:
        if position + 1 >= end or view[position + 1] & 0x80 == 0:
            return False
        return _h264_unit(view, position + 1, end, view[position + 1] & 0x1F)
    return _h264_unit(view, position, end, kind)


def _h264_unit(view: Buffer, position: int, end: int, kind: int) -> bool:
    """Whether the unit whose header (or, of a fragment, whose FU header) is at `position` begins a keyframe."""
    if position + 1 >= end:
        return False
    # first_mb_in_slice, an Exp-Golomb number, is 0 where its first bit is 1: the first slice of the picture.
    return kind == _NAL_SPS or (kind == _NAL_IDR and view[position + 1] & 0x80 != 0)


def _av1(view: Buffer, position: int, end: int) -> bool:
    # N: the first packet of a coded video sequence. Z, a continued unit, cannot be set with it.
    return position + 1 < end and view[position] & 0x88 == 0x08
