"""ICE-TCP (RFC 6544), passive: clients that cannot send UDP connect to the media port's number over TCP.

A connection is a source like any other: what comes over it goes to the endpoint, which answers authentic checks and nothing else.
So a stranger gets silence here too. Its first frame must be such a check, within FIRST_CHECK seconds, or the connection is
ended without a byte. Of those that have proved nothing there are at most MAX_UNPROVEN, and MAX_UNPROVEN_OF_ADDRESS of one network:
a new one takes the place of the oldest, which has had its time. Those that have are as many as peers have valid sources.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from sfu import clock
from sfu.errors import MalformedPacket
from sfu.transport.address import Source, connection_source, ip_bytes
from sfu.transport.endpoint import Datagram, Endpoint
from sfu.transport.slab import Slab
from sfu.transport.tcp_connection import TcpConnection, TcpDestination, receive_slab

FIRST_CHECK = 10.0
"""Seconds from the connection to the first authentic check. A browser's check follows at once."""
MAX_UNPROVEN = 512
MAX_UNPROVEN_OF_ADDRESS = 64
"""Of one IPv4 address, or one IPv6 network of 64 bits. A hospital behind one address has as many people connecting in the same second."""
BACKLOG = 256
"""Connections that the kernel holds for us until the loop has its turn."""
ACCEPTS_PER_WAKE_UP = 64
NO_ROOM_PAUSE = 1.0
"""Seconds without accepting anybody after the process or the machine had no descriptor left."""

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Ending(StrEnum):
    """Why a connection ended; a metric label."""

    CLOSED = "closed"
    """By the client, or by the network."""
    RELEASED = "released"
    """By us: what it belonged to is over."""
    NOT_A_CHECK = "not_a_check"
    """It began with something else than an authentic check."""
    NO_CHECK = "no_check"
    """It did not begin in time."""
    CROWDED_OUT = "crowded_out"
    """It had not begun when there were too many."""
    TOO_LONG = "too_long"
    """It announced a frame that is too long."""


