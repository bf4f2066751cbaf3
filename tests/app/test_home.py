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
from sfu.ids import ChannelId, ParticipantId, PersonId, TrackId, VisitId
from sfu.rooms.commands import OpenMedia, Reason
from sfu.rooms.events import MediaConnected, TicketPresented, VisitClosed
from sfu.rooms.requests import Admit, Hold, Leave, Lock, Remove, SendSection, Source
from sfu.rooms.room import Limits, Room
from sfu.signaling.messages import Asking, OfferMessage, ReceiveBinding
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

    # The media's

    broken: str = ""
    """A method that raises."""
    open_for: set[ParticipantId] = field(default_factory=set)

    def is_fresh(self, participant: ParticipantId, offer: object) -> bool:
        return participant not in self.open_for

    def open(self, visit: VisitId, command: OpenMedia, offer: object, now: float) -> str:
        self.lines.append("media opened")
        self.open_for.add(command.participant)
        if self.broken == "open":
            raise ZeroDivisionError
        return "v=0"

    def close(self, participant: ParticipantId) -> None:
        if participant in self.open_for:
            self.open_for.discard(participant)
            self.lines.append("media closed")

    def add_route(self, track: TrackId, receiver: ParticipantId, mid: str) -> None:
        self.lines.append("route added")

    def drop_route(self, receiver: ParticipantId, mid: str) -> None:
        if self.broken == "drop_route":
            raise ZeroDivisionError
        self.lines.append("route dropped")

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

    async def ask(self, who: tuple[ParticipantId, Line], request: Asking) -> None:
        def answered(fields: Mapping[str, object]) -> None:
            self.story.lines.append("answered")

        await self.home.ask(cast(Channel, who[1]), who[0], request, answered)


OFFER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-ufrag:abcdefgh
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:1
a={direction}
a=rtcp-mux
a=rtpmap:111 opus/48000/2
""".replace("\n", "\r\n")


def offer(track: str = "") -> OfferMessage:
    """A microphone, and where a track is named a section that receives it."""
    sdp = OFFER.format(fingerprint=":".join(["AB"] * 32), direction="recvonly" if track else "inactive")
    receive = (ReceiveBinding("1", TrackId(track)),) if track else ()
    return OfferMessage(sdp, (SendSection("0", Source.MICROPHONE),), receive)


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
    house.story.works = True
    await house.ask(eva, Admit(per[0]))
    assert per[1].state() == "admitted"


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


async def talking(furnished: Furnished) -> None:
    """Both are in, and hear each other's microphone."""
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    for who in (eva, per):
        await house.ask(who, offer())
        await house.home.tell(MediaConnected(who[0]))
    tracks = {each.participant: each.tracks[0].track for each in house.home.room.participants}
    await house.ask(eva, offer(tracks[per[0]]))
    await house.ask(per, offer(tracks[eva[0]]))
    assert house.story.lines.count("route added") == 2
    house.story.lines.clear()


async def test_a_hold_does_not_wait_for_what_others_write(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    house.story.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    writing = loop.create_task(house.ask(eva, Lock(locked=True)))
    await asyncio.sleep(0)
    holding = loop.create_task(house.ask(eva, Hold(per[0])))
    await asyncio.sleep(0)
    assert "media closed" in house.story.lines
    assert "answered" not in house.story.lines
    house.story.gate.set()
    await asyncio.gather(writing, holding)
    assert per[1].state() == "waiting"


async def test_what_is_refused_closes_nothing_ahead(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    house.story.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    writing = loop.create_task(house.ask(eva, Lock(locked=True)))
    await asyncio.sleep(0)
    holding = loop.create_task(house.ask(per, Hold(eva[0])))
    await asyncio.sleep(0)
    assert "media closed" not in house.story.lines
    house.story.gate.set()
    await writing
    with pytest.raises(Refused, match="not_allowed"):
        await holding


async def test_a_fault_while_closing_leaves_nothing_open(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    house.story.broken = "drop_route"
    with pytest.raises(Refused, match="internal"):
        await house.ask(eva, Remove(per[0]))
    assert per[0] not in house.story.open_for
    assert per[1].state() == "removed"
    assert per[1].closed is Reason.TURNED_AWAY
    assert "written removed" in house.story.lines
    assert house.counters.bugs == 1


async def test_an_offer_that_cannot_be_carried_out_leaves_no_transport(furnished: Furnished) -> None:
    house, eva, _ = furnished
    house.story.broken = "open"
    with pytest.raises(Refused, match="internal"):
        await house.ask(eva, offer())
    assert house.story.open_for == set()
    house.story.broken = ""
    await house.ask(eva, offer())
    assert eva[0] in house.story.open_for


async def test_what_is_over_when_its_turn_comes_is_passed_by(furnished: Furnished) -> None:
    house, eva, _ = furnished
    before = house.home.room
    await house.home.tell(MediaConnected(eva[0]), still=lambda: False)
    assert house.home.room is before


async def test_the_last_steps_are_written_at_the_end(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.works = False
    await house.ask(eva, Remove(per[0]))
    house.story.works = True
    house.home.close()
    await house.home.flush()
    assert house.story.actions == ["admitted", "removed"]


async def test_an_ended_visit_closes_every_channel(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.home.change(VisitClosed(VisitState.ENDED, "portal:demo"))
    assert {eva[1].closed, per[1].closed} == {Reason.VISIT_ENDED}
    assert {eva[1].state(), per[1].state()} == {"ended"}
