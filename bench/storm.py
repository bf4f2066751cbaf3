"""Work `lobby`: everybody knocks at once; what a join costs, what one who waits costs, and what many who wait cost a second."""

from __future__ import annotations

import asyncio

from bench.adapter import Person
from bench.evisit import Visit
from bench.metrics import Scrape, scrape
from bench.orders import Progress, Shape
from bench.process import cpu_time, holding
from bench.signalling import Channel
from bench.stage import Stage, together
from sfu.clock import monotonic

CALM = 0.5  # seconds after a storm, for what it leaves to do


async def storm(ready: Stage) -> dict[str, object]:
    """Fill the waiting rooms of visits whose clinicians are in, look, and empty them."""
    order, pid = ready.order, ready.order.target.pid
    visits = [await _open(ready) for _ in order.shapes]
    await asyncio.sleep(CALM)
    idle_before = await _idle(ready, "idle, nobody waits")
    metrics, held, cpu = await _scrape(ready), holding(pid), cpu_time(pid)
    people = [(visit, Person(index, False)) for visit in visits for index in range(order.waiting)]
    channels: list[tuple[Visit, Channel]] = []

    async def come(visit: Visit, person: Person) -> None:
        channels.append((visit, await visit.knock(person)))
        ready.tell(Progress("knock", len(channels), len(people)))

    began = monotonic()
    await together(come(visit, person) for visit, person in people)
    seconds = monotonic() - began
    await asyncio.sleep(CALM)
    used, holds, after = cpu_time(pid).since(cpu), holding(pid), await _scrape(ready)
    idle_after = await _idle(ready, "idle, all wait")
    ready.tell(Progress("leave", 0, 1))
    await together(visit.leave(channel) for visit, channel in channels)
    await asyncio.sleep(CALM)
    left = holding(pid)
    joins = sorted(person.joined_seconds or 0.0 for _, person in people)
    return {
        "waiting": len(people),
        "seconds": seconds,
        "join_ms_p50": 1000 * joins[len(joins) // 2],
        "join_ms_p99": 1000 * joins[-(-99 * len(joins) // 100) - 1],
        "cpu_seconds": used.total,
        "memory_waiting": holds.memory - held.memory,
        "memory_left": left.memory - held.memory,
        "descriptors_waiting": holds.descriptors - held.descriptors,
        "descriptors_left": left.descriptors - held.descriptors,
        "idle_load_before": idle_before,
        "idle_load_waiting": idle_after,
        "loop_lag_ms_p99": after.lag_ms_p99(metrics),
    }


async def _open(ready: Stage) -> Visit:
    group = ready.group(Shape(people=1, senders=0))
    visit = group.meeting
    assert isinstance(visit, Visit), "only our own server has a waiting room"
    await visit.enter(group.people[0], [])
    return visit


async def _idle(ready: Stage, phase: str) -> float:
    """CPU seconds a second while nothing is asked of the server."""
    seconds, pid = ready.order.seconds, ready.order.target.pid
    before = cpu_time(pid)
    await ready.window.run(seconds, phase, ready.tell)
    return cpu_time(pid).since(before).total / seconds


async def _scrape(ready: Stage) -> Scrape:
    return await scrape(ready.http, ready.order.target.metrics_url)
