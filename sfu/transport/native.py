"""Calls of C functions with every batch and packet: libsrtp's that work in place, and the kernel's for many datagrams at once.

`native.pxd` does the same in C, for the compiled build.
"""

from __future__ import annotations

import socket
from typing import Any

import pylibsrtp  # noqa: F401 # its import initialises libsrtp
from pylibsrtp._binding import ffi, lib

from sfu.transport import libc

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


def system_function(name: str) -> Any:
    """The C library's `recvmmsg` or `sendmmsg`, as `receive_many` and `send_many` take it; false where it has none."""
    return libc.function(name)


def pointer(array: Any) -> Any:
    """Where an array of `libc.ffi` begins, as those two take it. Whoever keeps the pointer keeps the array."""
    return array


def receive_many(function: Any, descriptor: int, headers: Any, count: int) -> int:
    """Receive at most `count` datagrams, without waiting, as the `mmsghdr`s at `headers` say: how many came, or a negative `errno`."""
    received: int = function(descriptor, headers, count, socket.MSG_DONTWAIT, libc.ffi.NULL)
    return received if received >= 0 else -libc.ffi.errno


def send_many(function: Any, descriptor: int, headers: Any, count: int) -> int:
    """Send `count` messages as the `mmsghdr`s at `headers` say: how many the kernel took, or a negative `errno`."""
    taken: int = function(descriptor, headers, count, 0)
    return taken if taken >= 0 else -libc.ffi.errno
