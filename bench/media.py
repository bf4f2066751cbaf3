"""The sockets of many clients in one event loop: a UDP socket each, as every browser has one, behind a single epoll set."""

from __future__ import annotations

import asyncio
import select
import socket

from bench.client import Client
from bench.datagrams import SLOTS, Batch, dropped, open_socket, send_run
from bench.outgoing import SEND_SLAB, Outgoing
from bench.trailer import now_ns
from sfu.clock import monotonic
from sfu.transport.slab import Slab

TURNS = 10
TICK = 0.05 / TURNS
"""Seconds between two looks, each at the timers of one in `TURNS` clients: they do not all speak at once."""


class Media:
    """Reads, and writes what clients have to send. The first error ends up in `failure`, for the scenario to raise."""

    def __init__(self, bind: str = "127.0.0.1") -> None:
        """`bind` is the address of the clients' sockets."""
        self._bind = bind
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._sockets: dict[Client, socket.socket] = {}
        self._batch = Batch()
        self._slab = Slab(SEND_SLAB)
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0
        self._gone = 0
        self.failure: Exception | None = None
        self._loop.add_reader(self._epoll.fileno(), self._readable)
        self._tick()

    def open(self, client: Client) -> None:
        """Give a client a socket of its own."""
        self._sockets[client] = sock = open_socket(self._bind)
        host, port = sock.getsockname()
        client.address = host, port

    def connect(self, client: Client, address: tuple[str, int]) -> None:
        """Turn a client's socket towards the server, and begin to run it."""
        if client not in self._sockets:
            self.open(client)
        sock = self._sockets[client]
        sock.connect(address)
        self._clients[sock.fileno()] = client
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        self._flush(client)

    def send_frame(self, client: Client, stream: Outgoing) -> None:
        """Send the next frame of a stream, stamped now."""
        assert client.srtp is not None
        if client not in self._sockets:
            return
        end, segment = stream.frame(client.srtp, self._slab, now_ns())
        try:
            send_run(self._sockets[client], self._slab.view[:end], segment)
        except OSError as error:
            self.failure = self.failure or error

    def send_report(self, client: Client, stream: Outgoing) -> None:
        """Send a sender report of a stream."""
        assert client.srtp is not None
        if client not in self._sockets:
            return
        client.sends.append(client.srtp.protect_rtcp(stream.report(now_ns())))
        self._flush(client)

    def disconnect(self, client: Client) -> None:
        """Say goodbye for one client, and close its socket. What it has lost is kept in mind."""
        sock = self._sockets.pop(client, None)
        if sock is None:
            return
        self._gone += dropped([sock])
        if self._clients.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())
        client.close()
        self._send(client, sock)
        sock.close()

    def dropped(self) -> int:
        """Datagrams lost so far because this process did not read in time."""
        return self._gone + dropped(list(self._sockets.values()))

    def close(self) -> None:
        """Say goodbye for every client, and close all sockets."""
        self._loop.remove_reader(self._epoll.fileno())
        if self._timer is not None:
            self._timer.cancel()
        for client in list(self._sockets):
            self.disconnect(client)
        self._epoll.close()

    def _readable(self) -> None:
        now = monotonic()
        for descriptor, _ in self._epoll.poll(0):
            client = self._clients.get(descriptor)
            if client is None:
                continue
            try:
                full = True
                while full:
                    came = self._batch.receive(descriptor)
                    client.take(self._batch, came, now)
                    full = len(came) == SLOTS
            except Exception as error:
                self.failure = self.failure or error
                self._epoll.unregister(descriptor)
            if client.sends:
                self._flush(client)

    def _tick(self) -> None:
        now = monotonic()
        self._turn = (self._turn + 1) % TURNS
        for client in list(self._clients.values())[self._turn :: TURNS]:
            try:
                client.handle_timers(now)
            except Exception as error:
                self.failure = self.failure or error
            if client.sends:
                self._flush(client)
        self._timer = self._loop.call_later(TICK, self._tick)

    def _flush(self, client: Client) -> None:
        self._send(client, self._sockets[client])

    def _send(self, client: Client, sock: socket.socket) -> None:
        for datagram in client.sends:
            try:
                sock.send(datagram)
            except OSError as error:
                self.failure = self.failure or error
        client.sends.clear()
