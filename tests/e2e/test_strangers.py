"""Strangers get silence and harm nobody (threats P6, P8): 10⁵ hostile datagrams before, during and after 200 handshakes.

They come over real sockets from another address, and some know the username fragments of the peers under attack.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
import socket
import tracemalloc
from collections.abc import Iterator

import pytest

from sfu import clock
from sfu.transport.certificate import Certificate
from sfu.transport.drops import DropReason
from sfu.transport.endpoint import Endpoint
from sfu.transport.media_port import MediaPort
from sfu.transport.parameters import Connected, LocalParameters, PeerId, Report
from tests.transport.client import DtlsClient, check, remote_parameters
from tests.transport.fakes import RecordingPlane

CALLS = 200
HOSTILE_BEFORE = 10_000
HOSTILE_A_STEP = 100
STEPS = 4
HOSTILE_AFTER = 20_000
BURST = 200
"""Datagrams in flight at a time: fewer than the kernel's buffer holds, so that every one is seen and can be counted."""

STRANGER = "127.0.0.2"
HOME = "127.0.0.1"
MEMORY_BOUND = 64 * 1024
"""Bytes that 20,000 hostile datagrams may leave behind: what the interpreter's own caches do."""


class Server:
    """The real socket and endpoint, over a plane that only remembers."""

    def __init__(self) -> None:
        self.media = MediaPort.bind(HOME, 0)
        self.plane = RecordingPlane()
        self.endpoint = Endpoint(self.plane, self.media, Certificate(), self.media.candidates())
        self.reports: list[Report] = []
        self.media.start(self.endpoint, self.plane, self.reports.extend)

    @property
    def address(self) -> tuple[str, int]:
        return HOME, self.media.port

    def dropped(self) -> int:
        return sum(self.endpoint.drops.counts.values())

    def close(self) -> None:
        self.media.close()


class Stranger:
    """Sends what it can think of, and notes what comes back."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.sent = 0
        self._server = server
        self._socket = udp_socket(STRANGER)
        self._arsenal: Iterator[bytes] = itertools.cycle(every_first_byte_and_length())

    def learn(self, peers: list[LocalParameters]) -> None:
        """Arm against these peers, whose username fragments are known."""
        chance = random.Random(1)
        weapons = [*every_first_byte_and_length(), *hellos(chance), *alerts(), *forged_checks(peers)]
        chance.shuffle(weapons)
        self._arsenal = itertools.cycle(weapons)

    async def attack(self, times: int) -> None:
        for start in range(0, times, BURST):
            for datagram in itertools.islice(self._arsenal, min(BURST, times - start)):
                self._socket.sendto(datagram, self._server)
                self.sent += 1
            await asyncio.sleep(0)

    def heard(self) -> int:
        """How many bytes came back."""
        count = 0
        while True:
            try:
                count += len(self._socket.recv(2048)) or 1
            except BlockingIOError:
                return count

    def close(self) -> None:
        self._socket.close()


class Call:
    """One of our own participants."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._socket = udp_socket(HOME)
        self._dtls = DtlsClient()
        self.peer: PeerId
        self.local: LocalParameters
        self.peer, self.local = server.endpoint.open_peer(remote_parameters(), clock.monotonic())

    async def connect(self, stranger: Stranger) -> None:
        """ICE and DTLS with an attack before each step. Nothing is sent twice: what is lost is a failure."""
        await stranger.attack(HOSTILE_A_STEP)
        await self.check()
        await stranger.attack(HOSTILE_A_STEP)
        flight = await self.exchange(*self._dtls.receive())
        await stranger.attack(HOSTILE_A_STEP)
        self._dtls.receive(await self.exchange(*self._dtls.receive(flight)))
        assert self._dtls.connected
        await stranger.attack(HOSTILE_A_STEP)

    async def check(self) -> None:
        assert await self.exchange(check(self.local))

    def speak(self) -> None:
        self._socket.sendto(b"\x80 media", self._server.address)

    async def exchange(self, *datagrams: bytes) -> bytes:
        for datagram in datagrams:
            self._socket.sendto(datagram, self._server.address)
        async with asyncio.timeout(60.0):
            return await asyncio.get_running_loop().sock_recv(self._socket, 2048)

    def close(self) -> None:
        self._socket.close()


