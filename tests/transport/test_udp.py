"""Real sockets on loopback; both receivers and both ways to send run through the same tests."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from sfu.transport.ports import Run
from sfu.transport.receiver import MmsgReceiver, PlainReceiver, Receiver, has_recvmmsg
from sfu.transport.slab import Slab
from sfu.transport.transmitter import UdpDestination, UdpRun, has_sendmmsg
from sfu.transport.udp import UdpSocket, bound_socket

RECEIVERS: list[Callable[[socket.socket], Receiver]] = (
    [MmsgReceiver, PlainReceiver] if has_recvmmsg() else [PlainReceiver]
)


class Counting(socket.socket):
    """Counts system calls, and refuses segmented sends with `refusal` where that is set."""

    refusal = 0
    calls = 0

    def sendmsg(self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None) -> int:
        self.calls += 1
        if self.refusal and any(level == socket.IPPROTO_UDP for level, _, _ in ancdata):
            raise OSError(self.refusal, "refused")
        return super().sendmsg(buffers, ancdata, flags, address)

    def sendto(self, data: Any, address: Any) -> int:  # type: ignore[override]  # one of its two forms
        self.calls += 1
        if self.refusal == errno.EAGAIN:
            raise BlockingIOError(errno.EAGAIN, "full")
        return super().sendto(data, address)


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for each in opened:
        each.close()


def client(sockets: list[socket.socket], host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(5.0)
    sockets.append(sock)
    return sock


def loopback(host: str) -> str:
    return "::1" if ":" in host else "127.0.0.1"


@pytest.mark.parametrize("kind", RECEIVERS)
@pytest.mark.parametrize(
    ("host", "asked", "local"),
    [("0.0.0.0", "127.0.0.3", "127.0.0.3"), ("::", "::1", "::1"), ("::", "127.0.0.3", "127.0.0.3")],
)
def test_on_a_wildcard_an_answer_leaves_from_the_address_that_was_asked(
    kind: Callable[[socket.socket], Receiver], host: str, asked: str, local: str, sockets: list[socket.socket]
) -> None:
    sock = bound_socket(host, 0)
    sockets.append(sock)
    udp = UdpSocket(sock, kind(sock))
    peer = client(sockets, loopback(asked))
    peer.sendto(b"?", (asked, udp.port))
    [(offset, _, where)] = udp._receiver.receive()
    destination = udp.destination(where, offset)
    assert udp.send(destination, memoryview(b"!"), 1)
    assert udp.send(destination, memoryview(b"aabbc"), 2)
    answers = [peer.recvfrom(100) for _ in range(4)]
    assert [data for data, _ in answers] == [b"!", b"aa", b"bb", b"c"]
    assert {address[:2] for _, address in answers} == {(local, udp.port)}


def sending(
    sockets: list[socket.socket], refusal: int = 0
) -> tuple[UdpSocket, Counting, socket.socket, UdpDestination]:
    sock = Counting(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    sock.refusal = refusal
    sockets.append(sock)
    peer = client(sockets, "127.0.0.1")
    return UdpSocket(sock, PlainReceiver(sock)), sock, peer, UdpDestination(peer.getsockname())


RUN = memoryview(bytes(range(200)) * 3 + b"end")


def test_a_run_goes_out_in_one_system_call_where_the_kernel_can(sockets: list[socket.socket]) -> None:
    udp, sock, peer, destination = sending(sockets)
    assert udp.send(destination, RUN, 200)
    assert [len(peer.recv(2000)) for _ in range(4)] == [200, 200, 200, 3]
    assert udp.datagrams_sent == 4
    assert sock.calls == (1 if udp.segments else 4)


@pytest.mark.parametrize("refusal", [errno.EIO, errno.EINVAL, errno.ENOPROTOOPT])
def test_where_the_kernel_refuses_segments_each_goes_alone_from_then_on(
    refusal: int, sockets: list[socket.socket]
) -> None:
    udp, sock, peer, destination = sending(sockets, refusal)
    udp._segmentation = True
    assert udp.send(destination, RUN, 200)
    assert b"".join(peer.recv(2000) for _ in range(4)) == bytes(RUN)
    assert not udp.segments
    assert sock.calls == 5
    assert udp.send(destination, RUN, 200)
    assert sock.calls == 9
    assert udp.datagrams_sent == 8


def test_a_refusal_that_is_about_the_address_says_nothing_of_segments(sockets: list[socket.socket]) -> None:
    udp, _, _, _ = sending(sockets)
    udp._segmentation = True
    assert not udp.send(UdpDestination(("127.0.0.1", 0)), RUN, 200)
    assert udp.segments
    assert udp.sends_failed == 1


class Runs:
    """Runs of datagrams, each in a slab of its own, as outboxes make them."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def add(self, destination: UdpDestination, *datagrams: bytes) -> None:
        data = b"".join(datagrams)
        slab = Slab(len(data) + 7)
        slab.view[7:] = data
        self.runs.append((destination, slab, 7, 7 + len(data), len(datagrams[0]), len(datagrams)))


