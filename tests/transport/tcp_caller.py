"""A media port with its endpoint, and callers over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sfu import clock
from sfu.transport.certificate import Certificate
from sfu.transport.endpoint import Endpoint
from sfu.transport.media_port import MediaPort
from sfu.transport.parameters import LocalParameters, PeerId, Report
from sfu.transport.tcp import Ending, TcpListener
from tests.transport.client import check, remote_parameters
from tests.transport.fakes import RecordingPlane

SERVER = Certificate()
TIMEOUT = 10.0  # seconds until what must come is missed


class Served:
    """A started port with its endpoint, over a plane that remembers."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.media = MediaPort.bind(host, 0)
        self.plane = RecordingPlane()
        self.endpoint = Endpoint(
            self.plane,
            self.media,
            SERVER,
            self.media.candidates(),
            tcp_candidates=self.media.tcp_candidates(),
        )
        self.reports: list[Report] = []
        self.media.start(self.endpoint, self.plane, self.reports.extend)

    @property
    def tcp(self) -> TcpListener:
        assert self.media.tcp is not None
        return self.media.tcp

    def open(self) -> tuple[PeerId, LocalParameters]:
        opened = self.endpoint.open_peer(remote_parameters(), clock.monotonic())
        self.media.wake()
        return opened

    def endings(self) -> dict[Ending, int]:
        return {why: count for why, count in self.tcp.endings.items() if count}

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT):
            while True:
                if holds():
                    return
                await asyncio.sleep(0)


class Caller:
    """A client's connection: datagrams out and in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.writer.write(len(datagram).to_bytes(2, "big") + datagram)

    async def receive(self) -> bytes:
        async with asyncio.timeout(TIMEOUT):
            return await self._reader.readexactly(int.from_bytes(await self._reader.readexactly(2), "big"))

    async def check(self, local: LocalParameters, *, nominate: bool = True) -> bytes:
        self.send(check(local, nominate=nominate))
        return await self.receive()

    async def ended(self) -> bytes:
        """What comes until the connection is over."""
        got = b""
        try:
            async with asyncio.timeout(TIMEOUT):
                while data := await self._reader.read(65_536):
                    got += data
        except ConnectionResetError:
            pass
        return got
