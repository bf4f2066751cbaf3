"""A call with an idempotency key: answered alike, done once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.visits.sample import body
from tests.web.portal_stage import PATIENT, Stage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
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
    with closing(sqlite3.connect(stage.file)) as database:
        assert database.execute("SELECT count(*) FROM visits").fetchone() == (1,)


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
    await stage.store.close()
    held = stage.file.read_bytes()
    for secret in (minted.json["ticket"], minted.json["ticket"].split(".")[2], link.split("key=")[1], "key-cosmic"):
        assert secret.encode() not in held