def transmitting(host: str, together: bool, sockets: list[socket.socket]) -> UdpSocket:
    """A socket that sends runs `together`, or one by one as where there is no `sendmmsg`."""
    sock = bound_socket(host, 0)
    sockets.append(sock)
    udp = UdpSocket(sock, PlainReceiver(sock))
    if not together:
        udp._transmitter = None
    return udp


WAYS = [True, False] if has_sendmmsg() else [False]


@pytest.mark.parametrize("together", WAYS)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_runs_to_many_arrive_whole_and_in_order(host: str, together: bool, sockets: list[socket.socket]) -> None:
    udp = transmitting(host, together, sockets)
    peers = [client(sockets, "::1" if ":" in host else "127.0.0.1") for _ in range(5)]
    runs = Runs()
    for index in range(90):
        run = [bytes([index]) * 300, bytes([index + 1]) * 300, b"end"][: index % 3 + 1]
        runs.add(UdpDestination(peers[index % 5].getsockname()), *run)
    assert udp.send_runs(runs.runs) == 0
    assert udp.datagrams_sent == 30 * (1 + 2 + 3)
    for number, peer in enumerate(peers):
        sent = [
            bytes(slab.view[at : min(at + segment, end)])
            for _, slab, start, end, segment, _ in runs.runs[number::5]
            for at in range(start, end, segment)
        ]
        assert [peer.recv(2000) for _ in sent] == sent


@pytest.mark.parametrize("together", WAYS)
@pytest.mark.parametrize(("host", "asked"), [("0.0.0.0", "127.0.0.3"), ("::", "127.0.0.3"), ("::", "::1")])
def test_on_a_wildcard_runs_leave_from_the_address_that_was_asked(
    host: str, asked: str, together: bool, sockets: list[socket.socket]
) -> None:
    udp = transmitting(host, together, sockets)
    peer = client(sockets, loopback(asked))
    peer.sendto(b"?", (asked, udp.port))
    [(offset, _, where)] = udp._receiver.receive()
    destination = udp.destination(where, offset)
    runs = Runs()
    runs.add(destination, b"one")
    runs.add(destination, b"two", b"two", b"2")
    assert udp.send_runs(runs.runs) == 0
    answers = [peer.recvfrom(100) for _ in range(4)]
    assert [data for data, _ in answers] == [b"one", b"two", b"two", b"2"]
    assert {address[:2] for _, address in answers} == {(asked, udp.port)}


@pytest.mark.parametrize("together", WAYS)
def test_a_run_that_the_kernel_will_not_send_stops_no_other(together: bool, sockets: list[socket.socket]) -> None:
    udp = transmitting("127.0.0.1", together, sockets)
    peer = client(sockets, "127.0.0.1")
    nowhere, there = UdpDestination(("127.0.0.1", 0)), UdpDestination(peer.getsockname())
    runs = Runs()
    for destination, datagram in ((nowhere, b"a"), (there, b"b"), (nowhere, b"c"), (there, b"d"), (nowhere, b"e")):
        runs.add(destination, datagram, datagram)
    assert udp.send_runs(runs.runs) == 6
    assert [peer.recv(10) for _ in range(4)] == [b"b", b"b", b"d", b"d"]
    assert (udp.datagrams_sent, udp.sends_failed, udp.sends_refused) == (4, 3, 0)


