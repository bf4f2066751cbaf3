"""One person's way to the server: a relay of TCP and UDP that can be cut, as a tunnel or a dead spot cuts it."""

from __future__ import annotations

import asyncio
import contextlib
import socket

HOST = "127.0.0.1"
CHUNK = 65_536  # octets

Address = tuple[str, int]


class Wire:
    """Cut, nothing passes and nobody is told of it.

    Mended, TCP goes on where it was, as it does when its packets are sent again; what went by UDP meanwhile is lost.
    """

    def __init__(self) -> None:
        self._whole = asyncio.Event()
        self._whole.set()
        self._web: Address = (HOST, 0)
        self._media: Address = (HOST, 0)
        self._connections: set[asyncio.Task[None]] = set()
        self._ways: dict[Address, socket.socket] = {}

    async def open(self) -> Wire:
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._entry = self._udp()
        self._entry.bind((HOST, 0))
        self.media_port: int = self._entry.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._entry, self._sent)
        return self

    @property
    def origin(self) -> str:
        """Where a browser finds the server by this wire."""
        return f"http://{HOST}:{self.port}"

    def lead_to(self, web_port: int, media_port: int) -> None:
        self._web = (HOST, web_port)
        self._media = (HOST, media_port)

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def drop(self) -> None:
        """End every connection, as a network does that gives out other addresses."""
        for connection in self._connections:
            connection.cancel()

    async def close(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        for end in (self._entry, *self._ways.values()):
            asyncio.get_running_loop().remove_reader(end)
            end.close()

    def _sent(self) -> None:
        """The browser has sent a datagram."""
        datagram, client = self._entry.recvfrom(CHUNK)
        if self._whole.is_set():
            with contextlib.suppress(OSError):  # nobody is there, or there is no room: lost, as it may be
                self._way_of(client).sendto(datagram, self._media)

    def _way_of(self, client: Address) -> socket.socket:
        way = self._ways.get(client)
        if way is None:
            way = self._ways[client] = self._udp()
            way.bind((HOST, 0))
            asyncio.get_running_loop().add_reader(way, self._answered, way, client)
        return way

    def _answered(self, way: socket.socket, client: Address) -> None:
        with contextlib.suppress(OSError):
            datagram = way.recv(CHUNK)
            if self._whole.is_set():
                self._entry.sendto(datagram, client)

    @staticmethod
    def _udp() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        return made

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            await self._whole.wait()
            upstream, downstream = await asyncio.open_connection(*self._web)
            try:
                await asyncio.gather(self._carry(reader, downstream), self._carry(upstream, writer))
            finally:
                downstream.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._connections.discard(connection)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until either end has closed; the other learns of it when the wire is whole."""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        await self._whole.wait()
        writer.close()
