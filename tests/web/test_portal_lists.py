"""Lists and changes of visits, and how often a portal may call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfu.ids import VisitId
from sfu.web.queries import cursor, read_cursor
from tests.databases import Database
from tests.visits.sample import UNIT, body
from tests.web.portal_stage import WALL, Stage, staged


@pytest.fixture
async def stage(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    async with staged(tmp_path, database) as stage:
        yield stage
        assert stage.bugs == []


def at(hour: int, minute: int = 0) -> dict[str, str]:
    """The times of a visit of ten minutes on the sample's day."""
    start = datetime(2026, 11, 23, hour, minute, tzinfo=UTC)
    return {"starts_at": start.isoformat(), "ends_at": (start + timedelta(minutes=10)).isoformat()}


async def listed(stage: Stage, query: str, portal: str = "cosmic") -> list[str]:
    """Ids of all pages."""
    found: list[str] = []
    more = ""
    while True:
        answer = await stage.call("GET", f"/visits?{query}{more}", portal=portal)
        assert answer.status == 200, answer.raw
        found += [visit["visit"] for visit in answer.json["visits"]]
        if answer.json["next"] is None:
            return found
        assert answer.json["visits"], "an empty page leads nowhere"
        more = f"&cursor={answer.json['next']}"


# Lists


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
async def test_a_schedule_is_by_start_and_of_one_unit_whatever_the_page(stage: Stage, limit: int) -> None:
    hours = [10, 9, 11, 9, 9]
    visits = [await stage.book(body(**at(hour))) for hour in hours]
    await stage.book(body(unit="another", **at(9)))
    in_order = [visit for _, visit in sorted(zip(hours, visits, strict=True))]
    assert await listed(stage, f"unit={UNIT}&limit={limit}") == in_order


async def test_a_span_has_its_beginning_and_not_its_end(stage: Stage) -> None:
    nine, ten, eleven = [await stage.book(body(**at(hour))) for hour in (9, 10, 11)]
    span = "from=2026-11-23T09:00:00Z&to=2026-11-23T12:00:00%2B01:00"
    assert await listed(stage, f"unit={UNIT}&{span}") == [nine, ten]
    assert await listed(stage, f"unit={UNIT}&from=2026-11-23T09:00:00.000001Z") == [ten, eleven]


async def test_booked_times_are_those_of_patient_and_guardian(stage: Stage) -> None:
    visit = await stage.book(body())
    for person in ("1177:7f3", "1177:a01", "1177:b77"):
        assert await listed(stage, f"person={person}") == [visit]
    for other in ("hsa:SE-A1", "1177:other", "1177:7f", "%25"):
        assert await listed(stage, f"person={other}") == []


async def test_a_list_holds_what_reading_each_visit_gives(stage: Stage) -> None:
    visits = [await stage.book(body(**at(hour))) for hour in (9, 10)]
    await stage.call("PATCH", f"/visits/{visits[1]}", {"guardians": []})
    answer = await stage.call("GET", f"/visits?unit={UNIT}")
    assert answer.json["visits"] == [(await stage.call("GET", f"/visits/{visit}")).json for visit in visits]


async def test_a_list_holds_nothing_of_portals_that_do_not_share(stage: Stage) -> None:
    of_cosmic, of_1177 = await stage.book(body()), await stage.book(body(), portal="1177")
    for query in (f"unit={UNIT}", "person=1177:7f3"):
        assert set(await listed(stage, query)) == {of_cosmic}
        assert set(await listed(stage, query, portal="1177")) == {of_cosmic, of_1177}
        assert await listed(stage, query, portal="stranger") == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"unit={UNIT}&person=1177:7f3",
        "unit=",
        "unit=å",
        "unit=x&unit=x",
        "unit=x&from=2026-11-23",
        "unit=x&from=2026-11-23T09:00:00",
        "unit=x&from=2026-11-23T09:00:00+01:00",
        "unit=x&to=1700000000",
        "unit=x&limit=0",
        "unit=x&limit=201",
        "unit=x&limit=+1",
        "unit=x&cursor=",
        "unit=x&cursor=canary",
        "unit=x&cursor=" + "A" * 200,
        "unit=x&canary=1",
        "person=8112189876",
        "person=canary-19811218-9876",
    ],
)
async def test_a_bad_query_is_told_and_not_repeated(stage: Stage, query: str) -> None:
    answer = await stage.call("GET", f"/visits?{query}")
    assert (answer.status, answer.code) == (400, "bad_request")
    assert answer.json["errors"][0]["message"]
    assert b"canary" not in answer.raw


def test_a_cursor_reads_as_it_was_written_and_nothing_else_does() -> None:
    place = (WALL, VisitId("v_12ab"))
    told = cursor(*place)
    assert read_cursor(told) == place
    for other in (told[:-8], told + "A", told.upper(), "", "v_12ab", cursor(WALL, VisitId("x"))):
        assert read_cursor(other) is None


# Changes


async def test_a_visit_is_moved_and_renamed_and_the_running_side_learns_it(stage: Stage) -> None:
    visit = await stage.book(body())
    changes = {"title": "Nybesök", **at(13), "staff": [{"person": "hsa:SE-A2", "name": "Dr Bo Berg"}]}
    answer = await stage.call("PATCH", f"/visits/{visit}", changes)
    assert answer.status == 200
    assert answer.json["title"] == "Nybesök"
    assert answer.json["starts_at"] == "2026-11-23T13:00:00Z"
    assert answer.json["staff"] == changes["staff"]
    assert [guardian["person"] for guardian in answer.json["guardians"]] == ["1177:a01", "1177:b77"]
    assert answer.json == (await stage.call("GET", f"/visits/{visit}")).json
    assert stage.live.told == [("changed", visit, "Nybesök")]
    assert await stage.actions(visit) == ["created", "changed"]


