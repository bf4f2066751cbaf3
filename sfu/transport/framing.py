"""Datagrams on a byte stream: each behind two bytes that say how long it is (RFC 4571 2). Pure."""

from __future__ import annotations

from sfu.errors import MalformedPacket

PREFIX = 2
"""Bytes of a frame's length, in network order; it does not count itself."""


def frames(view: memoryview, start: int, end: int, longest: int) -> tuple[list[tuple[int, int]], int]:
    """The whole frames that lie in `view` from `start` to `end`: (offset, length) of what each carries, and where the first begins that is
    not whole yet.

    MalformedPacket where a frame is announced that carries more than `longest` bytes, however little of it is there.
    """
    found = []
    at = start
    while at + PREFIX <= end:
        length = view[at] << 8 | view[at + 1]
        if length > longest:
            raise MalformedPacket("a frame that is too long")
        if at + PREFIX + length > end:
            break
        found.append((at + PREFIX, length))
        at += PREFIX + length
    return found, at


def framed(run: memoryview, segment: int) -> list[memoryview | bytes]:
    """Datagrams of `segment` bytes that lie end to end in `run`, the last maybe shorter, as frames: buffers to be sent in their order."""
    buffers: list[memoryview | bytes] = []
    prefix = segment.to_bytes(PREFIX, "big")
    for at in range(0, len(run), segment):
        datagram = run[at : at + segment]
        buffers += (prefix if len(datagram) == segment else len(datagram).to_bytes(PREFIX, "big"), datagram)
    return buffers
