"""The promise, proved on the wire: who is not admitted gets not one datagram, and nothing of theirs goes on.

Random schedules of join, admit, hold, drop, resume and remove run against a real server, with every datagram on loopback
captured. A participant that is held or removed keeps sending from its old transport, as a client that means ill would.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from tests.e2e.capture import Capture, Datagram
from tests.e2e.client import Client, ProtocolError
from tests.e2e.server import Server

Connect = Callable[[], Awaitable[Client]]

RUNS = int(os.environ.get("WIRE_RUNS", "200"))
STEPS = 9
AT_A_TIME = 10
NEVER = 2**63


@dataclass(frozen=True)
class Window:
    """When datagrams to a UDP port are right, in nanoseconds since 1970. The kernel gives ports out again, so one may have several."""

    port: int
    start: int
    end: int

    def ending(self, at: int) -> Window:
        return Window(self.port, self.start, min(self.end, at))


@dataclass
class Person:
    """Somebody in a run: the present client, and when its present transport might be sent to (ns since 1970)."""

    client: Client
    name: str
    admitted: bool = False
    sequence: int = 0
    earlier: list[Client] = field(default_factory=list)
    """Clients whose channel was dropped; their transports may go on."""
    windows: list[Window] = field(default_factory=list)
    """By UDP port: from the moment staff asked to admit, to the moment that the server said it had ended."""


class Run:
    """One visit, one schedule."""

    def __init__(self, server: Server, client: Connect, seed: int) -> None:
        self.random = random.Random(seed)
        self.server = server
        self.connect = client
        self.people: list[Person] = []
        self.faults: list[str] = []

    async def play(self) -> None:
        self.visit = await self.server.book()
        self.key = await self.server.link_key(self.visit)
        staff = await (await self.connect()).join(ticket=await self.server.clinician(self.visit))
        self.staff = Person(staff, "staff", admitted=True)
        self.people.append(self.staff)
        await self.publish(self.staff, 0)
        await self.join()
        for _ in range(STEPS):
            await self.random.choice(
                [self.join, self.admit, self.admit, self.hold, self.resume, self.remove, self.probe]
            )()
        for person in self.people:
            await self.speak(person)

    def some(self, *, admitted: bool) -> Person | None:
        candidates = [
            person for person in self.people[1:] if person.admitted is admitted and person.client.close_code is None
        ]
        return self.random.choice(candidates) if candidates else None

    async def join(self) -> None:
        if len(self.people) < 4:
            name = f"guest {len(self.people)}"
            client = await (await self.connect()).join(visit=self.visit, key=self.key, name=name, role="interpreter")
            self.people.append(Person(client, name))

    async def admit(self) -> None:
        person = self.some(admitted=False)
        if person is None:
            return
        asked = time.time_ns()
        await self.staff.client.ask("admit", participant=person.client.id, agreed=True)
        await person.client.until(lambda c: c.state == "admitted")
        person.admitted = True
        await person.client.drop_media()
        await self.publish(person, asked)

    async def publish(self, person: Person, since: int) -> None:
        await person.client.publish(video=False)
        # A new transport ends the one before it.
        ended = time.time_ns()
        person.windows = [window.ending(ended) for window in person.windows]
        person.windows += [Window(port, since, NEVER) for port in person.client.local_ports]
        for other in self.people:
            if other.admitted:
                await other.client.until(lambda c: person.client.id in {owner for owner, _ in c.tracks.values()})
                await other.client.subscribe()
                await self.speak(other)

    async def speak(self, person: Person) -> None:
        """Send from whatever transport there is. What it says is who says it, and whether they were admitted then."""
        if person.client.connected:
            for _ in range(3):
                person.sequence += 1
                state = "in" if person.admitted else "out"
                text = f"{person.client.id} {person.client.admitted_at} {state}".encode()
                await person.client.send("0", text, person.sequence, person.sequence * 960)

    async def hold(self) -> None:
        await self.take_out("hold")

    async def remove(self) -> None:
        await self.take_out("remove")

    async def take_out(self, how: str) -> None:
        person = self.some(admitted=True)
        if person is None:
            return
        await self.staff.client.ask(how, participant=person.client.id)
        ended = time.time_ns()
        person.admitted = False
        person.windows = [window.ending(ended) for window in person.windows]
        await self.speak(person)
        if how == "hold":
            with pytest.raises(ProtocolError, match="not_admitted"):
                await person.client.offer()
        else:
            await person.client.until(lambda c: c.close_code is not None)

    async def resume(self) -> None:
        person = self.some(admitted=self.random.random() < 0.5)
        if person is None:
            return
        old = person.client
        await old.drop()
        back = await (await self.connect()).join(resume=old.joined["resume"])
        assert back.state == ("admitted" if person.admitted else "waiting")
        # Its media goes on from the old transport, which no one has closed.
        person.client = back
        person.earlier.append(old)
        if person.admitted:
            asked = min(window.start for window in person.windows)
            await self.publish(person, asked)

    async def probe(self) -> None:
        """Somebody who waits knocks at the media port with all a stranger has."""
        person = self.some(admitted=False)
        if person is not None and person.client._gatherer is None:
            await person.client._gather()
            connection = person.client._ice._connection  # type: ignore[union-attr]
            for protocol in connection._protocols:
                for junk in (
                    b"\x16\xfe\xfd" + bytes(40),
                    b"\x80\x6f" + bytes(40),
                    b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
                ):
                    protocol.transport.sendto(junk, ("127.0.0.1", self.media_port))

    @property
    def media_port(self) -> int:
        ice = self.staff.client._ice
        assert ice is not None
        return next(iter(ice._connection._remote_candidates)).port

    def check_what_was_heard(self) -> None:
        for client in (client for person in self.people for client in (person.client, *person.earlier)):
            for payload, named in client.heard:
                if not payload.endswith(b" in"):
                    self.faults.append("a packet sent while not admitted was forwarded")
                if not named:
                    self.faults.append("a packet came before the roster that names its sender")


@pytest.mark.wire
@pytest.mark.timeout(600)
async def test_not_one_datagram_to_anybody_who_is_not_admitted(server: Server, client: Connect) -> None:
    before = Run(server, client, -1)
    await before.play()
    port = before.media_port
    capture = Capture(port)
    capture.start()
    runs = [Run(server, client, seed) for seed in range(RUNS)]
    for start in range(0, RUNS, AT_A_TIME):
        group = runs[start : start + AT_A_TIME]
        await asyncio.gather(*(run.play() for run in group))
    datagrams = capture.stop()

    windows: dict[int, list[Window]] = {}
    for run in (before, *runs):
        for person in run.people:
            for window in person.windows:
                windows.setdefault(window.port, []).append(window)
    outside = [datagram for datagram in datagrams if not _within(datagram, windows)]
    assert outside == []
    assert len(datagrams) > RUNS, "the capture must have seen the calls"
    for run in runs:
        run.check_what_was_heard()
        assert run.faults == []
    heard = sum(len(person.client.packets) for run in runs for person in run.people)
    assert heard > RUNS, "people must have heard each other"
    metrics = await server.metrics()
    assert metrics["evisit_unadmitted_media_packets_total", ()] == 0


def _within(datagram: Datagram, windows: dict[int, list[Window]]) -> bool:
    return any(window.start <= datagram.at <= window.end for window in windows.get(datagram.destination, ()))
