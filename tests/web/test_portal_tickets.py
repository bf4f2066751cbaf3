"""Tickets over the portal API: who is given one, for how long, and how it is taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfu.ids import VisitId
from sfu.visits.transaction import Unsure
from tests.databases import Database
from tests.visits.sample import body
from tests.web.portal_stage import CLINICIAN, PATIENT, WALL, Stage, staged

GUARDIAN = {"person": "1177:a01", "role": "guardian", "name": "Maria P"}


@pytest.fixture
async def stage(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    async with staged(tmp_path, database) as stage:
        yield stage
        assert stage.bugs == []


# Tickets


@pytest.mark.parametrize(
    ("wanted", "name", "units"),
    [
        (PATIENT, "Per P", ()),
        ({**PATIENT, "name": "Per Persson"}, "Per Persson", ()),
        (GUARDIAN, "Maria P", ()),
        (CLINICIAN, "Dr Eva Ek", ("SE2321000016-1HZ3",)),
        ({"person": "hsa:SE-A2", "role": "clinician", "name": "Dr Bo"}, "Dr Bo", ()),
        ({"person": "hsa:SE-A1", "role": "external"}, "Dr Eva Ek", ()),
    ],
)
async def test_a_ticket_says_what_was_asked_for(
    stage: Stage, wanted: dict[str, Any], name: str, units: tuple[str, ...]
) -> None:
    visit = await stage.book(body())
    minted = await stage.call("POST", f"/visits/{visit}/tickets", wanted)
    assert minted.status == 201
    assert minted.json["expires_at"] == "2026-11-23T09:00:00Z"
    assert minted.json["join_url"] == f"http://localhost:8080/join#ticket={minted.json['ticket']}"
    ticket = stage.verifier.verify(minted.json["ticket"], WALL)
    assert (ticket.jti, ticket.issuer, ticket.visit) == (minted.json["id"], "cosmic", visit)
    assert (ticket.person, ticket.role, ticket.name, ticket.units) == (wanted["person"], wanted["role"], name, units)
    assert await stage.actions(visit) == ["created", "ticket_minted"]
    row = (await stage.store.log(VisitId(visit)))[-1]
    assert (row.actor, row.subject_person, row.detail) == ("portal:cosmic", wanted["person"], wanted["role"])


async def test_a_ticket_never_outlives_its_visit(stage: Stage) -> None:
    visit = await stage.book(body())
    stage.later(hours=2, minutes=40, seconds=0.5)
    minted = await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)
    assert minted.json["expires_at"] == "2026-11-23T11:30:00Z"
    stage.wall = WALL + timedelta(hours=2, minutes=45) - timedelta(milliseconds=1)
    assert (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).status == 201
    stage.later(seconds=0.001)
    assert (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).code == "visit_ended"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"person": "1177:other", "role": "patient", "name": "x"}, "not_booked"),
        ({"person": "1177:a01", "role": "patient"}, "not_booked"),
        ({"person": "1177:7f3", "role": "guardian"}, "not_booked"),
        ({"person": "hsa:SE-A1", "role": "guardian"}, "not_booked"),
        ({"person": "tolk:1", "role": "interpreter", "name": "x"}, "not_booked"),
        ({"person": "hsa:SE-A2", "role": "clinician"}, "invalid"),
        ({**CLINICIAN, "units": [f"unit-{n:059}" for n in range(250)]}, "invalid"),
    ],
)
async def test_a_ticket_that_the_booking_does_not_allow_is_not_minted(
    stage: Stage, wanted: dict[str, Any], code: str
) -> None:
    visit = await stage.book(body())
    refused = await stage.call("POST", f"/visits/{visit}/tickets", wanted)
    assert (refused.status, refused.code) == (422, code)
    assert await stage.actions(visit) == ["created"]


async def test_guardianship_is_asked_anew_at_every_ticket(stage: Stage) -> None:
    visit = await stage.book(body())
    assert (await stage.call("POST", f"/visits/{visit}/tickets", GUARDIAN)).status == 201
    stage.database.execute("UPDATE visits SET guardianship_ends = '2026-11-23'")
    refused = await stage.call("POST", f"/visits/{visit}/tickets", GUARDIAN)
    assert (refused.status, refused.code) == (422, "guardian_age")


async def test_a_revoked_ticket_is_told_to_the_live_side_every_time(stage: Stage) -> None:
    visit = await stage.book(body())
    id_ = (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).json["id"]
    stage.live.store_lost = True
    assert (await stage.call("DELETE", f"/visits/{visit}/tickets/{id_}")).status == 503
    stage.live.store_lost = False
    assert (await stage.call("DELETE", f"/visits/{visit}/tickets/{id_}")).status == 204
    assert stage.live.told == [("revoked", visit, id_)]
    assert await stage.actions(visit) == ["created", "ticket_minted", "ticket_revoked"]
    room = await stage.store.load_room(VisitId(visit))
    assert room is not None
    assert room.tickets_revoked == (id_,)


async def test_a_ticket_whose_revocation_may_have_been_written_is_revoked_here_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await stage.book(body())
    id_ = (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).json["id"]

    async def unanswered(*_: object) -> None:
        raise Unsure("the database was lost at a commit")

    monkeypatch.setattr(stage.store, "ticket_revoked", unanswered)
    assert (await stage.call("DELETE", f"/visits/{visit}/tickets/{id_}")).status == 503
    assert stage.live.told == [("revoked", visit, id_)]


async def test_a_ticket_of_another_visit_is_not_found(stage: Stage) -> None:
    first, second = await stage.book(body()), await stage.book(body())
    foreign = (await stage.call("POST", f"/visits/{first}/tickets", PATIENT)).json["id"]
    for id_ in (foreign, "k_none", "x", "%00", "%ff", "k_" + "0" * 99):
        assert (await stage.call("DELETE", f"/visits/{second}/tickets/{id_}")).status == 404
    assert stage.live.told == []