async def test_a_change_that_changes_nothing_is_not_logged(stage: Stage) -> None:
    visit = await stage.book(body())
    for nothing in ({}, {"title": "Återbesök"}):
        assert (await stage.call("PATCH", f"/visits/{visit}", nothing)).status == 200
    assert await stage.actions(visit) == ["created"]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"ends_at": "2026-11-23T09:00:00Z"}, "invalid", ""),
        ({"starts_at": "2026-11-23T09:30:00Z"}, "invalid", ""),
        ({"starts_at": "2026-11-23T08:00:00"}, "invalid", "/starts_at"),
        ({"staff": [{"person": "1177:7f3", "name": "x"}]}, "invalid", ""),
        ({"patient": {"person": "1177:other", "name": "x"}}, "invalid", "/patient"),
        ({"unit": "another"}, "invalid", ""),
        ({"title": None}, "invalid", "/title"),
        ({"guardians": None}, "invalid", "/guardians"),
        (
            at(9) | {"starts_at": "2031-03-02T09:00:00Z", "ends_at": "2031-03-02T09:30:00Z"},
            "guardian_age",
            "/guardians",
        ),
        ({"patient": {"person": "1177:7f3", "name": "Per", "birth_date": "2001-01-01"}}, "guardian_age", "/guardians"),
    ],
)
async def test_a_change_that_breaks_a_rule_changes_nothing(
    stage: Stage, changes: dict[str, Any], code: str, pointer: str
) -> None:
    visit = await stage.book(body())
    before = (await stage.call("GET", f"/visits/{visit}")).json
    answer = await stage.call("PATCH", f"/visits/{visit}", changes)
    assert (answer.status, answer.code) == (422, code)
    assert answer.json["errors"][0]["pointer"] == pointer
    assert (await stage.call("GET", f"/visits/{visit}")).json == before
    assert stage.live.told == []
    assert await stage.actions(visit) == ["created"]


async def test_guardians_come_later_where_the_birth_date_is_known(stage: Stage) -> None:
    unknown = await stage.book(body(patient={"person": "1177:7f3", "name": "Per P"}, guardians=[]))
    guardians = [{"person": "1177:a01", "name": "Maria P"}]
    refused = await stage.call("PATCH", f"/visits/{unknown}", {"guardians": guardians})
    assert (refused.status, refused.json["errors"][0]["message"]) == (422, "guardians need the patient's birth_date")
    patient = {"person": "1177:7f3", "name": "Per P", "birth_date": "2018-03-02"}
    with_date = await stage.call("PATCH", f"/visits/{unknown}", {"guardians": guardians, "patient": patient})
    assert with_date.json["guardians"] == guardians
    known = await stage.book(body(guardians=[]))
    assert (await stage.call("PATCH", f"/visits/{known}", {"guardians": guardians})).json["guardians"] == guardians


async def test_a_guardian_who_is_taken_out_gets_no_ticket_any_more(stage: Stage) -> None:
    visit = await stage.book(body())
    wanted = {"person": "1177:a01", "role": "guardian"}
    assert (await stage.call("POST", f"/visits/{visit}/tickets", wanted)).status == 201
    await stage.call("PATCH", f"/visits/{visit}", {"guardians": []})
    assert (await stage.call("POST", f"/visits/{visit}/tickets", wanted)).code == "not_booked"
    assert await listed(stage, "person=1177:a01") == []


async def test_a_visit_that_is_over_is_not_changed(stage: Stage) -> None:
    ended, past = await stage.book(body()), await stage.book(body())
    stage.database.execute(f"UPDATE visits SET closed = 'ended' WHERE visit = '{ended}'")
    assert (await stage.call("PATCH", f"/visits/{ended}", {"title": "x"})).code == "visit_ended"
    stage.later(hours=3)
    assert (await stage.call("PATCH", f"/visits/{past}", at(20))).code == "visit_ended"


async def test_the_running_side_learns_changes_in_the_order_in_which_they_were_written(stage: Stage) -> None:
    visit = await stage.book(body())
    titles = [f"t{number}" for number in range(8)]
    await asyncio.gather(*(stage.call("PATCH", f"/visits/{visit}", {"title": title}) for title in titles))
    told = [what[2] for what in stage.live.told]
    assert sorted(told) == titles  # type: ignore[type-var]
    assert (await stage.call("GET", f"/visits/{visit}")).json["title"] == told[-1]


# How often


async def test_a_portal_that_calls_too_often_is_told_when_to_come_again_and_others_are_not_held_up(
    stage: Stage,
) -> None:
    path = "/visits?unit=x"
    answers = [(await stage.call("GET", path)).status for _ in range(202)]
    assert answers == [200] * 200 + [429] * 2
    limited = await stage.call("POST", "/visits", body())
    assert (limited.status, limited.code, limited.headers["Retry-After"]) == (429, "rate_limited", "1")
    assert (await stage.call("GET", path, portal="1177")).status == 200
    stage.now += 0.1
    assert [(await stage.call("GET", path)).status for _ in range(6)] == [200] * 5 + [429]
    stage.now += 60
    assert [(await stage.call("GET", path)).status for _ in range(201)] == [200] * 200 + [429]


async def test_whoever_has_no_key_takes_nothing_from_those_who_have(stage: Stage) -> None:
    for _ in range(250):
        assert (await stage.call("GET", "/visits?unit=x", portal=None)).status == 401
    assert (await stage.call("GET", "/visits?unit=x")).status == 200
