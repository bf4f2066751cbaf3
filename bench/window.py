"""A window of measurement: totals of all clients and of the server at both ends, and their difference."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import aiohttp

from bench.adapter import Kit, Meeting, Person
from bench.metrics import Scrape, scrape
from bench.orders import Measured, Progress, Target, Tell
from bench.pacer import Pacer
from bench.process import CpuTime, cpu_time, holding
from sfu.clock import monotonic

SETTLE = 0.25  # seconds without a packet, at both ends of the window, after which nothing is on its way any more
SETTLE_LIMIT = 5.0  # seconds to wait for that; a server that is so far behind has lost what is still to come


@dataclass(eq=False, slots=True)
class Group:
    """A meeting and who is in it."""

    meeting: Meeting
    people: list[Person] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return sum(stream.packets for person in self.people for stream in person.streams)

    @property
    def wanted(self) -> int:
        """Packets that are received where none is lost and all were there from the start."""
        return self.sent * (len(self.people) - 1)


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals at one moment, of which a window is the difference."""

    sent: int
    wanted: int
    by_gaps: int
    """Packets that receivers should have had, by sequence numbers, from the first that each got to the last."""
    received: int
    octets: int
    checked: int
    reordered: int
    corrupt: int
    refused: int
    unexpected: int
    nacks: int
    keyframes_asked: int
    socket_drops: int
    server: CpuTime
    generator: float
    metrics: Scrape | None


class Window:
    """Reads totals. Groups may come in between; those that have gone are still counted."""

    def __init__(self, http: aiohttp.ClientSession, target: Target, kit: Kit) -> None:
        self._http = http
        self._target = target
        self._kit = kit
        self.groups: list[Group] = []
        self.memory_before = holding(target.pid).memory
        self.began = monotonic()
        self._before: Counts | None = None
        self._started = self._ended = 0.0

    async def open(self) -> None:
        """The window begins now."""
        self._kit.latencies.clear()
        self._before = await self._count(metrics_first=True)
        self._started = self._ended = monotonic()

    def stop(self) -> None:
        """Nothing more is sent in this window; what is on its way still counts."""
        self._ended = monotonic()

    async def close(self, pacer: Pacer, join_seconds: float, *, by_gaps: bool = False) -> Measured:
        """The window has ended. `by_gaps` takes what was expected from sequence numbers, where people come and go."""
        assert self._before is not None
        before, after = self._before, await self._count(metrics_first=False)
        server = after.server.since(before.server)
        people = list(self.people())
        told, earlier = after.metrics, before.metrics
        latencies = self._kit.latencies
        return Measured(
            seconds=self._ended - self._started,
            people=len(people),
            join_seconds=join_seconds,
            sent=after.sent - before.sent,
            expected=after.by_gaps - before.by_gaps if by_gaps else after.wanted - before.wanted,
            by_gaps=by_gaps,
            received=after.received - before.received,
            octets=after.octets - before.octets,
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
            memory_before=self.memory_before,
            memory_after=holding(self._target.pid).memory,
            late_ms_p99=pacer.lateness.percentile_ms(0.99),
            latency_ms_p50=latencies.percentile_ms(0.5),
            latency_ms_p99=latencies.percentile_ms(0.99),
            latency_ms_p999=latencies.percentile_ms(0.999),
            srtp_profile=next((c.profile for person in people for c in person.clients if c.profile), ""),
            server_packets_in=None if told is None or earlier is None else told.packets_in - earlier.packets_in,
            server_packets_out=None if told is None or earlier is None else told.packets_out - earlier.packets_out,
            server_bytes_out=None if told is None or earlier is None else told.bytes_out - earlier.bytes_out,
            loop_lag_ms_p99=None if told is None or earlier is None else told.lag_ms_p99(earlier),
        )

    def people(self) -> Iterable[Person]:
        """Everybody who has ever been in."""
        return (person for group in self.groups for person in group.people)

    async def settle(self) -> None:
        """Wait until nothing arrives any more."""
        deadline = monotonic() + SETTLE_LIMIT
        received = -1
        while monotonic() < deadline:
            before, received = received, sum(stream.received for p in self.people() for stream in p.incoming)
            if received == before:
                return
            await asyncio.sleep(SETTLE)

    async def run(self, seconds: float, phase: str, tell: Tell) -> None:
        """Let the load run. Raises what went wrong with a client meanwhile."""
        step = seconds / 10
        for number in range(10):
            tell(Progress(phase, number * step, seconds))
            await asyncio.sleep(step)
            if self._kit.media.failure is not None:
                raise self._kit.media.failure
        tell(Progress(phase, seconds, seconds))

    async def static(
        self,
        pacer: Pacer,
        people: Sequence[Person],
        seconds: float,
        join_seconds: float,
        warm_up: float,
        tell: Tell,
        *,
        by_gaps: bool = False,
    ) -> Measured:
        """Warm up, wait for silence, measure, wait for silence: nothing is on its way at either end, so loss is exact."""
        pacer.start(people)
        await self.run(warm_up, "warm up", tell)
        pacer.pause()
        await self.settle()
        await self.open()
        pacer.start(people)
        await self.run(seconds, "measure", tell)
        pacer.pause()
        self.stop()
        await self.settle()
        return await self.close(pacer, join_seconds, by_gaps=by_gaps)

    async def _count(self, *, metrics_first: bool) -> Counts:
        """Reading the metrics costs the server a little, so it is done outside the window."""
        url = self._target.metrics_url
        metrics = await scrape(self._http, url) if url and metrics_first else None
        server, generator = cpu_time(self._target.pid), time.process_time()
        if url and not metrics_first:
            metrics = await scrape(self._http, url)
        people = list(self.people())
        clients = [client for person in people for client in person.clients]
        streams = [stream for client in clients for stream in client.incoming.values()]
        return Counts(
            sent=sum(group.sent for group in self.groups),
            wanted=sum(group.wanted for group in self.groups),
            by_gaps=sum(stream.expected for stream in streams),
            received=sum(stream.received for stream in streams),
            octets=sum(stream.octets for stream in streams),
            checked=sum(stream.checked for stream in streams),
            reordered=sum(stream.reordered for stream in streams),
            corrupt=sum(stream.corrupt for stream in streams),
            refused=sum(stream.refused for stream in streams),
            unexpected=sum(client.unexpected for client in clients),
            nacks=sum(client.nacks for client in clients),
            keyframes_asked=sum(stream.keyframes_asked for person in people for stream in person.streams),
            socket_drops=self._kit.media.dropped(),
            server=server,
            generator=generator,
            metrics=metrics,
        )
