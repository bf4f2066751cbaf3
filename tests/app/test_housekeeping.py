"""What is older than the configuration keeps is forgotten, and nothing younger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sfu.admission.records import Action
from sfu.app.housekeeping import Housekeeping
from sfu.config import Audit, Config, Visits
from sfu.ids import VisitId
from sfu.visits import audit
from sfu.visits.store import Store
from tests.databases import Database
from tests.visits.sample import MINTED, TICKET, WALL, booked, entry, once

V1 = VisitId("v_1")


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    store = await Store.open(database.url)
    await store.create_visit(booked(), entry(Action.CREATED))
    yield store
    await store.close()


@pytest.mark.parametrize(("days", "there"), [(0, True), (2, True), (2.1, False), (900, False)])
async def test_a_visit_is_kept_for_its_days(store: Store, days: float, there: bool) -> None:
    housekeeping = Housekeeping(store, Config(visits=Visits(keep_days=2)))
    await housekeeping.forget(WALL + timedelta(days=days))
    assert (await store.visit(V1) is not None) is there


@pytest.mark.parametrize(("years", "rows"), [(4.99, ["created", "deleted"]), (5.01, ["deleted"])])
async def test_the_log_is_kept_for_its_years(store: Store, database: Database, years: float, rows: list[str]) -> None:
    housekeeping = Housekeeping(store, Config(audit=Audit(keep_years=5)))
    await housekeeping.forget(WALL + timedelta(days=years * 365.25))
    assert [row.action for row in await store.log(V1)] == rows
    assert audit.verify(database.url).fault is None


async def test_a_sealed_answer_goes_after_a_day_though_nobody_asks_anything_more(
    store: Store, database: Database
) -> None:
    await store.ticket_minted(TICKET, MINTED, once())
    housekeeping = Housekeeping(store, Config())
    await housekeeping.forget(WALL + timedelta(hours=23))
    assert database.counts()["idempotency_keys"] == 1
    await housekeeping.forget(WALL + timedelta(hours=25))
    assert database.counts()["idempotency_keys"] == 0
