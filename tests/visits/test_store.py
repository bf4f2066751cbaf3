"""The store: what was written is read again; what could not be written whole is not there at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.admission.records import Action, ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.errors import StoreUnavailable
from sfu.ids import ParticipantId, PersonId, VisitId
from sfu.visits import audit
from sfu.visits.engine import open_engine
from sfu.visits.statements import KeyReused, log
from sfu.visits.store import Store
from sfu.visits.transaction import run
from tests.databases import Database
from tests.visits.conftest import on_sqlite
from tests.visits.sample import CREATED, MINTED, TICKET, UNIT, V1, WALL, booked, entry, once, participant


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
    assert room.record == replace(record, link_generation=2)
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
