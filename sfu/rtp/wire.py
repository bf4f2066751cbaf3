"""Numbers in network order, read from and written to a buffer in one go. `wire.pxd` says the same in C, for the compiled build.

Each raises where it would leave the buffer: here struct.error, compiled IndexError.
"""

from __future__ import annotations

import struct

from sfu.rtp.buffer import Buffer, WritableBuffer

read_fixed = struct.Struct("!BBHII").unpack_from
"""(view, offset): the twelve fixed bytes of an RTP header: flags, marker and payload type, sequence number, timestamp, SSRC."""
write_fixed = struct.Struct("!BBHII").pack_into
"""(view, offset, …): what `read_fixed` reads."""
read_pair = struct.Struct("!HH").unpack_from
"""(view, offset): two numbers of 16 bits."""
read_long_pair = struct.Struct("!II").unpack_from
"""(view, offset): two numbers of 32 bits."""
read_descriptor = struct.Struct("!BBHBB").unpack_from
"""(view, offset): a VP8 payload descriptor as browsers write it: flags, extension flags, picture id, TL0PICIDX, TID and KEYIDX."""
write_16 = struct.Struct("!H").pack_into
"""(view, offset, number): 16 bits."""


def read_bytes(view: Buffer, offset: int, length: int) -> bytes:
    """A copy of the `length` bytes at `offset`."""
    return bytes(view[offset : offset + length])


def write_bytes(view: WritableBuffer, offset: int, data: bytes) -> None:
    """Write `data` at `offset`."""
    view[offset : offset + len(data)] = data
