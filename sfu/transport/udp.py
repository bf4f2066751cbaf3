"""The one UDP socket: datagrams from the kernel in batches, and runs of them to it."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import struct
import sys
from collections.abc import Sequence
from typing import cast

from sfu.transport.address import Source, socket_address
from sfu.transport.ports import Destination, Run
from sfu.transport.receiver import Receiver, ask_for_packet_info, new_receiver
from sfu.transport.slab import Slab
from sfu.transport.transmitter import (
    AT_ONCE,
    SOL_UDP,
    UDP_SEGMENT,
    MmsgTransmitter,
    UdpDestination,
    UdpRun,
    has_sendmmsg,
)

BUFFER = 8 * 1024 * 1024
"""Bytes asked for as the kernel's receive and send buffers: 60 ms at 1 Gbit/s. What it grants may be less (net.core.rmem_max)."""
SAFE_SEGMENT = 1232
"""Bytes of a UDP payload that fit every IPv6 path (1,280 less headers): a refusal of it is not about its size."""

_SO_MEMINFO = 55  # asm-generic/socket.h; since Linux 4.12
_MEMORY = struct.Struct("=9I")  # linux/sock_diag.h; the last are the drops
_SO_FORCE = {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}  # asm-generic/socket.h: beyond rmem_max, for who may
_NO_SEGMENTATION = (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP)
_FULL = (errno.EAGAIN, errno.ENOBUFS)


class UdpSocket:
    """Sans loop and clock: whoever owns it says when it is readable. Counters are plain attributes."""

    def __init__(self, sock: socket.socket, receiver: Receiver) -> None:
        self._socket = sock
        self._receiver = receiver
        self._segmentation = _knows_segmentation(sock)
        self._transmitter = MmsgTransmitter(sock) if has_sendmmsg() else None
        self._counts_drops = _counts_drops(sock)
        self.datagrams_received = 0
        self.datagrams_sent = 0
        self.sends_refused = 0
        """Runs that found the send buffer full."""
        self.sends_failed = 0
        """Runs that the kernel would not send at all: no route, not allowed."""

    @classmethod
    def bind(cls, host: str, port: int) -> UdpSocket:
        """A socket on an IP address and port (0: a free one). `0.0.0.0` is all IPv4, `::` all IPv6 and IPv4. OSError where it cannot be."""
        sock = bound_socket(host, port)
        return cls(sock, new_receiver(sock))

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def host(self) -> str:
        """The IP address that it is bound to."""
        return str(self._socket.getsockname()[0])

    @property
    def segments(self) -> bool:
        """Whether runs go out in one system call (UDP_SEGMENT)."""
        return self._segmentation

    @property
    def slab(self) -> Slab:
        """Where `receive` lays datagrams."""
        return self._receiver.slab

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        """Nothing is sent after."""
        self._socket.close()

    def receive(self) -> list[tuple[int, int, Source]]:
        """What has arrived, at most `BATCH` datagrams: (offset in `slab`, length, source). Valid until the next call."""
        datagrams = self._receiver.receive()
        self.datagrams_received += len(datagrams)
        return datagrams

    def overflows(self) -> int:
        """Datagrams that the kernel has thrown away because its receive buffer was full; 0 where it does not tell."""
        if not self._counts_drops:
            return 0
        return int(_MEMORY.unpack(self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMORY.size))[-1])

    def destination(self, source: Source, offset: int) -> UdpDestination:
        return UdpDestination(socket_address(source), self._receiver.reply_control(offset))

    def send_runs(self, runs: Sequence[Run]) -> int:
        transmitter = self._transmitter
        refused = 0
        if transmitter is None or not self._segmentation:
            for destination, slab, start, end, segment, count in runs:
                if not self.send(destination, slab.view[start:end], segment):
                    refused += count
        elif len(runs) <= AT_ONCE:
            refused = self._send_together(transmitter, cast("Sequence[UdpRun]", runs))
        else:
            for first in range(0, len(runs), AT_ONCE):
                refused += self._send_together(transmitter, cast("Sequence[UdpRun]", runs[first : first + AT_ONCE]))
        return refused

    def _send_together(self, transmitter: MmsgTransmitter, runs: Sequence[UdpRun]) -> int:
        refused = 0
        while True:
            taken = transmitter.send(runs)
            if taken < 0:
                # About the first of them. The others are tried anew: what is wrong may be this one's address.
                destination, slab, start, end, segment, count = runs[0]
                if not self._not_sent(OSError(-taken, ""), destination, slab.view[start:end], segment):
                    refused += count
                taken = 1
            else:
                for index in range(taken):
                    self.datagrams_sent += runs[index][-1]
            if taken == len(runs):
                return refused
            runs = runs[taken:]

    def send(self, destination: Destination, run: memoryview, segment: int) -> bool:
        assert isinstance(destination, UdpDestination)
        try:
            if len(run) <= segment:
                self._send_one(destination, run)
            elif self._segmentation:
                control = [*destination.control, (SOL_UDP, UDP_SEGMENT, struct.pack("=H", segment))]
                self._socket.sendmsg([run], control, 0, destination.address)
            else:
                self._send_each(destination, run, segment)
        except OSError as error:
            return self._not_sent(error, destination, run, segment)
        self.datagrams_sent += -(-len(run) // segment)
        return True

    def _send_one(self, destination: UdpDestination, datagram: memoryview) -> None:
        if destination.control:
            self._socket.sendmsg([datagram], destination.control, 0, destination.address)
        else:
            self._socket.sendto(datagram, destination.address)

    def _send_each(self, destination: UdpDestination, run: memoryview, segment: int) -> None:
        for start in range(0, len(run), segment):
            self._send_one(destination, run[start : start + segment])

    def _not_sent(self, error: OSError, destination: UdpDestination, run: memoryview, segment: int) -> bool:
        if error.errno in _FULL:
            self.sends_refused += 1
            return False
        if self._segmentation and len(run) > segment and error.errno in _NO_SEGMENTATION:
            return self._send_unsegmented(destination, run, segment)
        self.sends_failed += 1
        return False

    def _send_unsegmented(self, destination: UdpDestination, run: memoryview, segment: int) -> bool:
        """The kernel refused a run. Where it takes the same datagrams one by one, segmentation is what it cannot do here."""
        self._segmentation = False
        taken = self.send(destination, run, segment)
        self._segmentation = not (taken and segment <= SAFE_SEGMENT)
        return taken


def bound_socket(host: str, port: int) -> socket.socket:
    """A non-blocking UDP socket bound to an IP address, with large buffers; on a wildcard, with packet information."""
    address = ipaddress.ip_address(host)
    sock = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        _ask_for_buffers(sock)
        if address.version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address.is_unspecified else 1)
        if address.is_unspecified:
            ask_for_packet_info(sock)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _ask_for_buffers(sock: socket.socket) -> None:
    for option, force in _SO_FORCE.items():
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        if sys.platform.startswith("linux"):
            with contextlib.suppress(PermissionError):
                sock.setsockopt(socket.SOL_SOCKET, force, BUFFER)


def _knows_segmentation(sock: socket.socket) -> bool:
    """Before 4.18 Linux sends a run as one large datagram instead of refusing it, so the option is asked for first."""
    with contextlib.suppress(OSError):
        sock.getsockopt(SOL_UDP, UDP_SEGMENT)
        return True
    return False


def _counts_drops(sock: socket.socket) -> bool:
    """Whether the kernel tells how many datagrams found the receive buffer full: Linux."""
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError):
        return len(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMORY.size)) == _MEMORY.size
    return False
