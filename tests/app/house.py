"""A home with a store and a media side that keep a story of what happens, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import cast

from sfu import clock
from sfu.admission.records import AccessEntry, Action, ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Person, Visit
from sfu.app.counters import Counters
from sfu.app.home import Home
from sfu.app.media import Media
from sfu.errors import StoreUnavailable
from sfu.ids import ChannelId, ParticipantId, PersonId, TrackId, VisitId
from sfu.rooms.commands import OpenMedia, Reason
from sfu.rooms.events import ResumePresented, TicketPresented, TimeHasCome
from sfu.rooms.room import Limits, Room
from sfu.signaling.messages import Asking
from sfu.visits.store import Store
from sfu.web.channel import Channel

UNIT = "unit"


@dataclass
class Story:
    """Everything that happens, in order, as words."""

    lines: list[str] = field(default_factory=list)
    works: bool = True
    gate: asyncio.Event | None = None
    """Set to hold every write until it is set."""
    written: asyncio.Event = field(default_factory=asyncio.Event)
    """A removal has been written."""

    async def write(
        self,
        *,
        entries: Sequence[AccessEntry] = (),
        participants: Sequence[ParticipantRecord] = (),
        visit: VisitRecord | None = None,
        tickets_used: Sequence[str] = (),
        again: bool = False,
    ) -> None:
        """The store's."""
        if self.gate is not None:
            await self.gate.wait()
        if not self.works:
            raise StoreUnavailable
        self.lines += [f"written {entry.action}" for entry in entries]
        if any(entry.action is Action.REMOVED for entry in entries):
            self.written.set()

    # The media's

    broken: str = ""
    """A method that raises."""
    open_for: set[ParticipantId] = field(default_factory=set)
    opened: dict[ParticipantId, int] = field(default_factory=dict)
    """Of each transport, a number of its own."""
    tracks: dict[TrackId, ParticipantId] = field(default_factory=dict)
    routes: dict[tuple[ParticipantId, str], TrackId] = field(default_factory=dict)
    on_route: Callable[[ParticipantId, ParticipantId], None] = lambda sender, receiver: None
    """Called with every route before it is there."""

    def is_fresh(self, participant: ParticipantId, offer: object) -> bool:
        return participant not in self.open_for

    def open(self, visit: VisitId, command: OpenMedia, offer: object, now: float) -> str:
        self.lines.append("media opened")
        self.open_for.add(command.participant)
        if command.offer.fresh:
            self.opened[command.participant] = len(self.lines)
        self._sends(command.participant, {binding.track for binding in command.send})
        if self.broken == "open":
            raise ZeroDivisionError
        return "v=0"

    def close(self, participant: ParticipantId) -> None:
        if participant in self.open_for:
            self.open_for.discard(participant)
            self.lines.append("media closed")
            self._sends(participant, set())
            self.routes = {section: track for section, track in self.routes.items() if section[0] != participant}

    def has(self, participant: ParticipantId) -> bool:
        return participant in self.open_for

    def add_route(self, track: TrackId, receiver: ParticipantId, mid: str) -> None:
        self.lines.append("route added")
        if receiver in self.open_for and track in self.tracks:
            self.on_route(self.tracks[track], receiver)
            self.routes[receiver, mid] = track

    def drop_route(self, receiver: ParticipantId, mid: str) -> None:
        if self.broken == "drop_route":
            raise ZeroDivisionError
        self.lines.append("route dropped")
        self.routes.pop((receiver, mid), None)

    def _sends(self, participant: ParticipantId, tracks: set[TrackId]) -> None:
        others = {track: owner for track, owner in self.tracks.items() if owner != participant}
        self.tracks = others | dict.fromkeys(tracks, participant)
        self.routes = {section: track for section, track in self.routes.items() if track in self.tracks}

    @property
    def actions(self) -> list[str]:
        return [line.removeprefix("written ") for line in self.lines if line.startswith("written ")]


@dataclass
class Line:
    """A channel that keeps what it is handed."""

    id: ChannelId
    story: Story
    events: list[Mapping[str, object]] = field(default_factory=list)
    full: Callable[[], None] | None = None
    """Set where it takes nothing more: called instead, once, as a channel tells that it is lost."""
    closed: Reason | None = None

    def notify(self, message: Mapping[str, object], replaces: str | None = None) -> None:
        if self.full is None:
            self.events.append(message)
        else:
            self.full()

    def close(self, reason: Reason) -> None:
        self.story.lines.append(f"closed {reason}")
        self.closed = reason

    def state(self) -> object:
        states = [event["state"] for event in self.events if event["type"] == "state"]
        return states[-1] if states else None


class House:
    """A home with a clinician in it, and a patient who waits."""

    def __init__(self) -> None:
        self.story = Story()
        self.counters = Counters()
        self._numbers = count(1)
        self._resume: dict[ParticipantId, str] = {}
        people = (
            Person(person=PersonId("eva"), name="Eva", role=Role.CLINICIAN),
            Person(person=PersonId("per"), name="Per", role=Role.PATIENT),
        )
        wall = clock.wall()
        visit = Visit(
            visit=VisitId("v_1"),
            portal="demo",
            unit=UNIT,
            unit_name="Unit",
            title="Visit",
            starts_at=wall,
            ends_at=wall + timedelta(hours=1),
            language="sv",
            people=people,
        )
        room = Room(visit, Limits(), lambda: f"{next(self._numbers):032x}")
        self.home = Home(room, cast(Store, self.story), cast(Media, self.story), self.counters)

    async def join(self, person: str, role: Role) -> tuple[ParticipantId, Line]:
        number = next(self._numbers)
        line = Line(ChannelId(number), self.story)
        ticket = Ticket(
            jti=f"k_{number}",
            issuer="demo",
            person=PersonId(person),
            visit=VisitId("v_1"),
            role=role,
            name=person,
            units=(UNIT,) if role is Role.CLINICIAN else (),
            expires_at=datetime.now(UTC) + timedelta(hours=1),  # noqa: TID251 - a ticket of the wall's time
        )
        answers: list[Mapping[str, object]] = []
        participant = await self.home.join(cast(Channel, line), TicketPresented(line.id, ticket), answers.append)
        assert answers[0]["participant"] == participant
        self._resume[participant] = str(answers[0]["resume"])
        return participant, line

    async def resume(self, who: tuple[ParticipantId, Line]) -> tuple[ParticipantId, Line]:
        """Somebody comes back on another channel."""
        line = Line(ChannelId(next(self._numbers)), self.story)
        event = ResumePresented(line.id, who[0], self._resume[who[0]])
        await self.home.join(cast(Channel, line), event, lambda fields: None)
        return who[0], line

    def lose(self, who: tuple[ParticipantId, Line]) -> None:
        """The channel is lost. The room is told when its turn has come."""
        self.home.lost(cast(Channel, who[1]), who[0])

    async def until_away(self, who: tuple[ParticipantId, Line]) -> None:
        """Until the room knows that a channel is lost."""
        await asyncio.sleep(0)  # the loss has asked for its turn
        await self.home.tell(TimeHasCome())
        assert not any(each.participant == who[0] and each.connected for each in self.home.room.participants)

    async def ask(self, who: tuple[ParticipantId, Line], request: Asking) -> None:
        def answered(fields: Mapping[str, object]) -> None:
            self.story.lines.append("answered")

        await self.home.ask(cast(Channel, who[1]), who[0], request, answered)
