"""ICE-TCP on loopback: real connections to a media port with its endpoint."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sfu import clock
from sfu.transport import tcp
from sfu.transport.drops import DropReason
from sfu.transport.ice import MAX_SOURCES
from sfu.transport.parameters import Connected
from sfu.transport.slab import Slab
from sfu.transport.tcp import FIRST_CHECK, MAX_UNPROVEN_OF_ADDRESS, Ending
from sfu.transport.tcp_connection import TcpDestination
from sfu.transport.transmitter import UdpDestination
from tests.transport.client import DtlsClient, check
from tests.transport.tcp_caller import TIMEOUT, Caller, Served

Connect = Callable[[], Awaitable[Caller]]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    yield served
    served.media.close()
    assert served.endpoint.bugs == 0


@pytest.fixture
async def call(served: Served) -> AsyncIterator[Connect]:
    callers: list[Caller] = []

    async def connect() -> Caller:
        callers.append(Caller(*await asyncio.open_connection("127.0.0.1", served.media.port)))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.writer.transport.abort()


async def shake_hands(caller: Caller) -> None:
    dtls = DtlsClient()
    caller.send(*dtls.receive())
    caller.send(*dtls.receive(await caller.receive()))
    dtls.receive(await caller.receive())
    assert dtls.connected


async def test_a_client_connects_over_tcp_alone_and_its_media_flows(served: Served, call: Connect) -> None:
    peer, local = served.open()
    assert local.tcp_candidates == local.candidates == (("127.0.0.1", served.media.port),)
    caller = await call()
    assert await caller.check(local)
    await shake_hands(caller)
    await served.until(lambda: served.reports == [Connected(peer)])
    caller.send(b"\x80sound", b"\x80picture")
    await served.until(lambda: len(served.plane.received) == 2)
    assert served.plane.received == [(peer, b"\x80sound"), (peer, b"\x80picture")]
    run = Slab(8)
    run.view[:] = b"aaabbbcc"
    assert served.media.send_runs([(served.plane.destinations[peer], run, 0, 8, 3, 3)]) == 0
    assert [await caller.receive() for _ in range(3)] == [b"aaa", b"bbb", b"cc"]
    assert served.endings() == {}


async def test_what_may_be_lost_first_has_a_way_of_its_own_there(served: Served, call: Connect) -> None:
    peer, local = served.open()
    await (await call()).check(local)
    urgent, bulk = served.plane.destinations[peer], served.plane.bulk[peer]
    assert isinstance(urgent, TcpDestination)
    assert isinstance(bulk, TcpDestination)
    assert (urgent.patient, bulk.patient) == (True, False)
    assert urgent.connection is bulk.connection


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\0\0",
        b"\x16\xfe\xfd" + bytes(60),
        b"\x80" + bytes(40),
        b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12),
        b"nonsense",
    ],
)
async def test_who_begins_with_anything_but_a_check_gets_silence_and_the_end(
    first: bytes, served: Served, call: Connect
) -> None:
    served.open()
    caller = await call()
    caller.send(first)
    assert await caller.ended() == b""
    assert served.endings() == {Ending.NOT_A_CHECK: 1}
    assert served.tcp.connections == 0


@pytest.mark.parametrize("how", [{"pwd": "guessed"}, {"without": "MESSAGE-INTEGRITY"}, {"ufrag": "nobody"}])
async def test_a_check_that_is_not_authentic_ends_the_connection(
    how: dict[str, str], served: Served, call: Connect
) -> None:
    _, local = served.open()
    caller = await call()
    caller.send(check(local, **how))  # type: ignore[arg-type]  # each is one of its string arguments
    assert await caller.ended() == b""
    assert served.endings() == {Ending.NOT_A_CHECK: 1}
    assert sum(served.endpoint.drops.counts.values()) == 1


async def test_a_frame_that_is_too_long_ends_the_connection(served: Served, call: Connect) -> None:
    caller = await call()
    caller.writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await caller.ended() == b""
    assert served.endings() == {Ending.TOO_LONG: 1}


async def test_who_says_nothing_or_half_a_check_is_ended_in_time(served: Served, call: Connect) -> None:
    _, local = served.open()
    silent, slow, good = await call(), await call(), await call()
    slow.writer.write(b"\0\x70" + check(local)[:50])
    await good.check(local)
    due = served.tcp.next_timer()
    assert due is not None
    served.tcp.handle_timers(due - 0.001)
    assert served.tcp.connections == 3
    served.tcp.handle_timers(clock.monotonic() + FIRST_CHECK)
    assert (await silent.ended(), await slow.ended()) == (b"", b"")
    assert served.endings() == {Ending.NO_CHECK: 2}
    assert served.tcp.next_timer() is None
    await good.check(local)


async def test_the_time_to_begin_is_minded_though_nothing_arrives(
    monkeypatch: pytest.MonkeyPatch, served: Served, call: Connect
) -> None:
    monkeypatch.setattr(tcp, "FIRST_CHECK", 0.01)
    assert await (await call()).ended() == b""
    assert served.endings() == {Ending.NO_CHECK: 1}


async def test_of_one_network_only_so_many_may_have_proved_nothing(served: Served, call: Connect) -> None:
    _, local = served.open()
    proven = await call()
    await proven.check(local)
    crowd = [await call() for _ in range(MAX_UNPROVEN_OF_ADDRESS + 3)]
    for caller in crowd[:3]:
        assert await caller.ended() == b"", "the oldest go"
    assert served.endings() == {Ending.CROWDED_OUT: 3}
    assert served.tcp.connections == MAX_UNPROVEN_OF_ADDRESS + 1
    await proven.check(local)
    await crowd[-1].check(local)


async def test_in_all_only_so_many_may_have_proved_nothing(
    monkeypatch: pytest.MonkeyPatch, served: Served, call: Connect
) -> None:
    monkeypatch.setattr(tcp, "MAX_UNPROVEN", 2)
    crowd = [await call() for _ in range(3)]
    assert await crowd[0].ended() == b""
    assert served.endings() == {Ending.CROWDED_OUT: 1}
    assert served.tcp.connections == 2


async def test_a_connection_belongs_to_the_peer_that_proved_it(served: Served, call: Connect) -> None:
    (one, first), (two, second) = served.open(), served.open()
    caller = await call()
    await caller.check(first)
    caller.send(check(second))
    await caller.check(first)
    assert served.endpoint.drops.counts[DropReason.SOURCE_TAKEN] == 1
    assert set(served.plane.destinations) == {one}
    assert two in served.plane.open


async def test_when_the_peer_is_closed_its_connections_end_without_a_word(served: Served, call: Connect) -> None:
    peer, local = served.open()
    callers = [await call(), await call()]
    for caller in callers:
        await caller.check(local)
    served.endpoint.close_peer(peer)
    assert [await caller.ended() for caller in callers] == [b"", b""]
    assert served.endings() == {Ending.RELEASED: 2}
    assert served.tcp.connections == 0


async def test_what_comes_after_the_end_of_its_peer_proves_nothing(served: Served, call: Connect) -> None:
    """A check of another peer, read in the same turn as what ended the first."""
    peer, local = served.open()
    another, other = served.open()
    caller = await call()
    await caller.check(local)
    await shake_hands(caller)
    served.plane.faulty.add(peer)
    caller.send(b"\x80 a fault of ours in this peer's objects", check(other))
    await caller.ended()
    assert served.endpoint.bugs == 1
    served.endpoint.bugs = 0
    assert served.tcp.connections == 0
    fresh = await call()
    await fresh.check(other)
    destination = served.plane.destinations[another]
    assert isinstance(destination, TcpDestination)
    assert destination.connection.fileno() >= 0


async def test_too_many_connections_of_one_peer_end_the_oldest(served: Served, call: Connect) -> None:
    _, local = served.open()
    callers = []
    for _ in range(MAX_SOURCES + 1):
        callers.append(await call())
        await callers[-1].check(local)
    await callers[0].ended()
    assert served.endings() == {Ending.RELEASED: 1}
    assert served.tcp.connections == MAX_SOURCES


async def test_after_a_lost_connection_the_next_check_says_where_to_send(served: Served, call: Connect) -> None:
    peer, local = served.open()
    lost = await call()
    await lost.check(local)
    await shake_hands(lost)
    before = served.plane.destinations[peer]
    lost.writer.transport.abort()
    await served.until(lambda: served.endings() == {Ending.CLOSED: 1})
    assert not served.media.send(before, memoryview(b"nowhere"), 7)
    assert served.media.send_runs([(before, Slab(7), 0, 7, 3, 3)]) == 3
    again = await call()
    await again.check(local, nominate=False)
    assert served.plane.destinations[peer] != before
    again.send(b"\x80 still here")
    await served.until(lambda: served.plane.received == [(peer, b"\x80 still here")])
    assert served.reports == [Connected(peer)]


async def test_between_udp_and_tcp_the_newest_nomination_counts(served: Served, call: Connect) -> None:
    peer, local = served.open()
    caller = await call()
    await caller.check(local)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(("127.0.0.1", served.media.port))
        for way, kind in ((sock, UdpDestination), (caller, TcpDestination), (sock, UdpDestination)):
            if isinstance(way, Caller):
                await way.check(local)
            else:
                way.send(check(local))
                async with asyncio.timeout(TIMEOUT):
                    await asyncio.get_running_loop().sock_recv(way, 2000)
            assert isinstance(served.plane.destinations[peer], kind)
        slab = Slab(2)
        slab.view[:] = b"xy"
        runs = [
            (served.plane.destinations[peer], slab, 0, 1, 1, 1),
            (next(iter(served.tcp._connections.values())).urgent, slab, 1, 2, 1, 1),
        ]
        assert served.media.send_runs(runs) == 0
        async with asyncio.timeout(TIMEOUT):
            assert await asyncio.get_running_loop().sock_recv(sock, 2000) == b"x"
        assert await caller.receive() == b"y"


async def test_what_waits_for_a_slow_reader_goes_out_when_it_reads(served: Served, call: Connect) -> None:
    peer, local = served.open()
    caller = await call()
    caller.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await caller.check(local)
    caller.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads, too
    slab = Slab(64 * 1000)
    count = 0
    while not (refused := served.media.send_runs([(served.plane.bulk[peer], slab, 0, 64_000, 1000, 64)])):
        count += 64
    count += 64 - refused
    slab.view[:5] = b"sound"
    assert served.media.send_runs([(served.plane.destinations[peer], slab, 0, 5, 5, 1)]) == 0
    caller.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert [await caller.receive() for _ in range(count)] == [bytes(1000)] * count
    assert await caller.receive() == b"sound"


async def test_without_a_descriptor_left_nobody_is_accepted_until_there_is_one(
    monkeypatch: pytest.MonkeyPatch, served: Served, call: Connect
) -> None:
    monkeypatch.setattr(tcp, "NO_ROOM_PAUSE", 0.01)
    real, refusals = served.tcp._socket, [errno.EMFILE, errno.ECONNABORTED, errno.ENFILE]

    class Full:
        def accept(self) -> tuple[socket.socket, tuple[str, int]]:
            if refusals:
                raise OSError(refusals.pop(0), "no room")
            return real.accept()

        def fileno(self) -> int:
            return real.fileno()

        def close(self) -> None:
            real.close()

    served.tcp._socket = Full()  # type: ignore[assignment]
    _, local = served.open()
    await (await call()).check(local)
    assert refusals == []


async def test_after_closing_nobody_is_served(served: Served, call: Connect) -> None:
    _, local = served.open()
    caller = await call()
    await caller.check(local)
    served.media.close()
    await caller.ended()
    with pytest.raises(OSError, match=r"."):
        await call()
    served.media.close()


async def test_over_ipv6_and_over_ipv4_on_one_wildcard() -> None:
    served = Served("::")
    for host in ("127.0.0.1", "::1"):
        peer, local = served.open()
        assert {address for address, _ in local.tcp_candidates} >= {"127.0.0.1", "::1"}
        caller = Caller(*await asyncio.open_connection(host, served.media.port))
        answer = await caller.check(local)
        assert (b"\0\x20\0\x08\0\x01" if "." in host else b"\0\x20\0\x14\0\x02") in answer, "its own address family"
        assert peer in served.plane.destinations
        caller.writer.transport.abort()
    served.media.close()
