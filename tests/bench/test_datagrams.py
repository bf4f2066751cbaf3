from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from bench.datagrams import SLOT, SLOTS, Batch, dropped, open_socket, send_run
from bench.trailer import now_ns


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A sender connected to a receiver, on loopback."""
    with open_socket("127.0.0.1") as receiver, open_socket("127.0.0.1") as sender:
        sender.connect(receiver.getsockname())
        yield sender, receiver


def received(batch: Batch, sock: socket.socket) -> list[tuple[bytes, int]]:
    assert select.select([sock], [], [], 5.0)[0]
    return [
        (bytes(batch.view[slot * SLOT : slot * SLOT + length]), arrived_ns)
        for slot, (length, arrived_ns) in enumerate(batch.receive(sock.fileno()))
    ]


def test_a_run_arrives_as_its_datagrams_with_their_times(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = ends
    datagrams = [bytes([number]) * 1_000 for number in range(5)] + [b"the last is shorter"]
    before = now_ns()
    send_run(sender, memoryview(b"".join(datagrams)), 1_000)
    came = received(Batch(), receiver)
    assert [datagram for datagram, _ in came] == datagrams
    assert all(before <= arrived_ns <= now_ns() for _, arrived_ns in came)


def test_a_run_of_one_datagram_is_sent_too(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = ends
    send_run(sender, memoryview(b"alone"), 1_000)
    assert [datagram for datagram, _ in received(Batch(), receiver)] == [b"alone"]


def test_a_batch_is_at_most_its_slots_and_can_be_used_again(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = ends
    batch = Batch()
    sent = [number.to_bytes(2, "big") for number in range(SLOTS + 6)]
    for datagram in sent:
        sender.send(datagram)
    first, second = received(batch, receiver), received(batch, receiver)
    assert [datagram for datagram, _ in first + second] == sent
    assert len(second) == 6
    assert all(arrived_ns > 0 for _, arrived_ns in first + second)


def test_an_empty_socket_gives_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    assert Batch().receive(ends[1].fileno()) == []


def test_a_closed_socket_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        Batch().receive(-1)


def test_what_the_kernel_drops_is_counted(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = ends
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    for _ in range(50):
        sender.send(bytes(1_000))
    batch, arrived = Batch(), 0
    while came := batch.receive(receiver.fileno()):
        arrived += len(came)
    assert arrived < 50
    assert dropped([receiver]) == 50 - arrived
    assert dropped([sender]) == 0