class TcpListener:
    """The listening socket and its connections. All calls come from the loop's thread; counters are plain attributes."""

    def __init__(self, sock: socket.socket) -> None:
        """Takes a listening, non-blocking socket over."""
        self._socket = sock
        self._slab = receive_slab()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endpoint: Endpoint | None = None
        self._deliver: Callable[[Slab, list[Datagram]], None] = lambda slab, datagrams: None
        self._resume: asyncio.TimerHandle | None = None
        self._numbers = 0
        self._connections: dict[Source, TcpConnection] = {}
        self._unproven: dict[Source, float] = {}
        """When each has to have begun, the earliest first."""
        self._networks: Counter[bytes] = Counter()
        """How many of those there are of each network."""
        self._reading: TcpConnection | None = None
        self.proven = 0
        """How many connections have ever begun with an authentic check: only such a one is a destination, and stays one after its end."""
        self.endings: dict[Ending, int] = dict.fromkeys(Ending, 0)

    @classmethod
    def listen(cls, host: str, port: int) -> TcpListener:
        """Listen on an IP address and port. `::` is all IPv6 and IPv4. OSError where it cannot be."""
        return cls(listening_socket(host, port))

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def connections(self) -> int:
        """How many there are, those that have proved nothing among them."""
        return len(self._connections)

    def start(self, endpoint: Endpoint, deliver: Callable[[Slab, list[Datagram]], None]) -> None:
        """Accept from now on, on the running loop. `deliver` hands what arrives to the endpoint and then minds the timers, of which there
        may be a new one though nothing has arrived.
        """
        self._endpoint, self._deliver = endpoint, deliver
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._on_connections)

    def close(self) -> None:
        """Stop listening and end every connection."""
        for connection in list(self._connections.values()):
            self._end(connection, Ending.RELEASED)
        if self._loop is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
        if self._resume is not None:
            self._resume.cancel()
        self._loop = None
        self._socket.close()

    def destination(self, source: Source) -> TcpDestination:
        """Where answers go to whoever sent what is delivered now."""
        # A peer's end may have ended the connection in the middle of a delivery: then nothing goes there.
        connection = self._connections.get(source, self._reading)
        assert connection is not None, "its datagram is being delivered"
        return connection.urgent

    def send(self, destination: TcpDestination, run: memoryview, segment: int) -> int:
        """Send datagrams; how many of them will not get there."""
        connection = destination.connection
        if connection.fileno() < 0:
            return -(-len(run) // segment)
        waited = connection.waiting
        refused = connection.send(run, segment, patient=destination.patient)
        if connection.waiting and not waited and self._loop is not None:
            self._loop.add_writer(connection.fileno(), self._on_writable, connection)
        return refused

    def release(self, source: Source) -> None:
        """Nobody's source any more: end the connection, if there is one."""
        connection = self._connections.get(source)
        if connection is not None:
            self._end(connection, Ending.RELEASED)

    def next_timer(self) -> float | None:
        """When `handle_timers` wants to be called."""
        return next(iter(self._unproven.values()), None)

    def handle_timers(self, now: float) -> None:
        """End the connections that have not begun in time."""
        while self._unproven:
            source, due = next(iter(self._unproven.items()))
            if due > now:
                return
            self._end(self._connections[source], Ending.NO_CHECK)

    def _on_connections(self) -> None:
        now = clock.monotonic()
        for _ in range(ACCEPTS_PER_WAKE_UP):
            try:
                sock, address = self._socket.accept()
            except OSError as error:
                if error.errno == errno.ECONNABORTED:
                    continue  # gone before it was its turn
                if error.errno in _NO_ROOM:
                    self._pause()
                break
            sock.setblocking(False)
            self._numbers += 1
            self._take(TcpConnection(sock, connection_source(address, self._numbers)), now)
        self._deliver(self._slab, [])

    def _pause(self) -> None:
        """Level-triggered, the socket would wake us for connections that we cannot take."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._resume = self._loop.call_later(NO_ROOM_PAUSE, self._accept_again)

    def _accept_again(self) -> None:
        self._resume = None
        if self._loop is not None:
            self._loop.add_reader(self._socket.fileno(), self._on_connections)

    def _take(self, connection: TcpConnection, now: float) -> None:
        network = _network(connection.source)
        if self._networks[network] >= MAX_UNPROVEN_OF_ADDRESS:
            self._crowd_out(next(source for source in self._unproven if _network(source) == network))
        elif len(self._unproven) >= MAX_UNPROVEN:
            self._crowd_out(next(iter(self._unproven)))
        self._connections[connection.source] = connection
        self._unproven[connection.source] = now + FIRST_CHECK
        self._networks[network] += 1
        assert self._loop is not None
        self._loop.add_reader(connection.fileno(), self._on_readable, connection)

    def _crowd_out(self, source: Source) -> None:
        self._end(self._connections[source], Ending.CROWDED_OUT)

    def _on_readable(self, connection: TcpConnection) -> None:
        try:
            datagrams = connection.receive(self._slab)
        except MalformedPacket:
            self._end(connection, Ending.TOO_LONG)
            return
        if datagrams is None:
            self._end(connection, Ending.CLOSED)
        elif datagrams:
            self._reading = connection
            try:
                self._hand_on(connection, datagrams)
            finally:
                self._reading = None

    def _hand_on(self, connection: TcpConnection, datagrams: list[Datagram]) -> None:
        assert self._endpoint is not None
        if not connection.proven:
            first, *datagrams = datagrams
            self._deliver(self._slab, [first])
            if not self._endpoint.is_valid(connection.source):
                self._end(connection, Ending.NOT_A_CHECK)
                return
            self._prove(connection)
        if datagrams:
            self._deliver(self._slab, datagrams)
        if connection.fileno() < 0:
            # Ended in the middle, by the end of its peer; what came after may have been a check of another.
            self._endpoint.forget_source(connection.source)

    def _prove(self, connection: TcpConnection) -> None:
        connection.proven = True
        self.proven += 1
        self._forget_unproven(connection)

    def _on_writable(self, connection: TcpConnection) -> None:
        connection.send_waiting()
        if not connection.waiting and self._loop is not None:
            self._loop.remove_writer(connection.fileno())

    def _end(self, connection: TcpConnection, why: Ending) -> None:
        if self._connections.pop(connection.source, None) is None:
            return
        self._forget_unproven(connection)
        if self._loop is not None:
            self._loop.remove_reader(connection.fileno())
            self._loop.remove_writer(connection.fileno())
        connection.abort()
        self.endings[why] += 1
        if self._endpoint is not None and why is not Ending.RELEASED:
            self._endpoint.forget_source(connection.source)

    def _forget_unproven(self, connection: TcpConnection) -> None:
        if self._unproven.pop(connection.source, None) is not None:
            network = _network(connection.source)
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]


def listening_socket(host: str, port: int) -> socket.socket:
    """A non-blocking TCP socket that listens on an IP address; on `::`, for IPv4 too."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _network(source: Source) -> bytes:
    """An IPv4 address, or the first 64 bits of an IPv6 address: what one subscriber has."""
    address = ip_bytes(source)
    return address if len(address) == 4 else address[:8]