@pytest.mark.parametrize("together", WAYS)
def test_where_the_kernel_refuses_a_run_its_datagrams_go_alone(together: bool, sockets: list[socket.socket]) -> None:
    udp = transmitting("127.0.0.1", together, sockets)
    peer = client(sockets, "127.0.0.1")
    there = UdpDestination(peer.getsockname())
    runs = Runs()
    runs.add(there, b"first")
    runs.add(there, *(b"x",) * 200)  # more than UDP_MAX_SEGMENTS of any kernel
    runs.add(there, b"last")
    assert udp.send_runs(runs.runs) == 0
    assert [peer.recv(10) for _ in range(202)] == [b"first", *(b"x",) * 200, b"last"]


def test_a_full_send_buffer_ends_no_batch(monkeypatch: pytest.MonkeyPatch, sockets: list[socket.socket]) -> None:
    udp = transmitting("127.0.0.1", True, sockets)
    assert udp._transmitter is not None
    send = udp._transmitter.send
    peer = client(sockets, "127.0.0.1")
    there = UdpDestination(peer.getsockname())
    answers = [-errno.EAGAIN, None, -errno.ENOBUFS, None]

    class SometimesFull:
        def send(self, runs: Sequence[UdpRun]) -> int:
            return answers.pop(0) or send(runs[:1])

    monkeypatch.setattr(udp, "_transmitter", SometimesFull())
    runs = Runs()
    for datagram in (b"a", b"b", b"c", b"d"):
        runs.add(there, datagram, datagram)
    assert udp.send_runs(runs.runs) == 4
    assert [peer.recv(10) for _ in range(4)] == [b"b", b"b", b"d", b"d"]
    assert (udp.datagrams_sent, udp.sends_failed, udp.sends_refused) == (4, 0, 2)


def test_a_full_send_buffer_is_said_and_counted(sockets: list[socket.socket]) -> None:
    udp, _, _, destination = sending(sockets, errno.EAGAIN)
    assert not udp.send(destination, memoryview(b"x"), 1)
    assert (udp.sends_refused, udp.sends_failed, udp.datagrams_sent) == (1, 0, 0)


def test_a_peer_that_is_gone_harms_nobody(sockets: list[socket.socket]) -> None:
    udp, _, peer, destination = sending(sockets)
    peer.close()
    for _ in range(3):
        udp.send(destination, memoryview(b"x"), 1)
    assert udp._receiver.receive() == []


@pytest.mark.parametrize("kind", RECEIVERS)
def test_what_the_kernel_threw_away_is_counted(
    kind: Callable[[socket.socket], Receiver], sockets: list[socket.socket]
) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sockets.append(sock)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
    sock.bind(("127.0.0.1", 0))
    udp = UdpSocket(sock, kind(sock))
    peer = client(sockets, "127.0.0.1")
    for _ in range(2):
        for _ in range(1000):
            peer.sendto(bytes(1000), ("127.0.0.1", udp.port))
        before = -1
        while udp.datagrams_received != before:
            before = udp.datagrams_received
            udp.receive()
    assert 0 < udp.datagrams_received < 2000
    assert udp.overflows() == 2000 - udp.datagrams_received


def test_a_socket_has_room_for_a_burst(sockets: list[socket.socket]) -> None:
    sock, plain = bound_socket("127.0.0.1", 0), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sockets += [sock, plain]
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        assert sock.getsockopt(socket.SOL_SOCKET, option) > plain.getsockopt(socket.SOL_SOCKET, option)


@pytest.mark.parametrize("bad", [("127.0.0.1", -1), ("not an address", 0), ("192.0.2.254", 0)])
def test_what_cannot_be_bound_is_refused(bad: tuple[str, int]) -> None:
    with pytest.raises((OSError, ValueError, OverflowError)):
        UdpSocket.bind(*bad)
