"""Real sockets on loopback; both receivers run through the same tests."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from sfu.transport.address import Source, source
from sfu.transport.receiver import BATCH, SLOT, MmsgReceiver, PlainReceiver, Receiver, has_recvmmsg, new_receiver
from sfu.transport.udp import bound_socket

RECEIVERS: list[Callable[[socket.socket], Receiver]] = (
    [MmsgReceiver, PlainReceiver] if has_recvmmsg() else [PlainReceiver]
)
HOSTS = ["127.0.0.1", "0.0.0.0", "::1", "::"]


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for each in opened:
        each.close()


def client(sockets: list[socket.socket], host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sockets.append(sock)
    return sock


def loopback(host: str) -> str:
    return "::1" if ":" in host else "127.0.0.1"


def test_linux_has_recvmmsg_and_uses_it(sockets: list[socket.socket]) -> None:
    sock = bound_socket("127.0.0.1", 0)
    sockets.append(sock)
    assert isinstance(new_receiver(sock), MmsgReceiver if has_recvmmsg() else PlainReceiver)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", RECEIVERS)
def test_datagrams_arrive_with_their_lengths_and_sources(
    kind: Callable[[socket.socket], Receiver], host: str, sockets: list[socket.socket]
) -> None:
    sock = bound_socket(host, 0)
    sockets.append(sock)
    receiver = kind(sock)
    assert receiver.receive() == []
    peers = [client(sockets, loopback(host)) for _ in range(2)]
    target = (loopback(host), sock.getsockname()[1])
    data = [b"", b"x", bytes(range(256)) * 4, b"y" * 1500]
    for each in data:
        for peer in peers:
            peer.sendto(each, target)
    batch = receiver.receive()
    assert [offset for offset, _, _ in batch] == [index * SLOT for index in range(8)]
    assert [bytes(receiver.slab.view[at : at + size]) for at, size, _ in batch] == [
        each for each in data for _ in peers
    ]
    assert [where for _, _, where in batch] == [source(peer.getsockname()) for peer in peers] * 4
    assert receiver.receive() == []


@pytest.mark.parametrize("kind", RECEIVERS)
def test_a_batch_is_at_most_64_and_what_is_too_long_is_cut(
    kind: Callable[[socket.socket], Receiver], sockets: list[socket.socket]
) -> None:
    sock = bound_socket("127.0.0.1", 0)
    sockets.append(sock)
    receiver = kind(sock)
    peer = client(sockets, "127.0.0.1")
    for number in range(BATCH + 1):
        peer.sendto(bytes([number]) * 3000, sock.getsockname())
    first = receiver.receive()
    assert len(first) == BATCH
    assert {length for _, length, _ in first} == {SLOT}
    assert [receiver.slab.view[offset] for offset, _, _ in first] == list(range(BATCH))
    assert len(receiver.receive()) == 1


def test_a_source_of_both_receivers_is_the_same(sockets: list[socket.socket]) -> None:
    seen: set[Source] = set()
    peer = client(sockets, "127.0.0.1")
    for kind in RECEIVERS:
        sock = bound_socket("127.0.0.1", 0)
        sockets.append(sock)
        receiver = kind(sock)
        peer.sendto(b"x", sock.getsockname())
        seen |= {where for _, _, where in receiver.receive()}
    assert seen == {source(peer.getsockname())}
