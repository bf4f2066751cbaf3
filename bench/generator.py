"""The load, in a process of its own: `python -m bench.generator` reads an order from stdin and writes JSON lines to stdout.

Lines are `{"progress": …}` while it works, then one of `{"measured": …}` and `{"failed": "why"}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import aiohttp
import uvloop

from bench.canned import opus_clip, vp8_clip
from bench.dtls_client import HandshakeFailed
from bench.incoming import Incoming
from bench.latency import Latencies
from bench.media import Media
from bench.outgoing import Canned
from bench.pacer import Pacer
from bench.portal import Portal, PortalFailed
from bench.room import JoinFailed, Room
from bench.sdp import BadAnswer
from bench.server import CpuTime, cpu_time
from bench.signalling import ChannelClosed, RequestRefused
from sfu.clock import monotonic, wall

WARM_UP = 1.0  # seconds of media before the window, so that routes, caches and keyframe requests have settled
OPENED_PER_SECOND = (
    10_000  # packets that are opened and checked, about; at higher rates a share is (see bench.incoming)
)
SETTLE = 0.25  # seconds without a packet, at both ends of the window, after which nothing is on its way any more
SETTLE_LIMIT = 5.0  # seconds to wait for that; a server that is so far behind has lost what is still to come
EXPECTED = (
    aiohttp.ClientError,
    BadAnswer,
    ChannelClosed,
    HandshakeFailed,
    JoinFailed,
    OSError,
    PortalFailed,
    RequestRefused,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, and to whom."""

    base_url: str
    portal_key: str
    server_pid: int
    rooms: int
    receivers: int
    """In each room, beside the sender."""
    seconds: float
    """Of the window."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase has come."""

    phase: str
    done: float
    of: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What happened in the window. Packets are RTP packets."""

    seconds: float
    join_seconds: float
    """From the first booking to the last client connected."""
    sent: int
    """By the senders."""
    expected: int
    """By the receivers: what was sent, times the receivers of its room."""
    received: int
    checked: int
    """Of the received, those opened for their content and latency."""
    reordered: int
    corrupt: int
    refused: int
    unexpected: int
    nacks: int
    keyframes_asked: int
    socket_drops: int
    """Datagrams that the kernel dropped because the generator did not read in time: ours to blame, and part of the loss."""
    server_user: float
    """CPU seconds."""
    server_system: float
    generator_cpu: float
    """CPU seconds."""
    late_ms_p99: float | None
    """How late the generator sent."""
    latency_ms_p50: float | None
    latency_ms_p99: float | None
    latency_ms_p999: float | None
    srtp_profile: str


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Totals at one moment, of which a window is the difference."""

    sent: tuple[int, ...]
    """By room."""
    received: int
    checked: int
    """Of the received, those opened for their content and latency."""
    reordered: int
    corrupt: int
    refused: int
    unexpected: int
    nacks: int
    keyframes_asked: int
    socket_drops: int
    server: CpuTime
    generator: float


async def generate(order: Order, tell: Tell) -> Measured:
    """Fill the rooms, send, and measure. Raises one of `EXPECTED` where the server does not play its part."""
    audio, video = (Canned(clip) for clip in (opus_clip(), vp8_clip()))
    rate = order.rooms * order.receivers * (audio.packet_rate + video.packet_rate)
    open_one_in = max(1, round(rate / OPENED_PER_SECOND))
    latencies = Latencies()
    media = Media()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        rooms = [Room(number, http, order.base_url, media) for number in range(order.rooms)]
        try:
            began = monotonic()
            await _fill(
                rooms, Portal(http, order.base_url, order.portal_key), audio, video, order, latencies, open_one_in, tell
            )
            joined = monotonic()
            pacer = Pacer(media, rooms)
            before, after, seconds = await _measure(media, rooms, pacer, order, latencies, tell)
            return _difference(order, rooms, before, after, seconds, joined - began, latencies, pacer)
        finally:
            media.close()
            await asyncio.gather(*(room.close() for room in rooms))


async def _fill(
    rooms: list[Room],
    portal: Portal,
    audio: Canned,
    video: Canned,
    order: Order,
    latencies: Latencies,
    open_one_in: int,
    tell: Tell,
) -> None:
    total = order.rooms * (1 + order.receivers)
    joined = 0

    def count() -> None:
        nonlocal joined
        joined += 1
        tell(Progress("join", joined, total))

    async def add_receiver(room: Room) -> None:
        await room.add_receiver(latencies, open_one_in)
        count()

    async def open_room(room: Room) -> None:
        await room.open(portal, audio, video, wall())
        count()
        for _ in range(order.receivers):
            joins.create_task(add_receiver(room))

    try:
        async with asyncio.TaskGroup() as joins:
            for room in rooms:
                joins.create_task(open_room(room))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the first; the others followed from it, or were called off


