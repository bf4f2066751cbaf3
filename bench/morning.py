"""Work `visits`: a clinic's morning. Visits end and others begin, people knock and are let in, some knock and go away again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import asdict, replace

from bench.adapter import Person
from bench.evisit import Visit
from bench.metrics import scrape
from bench.orders import Shape
from bench.process import holding
from bench.stage import Stage, together
from bench.window import Group
from sfu.clock import monotonic
from sfu.tasks import spawn

LOOKED_AT = 0.2  # seconds that one waits before staff lets it in
STRANGER = 0.3  # seconds that one waits who then goes away
WARM_UP = 1.0  # seconds of media before the window
CALM = (
    10.0  # seconds at most after the last one has left, until the server is to be as idle as it was before anybody came
)
LOOK = 0.5  # seconds between two looks whether it is


async def morning(ready: Stage) -> dict[str, object]:
    """Fill all visits, then let the morning pass."""
    order, window = ready.order, ready.window
    samples = [await _sample(ready)]
    join_seconds = await ready.fill(order.shapes)
    slots = list(ready.groups)
    ready.pacer.start(list(window.people()))
    await window.run(WARM_UP, "warm up", ready.tell)
    ready.pacer.pause()
    await window.settle()
    samples.append(await _sample(ready))
    await window.open()
    arrived = list(window.people())
    ready.pacer.start(arrived)
    day = Day(ready, slots)
    watch = spawn(_look(ready, samples), name="bench-samples") if order.samples else None
    await day.run()
    ready.pacer.pause()
    window.stop()
    await window.settle()
    measured = await window.close(ready.pacer, join_seconds, by_gaps=True)
    measured = replace(measured, people=len(arrived))
    if watch is not None:
        watch.cancel()
    samples.append(await _sample(ready))
    await together(day.end(group) for group in day.slots)
    samples.append(await _at_rest(ready, samples[0]["tasks"]))
    late_comers = list(window.people())[len(arrived) :]
    first_media = sorted(filter(None, (_first_media_ms(person, day.begun) for person in late_comers)))
    joins = sorted(1000 * person.joined_seconds for person in late_comers if person.joined_seconds is not None)
    return {
        "measured": asdict(measured),
        "samples": samples,
        "visits_begun": len(day.begun),
        "strangers": day.strangers,
        "admit_to_media_ms": first_media,
        "join_ms": joins,
    }


class Day:
    """Each slot's visit ends in its turn, evenly over a stay, and the next one begins."""

    def __init__(self, ready: Stage, slots: list[Group]) -> None:
        self._ready = ready
        self.slots = slots
        self.begun: list[Group] = []
        self.strangers = 0

    async def run(self) -> None:
        """Until the window is over."""
        order = self._ready.order
        ends_at = monotonic() + order.seconds
        turns = [self._turns(index, ends_at) for index in range(len(self.slots))] if order.stay else []
        await together([*turns, self._ready.window.run(order.seconds, "measure", self._ready.tell)])

    async def end(self, group: Group) -> None:
        """The clinician ends a visit, and everybody goes."""
        assert isinstance(group.meeting, Visit)
        for person in group.people:
            self._ready.pacer.remove(person)
        await group.meeting.end()
        await group.meeting.close()

    async def _turns(self, index: int, ends_at: float) -> None:
        stay = self._ready.order.stay
        wait = stay * (index + 0.5) / len(self.slots)
        while monotonic() + wait < ends_at:
            await asyncio.sleep(wait)
            await self.end(self.slots[index])
            self.slots[index] = await self._begin(self._ready.order.shapes[index])
            await self._stranger(self.slots[index])
            wait = stay

    async def _begin(self, shape: Shape) -> Group:
        group = self._ready.group(shape)
        self.begun.append(group)
        inside: list[Person] = []
        for person in group.people:
            if inside:
                await asyncio.sleep(LOOKED_AT)
            await group.meeting.enter(person, inside)
            self._ready.pacer.add(person)
            await together(group.meeting.watch(other, [person]) for other in inside)
            inside.append(person)
        return group

    async def _stranger(self, group: Group) -> None:
        """Somebody with the link, who knocks at the wrong door."""
        assert isinstance(group.meeting, Visit)
        channel = await group.meeting.knock(Person(-1, False))
        await asyncio.sleep(STRANGER)
        await group.meeting.leave(channel)
        self.strangers += 1


def _first_media_ms(person: Person, groups: Sequence[Group]) -> float | None:
    """From staff's click to the later of the first packet to the one let in, and the first from it to anybody."""
    if person.admitted_ns is None:
        return None
    others = next(group.people for group in groups if person in group.people)
    to_it = [stream.first_arrived_ns for stream in person.incoming if stream.first_arrived_ns]
    sources = {stream.source for stream in person.streams}
    from_it = [
        stream.first_arrived_ns
        for other in others
        for stream in other.incoming
        if stream.source in sources and stream.first_arrived_ns
    ]
    if not to_it or not from_it:
        return None
    return (max(min(to_it), min(from_it)) - person.admitted_ns) / 1e6


async def _look(ready: Stage, samples: list[dict[str, float]]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(ready.order.samples)
            samples.append(await _sample(ready))


async def _at_rest(ready: Stage, tasks: float) -> dict[str, float]:
    """What the server still holds, once it has no more tasks than these, or has had time enough."""
    ends_at = monotonic() + CALM
    while True:
        await asyncio.sleep(LOOK)
        sample = await _sample(ready)
        if sample["tasks"] <= tasks or monotonic() >= ends_at:
            return sample


async def _sample(ready: Stage) -> dict[str, float]:
    """What the server holds now."""
    target = ready.order.target
    held, told = holding(target.pid), await scrape(ready.http, target.metrics_url)
    return {
        "at": round(monotonic() - ready.window.began, 3),
        "memory": held.memory,
        "descriptors": held.descriptors,
        "threads": held.threads,
        "tasks": told.tasks if told.tasks is not None else 0,
    }
