"""Work `crowd`: visits run, staff let people in and put them back, and strangers with a link come at a rate of their own."""

from __future__ import annotations

import asyncio
from collections import Counter

from bench.adapter import Person
from bench.evisit import Visit
from bench.knock import Knock, knock
from bench.orders import Progress
from bench.process import cpu_time, holding
from bench.signalling import Channel
from bench.stage import Stage
from sfu.clock import monotonic
from sfu.tasks import spawn

TICK = 0.01  # seconds from one handful of knocks to the next
CLICK_SECONDS = 0.5  # from one click of a visit's staff to the next
CALM = 3.0  # seconds of clicks before anybody knocks: what they cost without a crowd
AT_ONCE = 4_000  # knocks under way; beyond that the server has fallen behind, and it is told how far


class Clicks:
    """Staff of one visit, who let somebody in and put them back, and how long each answer to `admit` took."""

    def __init__(self, visit: Visit, guest: Channel) -> None:
        self._visit = visit
        self._guest = guest
        self.calm: list[float] = []
        self.crowded: list[float] = []
        self.into = self.calm
        self.over = False

    async def run(self, delay: float) -> None:
        await asyncio.sleep(delay)
        staff = self._visit.staff
        while not self.over:
            began = monotonic()
            await staff.request("admit", participant=self._guest.participant, agreed=True)
            self.into.append(monotonic() - began)
            await staff.request("hold", participant=self._guest.participant)
            await asyncio.sleep(max(0.0, CLICK_SECONDS - (monotonic() - began)))


async def siege(ready: Stage) -> dict[str, object]:
    """`joins` knocks at `rate` a second, at the first `at` visits in turn, while all visits of `shapes` run."""
    order, pid = ready.order, ready.order.target.pid
    await ready.fill(order.shapes)
    everybody = list(ready.window.people())
    visits = [group.meeting for group in ready.groups]
    assert all(isinstance(visit, Visit) for visit in visits), "only our own server has a waiting room"
    doors = [visit for visit in visits if isinstance(visit, Visit)]
    staff = [Clicks(visit, await visit.knock(Person(10_000 + number, False))) for number, visit in enumerate(doors)]
    ready.pacer.start(everybody)
    clicking = [
        spawn(each.run(CLICK_SECONDS * number / len(staff)), name="bench-clicks") for number, each in enumerate(staff)
    ]
    await ready.window.run(CALM, "clicks without a crowd", ready.tell)
    held, cpu = holding(pid), cpu_time(pid)
    await ready.window.open()
    for each in staff:
        each.into = each.crowded
    began = monotonic()
    knocks = await _crowd(ready, doors[: order.at])
    seconds = monotonic() - began
    used = cpu_time(pid).since(cpu)
    for each in staff:
        each.over = True
    await asyncio.gather(*clicking)
    ready.pacer.pause()
    ready.window.stop()
    await ready.window.settle()
    measured = await ready.window.close(ready.pacer, 0.0, by_gaps=True)
    holds = holding(pid)
    outcomes = Counter(one.outcome.result() for one in knocks)
    for one in knocks:
        one.leave()
    return {
        "seconds": seconds,
        "outcomes": dict(outcomes),
        "cpu_seconds": used.total,
        "memory_more": holds.memory - held.memory,
        "calm_ms": sorted(1000 * took for each in staff for took in each.calm),
        "crowded_ms": sorted(1000 * took for each in staff for took in each.crowded),
        "loss": 1 - measured.received / measured.expected if measured.expected else None,
        "latency_ms_p99": measured.latency_ms_p99,
        "loop_lag_ms_p99": measured.loop_lag_ms_p99,
        "generator_cpu": measured.generator_cpu,
    }


async def _crowd(ready: Stage, doors: list[Visit]) -> list[Knock]:
    """All knocks, each with its outcome. They come when they come, however long the ones before take."""
    order = ready.order
    came: list[Knock] = []
    under_way: set[asyncio.Task[None]] = set()

    async def come(number: int) -> None:
        door = doors[number % len(doors)]
        came.append(await knock(order.target.base_url, number, *door.link))

    began = monotonic()
    sent = 0
    while sent < order.joins:
        due = min(order.joins, int((monotonic() - began) * order.rate) + 1)
        while sent < due and len(under_way) < AT_ONCE:
            task = spawn(come(sent), name="bench-knock")
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            sent += 1
        ready.tell(Progress("knock", len(came), order.joins))
        await asyncio.sleep(TICK)
    await asyncio.gather(*under_way)
    return came