async def _measure(
    media: Media, rooms: list[Room], pacer: Pacer, order: Order, latencies: Latencies, tell: Tell
) -> tuple[_Counts, _Counts, float]:
    pacer.start()
    await _pass(WARM_UP, "warm up", media, tell)
    pacer.pause()
    await _settle(rooms)
    latencies.clear()
    before = _count(media, rooms, order.server_pid)
    began = monotonic()
    pacer.start()
    await _pass(order.seconds, "measure", media, tell)
    pacer.pause()
    seconds = monotonic() - began
    await _settle(rooms)
    return before, _count(media, rooms, order.server_pid), seconds


async def _pass(seconds: float, phase: str, media: Media, tell: Tell) -> None:
    step = seconds / 10
    for number in range(10):
        tell(Progress(phase, number * step, seconds))
        await asyncio.sleep(step)
        if media.failure is not None:
            raise media.failure
    tell(Progress(phase, seconds, seconds))


async def _settle(rooms: list[Room]) -> None:
    deadline = monotonic() + SETTLE_LIMIT
    received = -1
    while monotonic() < deadline:
        before, received = received, sum(stream.received for stream in _incoming(rooms))
        if received == before:
            return
        await asyncio.sleep(SETTLE)


def _incoming(rooms: list[Room]) -> list[Incoming]:
    return [stream for room in rooms for client in room.receivers for stream in client.incoming.values()]


def _count(media: Media, rooms: list[Room], server_pid: int) -> _Counts:
    clients = [client for room in rooms for client in (room.sender, *room.receivers)]
    streams = _incoming(rooms)
    return _Counts(
        sent=tuple(sum(stream.packets for stream in room.streams) for room in rooms),
        received=sum(stream.received for stream in streams),
        checked=sum(stream.checked for stream in streams),
        reordered=sum(stream.reordered for stream in streams),
        corrupt=sum(stream.corrupt for stream in streams),
        refused=sum(stream.refused for stream in streams),
        unexpected=sum(client.unexpected for client in clients),
        nacks=sum(client.nacks for client in clients),
        keyframes_asked=sum(stream.keyframes_asked for room in rooms for stream in room.streams),
        socket_drops=media.dropped(),
        server=cpu_time(server_pid),
        generator=time.process_time(),
    )


def _difference(
    order: Order,
    rooms: list[Room],
    before: _Counts,
    after: _Counts,
    seconds: float,
    join_seconds: float,
    latencies: Latencies,
    pacer: Pacer,
) -> Measured:
    server = after.server.since(before.server)
    sent = sum(after.sent) - sum(before.sent)
    return Measured(
        seconds=seconds,
        join_seconds=join_seconds,
        sent=sent,
        expected=sent * order.receivers,
        received=after.received - before.received,
        checked=after.checked - before.checked,
        reordered=after.reordered - before.reordered,
        corrupt=after.corrupt - before.corrupt,
        refused=after.refused - before.refused,
        unexpected=after.unexpected - before.unexpected,
        nacks=after.nacks - before.nacks,
        keyframes_asked=after.keyframes_asked - before.keyframes_asked,
        socket_drops=after.socket_drops - before.socket_drops,
        server_user=server.user,
        server_system=server.system,
        generator_cpu=after.generator - before.generator,
        late_ms_p99=pacer.lateness.percentile_ms(0.99),
        latency_ms_p50=latencies.percentile_ms(0.5),
        latency_ms_p99=latencies.percentile_ms(0.99),
        latency_ms_p999=latencies.percentile_ms(0.999),
        srtp_profile=rooms[0].sender.profile,
    )


def main() -> int:
    """Read the order, and carry it out."""

    def write(kind: str, value: object) -> None:
        print(json.dumps({kind: value}), flush=True)

    order = Order(**json.loads(sys.stdin.readline()))
    try:
        measured = uvloop.run(generate(order, lambda progress: write("progress", asdict(progress))))
    except EXPECTED as error:
        write("failed", f"{type(error).__name__}: {error}")
        return 1
    write("measured", asdict(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
