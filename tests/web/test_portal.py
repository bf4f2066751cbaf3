"""The portal API: what each call does with visits, links and the access log, and that nothing else happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sfu.admission.links import generation_of
from sfu.admission.records import VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.ids import VisitId
from sfu.visits import audit
from sfu.visits.transaction import Unsure
from sfu.web.portal import Present
from tests.databases import Database
from tests.visits.sample import body, participant
from tests.web.portal_stage import PATIENT, WALL, Stage, staged


@pytest.fixture
async def stage(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    async with staged(tmp_path, database) as stage:
        yield stage
        assert stage.bugs == []


# Visits


async def test_a_visit_is_booked_and_read(stage: Stage) -> None:
    made = await stage.call("POST", "/visits", body())
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/visits/{made.json['visit']}"
    assert made.headers["Cache-Control"] == "no-store"
    assert made.json == {
        **body(),
        "visit": made.json["visit"],
        "patient": {"person": "1177:7f3", "name": "Per P"},
        "state": "open",
        "opens_at": "2026-11-23T08:30:00Z",
        "closes_at": "2026-11-23T11:30:00Z",
    }
    assert (await stage.call("GET", f"/visits/{made.json['visit']}")).json == made.json
    assert await stage.actions(made.json["visit"]) == ["created"]


async def test_a_birth_date_is_nowhere_in_the_database(stage: Stage) -> None:
    await stage.book(body())
    assert "2018-03-02" not in stage.database.text()


@pytest.mark.parametrize(
    ("hours", "busy", "closed", "state"),
    [
        (-1, False, None, "booked"),
        (0, False, None, "open"),
        (0, True, None, "active"),
        (2.7, False, None, "open"),
        (2.8, False, None, "ended"),
        (0, True, VisitState.ENDED, "ended"),
        (0, False, VisitState.CANCELLED, "cancelled"),
    ],
)
async def test_a_visit_tells_how_far_it_has_come(
    stage: Stage, hours: float, busy: bool, closed: VisitState | None, state: str
) -> None:
    visit = await stage.book(body())
    await stage.store.write(visit=VisitRecord(visit=VisitId(visit), locked=False, closed=closed))
    stage.live.busy = busy
    stage.later(hours=hours)
    assert (await stage.call("GET", f"/visits/{visit}")).json["state"] == state


async def test_a_patient_of_13_comes_without_guardians(stage: Stage) -> None:
    of_age = {"person": "1177:7f3", "name": "Per P", "birth_date": "2013-11-23"}
    refused = await stage.call("POST", "/visits", body(patient=of_age))
    assert (refused.status, refused.code) == (422, "guardian_age")
    assert await stage.book(body(patient=of_age, guardians=[]))


async def test_a_bad_body_is_told_where_and_nothing_of_what_it_held(stage: Stage) -> None:
    bad = body(patient={"person": "1177:811218-9876", "name": "Per P"}, guardians=[], canary="canary")
    refused = await stage.call("POST", "/visits", bad)
    assert (refused.status, refused.code) == (422, "invalid")
    assert refused.json["errors"] == [
        {"pointer": "/patient/person", "message": "must not be a personal identity number"},
        {"pointer": "", "message": "holds a field that is not known here"},
    ]
    assert b"811218" not in refused.raw
    assert b"canary" not in refused.raw


async def test_ending_and_cancelling_tell_the_live_side(stage: Stage) -> None:
    first, second = await stage.book(body()), await stage.book(body())
    ended = await stage.call("POST", f"/visits/{first}/end")
    cancelled = await stage.call("DELETE", f"/visits/{second}")
    assert (ended.status, ended.json["state"]) == (200, "ended")
    assert (cancelled.status, cancelled.raw) == (204, b"")
    assert stage.live.told == [
        ("close", first, VisitState.ENDED, "portal:cosmic"),
        ("close", second, VisitState.CANCELLED, "portal:cosmic"),
    ]


@pytest.mark.parametrize("closed", [VisitState.ENDED, VisitState.CANCELLED])
async def test_a_closed_visit_stays_as_it_was_closed(stage: Stage, closed: VisitState) -> None:
    visit = await stage.book(body())
    await stage.store.write(visit=VisitRecord(visit=VisitId(visit), locked=False, closed=closed))
    end, cancel = await stage.call("POST", f"/visits/{visit}/end"), await stage.call("DELETE", f"/visits/{visit}")
    assert (end.status, cancel.status) == ((200, 409) if closed is VisitState.ENDED else (409, 204))
    for method, path, sent in (("POST", "/tickets", PATIENT), ("GET", "/link", None), ("POST", "/link", None)):
        refused = await stage.call(method, f"/visits/{visit}{path}", sent)
        assert (refused.status, refused.code) == (409, "visit_ended")


async def test_a_draining_server_takes_no_new_visit(stage: Stage) -> None:
    stage.live.ending = True
    refused = await stage.call("POST", "/visits", body())
    assert (refused.status, refused.code) == (503, "draining")


async def test_the_link_that_is_handed_out_is_the_one_that_works_where_the_visit_runs(stage: Stage) -> None:
    visit = await stage.book(body())
    stored = (await stage.call("GET", f"/visits/{visit}/link")).json
    assert stage.live.told == [("link", visit, 1)]
    stage.live.link_generation = 2
    assert (await stage.call("GET", f"/visits/{visit}/link")).json != stored


@pytest.mark.parametrize("lost", [False, True])
async def test_a_link_whose_renewal_may_have_been_written_is_dead_here_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """Where the visit does not run and the store cannot be read, there is nobody to tell; that is no other answer."""
    visit = await stage.book(body())
    stage.live.store_lost = lost

    async def unanswered(*_: object) -> None:
        raise Unsure("the database was lost at a commit")

    monkeypatch.setattr(stage.store, "renew_link", unanswered)
    refused = await stage.call("POST", f"/visits/{visit}/link")
    assert (refused.status, refused.code) == (503, "store_unavailable")
    assert stage.live.told == ([] if lost else [("link unsure", visit, 2)])


# The shared link


async def test_the_link_opens_its_visit_until_it_is_renewed(stage: Stage) -> None:
    visit = await stage.book(body())

    def generation(share_url: str) -> int:
        start, _, key = share_url.rpartition("&key=")
        assert start == f"http://localhost:8080/join#visit={visit}"
        return generation_of(stage.keys.link.reveal(), current.visit, 9, key)

    found = await stage.store.visit(VisitId(visit))
    assert found is not None
    current = found.visit
    read = [(await stage.call("GET", f"/visits/{visit}/link")).json["share_url"] for _ in range(2)]
    renewed = (await stage.call("POST", f"/visits/{visit}/link")).json["share_url"]
    assert [generation(url) for url in (*read, renewed)] == [1, 1, 2]
    assert (await stage.call("GET", f"/visits/{visit}/link")).json["share_url"] == renewed
    assert [told[2] for told in stage.live.told] == [1, 1, 2, 2]
    assert await stage.actions(visit) == ["created", "link_read", "link_read", "link_renewed", "link_read"]


# Who is there, and what has happened


async def test_who_is_in_and_who_waits_is_told_and_that_it_was_asked(stage: Stage) -> None:
    visit = await stage.book(body())
    stage.live.there = [
        Present(participant("p_1", visit, state=State.ADMITTED, admitted_at=WALL), connected=True),
        Present(participant("p_2", visit, person=None, name="Amina Tolk", role=Role.INTERPRETER), connected=False),
        Present(participant("p_3", visit, state=State.REMOVED), connected=False),
    ]
    told = (await stage.call("GET", f"/visits/{visit}/participants")).json["participants"]
    assert [(each["participant"], each["state"], each["connected"]) for each in told] == [
        ("p_1", "admitted", True),
        ("p_2", "waiting", False),
    ]
    assert told[1]["person"] is None
    assert set(told[0]) == {
        *("participant", "person", "name", "role", "verified", "booked", "second_device"),
        *("state", "connected", "waiting_since", "admitted_at"),
    }
    assert await stage.actions(visit) == ["created", "participants_read"]


async def test_the_access_log_is_read_in_pages_and_tells_its_own_reading(stage: Stage) -> None:
    visit, other = await stage.book(body()), await stage.book(body())
    await stage.call("GET", f"/visits/{other}/link")
    await stage.call("GET", f"/visits/{visit}/link")
    whole = (await stage.call("GET", f"/visits/{visit}/audit")).json
    assert [entry["action"] for entry in whole["entries"]] == ["created", "link_read", "audit_read"]
    assert whole["next"] is None
    assert {entry["actor"] for entry in whole["entries"]} == {"portal:cosmic"}
    first = (await stage.call("GET", f"/visits/{visit}/audit?limit=2")).json
    rest = (await stage.call("GET", f"/visits/{visit}/audit?after={first['next']}")).json
    assert first["entries"] == whole["entries"][:2]
    assert rest["entries"][0] == whole["entries"][2]
    assert audit.verify(stage.database.url).fault is None


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=1&after=2", "limit=0", "limit=1001", "after=²", "after=" + "9" * 17]
)
async def test_a_bad_page_is_refused(stage: Stage, query: str) -> None:
    visit = await stage.book(body())
    refused = await stage.call("GET", f"/visits/{visit}/audit?{query}")
    assert (refused.status, refused.code) == (400, "bad_request")
