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

TICK = 0.05  # seconds between looks at the clients' timers


class Media:
    """Reads, and writes what clients have to send. The first error ends up in `failure`, for the scenario to raise."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._sockets: dict[Client, socket.socket] = {}
        self._batch = Batch()
        self._slab = Slab(SEND_SLAB)
        self._timer: asyncio.TimerHandle | None = None
        self.failure: Exception | None = None
        self._loop.add_reader(self._epoll.fileno(), self._readable)
        self._tick()

    def connect(self, client: Client, address: tuple[str, int]) -> None:
        """Give a client a socket of its own towards the server, and begin to run it."""
        sock = open_socket("127.0.0.1")
        sock.connect(address)
        self._sockets[client] = sock
        self._clients[sock.fileno()] = client
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        self._flush(client)

    def send_frame(self, client: Client, stream: Outgoing) -> None:
        """Send the next frame of a stream, stamped now."""
        assert client.srtp is not None
        end, segment = stream.frame(client.srtp, self._slab, now_ns())
        try:
            send_run(self._sockets[client], self._slab.view[:end], segment)
        except OSError as error:
            self.failure = self.failure or error

    def send_report(self, client: Client, stream: Outgoing) -> None:
        """Send a sender report of a stream."""
        assert client.srtp is not None
        client.sends.append(client.srtp.protect_rtcp(stream.report(now_ns())))
        self._flush(client)

    def dropped(self) -> int:
        """Datagrams lost so far because this process did not read in time."""
        return dropped(list(self._sockets.values()))

    def close(self) -> None:
        """Say goodbye for every client, and close all sockets."""
        self._loop.remove_reader(self._epoll.fileno())
        if self._timer is not None:
            self._timer.cancel()
        for client, sock in self._sockets.items():
            client.close()
            self._flush(client)
            sock.close()
        self._epoll.close()

    def _readable(self) -> None:
        now = monotonic()
        for descriptor, _ in self._epoll.poll(0):
            client = self._clients[descriptor]
            try:
                full = True
                while full:
                    came = self._batch.receive(descriptor)
                    for slot, (length, arrived_ns) in enumerate(came):
                        client.take(self._batch, slot, length, arrived_ns, now)
                    full = len(came) == SLOTS
            except Exception as error:
                self.failure = self.failure or error
                self._epoll.unregister(descriptor)
            if client.sends:
                self._flush(client)

    def _tick(self) -> None:
        now = monotonic()
        for client in self._sockets:
            try:
                client.handle_timers(now)
            except Exception as error:
                self.failure = self.failure or error
            if client.sends:
                self._flush(client)
        self._timer = self._loop.call_later(TICK, self._tick)

    def _flush(self, client: Client) -> None:
        sock = self._sockets[client]
        for datagram in client.sends:
            try:
                sock.send(datagram)
            except OSError as error:
                self.failure = self.failure or error
        client.sends.clear()
