"""An endpoint without a network: datagrams in, datagrams out, and the clients that speak to it."""

from __future__ import annotations

from sfu.transport.address import source
from sfu.transport.certificate import Certificate
from sfu.transport.drops import DropReason
from sfu.transport.endpoint import Endpoint
from sfu.transport.parameters import Connected, LocalParameters, PeerId
from tests.transport.client import DtlsClient, check, remote_parameters
from tests.transport.fakes import RecordingEdge, RecordingPlane, batch

SERVER = Certificate()
CANDIDATES = (("192.0.2.100", 44444), ("127.0.0.1", 44444))
HOME = ("192.0.2.1", 5000)
AWAY = ("198.51.100.1", 6000)
STRANGER = ("203.0.113.66", 666)
SRTP = b"\x80\x60" + bytes(40)
Address = tuple[str, int]


class Net:
    """An endpoint, its recording plane and edge, and clients that speak to it."""

    def __init__(self, max_half_open: int = 256) -> None:
        self.plane = RecordingPlane()
        self.edge = RecordingEdge()
        self.faults: list[Exception] = []
        self.endpoint = Endpoint(
            self.plane, self.edge, SERVER, CANDIDATES, max_half_open=max_half_open, on_bug=self.faults.append
        )

    def open(self, now: float = 0.0) -> tuple[PeerId, LocalParameters]:
        return self.endpoint.open_peer(remote_parameters(), now)

    def send(self, where: Address, *datagrams: bytes, now: float = 1.0) -> list[bytes]:
        """Datagrams in; what goes out to the same address."""
        slab, laid = batch(*((where, datagram) for datagram in datagrams))
        self.endpoint.receive_batch(slab, laid, now)
        sent = self.edge.take()
        assert all(destination == source(where) for destination, _ in sent)
        return [datagram for _, datagram in sent]

    def shake_hands(self, where: Address, client: DtlsClient | None = None, now: float = 1.0) -> DtlsClient:
        client = client or DtlsClient()
        flight = client.receive()
        for _ in range(4):
            answer = self.send(where, *flight, now=now)
            flight = client.receive(*answer) if answer else []
        return client

    def connect(self, where: Address = HOME, now: float = 1.0) -> tuple[PeerId, LocalParameters, DtlsClient]:
        peer, local = self.open(now)
        assert len(self.send(where, check(local), now=now)) == 1
        client = self.shake_hands(where, now=now)
        assert self.endpoint.take_reports() == [Connected(peer)]
        return peer, local, client

    def dropped(self) -> dict[DropReason, int]:
        return {reason: count for reason, count in self.endpoint.drops.counts.items() if count}


def run_timers(net: Net, until: float) -> list[float]:
    """Every timer up to a time, as the socket does; gives when something was sent."""
    sent_at = []
    while (due := net.endpoint.next_timer()) is not None and due <= until:
        net.endpoint.handle_timers(due)
        if net.edge.take():
            sent_at.append(due)
    return sent_at
