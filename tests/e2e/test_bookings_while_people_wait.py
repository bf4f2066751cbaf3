"""What a portal does to a visit in which people wait: moved, renamed, guardians changed, a ticket revoked, cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfu.errors import CloseCode
from tests.e2e.client import Client, ProtocolError
from tests.e2e.server import UNIT, Server

Connect = Callable[[], Awaitable[Client]]

GUARDIANS = [{"person": "1177:a01", "name": "Maria P"}, {"person": "1177:b77", "name": "Johan P"}]


def born(years_ago: float, start: datetime) -> str:
    return (start - timedelta(days=years_ago * 365.25)).date().isoformat()


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def ticket(server: Server, visit: str, person: str, role: str, **more: Any) -> dict[str, Any]:
    wanted = {"person": person, "role": role, **more}
    told: dict[str, Any] = await server.api("POST", f"/visits/{visit}/tickets", wanted)
    return told


async def facts(server: Server, visit: str) -> dict[str, str]:
    """Who stands where, by name."""
    told = await server.api("GET", f"/visits/{visit}/participants")
    return {each["name"]: each["state"] for each in told["participants"]}


@pytest.fixture
def start() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - a real visit is booked by the clock on the wall


@pytest.fixture
async def visit(server: Server, start: datetime) -> str:
    """Of a child with two guardians."""
    patient = {"person": "1177:7f3", "name": "Per P", "birth_date": born(8, start)}
    return await server.book(patient=patient, guardians=GUARDIANS)


async def test_a_visit_moves_while_people_wait_in_it(
    server: Server, client: Connect, visit: str, start: datetime
) -> None:
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    mother = await (await client()).join(ticket=(await ticket(server, visit, "1177:a01", "guardian"))["ticket"])
    key = await server.link_key(visit)
    stranger = await (await client()).join(visit=visit, key=key, name="Tolk", role="interpreter")
    later, end = start + timedelta(minutes=20), start + timedelta(minutes=50)
    await server.api("PATCH", f"/visits/{visit}", {"starts_at": stamp(later), "ends_at": stamp(end), "title": "Nytt"})
    for who, title in ((clinician, "Nytt"), (mother, "Nytt"), (stranger, None)):
        await who.until(lambda each: each.last("visit") is not None)
        told = who.last("visit")
        assert told is not None
        assert (told["visit"]["starts_at"], told["visit"]["ends_at"]) == (stamp(later), stamp(end))
        assert told["visit"].get("title") == title
    assert (mother.state, stranger.state, clinician.state) == ("waiting", "waiting", "admitted")
    # They go on from where they were: whoever waited can be let in.
    await clinician.ask("admit", participant=mother.id)
    await mother.until(lambda each: each.state == "admitted")

    # So far away that nobody may come yet: who is there stays, nobody new comes.
    days = timedelta(days=2)
    moved = {"starts_at": stamp(start + days), "ends_at": stamp(end + days)}
    await server.api("PATCH", f"/visits/{visit}", moved)
    with pytest.raises(ProtocolError, match="visit_not_open"):
        await (await client()).join(visit=visit, key=key, name="Ny", role="external")
    assert set((await facts(server, visit)).values()) == {"admitted", "waiting"}


async def test_a_guardian_who_waits_when_the_booking_names_them_no_more_is_staffs_to_decide(
    server: Server, client: Connect, visit: str, start: datetime
) -> None:
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    father = await (await client()).join(ticket=(await ticket(server, visit, "1177:b77", "guardian"))["ticket"])
    await server.api("PATCH", f"/visits/{visit}", {"guardians": GUARDIANS[:1]})
    await server.api("POST", f"/visits/{visit}/tickets", {"person": "1177:b77", "role": "guardian"}, status=422)
    assert father.state == "waiting"
    # As with anybody whom the booking does not name.
    with pytest.raises(ProtocolError, match="agreement_required"):
        await clinician.ask("admit", participant=father.id)
    await clinician.ask("admit", participant=father.id, agreed=True)
    await father.until(lambda each: each.state == "admitted")


async def test_a_patient_of_thirteen_has_no_guardians_in_the_waiting_room(
    server: Server, visit: str, start: datetime
) -> None:
    of_13 = {"person": "1177:7f3", "name": "Per P", "birth_date": born(13.1, start)}
    problem = await server.api("PATCH", f"/visits/{visit}", {"patient": of_13}, status=422)
    assert problem["code"] == "guardian_age"
    await server.api("PATCH", f"/visits/{visit}", {"patient": of_13, "guardians": []})
    await server.api("POST", f"/visits/{visit}/tickets", {"person": "1177:a01", "role": "guardian"}, status=422)


async def test_a_ticket_that_is_revoked_while_its_holder_waits_ends_the_waiting(
    server: Server, client: Connect, visit: str
) -> None:
    of_mother = await ticket(server, visit, "1177:a01", "guardian")
    mother = await (await client()).join(ticket=of_mother["ticket"])
    father = await (await client()).join(ticket=(await ticket(server, visit, "1177:b77", "guardian"))["ticket"])
    await server.api("DELETE", f"/visits/{visit}/tickets/{of_mother['id']}")
    await mother.until(lambda each: each.close_code == CloseCode.TURNED_AWAY)
    with pytest.raises(ProtocolError, match="ticket_invalid"):
        await (await client()).join(ticket=of_mother["ticket"])
    with pytest.raises(ProtocolError, match="removed"):
        await (await client()).join(resume=mother.joined["resume"])
    assert (await facts(server, visit))["Johan P"] == father.state == "waiting"


async def test_a_visit_that_is_cancelled_lets_everybody_go_and_stays_shut(
    server: Server, client: Connect, visit: str
) -> None:
    key = await server.link_key(visit)
    clinician_ticket = await server.ticket(visit, "hsa:1", "clinician", "Dr Eva Ek", [UNIT])
    clinician = await (await client()).join(ticket=clinician_ticket)
    mother = await (await client()).join(ticket=(await ticket(server, visit, "1177:a01", "guardian"))["ticket"])
    stranger = await (await client()).join(visit=visit, key=key, name="Tolk", role="interpreter")
    await server.api("DELETE", f"/visits/{visit}")
    for who in (clinician, mother, stranger):
        await who.until(lambda each: each.close_code == CloseCode.VISIT_ENDED)
        state = who.last("state")
        assert state is not None
        assert (state["state"], state.get("reason")) == ("ended", "cancelled")
    for again in (
        {"visit": visit, "key": key, "name": "Tolk", "role": "interpreter"},
        {"ticket": clinician_ticket},
        {"resume": mother.joined["resume"]},
    ):
        with pytest.raises(ProtocolError, match="visit_ended"):
            await (await client()).join(**again)
    actions = [row["action"] for row in (await server.api("GET", f"/visits/{visit}/audit"))["entries"]]
    assert "cancelled" in actions
