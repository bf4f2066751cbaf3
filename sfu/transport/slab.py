"""A preallocated buffer that Python and libsrtp both address, so that a packet is decrypted and encrypted where it lies."""

from __future__ import annotations

from typing import Any

from pylibsrtp._binding import ffi


class Slab:
    """`size` bytes that never move. `view` is theirs as a writable memoryview of bytes, `pointer` as a C `unsigned char *`,
    `address` as a number. `data` is `view` again, for those who are compiled: there it is no Python object."""

    __slots__ = ("address", "data", "pointer", "size", "view")

    def __init__(self, size: int) -> None:
        self.size = size
        self.pointer: Any = ffi.new("unsigned char[]", size)
        self.address = int(ffi.cast("uintptr_t", self.pointer))
        self.view = memoryview(ffi.buffer(self.pointer)).cast("B")
        self.data = self.view
