"""Calls of libsrtp's functions that work in place. `native.pxd` does the same in C, for the compiled build."""

from __future__ import annotations

from typing import Any

import pylibsrtp  # noqa: F401 # its import initialises libsrtp
from pylibsrtp._binding import ffi, lib

_BYTES = ffi.typeof("unsigned char *")
# One length for every call, as C sees it and as Python does; through a memoryview it takes a third of the time.
_length: Any = ffi.new("int *")
_length_view = memoryview(ffi.buffer(_length)).cast("B").cast("i")
_cast = ffi.cast


def function(name: str) -> Any:
    """libsrtp's `srtp_…` of this name, as `in_place` takes it."""
    return getattr(lib, name)


def handle(session: Any) -> Any:
    """A session (`srtp_t *`), as `in_place` takes it. Whoever keeps the handle keeps the session."""
    return session[0]


def in_place(function: Any, context: Any, address: int, length: int) -> int:
    """Have libsrtp work on the `length` bytes at `address`; their new length, or a negative status.

    The caller knows that they, and what libsrtp adds, lie within one slab.
    """
    _length_view[0] = length
    status: int = function(context, _cast(_BYTES, address), _length)
    return -status if status else _length_view[0]
