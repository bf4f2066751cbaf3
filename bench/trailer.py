"""What a canned packet carries behind its media: where it comes from, its number, when it was sent, and a checksum.

    payload = [VP8 descriptor] media source(4) number(4) sent(8) crc32(4)

The checksum covers the media and the rest of the trailer, but not the descriptor: a server may renumber pictures.
Times are CLOCK_REALTIME in nanoseconds, because that is what the kernel stamps arriving datagrams with.
"""

from __future__ import annotations

import struct
import time
import zlib

_FIELDS = struct.Struct("!IIQ")
_CHECKSUM = struct.Struct("!I")
TRAILER = _FIELDS.size + _CHECKSUM.size  # bytes


def now_ns() -> int:
    """The clock of trailers: nanoseconds of CLOCK_REALTIME, comparable with SO_TIMESTAMPNS of the same machine."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def sealed(media: bytes, media_crc: int, source: int, number: int, sent_ns: int) -> bytes:
    """`media` with its trailer. `media_crc` is `zlib.crc32(media)`, which the caller has once for every round of a clip."""
    fields = _FIELDS.pack(source, number, sent_ns)
    return media + fields + _CHECKSUM.pack(zlib.crc32(fields, media_crc))


def opened(content: bytes) -> tuple[int, int, int] | None:
    """(source, number, sent_ns) of a payload without its descriptor; None where not every bit is as it was sent."""
    end = len(content) - _CHECKSUM.size
    if end < _FIELDS.size or zlib.crc32(content[:end]) != _CHECKSUM.unpack_from(content, end)[0]:
        return None
    return _FIELDS.unpack_from(content, end - _FIELDS.size)
