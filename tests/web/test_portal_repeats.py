"""A call that comes again is answered alike and done once; a store that cannot be written is said, and nothing is half done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import Database
from tests.visits.sample import body
from tests.web.portal_stage import PATIENT, Stage, staged


@pytest.fixture
async def stage(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    async with staged(tmp_path, database) as stage:
        yield stage
        assert stage.bugs == []


# Repeated calls


async def test_a_repeated_call_is_answered_alike_and_done_once(stage: Stage) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await stage.call("POST", "/visits", body(), headers=headers)
    stage.later(hours=1)
    spelt_otherwise = json.dumps(body(), indent=3, sort_keys=True).encode()
    again = await stage.call("POST", "/visits", spelt_otherwise, headers=headers)
    assert (again.status, again.raw, again.headers["Location"]) == (201, first.raw, first.headers["Location"])
    path = f"/visits/{first.json['visit']}/tickets"
    tickets = [await stage.call("POST", path, PATIENT, headers={"Idempotency-Key": "two"}) for _ in range(2)]
    assert tickets[0].raw == tickets[1].raw
    assert await stage.actions(first.json["visit"]) == ["created", "ticket_minted"]


async def test_repeated_calls_at_once_are_done_once(stage: Stage) -> None:
    calls = [stage.call("POST", "/visits", body(), headers={"Idempotency-Key": "one"}) for _ in range(8)]
    answers = await asyncio.gather(*calls)
    assert len({answer.raw for answer in answers}) == 1
    assert stage.database.counts()["visits"] == 1


async def test_a_key_with_another_body_is_refused(stage: Stage) -> None:
    headers = {"Idempotency-Key": "one"}
    visit = await stage.book(body(), headers=headers)
    for path, sent in (("/visits", body(title="Annat")), (f"/visits/{visit}/tickets", PATIENT)):
        refused = await stage.call("POST", path, sent, headers=headers)
        assert (refused.status, refused.code) == (409, "idempotency_key_reused")
    assert await stage.book(body(), headers=headers, portal="1177") != visit


@pytest.mark.parametrize("key", ["", "a b", "å", "x" * 256])
async def test_a_key_that_is_none_is_refused(stage: Stage, key: str) -> None:
    refused = await stage.call("POST", "/visits", body(), headers={"Idempotency-Key": key})
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_no_ticket_and_no_link_key_is_in_the_database(stage: Stage) -> None:
    visit = await stage.book(body(), headers={"Idempotency-Key": "one"})
    minted = await stage.call("POST", f"/visits/{visit}/tickets", PATIENT, headers={"Idempotency-Key": "two"})
    link = (await stage.call("GET", f"/visits/{visit}/link")).json["share_url"]
    held = stage.database.text()
    assert visit in held
    for secret in (minted.json["ticket"], minted.json["ticket"].split(".")[2], link.split("key=")[1], "key-cosmic"):
        assert secret not in held


# A store that cannot be written


async def test_a_store_that_is_lost_is_said_and_nothing_is_done(stage: Stage) -> None:
    visit = await stage.book(body())
    with stage.database.hold():
        for method, path, sent in (
            ("POST", "/visits", body()),
            ("POST", f"/visits/{visit}/tickets", PATIENT),
            # What is only read is not told either where its reading cannot be written.
            ("GET", f"/visits/{visit}/link", None),
            ("GET", f"/visits/{visit}/participants", None),
            ("GET", f"/visits/{visit}/audit", None),
        ):
            refused = await stage.call(method, path, sent)
            assert (refused.status, refused.code) == (503, "store_unavailable")
            assert refused.headers["Retry-After"] == "2"
    assert await stage.actions(visit) == ["created"]


async def test_a_store_that_is_full_is_said_and_nothing_is_half_done(stage: Stage) -> None:
    visit = await stage.book(body())
    before = stage.database.counts()
    stage.database.refuse_inserts("access_log")
    headers = {"Idempotency-Key": "one"}
    for method, path, sent in (("POST", "/visits", body()), ("POST", f"/visits/{visit}/tickets", PATIENT)):
        refused = await stage.call(method, path, sent, headers=headers)
        assert (refused.status, refused.code) == (503, "store_unavailable")
    assert stage.database.counts() == before
    stage.database.take_inserts("access_log")
    assert (await stage.call("POST", "/visits", body(), headers=headers)).status == 201
