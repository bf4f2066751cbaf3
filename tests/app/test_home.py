"""A home: written before anybody is let in, done before it is written where somebody is taken out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import cast

import pytest

from sfu import clock
from sfu.admission.records import AccessEntry, Action, ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Person, Visit, VisitState
from sfu.app import home as home_module
from sfu.app.counters import Counters
from sfu.app.home import Home
from sfu.app.media import Media
from sfu.errors import Refused, StoreUnavailable
from sfu.ids import ChannelId, ParticipantId, PersonId, VisitId
from sfu.rooms.commands import Reason
from sfu.rooms.events import TicketPresented, VisitClosed
from sfu.rooms.requests import Admit, Hold, Leave, Remove
from sfu.rooms.room import Limits, Room
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
    ) -> None:
        """The store's."""
        if self.gate is not None:
            await self.gate.wait()
        if not self.works:
            raise StoreUnavailable
        self.lines += [f"written {entry.action}" for entry in entries]
        if any(entry.action is Action.REMOVED for entry in entries):
            self.written.set()

    def close(self, participant: ParticipantId) -> None:
        """The media's."""
        self.lines.append("media closed")

    @property
    def actions(self) -> list[str]:
        return [line.removeprefix("written ") for line in self.lines if line.startswith("written ")]


@dataclass
class Line:
    """A channel that keeps what it is handed."""

    id: ChannelId
    story: Story
    events: list[Mapping[str, object]] = field(default_factory=list)
    closed: Reason | None = None

    def notify(self, message: Mapping[str, object], replaces: str | None = None) -> None:
        self.events.append(message)

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
        return participant, line

    async def ask(self, who: tuple[ParticipantId, Line], request: Admit | Hold | Remove | Leave) -> None:
        def answered(fields: Mapping[str, object]) -> None:
            self.story.lines.append("answered")

        await self.home.ask(cast(Channel, who[1]), who[0], request, answered)


Furnished = tuple[House, tuple[ParticipantId, Line], tuple[ParticipantId, Line]]


@pytest.fixture
async def furnished() -> AsyncIterator[Furnished]:
    house = House()
    eva = await house.join("eva", Role.CLINICIAN)
    per = await house.join("per", Role.PATIENT)
    house.story.lines.clear()
    yield house, eva, per
    house.home.close()


async def test_an_admission_is_written_before_it_is_answered_or_told(furnished: Furnished) -> None:
    house, eva, per = furnished
    house.story.gate = asyncio.Event()
    asking = asyncio.get_running_loop().create_task(house.ask(eva, Admit(per[0])))
    await asyncio.sleep(0)
    assert per[1].state() is None
    house.story.gate.set()
    await asking
    assert house.story.lines == ["written admitted", "answered"]
    assert per[1].state() == "admitted"


async def test_an_admission_that_cannot_be_written_has_not_happened(furnished: Furnished) -> None:
    house, eva, per = furnished
    house.story.works = False
    before = house.home.room
    with pytest.raises(StoreUnavailable):
        await house.ask(eva, Admit(per[0]))
    assert house.home.room is before
    assert per[1].state() is None
    assert not house.counters.store_available
    house.story.works = True
    await house.ask(eva, Admit(per[0]))
    assert per[1].state() == "admitted"
    assert house.counters.store_available


@pytest.mark.parametrize(
    ("take_out", "action", "state"),
    [(Hold, Action.HELD, "waiting"), (Remove, Action.REMOVED, "removed")],
)
async def test_taking_out_is_done_before_it_is_written_and_answered_after(
    furnished: Furnished,
    take_out: Callable[[ParticipantId], Hold | Remove],
    action: Action,
    state: str,
) -> None:
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.lines.clear()
    house.story.gate = asyncio.Event()
    asking = asyncio.get_running_loop().create_task(house.ask(eva, take_out(per[0])))
    await asyncio.sleep(0)
    assert per[1].state() == state, "a slow disk keeps nobody in"
    assert "answered" not in house.story.lines
    house.story.gate.set()
    await asking
    assert house.story.lines.index(f"written {action}") < house.story.lines.index("answered")


async def test_what_could_not_be_written_is_written_later_in_order(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_module, "RETRY_SECONDS", 0.01)
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.works = False
    await house.ask(eva, Hold(per[0]))
    assert per[1].state() == "waiting"
    with pytest.raises(StoreUnavailable):
        await house.ask(eva, Admit(per[0]))
    await house.ask(eva, Remove(per[0]))
    assert per[1].state() == "removed"
    house.story.works = True
    house.story.written.clear()
    await asyncio.wait_for(house.story.written.wait(), 5)
    assert house.story.actions == ["admitted", "held", "removed"]


async def test_nobody_gets_in_before_what_was_left_unwritten_is_there(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.works = False
    await house.ask(eva, Hold(per[0]))
    house.story.works = True
    await house.ask(eva, Admit(per[0]))
    assert house.story.actions == ["admitted", "held", "admitted"]


async def test_who_leaves_is_answered_before_the_channel_closes(furnished: Furnished) -> None:
    house, _, per = furnished
    await house.ask(per, Leave())
    assert house.story.lines[-2:] == ["answered", "closed left"]


async def test_a_channel_that_was_replaced_can_ask_for_nothing(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.home.lost(cast(Channel, eva[1]), eva[0])
    eva_again = await house.join("eva", Role.CLINICIAN)
    assert eva_again[0] == eva[0], "a new ticket takes the place of one who lost the channel"
    with pytest.raises(Refused, match="join_required"):
        await house.ask(eva, Admit(per[0]))
    await house.ask(eva_again, Admit(per[0]))


async def test_a_request_that_waited_while_its_channel_was_replaced_is_refused(furnished: Furnished) -> None:
    house, eva, per = furnished
    loop = asyncio.get_running_loop()
    house.story.gate = asyncio.Event()
    admitting = loop.create_task(house.ask(eva, Admit(per[0])))
    await asyncio.sleep(0)
    waiting = loop.create_task(house.ask(per, Leave()))
    await asyncio.sleep(0)
    losing = loop.create_task(house.home.lost(cast(Channel, per[1]), per[0]))
    await asyncio.sleep(0)
    house.story.gate.set()
    await asyncio.gather(admitting, losing)
    with pytest.raises(Refused, match="join_required"):
        await waiting


async def test_an_ended_visit_closes_every_channel(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.home.change(VisitClosed(VisitState.ENDED, "portal:demo"))
    assert {eva[1].closed, per[1].closed} == {Reason.VISIT_ENDED}
    assert {eva[1].state(), per[1].state()} == {"ended"}
