"""Strangers on the media port's TCP side get silence, hold nothing, and harm nobody (docs/threat-model.md, Strangers)."""

from __future__ import annotations

import asyncio
import random
import socket

from sfu import clock
from sfu.transport.certificate import Certificate
from sfu.transport.endpoint import Endpoint
from sfu.transport.media_port import MediaPort
from sfu.transport.parameters import LocalParameters
from sfu.transport.tcp import MAX_UNPROVEN_OF_ADDRESS, Ending
from tests.e2e.test_strangers import alerts, every_first_byte_and_length, forged_checks, hellos
from tests.transport.client import DtlsClient, check, remote_parameters
from tests.transport.fakes import RecordingPlane

HOME = "127.0.0.1"
STRANGERS = [f"127.0.0.{number}" for number in range(2, 12)]
CALLS = 5
ATTACKS = 1_500
AT_A_TIME = 50
TIMEOUT = 20.0


class Call:
    """One of our own participants, over TCP."""

    def __init__(self, endpoint: Endpoint, port: int) -> None:
        self.peer, self.local = endpoint.open_peer(remote_parameters(), clock.monotonic())
        self._port = port

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(HOME, self._port)
        await self.exchange(check(self.local))
        dtls = DtlsClient()
        flight = await self.exchange(*dtls.receive())
        dtls.receive(await self.exchange(*dtls.receive(flight)))
        assert dtls.connected

    async def exchange(self, *datagrams: bytes) -> bytes:
        self.say(*datagrams)
        async with asyncio.timeout(TIMEOUT):
            return await self._reader.readexactly(int.from_bytes(await self._reader.readexactly(2), "big"))

    def say(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self._writer.write(len(datagram).to_bytes(2, "big") + datagram)

    def close(self) -> None:
        self._writer.transport.abort()


async def attack(host: str, port: int, frames: list[bytes]) -> int:
    """Connect from an address, say all of this, and wait for the end. How many bytes came back."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.bind((host, 0))
    heard = 0
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT):
            await loop.sock_connect(sock, (HOME, port))
            for frame in frames:
                await loop.sock_sendall(sock, len(frame).to_bytes(2, "big") + frame)
            while data := await loop.sock_recv(sock, 2048):
                heard += len(data)
    except ConnectionError:
        pass
    finally:
        sock.close()
    return heard


def arsenal(peers: list[LocalParameters]) -> list[list[bytes]]:
    """What connections say: one thing, or several after each other; a good check among them only where it comes too late."""
    chance = random.Random(1)
    weapons = [*every_first_byte_and_length(), *hellos(chance), *alerts(), *forged_checks(peers)]
    said = [[chance.choice(weapons) for _ in range(chance.randrange(1, 4))] for _ in range(ATTACKS)]
    for frames in said[:100]:
        frames.append(check(peers[0]))
    return said


async def test_strangers_over_tcp_get_silence_and_harm_nobody() -> None:
    media, plane = MediaPort.bind(HOME, 0), RecordingPlane()
    endpoint = Endpoint(plane, media, Certificate(), media.candidates(), tcp_candidates=media.tcp_candidates())
    media.start(endpoint, plane, lambda reports: None)
    assert media.tcp is not None
    calls = [Call(endpoint, media.port) for _ in range(CALLS)]
    for call in calls:
        await call.connect()

    heard = 0
    said = arsenal([call.local for call in calls])
    for start in range(0, ATTACKS, AT_A_TIME):
        batch = said[start : start + AT_A_TIME]
        for call in calls:
            call.say(b"\x80 media")
        heard += sum(
            await asyncio.gather(
                *(attack(STRANGERS[index % len(STRANGERS)], media.port, frames) for index, frames in enumerate(batch))
            )
        )
    silent = [await asyncio.open_connection(HOME, media.port) for _ in range(2 * MAX_UNPROVEN_OF_ADDRESS)]
    for call in calls:
        assert await call.exchange(check(call.local))

    assert heard == 0
    assert media.tcp.endings[Ending.NOT_A_CHECK] == ATTACKS
    assert media.tcp.connections <= CALLS + MAX_UNPROVEN_OF_ADDRESS
    assert len(plane.received) == CALLS * ATTACKS // AT_A_TIME
    assert {peer for peer, _ in plane.received} == {call.peer for call in calls}
    assert (endpoint.bugs, endpoint.peers) == (0, CALLS)
    for _, writer in silent:
        writer.transport.abort()
    for call in calls:
        call.close()
    media.close()
