"""The media port on loopback: real sockets, driven by the loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import aioice.ice
import pytest
from aiortc import (
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
)
from aiortc.rtp import RtpPacket

from sfu import clock
from sfu.transport import media_port, polling
from sfu.transport.certificate import Certificate
from sfu.transport.endpoint import Endpoint
from sfu.transport.media_port import MediaPort
from sfu.transport.parameters import Connected, PeerId, RemoteParameters, Report
from sfu.transport.slab import Slab
from sfu.transport.transmitter import UdpDestination
from tests.transport.client import CERTIFICATE, DtlsClient, check, fingerprints, remote_parameters
from tests.transport.fakes import RecordingPlane

SERVER = Certificate()


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for each in opened:
        each.close()


def client(sockets: list[socket.socket], host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    sockets.append(sock)
    return sock


class HearingPlane(RecordingPlane):
    """Says when media has arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()
        self.settled = asyncio.Event()

    def next_timer(self) -> float | None:
        """Asked at the end of every wake-up."""
        self.settled.set()
        return super().next_timer()

    def receive(self, peer: PeerId, slab: Slab, offset: int, length: int, now: float) -> None:
        super().receive(peer, slab, offset, length, now)
        self.heard.set()


class Served:
    """A started port with its endpoint."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.media = MediaPort.bind(host, 0)
        self.plane = HearingPlane()
        self.endpoint = Endpoint(self.plane, self.media, SERVER, self.media.candidates())
        self.reports: list[list[Report]] = []
        self.reported = asyncio.Event()
        self.media.start(self.endpoint, self.plane, self.take)

    def take(self, reports: list[Report]) -> None:
        self.reports.append(reports)
        self.reported.set()


async def exchange(sock: socket.socket, where: tuple[str, int], *datagrams: bytes) -> bytes:
    for datagram in datagrams:
        sock.sendto(datagram, where)
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 2000), 60)


@pytest.mark.parametrize(
    ("host", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::", "::1")],
)
async def test_a_client_connects_over_a_real_socket_and_its_media_arrives(
    host: str, asked: str, sockets: list[socket.socket]
) -> None:
    served = Served(host)
    where = (asked, served.media.port)
    sock = client(sockets, asked)
    peer, local = served.endpoint.open_peer(remote_parameters(), clock.monotonic())
    served.media.wake()
    assert where in local.candidates
    assert await exchange(sock, where, check(local))
    dtls = DtlsClient()
    flight = await exchange(sock, where, *dtls.receive())
    dtls.receive(await exchange(sock, where, *dtls.receive(flight)))
    assert dtls.connected
    await asyncio.wait_for(served.reported.wait(), 60)
    assert served.reports == [[Connected(peer)]]
    destination = served.plane.destinations[peer]
    assert isinstance(destination, UdpDestination)
    mapped = "::ffff:" if host == "::" and asked == "127.0.0.1" else ""
    assert destination.address[:2] == (mapped + asked, sock.getsockname()[1])
    sock.sendto(b"\x80media", where)
    await asyncio.wait_for(served.plane.heard.wait(), 60)
    assert served.plane.received == [(peer, b"\x80media")]
    assert served.plane.flushes > 0
    served.media.close()


async def test_aiortc_connects_with_its_own_ice_and_dtls(monkeypatch: pytest.MonkeyPatch) -> None:
    # aioice leaves loopback out of its candidates; here there is nothing else.
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    served = Served()
    gatherer = RTCIceGatherer(iceServers=[])
    ice = RTCIceTransport(gatherer)
    ice._connection.ice_controlling = True
    ice._connection.remote_is_lite = True
    dtls = RTCDtlsTransport(ice, [CERTIFICATE])
    dtls._set_role("client")
    await gatherer.gather()
    ours = gatherer.getLocalParameters()
    peer, local = served.endpoint.open_peer(
        RemoteParameters(str(ours.usernameFragment), str(ours.password), fingerprints()), clock.monotonic()
    )
    [(host, port)] = local.candidates
    await ice.addRemoteCandidate(RTCIceCandidate(1, "1", host, port, 1, "udp", "host"))
    await ice.addRemoteCandidate(None)
    await ice.start(RTCIceParameters(local.ice_ufrag, local.ice_pwd))
    await dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(*local.fingerprint)]))
    assert dtls.state == "connected"
    await dtls._send_rtp(RtpPacket(payload_type=96, sequence_number=1, payload=b"media").serialize())
    await asyncio.wait_for(served.plane.heard.wait(), 60)
    await asyncio.wait_for(served.reported.wait(), 60)
    assert [each for reports in served.reports for each in reports] == [Connected(peer)]
    await dtls.stop()
    await ice.stop()
    served.media.close()


async def test_timers_run_by_themselves(sockets: list[socket.socket]) -> None:
    """A peer opened long ago has timed out; its timer is noticed at the next wake-up."""
    served = Served()
    peer, _ = served.endpoint.open_peer(remote_parameters(), clock.monotonic() - 29.99)
    served.media.wake()
    await asyncio.wait_for(served.reported.wait(), 60)
    assert [getattr(each, "peer", None) for reports in served.reports for each in reports] == [peer]
    served.media.close()


class DuePlane(HearingPlane):
    """Has something to do at `due`."""

    def __init__(self) -> None:
        super().__init__()
        self.due: float | None = None
        self.done = asyncio.Event()
        self.falls_due = False
        """Something does while packets are forwarded."""

    def flush(self, now: float) -> None:
        if self.falls_due:
            self.due = clock.monotonic()
            self.falls_due = False
        super().flush(now)

    def next_timer(self) -> float | None:
        return self.due

    def handle_timers(self, now: float) -> None:
        assert self.due is not None
        assert self.due <= now
        self.due = None
        self.done.set()


async def test_what_is_due_is_done_with_the_packets_that_come(
    monkeypatch: pytest.MonkeyPatch, sockets: list[socket.socket]
) -> None:
    """And not in a wake-up of its own, which is a day away here."""
    monkeypatch.setattr(media_port, "TIMER_SLACK", 86_400.0)
    plane = DuePlane()
    media = MediaPort.bind("127.0.0.1", 0)
    media.start(Endpoint(plane, media, SERVER, media.candidates()), plane, lambda reports: None)
    sock = client(sockets, "127.0.0.1")
    await asyncio.sleep(0)  # the wake-up that starting asks for
    for _ in range(2):
        plane.due = clock.monotonic()
        sock.sendto(b"\xff", ("127.0.0.1", media.port))
        await asyncio.wait_for(plane.done.wait(), 60)
        plane.done.clear()
    plane.falls_due = True
    sock.sendto(b"\xff", ("127.0.0.1", media.port))
    await asyncio.wait_for(plane.done.wait(), 60)
    media.close()


async def connected(served: Served, sock: socket.socket, where: tuple[str, int]) -> None:
    _, local = served.endpoint.open_peer(remote_parameters(), clock.monotonic())
    dtls = DtlsClient()
    await exchange(sock, where, check(local))
    flight = await exchange(sock, where, *dtls.receive())
    dtls.receive(await exchange(sock, where, *dtls.receive(flight)))
    await asyncio.wait_for(served.reported.wait(), 60)


class Sending:
    """Numbered packets of a connected peer, one after the other."""

    def __init__(self, served: Served, sock: socket.socket) -> None:
        self.served = served
        self.sent = 0
        self._sock = sock

    async def one(self) -> None:
        """Send one, and see it arrive."""
        self.served.plane.heard.clear()
        self._sock.sendto(b"\x80" + self.sent.to_bytes(2, "big"), ("127.0.0.1", self.served.media.port))
        self.sent += 1
        await asyncio.wait_for(self.served.plane.heard.wait(), 60)

    async def until_polled(self) -> None:
        """Each follows the one before much sooner than the socket would be looked at."""
        while not self.served.media.polled:
            await self.one()

    async def silence(self) -> None:
        """Nothing more is sent until the socket wakes the loop again."""
        while self.served.media.polled:
            self.served.plane.settled.clear()
            await asyncio.wait_for(self.served.plane.settled.wait(), 60)


@pytest.fixture
async def sending(monkeypatch: pytest.MonkeyPatch, sockets: list[socket.socket]) -> Sending:
    # Ten times as long as in life, so that it is dense on a busy machine, too.
    for module in (polling, media_port):
        monkeypatch.setattr(module, "INTERVAL", 0.02)
    served = Served()
    sock = client(sockets, "127.0.0.1")
    await connected(served, sock, ("127.0.0.1", served.media.port))
    return Sending(served, sock)


async def test_while_much_comes_the_socket_is_polled_and_nothing_is_lost(sending: Sending) -> None:
    for _ in range(2):
        await sending.until_polled()
        for _ in range(5):
            await sending.one()
        await sending.silence()
        await sending.one()
    served = sending.served
    assert [data for _, data in served.plane.received] == [
        b"\x80" + each.to_bytes(2, "big") for each in range(sending.sent)
    ]
    served.media.close()


async def test_a_port_that_is_polled_closes_like_any_other(sending: Sending) -> None:
    await sending.until_polled()
    media = sending.served.media
    port = media.port
    media.close()
    media.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))


async def test_after_closing_nothing_is_received_or_sent(sockets: list[socket.socket]) -> None:
    served = Served()
    served.media.wake()
    served.media.close()
    served.media.close()
    served.media.wake()
    await asyncio.sleep(0)
    assert not served.media.send(UdpDestination(("127.0.0.1", 9)), memoryview(b"x"), 1)
    flushes = served.plane.flushes
    await asyncio.sleep(0)
    assert served.plane.flushes == flushes
