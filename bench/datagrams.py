"""Datagrams by the batch: `recvmmsg` into one slab, arrival times by the kernel, a frame out by one UDP_SEGMENT call."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any

from cffi import FFI
from pylibsrtp._binding import ffi as srtp_ffi

from sfu.transport.slab import Slab

SLOTS = 64  # datagrams a call at most
SLOT = 2048  # bytes; more than any datagram of ours
RECEIVE_BUFFER = 1 << 20  # bytes asked for; a keyframe to a client that is late must fit

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python's socket module lacks it
_UDP_SEGMENT = 103  # linux/udp.h
_CONTROL = 32  # bytes: a control header and a timespec

_ffi = FFI()
_ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen; int msg_flags;
    };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, void *timeout);
    """
)
_libc = _ffi.dlopen(None)


def open_socket(address: str) -> socket.socket:
    """A non-blocking UDP socket on `address`, any port, whose datagrams the kernel stamps as they arrive."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.bind((address, 0))
    return sock


def send_run(sock: socket.socket, run: memoryview, segment: int) -> None:
    """Send datagrams of `segment` bytes that lie end to end in `run`, of which the last may be shorter, to the connected peer."""
    if len(run) <= segment:
        sock.send(run)
    else:
        sock.sendmsg([run], [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("H", segment))])


class Batch:
    """One slab of `SLOTS` datagrams for all sockets of the process; a call overwrites what the last one brought."""

    def __init__(self) -> None:
        self._slab = Slab(SLOTS * SLOT)
        self.view = self._slab.view
        self.pointers: list[Any] = [self._slab.pointer + slot * SLOT for slot in range(SLOTS)]
        """Each slot as libsrtp wants it."""
        self._messages = _ffi.new("struct mmsghdr[]", SLOTS)
        self._vectors = _ffi.new("struct iovec[]", SLOTS)
        self._control = _ffi.new("char[]", SLOTS * _CONTROL)
        base = int(srtp_ffi.cast("uintptr_t", self._slab.pointer))
        for slot in range(SLOTS):
            self._vectors[slot].iov_base = _ffi.cast("void *", base + slot * SLOT)
            self._vectors[slot].iov_len = SLOT
            header = self._messages[slot].msg_hdr
            header.msg_iov = self._vectors + slot
            header.msg_iovlen = 1
            header.msg_control = self._control + slot * _CONTROL
            header.msg_controllen = _CONTROL
        # Plain views of what the kernel writes: reading a C field by name costs several times as much.
        messages = memoryview(_ffi.buffer(self._messages)).cast("B")
        size = _ffi.sizeof("struct mmsghdr")
        self._lengths = messages.cast("I")[_ffi.offsetof("struct mmsghdr", "msg_len") // 4 :: size // 4]
        self._rooms = messages.cast("Q")[_ffi.offsetof("struct msghdr", "msg_controllen") // 8 :: size // 8]
        self._whole = memoryview(struct.pack("Q", _CONTROL) * SLOTS).cast("Q")
        times = memoryview(_ffi.buffer(self._control)).cast("B").cast("q")
        self._seconds, self._nanoseconds = times[2 :: _CONTROL // 8], times[3 :: _CONTROL // 8]

    def receive(self, descriptor: int) -> list[tuple[int, int]]:
        """Take what has come to a socket, at most `SLOTS` datagrams, into the slots in order. Raises `OSError`.

        Gives (bytes, arrival as CLOCK_REALTIME in nanoseconds) of each; nothing where there is nothing.
        """
        count = self.receive_raw(descriptor)
        if count > 0:
            self._rooms[:count] = self._whole[:count]
            arrived = [
                second * 1_000_000_000 + nanosecond
                for second, nanosecond in zip(
                    self._seconds[:count].tolist(), self._nanoseconds[:count].tolist(), strict=True
                )
            ]
            return list(zip(self._lengths[:count].tolist(), arrived, strict=True))
        code = _ffi.errno
        if code in (errno.EAGAIN, errno.EINTR, errno.ECONNREFUSED):
            return []
        raise OSError(code, os.strerror(code))

    def receive_raw(self, descriptor: int) -> int:
        """The system call alone. Gives how many datagrams it brought; 0 or less where there is nothing."""
        count: int = _libc.recvmmsg(descriptor, self._messages, SLOTS, socket.MSG_DONTWAIT, _ffi.NULL)
        return count

    def lengths(self, count: int) -> list[int]:
        """The bytes of each of the first `count` datagrams of the last call."""
        return self._lengths[:count].tolist()


def dropped(sockets: list[socket.socket]) -> int:
    """How many datagrams the kernel has dropped because these sockets were not read in time."""
    inodes = {str(os.fstat(sock.fileno()).st_ino) for sock in sockets}
    with open("/proc/net/udp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(int(row[12]) for row in rows if row[9] in inodes)
