"""The store where something fails: half-way, held by others, full, taken away. What has not been written whole has not happened."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sfu.admission.records import VisitRecord
from sfu.admission.waiting_room import State
from sfu.errors import ConfigError, StoreUnavailable
from sfu.ids import PersonId
from sfu.visits import audit
from sfu.visits import store as store_module
from sfu.visits.statements import KeyReused
from sfu.visits.store import READERS, Store
from tests.databases import Database
from tests.postgresql import Cluster
from tests.visits.conftest import on_sqlite
from tests.visits.sample import CREATED, MINTED, TICKET, V1, booked, entry, once, participant

Write = Callable[[Store], Awaitable[object]]


WRITES: dict[str, Write] = {
    "visits": lambda store: store.create_visit(booked("v_2"), entry(visit="v_2"), once()),
    "people": lambda store: store.create_visit(booked("v_2"), entry(visit="v_2"), once()),
    "idempotency_keys": lambda store: store.create_visit(booked("v_2"), entry(visit="v_2"), once()),
    "tickets": lambda store: store.ticket_minted(TICKET, MINTED, once()),
    "participants": lambda store: step(store),
    "turned_away": lambda store: step(store),
    "tickets_used": lambda store: step(store),
    "access_log": lambda store: step(store),
}


async def step(store: Store) -> None:
    away = ((PersonId("1177:b77"), State.REMOVED),)
    record = VisitRecord(visit=V1, locked=True, closed=None, turned_away=away)
    await store.write(entries=[entry()], participants=[participant()], visit=record, tickets_used=["k_1"])


@pytest.mark.parametrize("table", WRITES)
async def test_what_fails_half_way_has_not_happened(store: Store, database: Database, table: str) -> None:
    await store.create_visit(booked(), CREATED)
    before = database.counts()
    database.refuse_inserts(table)
    with pytest.raises(StoreUnavailable):
        await WRITES[table](store)
    assert database.counts() == before
    assert await store.visit(V1) == booked()
    database.take_inserts(table)
    await WRITES[table](store)
    assert database.counts()[table] > before[table]
    assert audit.verify(database.url).fault is None


async def test_a_database_held_by_somebody_else_is_unavailable_and_recovers(store: Store, database: Database) -> None:
    await store.create_visit(booked(), CREATED)
    with database.hold():
        with pytest.raises(StoreUnavailable):
            await step(store)
        # Everybody can read meanwhile.
        assert await store.visit(V1) == booked()
    await step(store)
    assert len(await store.participants(V1)) == 1


async def test_a_database_that_is_none_is_unavailable(tmp_path: Path, cluster: Cluster) -> None:
    file = tmp_path / "evisit.db"
    file.write_bytes(b"something else entirely" * 100)
    for url in (
        f"sqlite:///{file}",
        "sqlite:////proc/nowhere/evisit.db",
        cluster.url("not_there"),
        f"postgresql://evisit@/evisit?host={tmp_path}",
    ):
        with pytest.raises(StoreUnavailable):
            await Store.open(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://host", "mysql://host/name"])
async def test_only_a_file_or_a_named_database_can_be_opened(url: str) -> None:
    with pytest.raises(ConfigError, match=r"database\.url"):
        await Store.open(url)


async def test_errors_tell_nothing_of_anybody(store: Store, database: Database) -> None:
    await store.create_visit(booked(), CREATED)
    with pytest.raises(StoreUnavailable) as caught:
        await store.create_visit(booked(), CREATED)
    error: BaseException | None = caught.value
    while error is not None:
        assert not any(word in str(error) for word in ("Per P", "1177", "v_1", "cosmic"))
        error = error.__cause__


async def test_a_cancelled_caller_does_not_undo_its_write(store: Store) -> None:
    await store.create_visit(booked(), CREATED)
    asked = asyncio.ensure_future(step(store))  # noqa: TID251 - the test needs the very task that it cancels
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    # Written in order: when this is there, so is what was asked before.
    await store.note(entry())
    assert len(await store.participants(V1)) == 1


async def test_beyond_a_bound_nobody_waits_for_the_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.create_visit(booked(), CREATED)
    monkeypatch.setattr(store_module, "MAX_WAITING", 3)
    outcomes = await asyncio.gather(*(store.note(entry(number=n)) for n in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 3 + [StoreUnavailable] * 2
    await store.note(entry())


def available(store: Store) -> bool:
    return store.available


@on_sqlite
async def test_a_full_disk_is_told_and_over_when_there_is_room_again(store: Store, url: str) -> None:
    await store.create_visit(booked(), CREATED)
    pages = await store.change(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await store.change(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").close())
    assert available(store)
    step = [participant(f"p_{number}") for number in range(200)]
    with pytest.raises(StoreUnavailable):
        await store.write(entries=[entry()], participants=step)
    assert not available(store)
    # What can be read says nothing of whether it can be written.
    assert await store.visit(V1) is not None
    assert not available(store)
    await store.change(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 100000").close())
    await store.probe()
    assert available(store)
    assert audit.verify(url).fault is None


async def test_a_refusal_says_nothing_of_the_database(store: Store) -> None:
    await store.create_visit(booked(), CREATED, once())
    with pytest.raises(KeyReused):
        await store.create_visit(booked("v_2"), entry(visit="v_2"), once(request=b"x" * 32))
    assert store.available


@on_sqlite
async def test_a_file_that_was_taken_away_is_not_written_to_and_not_made_anew(store: Store, url: str) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    await store.create_visit(booked(), CREATED)
    away = file.with_name("away.db")
    os.rename(file, away)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.write(entries=[entry()])
        with pytest.raises(StoreUnavailable):
            await store.visit(V1)
    assert away.name in os.listdir(file.parent)
    assert file.name not in os.listdir(file.parent)
    os.rename(away, file)
    await store.write(entries=[entry()])
    assert audit.verify(url).head.number == 2
    assert store.available


@on_sqlite
async def test_a_file_that_replaces_another_serves_at_once(store: Store, url: str) -> None:
    """Each connection of the store finds the new file by itself; none refuses once because it knew the old one."""
    file = Path(url.removeprefix("sqlite:///"))
    await store.create_visit(booked(), CREATED)
    # Two reads at once: every reader has a connection.
    meeting = threading.Barrier(READERS)

    def read(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT 1").close()
        meeting.wait(10)

    await asyncio.gather(*(store.look(read) for _ in range(READERS)))
    await store.write(entries=[entry()])
    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(file.with_name("restored.db"))) as restored:
        old.backup(restored)
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink()
    file.with_name("restored.db").rename(file)
    await asyncio.gather(*(store.look(read) for _ in range(READERS)))
    await store.write(entries=[entry(number=2)])
    assert await store.visit(V1) == booked()
    assert audit.verify(url).head.number == 3
