"""The store: what was written is read again; what could not be written whole is not there at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.admission.records import Action, ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.errors import ConfigError, StoreUnavailable
from sfu.ids import ParticipantId, PersonId, VisitId
from sfu.visits import audit
from sfu.visits import store as store_module
from sfu.visits.engine import open_engine
from sfu.visits.statements import KeyReused, Once, log
from sfu.visits.store import MintedTicket, Store
from sfu.visits.transaction import run
from tests.databases import Database
from tests.postgresql import Cluster
from tests.visits.conftest import on_sqlite
from tests.visits.sample import UNIT, WALL, booked, entry, participant

V1 = VisitId("v_1")
CREATED = entry(Action.CREATED, actor="portal:cosmic")
TICKET = MintedTicket(
    visit=V1,
    ticket="k_1",
    person=PersonId("1177:7f3"),
    role=Role.PATIENT,
    expires_at=WALL + timedelta(minutes=15),
)
MINTED = entry(Action.TICKET_MINTED, actor="portal:cosmic")


def once(key: str = "a", request: bytes = b"r" * 32, answer: bytes = b"first", hours: float = 0) -> Once:
    return Once(portal="cosmic", key=key, request=request, answer=answer, at=WALL + timedelta(hours=hours))


async def test_a_visit_is_read_as_it_was_stored(store: Store) -> None:
    visit = booked()
    await store.create_visit(visit, CREATED)
    assert await store.visit(V1) == visit
    assert await store.visit(VisitId("v_2")) is None
    assert await store.load_room(VisitId("v_2")) is None


async def test_everything_outlives_a_restart(url: str) -> None:
    first = await Store.open(url)
    await first.create_visit(booked(), CREATED)
    await first.ticket_minted(TICKET, MINTED)
    await first.ticket_minted(replace(TICKET, ticket="k_2"), MINTED)
    waits, guest = participant(), participant("p_2", person=None, ticket=None, link_generation=1, units=("a", "b"))
    away = ((PersonId("1177:b77"), State.REMOVED),)
    record = VisitRecord(visit=V1, locked=True, closed=None, turned_away=away)
    await first.write(entries=[entry()], participants=[waits, guest], visit=record, tickets_used=["k_1", "k_9"])
    admitted = replace(waits, state=State.ADMITTED, admitted_at=WALL)
    await first.write(entries=[entry(Action.ADMITTED)], participants=[admitted])
    await first.ticket_revoked(V1, "k_2", entry(Action.TICKET_REVOKED))
    assert await first.renew_link(V1, entry(Action.LINK_RENEWED)) == 2
    await first.close()

    second = await Store.open(url)
    room = await second.load_room(V1)
    assert room is not None
    assert room.visit == replace(booked().visit, locked=True, link_generation=2)
    assert room.participants == (admitted, guest) == await second.participants(V1)
    assert room.record == record
    assert set(room.tickets_used) == {"k_1", "k_9"}
    assert room.tickets_revoked == ("k_2",)
    assert [row.action for row in await second.log(V1)] == [
        "created",
        "ticket_minted",
        "ticket_minted",
        "joined",
        "admitted",
        "ticket_revoked",
        "link_renewed",
    ]
    await second.close()


async def test_persons_turned_away_are_what_was_written_last(store: Store) -> None:
    await store.create_visit(booked(), CREATED)
    one, two = (PersonId("1177:a01"), State.DENIED), (PersonId("1177:b77"), State.REMOVED)
    for away in ((one,), (one, two), (two,), ()):
        record = VisitRecord(visit=V1, locked=False, closed=VisitState.ENDED, turned_away=away)
        await store.write(entries=[entry()], visit=record)
        room = await store.load_room(V1)
        assert room is not None
        assert set(room.record.turned_away) == set(away)
        assert room.visit.closed is VisitState.ENDED


async def test_writing_a_step_again_changes_only_the_log(store: Store, database: Database) -> None:
    await store.create_visit(booked(), CREATED)
    for _ in range(2):
        await store.write(entries=[entry()], participants=[participant()], tickets_used=["k_1"])
    assert database.counts()["participants"] == database.counts()["tickets_used"] == 1
    assert database.counts()["access_log"] == 3


async def test_a_step_is_of_exactly_one_visit(store: Store) -> None:
    await store.write()
    with pytest.raises(ValueError, match="exactly one visit"):
        await store.write(tickets_used=["k_1"])
    with pytest.raises(ValueError, match="exactly one visit"):
        await store.write(entries=[entry(), entry(visit="v_2")])


async def test_the_log_tells_who_did_what_to_whom_in_which_unit(store: Store) -> None:
    await store.create_visit(booked(), CREATED)
    told = entry(
        Action.ADMITTED,
        actor="p_1",
        actor_person="hsa:SE-A1",
        subject="p_2",
        subject_person="1177:7f3",
        detail="agreed",
    )
    await store.write(entries=[told])
    row = (await store.log(V1))[-1]
    assert (row.number, row.visit, row.unit, row.action) == (2, "v_1", UNIT, "admitted")
    assert (row.actor, row.actor_person, row.subject, row.subject_person) == ("p_1", "hsa:SE-A1", "p_2", "1177:7f3")
    assert (row.at, row.detail) == ("2026-11-23T08:45:00.123456Z", "agreed")


async def test_the_log_of_a_visit_is_read_in_pages(store: Store) -> None:
    for visit in ("v_1", "v_2"):
        await store.create_visit(booked(visit), entry(Action.CREATED, visit))
    for number in range(10):
        await store.note(entry(visit=f"v_{1 + number % 2}", number=number))
    numbers = [row.number for row in await store.log(V1)]
    assert numbers == [1, 3, 5, 7, 9, 11]
    assert [row.number for row in await store.log(V1, after=3, limit=2)] == [5, 7]


async def test_many_writers_at_once_make_one_chain(store: Store, url: str) -> None:
    await store.create_visit(booked(), CREATED)
    await asyncio.gather(*(store.write(entries=[entry(number=n), entry(number=n)]) for n in range(50)))
    verdict = audit.verify(url)
    assert verdict.fault is None
    assert verdict.head.number == 101


async def test_a_second_server_on_a_database_writes_nothing_until_the_first_has_gone(url: str) -> None:
    one, two = await Store.open(url), await Store.open(url)
    await one.create_visit(booked(), CREATED)
    with pytest.raises(StoreUnavailable, match="another server has the database"):
        await two.note(entry(number=1))
    assert (one.available, two.available) == (True, False)
    await one.note(entry(number=2))
    await one.close()
    await two.note(entry(number=3))
    assert (one.available, two.available) == (True, True)
    await two.close()
    assert audit.verify(url) == replace(audit.verify(url), fault=None)
    assert audit.verify(url).head.number == 3


async def test_the_command_line_writes_while_a_server_does_and_they_make_one_chain(url: str) -> None:
    server, tool = await Store.open(url), open_engine(url, writes=True)

    def note(number: int) -> None:
        run(tool, lambda connection: log(connection, booked().visit.visit, (entry(number=number),)))

    await server.create_visit(booked(), CREATED)
    await asyncio.gather(
        *(server.note(entry(number=number)) for number in range(20)),
        *(asyncio.to_thread(note, number) for number in range(20)),
    )
    await server.close()
    tool.dispose()
    assert audit.verify(url) == replace(audit.verify(url), fault=None)
    assert audit.verify(url).head.number == 41


async def test_a_repeated_key_is_answered_alike_and_creates_nothing(store: Store, database: Database) -> None:
    assert await store.create_visit(booked(), CREATED, once()) is None
    before = database.counts()
    assert await store.create_visit(booked("v_2"), entry(visit="v_2"), once(answer=b"second")) == b"first"
    assert await store.ticket_minted(TICKET, MINTED, once(answer=b"third")) == b"first"
    assert await store.earlier_answer("cosmic", "a", b"r" * 32, at=WALL) == b"first"
    assert database.counts() == before


async def test_a_key_with_another_request_is_refused(store: Store, database: Database) -> None:
    await store.create_visit(booked(), CREATED, once())
    before = database.counts()
    with pytest.raises(KeyReused):
        await store.create_visit(booked("v_2"), entry(visit="v_2"), once(request=b"x" * 32))
    with pytest.raises(KeyReused):
        await store.earlier_answer("cosmic", "a", b"x" * 32, at=WALL)
    assert database.counts() == before


async def test_keys_are_each_portals_own_and_are_forgotten_after_a_day(store: Store, database: Database) -> None:
    await store.create_visit(booked(), CREATED, once())
    assert await store.earlier_answer("1177", "a", b"r" * 32, at=WALL) is None
    later = once("b", hours=25)
    assert await store.earlier_answer("cosmic", "a", b"r" * 32, at=later.at) is None
    assert await store.create_visit(booked("v_2"), entry(visit="v_2"), later) is None
    assert database.counts()["idempotency_keys"] == 1


async def test_of_two_equal_requests_at_once_one_creates(store: Store, database: Database) -> None:
    answers = await asyncio.gather(
        *(store.create_visit(booked(f"v_{n}"), entry(visit=f"v_{n}"), once(answer=b"%d" % n)) for n in range(8))
    )
    assert answers == [None] + [b"0"] * 7
    assert database.counts()["visits"] == 1


async def test_a_ticket_is_revoked_once(store: Store) -> None:
    await store.create_visit(booked(), CREATED)
    await store.ticket_minted(TICKET, MINTED)
    assert await store.ticket(V1, "k_1") == TICKET
    assert await store.ticket(VisitId("v_2"), "k_1") is None
    revoked = entry(Action.TICKET_REVOKED)
    assert [await store.ticket_revoked(V1, "k_1", revoked) for _ in range(2)] == [True, False]
    assert [row.action for row in await store.log(V1)].count("ticket_revoked") == 1


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


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_log SET detail = 'x'",
        "DELETE FROM access_log",
        "DELETE FROM access_log_head",
        "UPDATE access_log_head SET hash = {zeros}",
        "UPDATE access_log_head SET number = 0",
        "INSERT INTO access_log_head VALUES (2, 0, {zeros})",
    ],
)
async def test_the_database_itself_refuses_to_change_the_log(store: Store, database: Database, statement: str) -> None:
    await store.create_visit(booked(), CREATED)
    with pytest.raises(database.refusal):
        database.execute(statement.format(zeros=database.bytes(bytes(32))))


@on_sqlite
async def test_a_commit_waits_for_the_disk(store: Store) -> None:
    def pragma(name: str) -> object:
        with store._write_engine.connect() as connection:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    assert await asyncio.to_thread(pragma, "journal_mode") == "wal"
    assert await asyncio.to_thread(pragma, "synchronous") == 2
    assert await asyncio.to_thread(pragma, "foreign_keys") == 1


# Control characters are in no text that reaches the store (tests/signaling, tests/visits/test_bookings.py).
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
records = st.builds(
    participant,
    person=st.none() | texts,
    name=texts,
    role=st.sampled_from(Role),
    verified=st.booleans(),
    booked=st.booleans(),
    second_device=st.booleans(),
    units=st.lists(texts, max_size=3).map(tuple),
    ticket=st.none() | texts,
    link_generation=st.none() | st.integers(1, 2**31 - 1),
    resume_digest=st.binary(min_size=32, max_size=32),
    state=st.sampled_from(State),
    admitted_at=st.none() | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=2)))),
)


@given(given_records=st.lists(records, min_size=20, max_size=20))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_participant_is_it_comes_back(
    database: Database, given_records: list[ParticipantRecord]
) -> None:
    store = await Store.open(database.url)
    visit = booked(f"v_{len(database.rows('SELECT visit FROM visits'))}")
    id_ = visit.visit.visit
    await store.create_visit(visit, entry(Action.CREATED, id_))
    numbered = [
        replace(record, visit=id_, participant=ParticipantId(f"p_{n:02}")) for n, record in enumerate(given_records)
    ]
    await store.write(participants=numbered)
    assert await store.participants(id_) == tuple(numbered)
    await store.close()


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
