"""Datagrams by the batch: `recvmmsg` into one slab, arrival times by the kernel, a frame out by one UDP_SEGMENT call."""

from __future__ import annotations

import errno
import os
import socket
import struct

from sfu.transport import native
from sfu.transport.libc import ffi
from sfu.transport.slab import Slab

SLOTS = 64  # datagrams a call at most
SLOT = 2048  # bytes; more than any datagram of ours
RECEIVE_BUFFER = 1 << 20  # bytes asked for; a keyframe to a client that is late must fit

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python's socket module lacks it
_UDP_SEGMENT = 103  # linux/udp.h
_CONTROL = 32  # bytes: a control header and a timespec

_recvmmsg = native.system_function("recvmmsg")


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
        self.data = self._slab.data
        """`view` again, for those who are compiled (`sfu/transport/slab.py`)."""
        self.addresses = [self._slab.address + slot * SLOT for slot in range(SLOTS)]
        """Each slot as libsrtp wants it."""
        self._messages = ffi.new("struct mmsghdr[]", SLOTS)
        self._vectors = ffi.new("struct iovec[]", SLOTS)
        self._control = ffi.new("char[]", SLOTS * _CONTROL)
        for slot in range(SLOTS):
            self._vectors[slot].iov_base = ffi.cast("void *", self.addresses[slot])
            self._vectors[slot].iov_len = SLOT
            header = self._messages[slot].msg_hdr
            header.msg_iov = self._vectors + slot
            header.msg_iovlen = 1
            header.msg_control = self._control + slot * _CONTROL
            header.msg_controllen = _CONTROL
        self._headers = native.pointer(self._messages)
        # Plain views of what the kernel writes: reading a C field by name costs several times as much.
        messages = memoryview(ffi.buffer(self._messages)).cast("B")
        size = ffi.sizeof("struct mmsghdr")
        self._lengths = messages.cast("I")[ffi.offsetof("struct mmsghdr", "msg_len") // 4 :: size // 4]
        self._rooms = messages.cast("Q")[ffi.offsetof("struct msghdr", "msg_controllen") // 8 :: size // 8]
        times = memoryview(ffi.buffer(self._control)).cast("B").cast("q")
        self._seconds, self._nanoseconds = times[2 :: _CONTROL // 8], times[3 :: _CONTROL // 8]

    def receive(self, descriptor: int) -> list[tuple[int, int]]:
        """Take what has come to a socket, at most `SLOTS` datagrams, into the slots in order. Raises `OSError`.

        Gives (bytes, arrival as CLOCK_REALTIME in nanoseconds) of each; nothing where there is nothing.
        """
        count = self.receive_raw(descriptor)
        if count < 0 and -count not in (errno.EAGAIN, errno.EINTR, errno.ECONNREFUSED):
            raise OSError(-count, os.strerror(-count))
        came = []
        for slot in range(count):
            self._rooms[slot] = _CONTROL  # the kernel has written how much it took
            came.append((self._lengths[slot], self._seconds[slot] * 1_000_000_000 + self._nanoseconds[slot]))
        return came

    def receive_raw(self, descriptor: int) -> int:
        """The system call alone. Gives how many datagrams it brought, or a negative `errno`."""
        return native.receive_many(_recvmmsg, descriptor, self._headers, SLOTS)

    def lengths(self, count: int) -> list[int]:
        """The bytes of each of the first `count` datagrams of the last call."""
        return [self._lengths[slot] for slot in range(count)]


def dropped(sockets: list[socket.socket]) -> int:
    """How many datagrams the kernel has dropped because these sockets were not read in time."""
    inodes = {str(os.fstat(sock.fileno()).st_ino) for sock in sockets}
    with open("/proc/net/udp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(int(row[12]) for row in rows if row[9] in inodes)
