"""A plane and a socket that do nothing but remember."""

from __future__ import annotations

from sfu.transport.address import Source, source
from sfu.transport.endpoint import Datagram
from sfu.transport.parameters import Egress, PeerId, Report, Section
from sfu.transport.ports import Destination, SrtpKeys
from sfu.transport.slab import Slab


class RecordingPlane:
    """A MediaPlane that forwards nothing and knows what it was told. `faulty` peers make it raise."""

    def __init__(self) -> None:
        self.open: set[PeerId] = set()
        self.keys: dict[PeerId, SrtpKeys] = {}
        self.destinations: dict[PeerId, Destination] = {}
        self.bulk: dict[PeerId, Destination | None] = {}
        self.received: list[tuple[PeerId, bytes]] = []
        self.faulty: set[PeerId] = set()
        self.ssrcs: dict[int, PeerId] = {}
        self.authentic: set[tuple[PeerId, bytes]] = set()
        self.flushes = 0

    def open_peer(self, peer: PeerId) -> None:
        self.open.add(peer)

    def set_keys(self, peer: PeerId, keys: SrtpKeys) -> None:
        assert peer in self.open
        assert peer not in self.keys
        self.keys[peer] = keys

    def set_destination(self, peer: PeerId, destination: Destination, bulk: Destination | None = None) -> None:
        assert peer in self.open
        self.destinations[peer] = destination
        self.bulk[peer] = bulk

    def close_peer(self, peer: PeerId) -> None:
        self.open.remove(peer)
        self.keys.pop(peer, None)
        self.destinations.pop(peer, None)

    def set_sections(self, peer: PeerId, sections: tuple[Section, ...]) -> dict[str, Egress]:
        return {}

    def add_route(self, sender: PeerId, sender_mid: str, receiver: PeerId, receiver_mid: str) -> None: ...

    def drop_route(self, receiver: PeerId, receiver_mid: str) -> None: ...

    def set_layer(
        self, receiver: PeerId, receiver_mid: str, spatial: int, temporal: int, precedence: int = 0
    ) -> None: ...

    def request_keyframe(self, sender: PeerId, sender_mid: str) -> None: ...

    def owner(self, ssrc: int) -> PeerId | None:
        return self.ssrcs.get(ssrc)

    def peers(self) -> list[PeerId]:
        return sorted(self.open)

    def carried(self, peer: PeerId) -> int:
        return sum(sender == peer for sender, _ in self.received)

    def is_authentic(self, peer: PeerId, slab: Slab, offset: int, length: int) -> bool:
        return (peer, bytes(slab.view[offset : offset + length])) in self.authentic

    def receive(self, peer: PeerId, slab: Slab, offset: int, length: int, now: float) -> None:
        assert peer in self.keys
        if peer in self.faulty:
            raise RuntimeError("a fault in this peer's objects")
        self.received.append((peer, bytes(slab.view[offset : offset + length])))

    def flush(self, now: float) -> None:
        self.flushes += 1

    def next_timer(self) -> float | None:
        return None

    def handle_timers(self, now: float) -> None: ...

    def take_reports(self) -> list[Report]:
        return []


class RecordingEdge:
    """A socket that keeps what it is given; a destination is the source itself."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, bytes]] = []
        self.released: list[Source] = []

    def destination(self, source: Source, offset: int) -> Destination:
        return source

    def bulk(self, destination: Destination) -> Destination:
        return destination

    def release(self, source: Source) -> None:
        self.released.append(source)

    def send(self, destination: Destination, run: memoryview, segment: int) -> bool:
        self.sent += [(destination, bytes(run[at : at + segment])) for at in range(0, len(run), segment)]
        return True

    def take(self) -> list[tuple[object, bytes]]:
        sent, self.sent = self.sent, []
        return sent


def batch(*datagrams: tuple[tuple[str, int], bytes]) -> tuple[Slab, list[Datagram]]:
    """Datagrams by address, laid out as the socket does."""
    slab = Slab(max(1, len(datagrams)) * 2048)
    laid = []
    for index, (address, data) in enumerate(datagrams):
        slab.view[index * 2048 : index * 2048 + len(data)] = data
        laid.append((index * 2048, len(data), source(address)))
    return slab, laid
