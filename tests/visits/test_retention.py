"""What is too old goes, whole; the log that is left still proves itself, and that it was cut by nobody but us."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from sfu.admission.records import Action
from sfu.errors import StoreUnavailable
from sfu.ids import VisitId
from sfu.visits import audit, retention
from sfu.visits.access_log import Fault, Head
from sfu.visits.store import Store
from tests.databases import Database
from tests.visits.sample import MINTED, TICKET, WALL, booked, entry, participant

LATER = WALL + timedelta(days=40)


async def forget(store: Store, *, days: float) -> int:
    """Forget visits that ended before `days` after the sample's end."""
    until = booked().visit.ends_at + timedelta(days=days)
    return await store.change(lambda connection: retention.forget_visits(connection, ended_before=until, at=LATER))


async def cut(store: Store, *, seconds: float) -> int:
    until = WALL + timedelta(seconds=seconds)
    return await store.change(lambda connection: retention.cut_log(connection, written_before=until, at=LATER))


async def test_a_visit_that_is_forgotten_leaves_its_log_and_nothing_else(store: Store, database: Database) -> None:
    await store.create_visit(booked(), entry(Action.CREATED))
    await store.ticket_minted(TICKET, MINTED)
    await store.write(entries=[entry()], participants=[participant()], tickets_used=["k_1"])
    assert await forget(store, days=0) == 0
    assert await forget(store, days=1) == 1
    assert await forget(store, days=1) == 0
    left = {table for table, rows in database.counts().items() if rows}
    assert left == {"access_log", "access_log_head", "access_log_cut", "store_probe", "store_mark", "alembic_version"}
    assert [row.action for row in await store.log(VisitId("v_1"))] == ["created", "ticket_minted", "joined", "deleted"]
    assert audit.verify(database.url).fault is None


async def test_many_visits_go_a_few_at_a_time_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "VISITS_AT_ONCE", 2)
    for number in range(5):
        await store.create_visit(booked(f"v_{number}"), entry(Action.CREATED, f"v_{number}"))
    assert [await forget(store, days=1) for _ in range(4)] == [2, 2, 1, 0]


@pytest.fixture
async def logged(store: Store, url: str) -> str:
    """Ten rows, a second apart."""
    await store.create_visit(booked(), entry(Action.CREATED))
    for number in range(1, 10):
        await store.write(entries=[entry(number=number)])
    return url


@pytest.mark.parametrize(("seconds", "gone"), [(-1, 0), (0, 0), (0.5, 1), (4, 4), (9, 9), (100, 9)])
async def test_the_log_is_cut_at_its_beginning_and_verifies(
    store: Store, logged: str, database: Database, seconds: float, gone: int
) -> None:
    before = audit.verify(logged).head
    assert await cut(store, seconds=seconds) == gone
    verdict = audit.verify(logged, before)
    assert verdict.fault is None
    assert verdict.head.number == 10 + bool(gone)
    assert database.counts()["access_log"] == 10 - gone + bool(gone)
    await store.write(entries=[entry()])
    assert audit.verify(logged).fault is None


async def test_a_log_that_is_cut_again_and_again_verifies(
    store: Store, logged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    assert [await cut(store, seconds=7) for _ in range(5)] == [2, 2, 2, 1, 0]
    assert audit.verify(logged).fault is None


async def test_an_anchor_of_a_row_that_is_gone_proves_nothing(store: Store, logged: str, database: Database) -> None:
    hashes = dict(database.rows("SELECT number, hash FROM access_log"))
    await cut(store, seconds=4)
    assert audit.verify(logged, Head(3, hashes[3])).fault is Fault.ANCHOR_CUT
    assert audit.verify(logged, Head(4, hashes[4])).fault is None
    assert audit.verify(logged, Head(4, bytes(32))).fault is Fault.REWRITTEN
    assert audit.verify(logged, Head(5, hashes[5])).fault is None


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        # The beginning taken away, the place of the cut set to fit: no row of the log tells of it.
        (
            [
                "UPDATE access_log_cut SET number = 6, hash = (SELECT hash FROM access_log WHERE number = 6)",
                "DELETE FROM access_log WHERE number <= 6",
            ],
            Fault.CUT_CHANGED,
        ),
        (["DELETE FROM access_log WHERE number = 5"], Fault.MISSING),
        (["UPDATE access_log_cut SET number = 5"], Fault.MISSING),
        (["UPDATE access_log_cut SET hash = {zeros}"], Fault.CHANGED),
        (["UPDATE access_log_cut SET hash = {short}"], Fault.CHANGED),
        (["DELETE FROM access_log_cut"], Fault.CUT_CHANGED),
        (["UPDATE access_log SET subject = '3' WHERE action = 'cut'"], Fault.CHANGED),
    ],
)
async def test_a_beginning_that_was_cut_by_somebody_else_is_found(
    store: Store, logged: str, database: Database, statements: list[str], fault: Fault
) -> None:
    await cut(store, seconds=4)
    literals = {"zeros": database.bytes(bytes(32)), "short": database.bytes(b"x")}
    database.tamper(*(statement.format(**literals) for statement in statements))
    assert audit.verify(logged).fault is fault


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM access_log WHERE number = 9",
        "DELETE FROM access_log_cut",
        "UPDATE access_log_cut SET number = 4",
        "UPDATE access_log_cut SET number = 3",
        "UPDATE access_log_cut SET number = 11",
    ],
)
async def test_what_was_cut_by_mistake_is_refused_by_the_database(store: Store, logged: str, statement: str) -> None:
    await cut(store, seconds=4)

    def work(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    with pytest.raises(StoreUnavailable, match="cannot be read or written"):
        await store.change(work)
    assert audit.verify(logged).fault is None
