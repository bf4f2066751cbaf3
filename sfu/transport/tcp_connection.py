"""One TCP connection of a client (RFC 6544): frames in, frames out, and a bound on what waits here for a slow reader.

A datagram that was not sent at once is late. So video is never kept: what the kernel will not take now is dropped. Sound,
reports, checks and handshakes may wait, MAX_WAITING bytes of them. The kernel is held short too: it refuses more once
NOT_SENT_YET bytes wait for their turn, rather than hide seconds of video in its buffer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass, field

from sfu.transport.address import Source
from sfu.transport.framing import PREFIX, framed, frames
from sfu.transport.slab import Slab

MAX_FRAME = 2_048
"""Bytes that a frame may carry; the plane's datagrams and ours are at most 1,500."""
READ = 16_384
"""Bytes read at a time, so that nobody's upload keeps the loop from the others."""
MAX_WAITING = 4_096
"""Bytes that wait in the process: 0.4 s of sound."""
NOT_SENT_YET = 16_384
"""Bytes that may wait in the kernel (TCP_NOTSENT_LOWAT): 65 ms at 2 Mbit/s. What is under way to the client is not counted."""
SEND_BUFFER = 512 * 1024
"""Bytes of the kernel's send buffer, those under way included: 20 Mbit/s at a round trip of 200 ms."""

_ABORT = struct.pack("ii", 1, 0)  # struct linger: what is not sent yet is forgotten


def receive_slab() -> Slab:
    """Room for one `TcpConnection.receive`; one slab serves all connections, for what is in it is taken before the next."""
    return Slab(READ + PREFIX + MAX_FRAME)


@dataclass(frozen=True, slots=True)
class TcpDestination:
    """Where a peer's datagrams go that has connected to us."""

    connection: TcpConnection = field(repr=False, compare=False)
    source: Source
    patient: bool
    """Whether what goes there may wait for its turn; else it is dropped."""


class TcpConnection:
    """Sans clock and loop: whoever owns it says when the socket is readable and writable."""

    __slots__ = ("_rest", "_socket", "_waiting", "bulk", "proven", "source", "urgent")

    def __init__(self, sock: socket.socket, source: Source) -> None:
        """Takes a connected, non-blocking socket over."""
        self._socket = sock
        self._rest = b""
        self._waiting = bytearray()
        self.source = source
        self.proven = False
        """Whether an authentic check has come over it. Nothing is sent before."""
        self.urgent = TcpDestination(self, source, patient=True)
        self.bulk = TcpDestination(self, source, patient=False)
        with contextlib.suppress(OSError):  # a connection that is gone already; the first read tells
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOT_SENT_YET)

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def waiting(self) -> int:
        """Bytes that are to be sent when the socket is writable."""
        return len(self._waiting)

    def receive(self, slab: Slab) -> list[tuple[int, int, Source]] | None:
        """What has arrived, as (offset in `slab`, length, source), valid until the slab is used again. None: the connection is over.

        MalformedPacket for a frame of more than MAX_FRAME bytes.
        """
        view = slab.view
        kept = len(self._rest)
        view[:kept] = self._rest
        try:
            got = self._socket.recv_into(view[kept : kept + READ])
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            return None
        if not got:
            return None
        end = kept + got
        found, at = frames(view, 0, end, MAX_FRAME)
        self._rest = bytes(view[at:end])
        return [(offset, length, self.source) for offset, length in found]

    def send(self, run: memoryview, segment: int, *, patient: bool) -> int:
        """Send datagrams of `segment` bytes, the last maybe shorter. How many of them will not get there."""
        count = -(-len(run) // segment)
        buffers = framed(run, segment)
        sent = 0
        if not self._waiting:
            try:
                sent = self._socket.sendmsg(buffers)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                return count  # gone: the next read tells
            if sent == len(run) + PREFIX * count:
                return 0
        whole, begun = divmod(sent, PREFIX + segment)
        if begun:
            # The reader has the beginning of this one, and would take anything else for its end.
            self._waiting += b"".join(buffers[2 * whole : 2 * whole + 2])[begun:]
            whole += 1
        if not patient:
            return count - whole
        for index in range(whole, count):
            if len(self._waiting) + PREFIX + segment > MAX_WAITING:
                return count - index
            self._waiting += b"".join(buffers[2 * index : 2 * index + 2])
        return 0

    def send_waiting(self) -> None:
        """The socket is writable: send what waits, as far as it goes."""
        if self._waiting:
            try:
                sent = self._socket.send(self._waiting)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                sent = len(self._waiting)  # gone: the next read tells
            del self._waiting[:sent]

    def abort(self) -> None:
        """End it at once. What has not been sent yet never is, not even what the kernel has."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._socket.close()
        self._waiting.clear()
        self._rest = b""
