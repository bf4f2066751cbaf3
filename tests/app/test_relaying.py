"""Who is told of relays: those who are in, when they come in and again in time, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from sfu.admission.records import Action
from sfu.admission.relays import Relays
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.app.relaying import Renewal
from sfu.ids import ChannelId, ParticipantId, PersonId, VisitId
from sfu.redact import Redacted
from sfu.rooms.events import TicketPresented
from sfu.rooms.requests import Admit, Hold
from sfu.web.channel import Channel
from tests.app.house import UNIT, House, Line

RELAYS = Relays(("turn:relay.example",), Redacted("s3cret"), minutes=10)


def house() -> House:
    made = House()
    made.home._relays = RELAYS
    return made


async def join(house: House, person: str, role: Role) -> tuple[ParticipantId, Line, Mapping[str, object]]:
    """Somebody's place, channel and the answer to the join."""
    number = next(house._numbers)
    line = Line(ChannelId(number), house.story)
    ticket = Ticket(
        jti=f"k_{number}",
        issuer="demo",
        person=PersonId(person),
        visit=VisitId("v_1"),
        role=role,
        name=person,
        units=(UNIT,) if role is Role.CLINICIAN else (),
        expires_at=house.home.room.visit.ends_at,
    )
    answers: list[Mapping[str, object]] = []
    participant = await house.home.join(cast(Channel, line), TicketPresented(line.id, ticket), answers.append)
    return participant, line, answers[0]


def told(line: Line) -> list[str]:
    """The types of what was handed to a channel that speaks of relays or of its own state."""
    return [str(event["type"]) for event in line.events if event["type"] in ("state", "ice_servers")]


async def test_who_is_admitted_is_told_of_relays_first_and_who_waits_is_not() -> None:
    visit = house()
    eva, staff, answer = await join(visit, "eva", Role.CLINICIAN)
    per, patient, waiting = await join(visit, "per", Role.PATIENT)
    servers = answer["ice_servers"]
    assert isinstance(servers, list)
    assert servers[0]["urls"] == ["turn:relay.example"]
    assert waiting["ice_servers"] == []
    assert told(patient) == []

    await visit.ask((eva, staff), Admit(per, agreed=False))
    assert visit.story.actions[-1] == Action.ADMITTED
    assert told(patient) == ["ice_servers", "state"]
    [event] = [event for event in patient.events if event["type"] == "ice_servers"]
    [server] = cast(list[dict[str, object]], event["ice_servers"])
    assert server["username"] != servers[0]["username"], "each is somebody's own"

    await visit.ask((eva, staff), Hold(per))
    visit.home.hand_out_relays()
    assert told(patient) == ["ice_servers", "state", "state"]
    assert told(staff) == ["ice_servers"]


async def test_without_relays_nothing_is_said_of_them() -> None:
    visit = House()
    eva, staff, answer = await join(visit, "eva", Role.CLINICIAN)
    per, patient, _ = await join(visit, "per", Role.PATIENT)
    await visit.ask((eva, staff), Admit(per, agreed=False))
    visit.home.hand_out_relays()
    assert answer["ice_servers"] == []
    assert told(patient) == ["state"]


class Visit:
    def __init__(self) -> None:
        self.times = 0
        self.handed_out = asyncio.Event()

    def hand_out_relays(self) -> None:
        self.times += 1
        if self.times == 2:
            self.handed_out.set()


async def test_everybody_gets_new_ones_again_and_again() -> None:
    visit, soon = Visit(), Relays(("turn:relay.example",), Redacted("s3cret"))
    soon.lifetime = timedelta(milliseconds=2)
    renewal = Renewal(soon, lambda: [visit])
    renewal.start()
    await asyncio.wait_for(visit.handed_out.wait(), 60)
    renewal.stop()
    renewal.stop()


async def test_without_relays_there_is_nothing_to_renew() -> None:
    renewal = Renewal(Relays(), list)
    renewal.start()
    assert renewal._timer is None
