"""Whatever comes while a write is slow, in whatever order: the plane's routes are the room's, and nobody hears unnamed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfu import tasks
from sfu.admission.roles import Role
from sfu.errors import Refused, StoreUnavailable
from sfu.ids import ParticipantId
from sfu.rooms.events import MediaConnected, MediaLost
from sfu.rooms.requests import Admit, Hold, Leave, Lock, Mute, Remove, Silence, View
from sfu.signaling.messages import Asking
from tests.app.house import House, Line
from tests.app.test_home import names_of, offer

NAMES = ("eva", "per", "xen", "ulf")
ROLES = (Role.CLINICIAN, Role.PATIENT, Role.INTERPRETER, Role.EXTERNAL)
Act = tuple[str, int, int]

who, other = st.integers(0, 3), st.integers(0, 3)
ACTS = st.tuples(
    st.sampled_from(
        [
            *("slow", "quick", "stops", "works", "settle", "lock", "unlock"),
            *("admit", "admit", "hold", "remove", "mute", "unmute", "silence", "leave", "pause"),
            *("offer", "offer", "connected", "connected", "fails", "lose", "full", "resume", "resume"),
        ]
    ),
    who,
    other,
)


class Visit:
    """Four people in a house. Each act is begun, and goes on as far as the writes let it."""

    def __init__(self) -> None:
        self.house = House()
        self.people: dict[int, tuple[ParticipantId, Line]] = {}
        self.under_way: list[asyncio.Task[Any]] = []
        self.house.story.on_route = self._on_route

    async def begin(self) -> None:
        """All are in and hear the one before them."""
        for number in range(4):
            self.people[number] = await self.house.join(NAMES[number], ROLES[number])
        for number in range(1, 4):
            await self.house.ask(self.people[0], Admit(self.people[number][0], agreed=True))
        for _ in range(2):
            for number in range(4):
                await self.house.ask(self.people[number], self._offer((number + 1) % 4))
                await self.house.home.tell(MediaConnected(self.people[number][0]))
        assert len(self.house.story.routes) == 4

    def act(self, act: Act) -> None:
        kind, by, about = act
        story, home, me, you = self.house.story, self.house.home, self.people[by], self.people[about]
        match kind:
            case "slow":
                story.gate = story.gate or asyncio.Event()
            case "quick":
                self._quick()
            case "stops" | "works":
                story.works = kind == "works"
            case "lock" | "unlock":
                self._ask(self.people[0], Lock(locked=kind == "lock"))
            case "admit":
                self._ask(self.people[0], Admit(you[0], agreed=True))
            case "hold":
                self._ask(self.people[0], Hold(you[0]))
            case "remove":
                self._ask(self.people[0], Remove(you[0]))
            case "leave" if by:
                self._ask(me, Leave())
            case "mute" | "unmute" | "silence" | "pause":
                self._ask_of_track(kind, me, you)
            case "offer":
                self._ask(me, self._offer(about))
            case "connected" if story.has(me[0]):
                opened = story.opened[me[0]]
                self._start(home.tell(MediaConnected(me[0]), still=lambda: story.opened.get(me[0]) == opened))
            case "fails":
                story.close(me[0])
                self._start(home.tell(MediaLost(me[0]), still=lambda: not story.has(me[0])))
            case "lose":
                self.house.lose(me)
            case "full":
                me[1].full = lambda: self.house.lose(me)
            case "resume":
                self._start(self._resume(by))
            case _:
                pass  # it does not fit now

    async def settle(self) -> None:
        """Until nothing is under way."""
        self._quick()
        self.house.story.works = True
        while self.under_way or tasks.running() or self.house.home.busy:
            pending, self.under_way = self.under_way, []
            await asyncio.gather(*pending)
            with suppress(StoreUnavailable):
                await self.house.home.flush()
            await asyncio.sleep(0)

    def check(self) -> None:
        """With nothing under way."""
        room, story = self.house.home.room, self.house.story
        assert story.routes == dict(room.routes), "the plane forwards what the room says"
        assert story.open_for == {each.participant for each in room.participants if each.media is not None}

    def _on_route(self, sender: ParticipantId, receiver: ParticipantId) -> None:
        lines = {who: line for who, line in self.people.values()}
        for one, another in ((sender, receiver), (receiver, sender)):
            rosters = [event for event in lines[one].events if event["type"] == "roster"]
            assert another in names_of(rosters[-1]), "named before heard"

    def _ask_of_track(self, kind: str, me: tuple[ParticipantId, Line], you: tuple[ParticipantId, Line]) -> None:
        asked: dict[str, Any] = {
            "mute": lambda track: Mute(track, muted=True),
            "unmute": lambda track: Mute(track, muted=False),
            "silence": Silence,
            "pause": lambda track: View(track, 640, 480, paused=True),
        }
        owner = me if kind in ("mute", "unmute") else you
        asker = self.people[0] if kind == "silence" else me
        for each in self.house.home.room.participants:
            if each.participant == owner[0] and each.tracks:
                self._ask(asker, asked[kind](each.tracks[0].track))

    def _offer(self, about: int) -> Asking:
        tracks = {each.participant: each.tracks[0].track for each in self.house.home.room.participants if each.tracks}
        return offer(tracks.get(self.people[about][0], ""))

    def _ask(self, who: tuple[ParticipantId, Line], request: Asking) -> None:
        self._start(self.house.ask(who, request))

    async def _resume(self, number: int) -> None:
        self.people[number] = await self.house.resume(self.people[number])

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        async def quietly() -> None:
            with suppress(Refused, StoreUnavailable):
                await work

        self.under_way.append(asyncio.get_running_loop().create_task(quietly()))

    def _quick(self) -> None:
        if self.house.story.gate is not None:
            self.house.story.gate.set()
            self.house.story.gate = None


async def play(acts: list[Act]) -> None:
    faults: list[BaseException] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "_report", lambda task, error: faults.append(error))
        visit = Visit()
        await visit.begin()
        for act in acts:
            if act[0] == "settle":
                await visit.settle()
                visit.check()
            else:
                visit.act(act)
                await asyncio.sleep(0)
        await visit.settle()
        visit.check()
        visit.house.home.close()
        assert not faults, faults
        assert visit.house.counters.bugs == 0


LATER = [("offer", 2, 1), ("settle", 0, 0), ("connected", 2, 0), ("settle", 0, 0)]
"""Whoever has been let in anew offers, to hear the one before them, and connects."""


@given(st.lists(ACTS, max_size=40))
@example([("slow", 0, 0), ("lock", 0, 0), ("leave", 2, 0), ("offer", 1, 2), ("settle", 0, 0)])
@example([("slow", 0, 0), ("lock", 0, 0), ("mute", 2, 0), ("lose", 2, 0), ("settle", 0, 0)])
@example([("slow", 0, 0), ("lock", 0, 0), ("remove", 0, 2), ("lose", 0, 0), ("settle", 0, 0)])
@example([("slow", 0, 0), ("lock", 0, 0), ("mute", 2, 0), ("unmute", 2, 0), ("settle", 0, 0)])
@example([("hold", 0, 2), ("settle", 0, 0), ("slow", 0, 0), ("admit", 0, 2), ("lose", 1, 0), ("settle", 0, 0), *LATER])
@example([("hold", 0, 2), ("settle", 0, 0), ("full", 1, 0), ("admit", 0, 2), ("settle", 0, 0), *LATER])
@settings(max_examples=150)
def test_in_any_order_the_plane_forwards_what_the_room_says_to_those_who_are_named(acts: list[Act]) -> None:
    asyncio.run(play(acts))
