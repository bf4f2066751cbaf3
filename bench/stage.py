"""What every work of the generator stands on: the adapter, the clients' sockets, the pacer, the window, and who is in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.adapter import Adapter, Kit, Person
from bench.canned import opus_clip, vp8_clip, vp8_layers
from bench.evisit import Evisit
from bench.janus import Janus
from bench.latency import Latencies
from bench.media import Media
from bench.orders import Order, Progress, Shape, Target, Tell
from bench.outgoing import Canned
from bench.pacer import Pacer
from bench.window import Group, Window
from sfu.clock import monotonic

ROOMS_AT_ONCE = 10  # that are filled side by side


class Stage:
    """One run's parts. Nobody is in at first."""

    def __init__(self, order: Order, http: aiohttp.ClientSession, kit: Kit, tell: Tell) -> None:
        self.order = order
        self.http = http
        self.kit = kit
        self.tell = tell
        self.adapter = adapter(order.target, http, kit)
        self.pacer = Pacer(kit.media)
        self.window = Window(http, order.target, kit)
        self._people = 0

    @property
    def groups(self) -> list[Group]:
        return self.window.groups

    def group(self, shape: Shape) -> Group:
        """A meeting that nobody has entered yet, senders first."""
        people = [Person(self._people + index, index < shape.senders) for index in range(shape.people)]
        self._people += shape.people
        made = Group(self.adapter.meeting(len(self.groups)), people)
        self.groups.append(made)
        return made

    async def fill(self, shapes: Iterable[Shape]) -> float:
        """Bring everybody of these rooms in. Gives the seconds that it took. Raises one of the generator's `FAILURES`."""
        began = monotonic()
        groups = [self.group(shape) for shape in shapes]
        total = sum(len(group.people) for group in groups)
        joined = 0

        def count() -> None:
            nonlocal joined
            joined += 1
            self.tell(Progress("join", joined, total))

        rooms = asyncio.Semaphore(ROOMS_AT_ONCE)

        async def fill_one(group: Group) -> None:
            async with rooms:
                await fill_group(group, count)

        await together(fill_one(group) for group in groups)
        return monotonic() - began


def adapter(target: Target, http: aiohttp.ClientSession, kit: Kit) -> Adapter:
    """What speaks to this kind of server."""
    if target.kind == "janus":
        return Janus(http, target.base_url, kit)
    return Evisit(http, target.base_url, target.portal_key, kit)


async def fill_group(group: Group, count: Callable[[], None]) -> None:
    """Senders come in one after the other and then watch each other; then all who only receive, at once."""
    senders = [person for person in group.people if person.sends]

    async def come(person: Person) -> None:
        await group.meeting.enter(person, [] if person.sends else senders)
        count()

    for person in senders:
        await come(person)
    if len(senders) > 1:
        await together(
            group.meeting.watch(person, [other for other in senders if other is not person]) for person in senders
        )
    await together(come(person) for person in group.people if not person.sends)


async def together(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; the first failure calls the others off and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the others followed from it, or were called off


@asynccontextmanager
async def stage(order: Order, tell: Tell) -> AsyncIterator[Stage]:
    """Everything set up, and everybody gone at the end."""
    tell(Progress("prepare", 0, 1))
    audio, video = (Canned(clip) for clip in (opus_clip(), vp8_clip()))
    streams = sum(shape.senders * (shape.people - 1) for shape in order.shapes)
    rate = streams * (audio.packet_rate + video.packet_rate)
    media = Media(order.target.bind)
    layers = tuple(Canned(clip) for clip in vp8_layers()) if order.simulcast else ()
    kit = Kit(media, audio, video, Latencies(), max(1, round(rate / order.opened_per_second)), layers)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        made = Stage(order, http, kit, tell)
        try:
            yield made
        finally:
            made.pacer.pause()
            media.close()
            await asyncio.gather(*(group.meeting.close() for group in made.groups))
