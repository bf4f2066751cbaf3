"""A network between one browser and the media port: real sockets, with the conditions of `tests/net.py`, seeded."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace

from tests.net import Conditions, Way

HOST = "127.0.0.1"
CHUNK = 65_536  # bytes
FIRST_OF_MEDIA = b"\x80"
"""RFC 7983: the first byte of SRTP and SRTCP, and above."""
BINDING_REQUEST = b"\x00\x01"
NOT_EPHEMERAL = range(30_000, 32_000)
"""Ports that no kernel gives out by itself."""

Address = tuple[str, int]


class Relay:
    """UDP and TCP on one port number of its own. `up` leads to the server, `down` to the browser; both may be changed at any time.

    TCP is subject to rate and delay alone: what is lost on the way, its ends send again.
    """

    def __init__(self, up: Conditions, down: Conditions, seed: int = 1) -> None:
        self.up = Way(up, seed)
        self.down = Way(down, seed + 1)
        self.lets_udp_through = True
        self.lets_checks_up = True
        """Whether the browser's own checks reach the server; its answers to the server's do."""
        self.arrivals: list[tuple[float, int]] = []
        """Each datagram of media from the server, in the order in which it sent them: when it came (of the loop's clock), and to which
        move of ours, the first being 0."""
        self._moves = 0
        self._server: Address = (HOST, 0)
        self._clients: dict[Address, socket.socket] = {}
        self._sockets: list[socket.socket] = []
        self._ends: list[tuple[socket.socket, Address, int]] = []
        """Towards the server: whose, and of which move; the oldest first."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, media_port: int) -> Relay:
        self._loop = asyncio.get_running_loop()
        self._server = (HOST, media_port)
        self._listener = await asyncio.start_server(self._connected, HOST, 0)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        self._entry = self._socket(self.port)
        self._loop.add_reader(self._entry, self._from_browser)
        return self

    @property
    def script(self) -> str:
        """JavaScript that has a page reach the server by this relay alone."""
        return """
        (() => {
          const native = RTCPeerConnection.prototype.setRemoteDescription;
          RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
            const lines = sdp.split("\\r\\n").flatMap((line) => {
              const here = /^(a=candidate:\\S+ 1 (?:udp|tcp) \\d+ 127\\.0\\.0\\.1) \\d+ (.*)$/.exec(line);
              if (here) return [`${here[1]} PORT ${here[2]}`];
              return line.startsWith("a=candidate:") ? [] : [line];
            });
            return native.call(this, { type, sdp: lines.join("\\r\\n") });
          };
        })();
        """.replace("PORT", str(self.port))

    def move(self) -> None:
        """From now on the server sees the browser under another address. What still goes to the old one is lost."""
        self._moves += 1
        self._clients.clear()

    def change(self, **changes: object) -> None:
        """Other conditions both ways, by the names of `Conditions`."""
        for way in (self.up, self.down):
            way.change(self._loop.time(), **changes)

    async def close(self) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()

    def _socket(self, port: int = 0) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((HOST, port))
        self._sockets.append(made)
        return made

    def _from_browser(self) -> None:
        datagram, client = self._entry.recvfrom(CHUNK)
        end = self._clients.get(client)
        if end is None:
            end = self._clients[client] = self._socket()
            self._ends.append((end, client, self._moves))
            self._loop.add_reader(end, self._from_server, self._moves)
        if self.lets_checks_up or datagram[:2] != BINDING_REQUEST:
            self._pass_on(self.up, end, datagram, self._server)

    def _from_server(self, move: int) -> None:
        # What was sent to an older address was sent before: it is read first.
        for end, client, its_move in self._ends:
            while its_move <= move:
                try:
                    datagram = end.recv(CHUNK)
                except OSError:  # no more, or a refusal by who is not there any more
                    break
                if datagram[:1] >= FIRST_OF_MEDIA:
                    self.arrivals.append((self._loop.time(), its_move))
                if its_move == self._moves:
                    self._pass_on(self.down, self._entry, datagram, client)

    def _pass_on(self, way: Way, end: socket.socket, datagram: bytes, to: Address) -> None:
        if self.lets_udp_through:
            for arrives in way.transit(len(datagram), self._loop.time()):
                self._loop.call_at(arrives, self._send, end, datagram, to)

    @staticmethod
    def _send(end: socket.socket, datagram: bytes, to: Address) -> None:
        with contextlib.suppress(OSError):  # closed meanwhile, or no room: lost, as it may be
            end.sendto(datagram, to)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far = None
        try:
            upstream, far = await asyncio.open_connection(*self._server)
            await asyncio.gather(self._carry(self.up, reader, far), self._carry(self.down, upstream, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()
            self._tasks.discard(task)

    async def _carry(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            sure = Way(
                replace(way.conditions, loss=0.0, bursts=None, reorder=0.0, duplicate=0.0, queue=float("inf")), 1
            )
            [arrives] = sure.transit(len(data), self._loop.time())
            await asyncio.sleep(arrives - self._loop.time())
            writer.write(data)
            await writer.drain()
        raise ConnectionError


def free_port(ports: range = NOT_EPHEMERAL) -> int:
    """The first of these that is free for UDP and TCP. Raises `OSError` where none is."""
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as connections:
            try:
                datagrams.bind(("0.0.0.0", port))
                connections.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port of {ports.start} to {ports.stop - 1} is free")