def udp_socket(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((host, 0))
    return sock


def every_first_byte_and_length() -> Iterator[bytes]:
    chance = random.Random(0)
    yield b""
    for first in range(256):
        for length in range(1, 65):
            yield bytes([first]) + chance.randbytes(length - 1)


def hellos(chance: random.Random) -> Iterator[bytes]:
    """Real ones, one with TLS_NULL_WITH_NULL_NULL as its only cipher, and real ones with bytes changed."""
    [real] = DtlsClient().receive()
    yield real
    body = b"\xfe\xfd" + bytes(32) + b"\0\0" + b"\0\2\0\0" + b"\1\0"
    message = b"\1" + len(body).to_bytes(3, "big") + bytes(5) + len(body).to_bytes(3, "big") + body
    yield b"\x16\xfe\xfd" + bytes(8) + len(message).to_bytes(2, "big") + message
    for _ in range(2000):
        changed = bytearray(real)
        for _ in range(chance.randrange(1, 9)):
            changed[chance.randrange(13, len(changed))] = chance.randrange(256)
        yield bytes(changed)


def alerts() -> Iterator[bytes]:
    for epoch in (0, 1):
        for level in (1, 2):
            for description in range(256):
                yield b"\x15\xfe\xfd" + epoch.to_bytes(2, "big") + bytes(6) + b"\0\2" + bytes([level, description])


def forged_checks(peers: list[LocalParameters]) -> Iterator[bytes]:
    """Checks for every peer: without integrity, with a wrong one, with a username of nobody, cut, and with a bit turned."""
    for peer in peers:
        yield check(peer, without="MESSAGE-INTEGRITY")
        yield check(peer, without="USERNAME")
        yield check(peer, pwd="guessed")
        yield check(peer, ufrag="nobody")
        yield check(LocalParameters("0" * 16, peer.ice_pwd, peer.fingerprint, ()))
        yield check(peer)[:-4]
        turned = bytearray(check(peer))
        turned[8] ^= 1
        yield bytes(turned)


async def test_strangers_are_not_answered_and_harm_nobody(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server's clock stands, so that nobody's consent runs out on a machine that takes its time.
    monkeypatch.setattr(clock, "monotonic", lambda: 1_000.0)
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    with contextlib.ExitStack() as sockets:
        server = sockets.enter_context(contextlib.closing(Server()))
        stranger = sockets.enter_context(contextlib.closing(Stranger(server.address)))
        calls = [sockets.enter_context(contextlib.closing(Call(server))) for _ in range(CALLS)]
        stranger.learn([call.local for call in calls])
        await storm(server, stranger, calls)
    assert caplog.records == []


async def storm(server: Server, stranger: Stranger, calls: list[Call]) -> None:

    await stranger.attack(HOSTILE_BEFORE)
    for call in calls:
        await call.connect(stranger)
    assert server.reports == [Connected(call.peer) for call in calls]

    # The socket is a queue, so an answered check says that everything sent before has been seen.
    await stranger.attack(HOSTILE_AFTER)
    await calls[0].check()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    await stranger.attack(HOSTILE_AFTER)
    await calls[0].check()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    for call in calls:
        call.speak()
        await call.check()
    assert server.plane.received == [(call.peer, b"\x80 media") for call in calls]
    assert stranger.sent == HOSTILE_BEFORE + CALLS * STEPS * HOSTILE_A_STEP + 2 * HOSTILE_AFTER >= 100_000
    assert stranger.heard() == 0
    assert server.dropped() == stranger.sent
    assert {reason for reason, count in server.endpoint.drops.counts.items() if count} == {
        DropReason.EMPTY,
        DropReason.MALFORMED_STUN,
        DropReason.UNKNOWN_UFRAG,
        DropReason.STUN_UNAUTHENTICATED,
        DropReason.UNKNOWN_PROTOCOL,
        DropReason.UNKNOWN_SOURCE,
    }
    assert (server.endpoint.bugs, server.endpoint.peers) == (0, CALLS)
    assert after - before < MEMORY_BOUND
