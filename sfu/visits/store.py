"""The store: what outlives the process. Every write is one transaction with its rows of the access log, or nothing.

One thread writes, in the order in which it was asked, so the log's chain cannot fork and the event loop never waits for
a disk. A few threads read; they can, while it is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine, exists, insert, select, update

from sfu import clock
from sfu.admission.records import AccessEntry, ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import Visit
from sfu.errors import StoreUnavailable
from sfu.ids import ParticipantId, PersonId, VisitId
from sfu.visits import migrations, rows, schema, webhook_rows
from sfu.visits.access_log import COLUMNS, Row
from sfu.visits.bookings import BookedVisit
from sfu.visits.engine import open_engine
from sfu.visits.statements import (
    Once,
    Wanted,
    change_visit,
    do_once,
    earlier_answer,
    log,
    read_participants,
    read_visit,
    read_visits,
    set_visit,
    unlogged,
    upsert,
)
from sfu.visits.transaction import run
from sfu.visits.webhooks import Endpoint

READERS = 2  # threads; reads are short
MAX_WAITING = 2_000  # operations; beyond that the disk has stopped, and whoever asks is told at once
TURN_SECONDS = 10.0  # for which an operation waits its turn; then whoever asked has been told, or has gone
ANSWER_SECONDS = 3.0  # that a server may take for one statement; it takes milliseconds

_PROBE = update(schema.store_probe).values(count=schema.store_probe.c.count + 1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedTicket:
    """A ticket as the store knows it: not its words."""

    visit: VisitId
    ticket: str
    """`jti`."""
    person: PersonId
    role: Role
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRoom:
    """All that a room is restored from."""

    visit: Visit
    participants: tuple[ParticipantRecord, ...]
    record: VisitRecord
    tickets_used: tuple[str, ...]
    tickets_revoked: tuple[str, ...]


class Store:
    """The database, opened. Every method raises `StoreUnavailable` where it cannot be read or written; nothing is half-written.

    A caller that is cancelled while it waits does not undo what it asked for.
    """

    def __init__(self, url: str, *, busy_seconds: float = 5.0, webhooks: Sequence[Endpoint] = ()) -> None:
        """`busy_seconds`: how long another process may hold the database before a write gives up.

        `webhooks`: whom each step of a room is stored for, to be told.
        """
        open_one = partial(open_engine, url, busy_seconds=busy_seconds, answer_seconds=ANSWER_SECONDS)
        self._write_engine = open_one(writes=True, owns=True)
        self._read_engine = open_one(writes=False, connections=READERS)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._waiting = 0
        self._available = True
        self._webhooks = tuple(webhooks)
        self.told: Callable[[], None] = lambda: None
        """Called when a step has been stored that somebody is to be told of."""

    @classmethod
    async def open(cls, url: str, *, busy_seconds: float = 5.0, webhooks: Sequence[Endpoint] = ()) -> Store:
        """Open the database at an SQLAlchemy URL, made where there is none, brought to the newest revision."""
        try:
            await asyncio.to_thread(_migrate, url, busy_seconds)
            return cls(url, busy_seconds=busy_seconds, webhooks=webhooks)
        except OSError as error:
            raise StoreUnavailable("the database cannot be made or opened") from error

    @property
    def available(self) -> bool:
        """Whether the database could be read and written when it was last tried. Writing alone makes it available again."""
        return self._available

    async def probe(self) -> None:
        """Write something that nobody needs, to learn whether the database can be written."""
        await self._written(lambda connection: connection.execute(_PROBE))

    async def close(self) -> None:
        """Finish what was asked for, then close. Nothing may be asked after."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._read_engine.dispose()
        self._write_engine.dispose()

    async def create_visit(self, booked: BookedVisit, entry: AccessEntry, once: Once | None = None) -> bytes | None:
        """Store a new visit. Gives the earlier answer where `once` has been done before, and then changes nothing."""

        def create(connection: Connection) -> bytes | None:
            earlier = do_once(connection, once)
            if earlier is None:
                connection.execute(insert(schema.visits), rows.visit_row(booked))
                connection.execute(insert(schema.people), rows.people_rows(booked.visit))
                log(connection, booked.visit.visit, (entry,))
            return earlier

        return await self._written(create)

    async def visit(self, visit: VisitId) -> BookedVisit | None:
        """The visit; None where there is none."""
        return await self._read(lambda connection: read_visit(connection, visit))

    async def visits(self, wanted: Wanted) -> list[BookedVisit]:
        """A page of visits, by start."""
        return await self._read(lambda connection: read_visits(connection, wanted))

    async def change_visit(
        self, visit: VisitId, change: Callable[[BookedVisit], BookedVisit], entry: AccessEntry
    ) -> BookedVisit | None:
        """Change what is booked: `change` is given the visit as it is, in the same transaction, and may raise to leave it so.

        Gives the visit as it is then; None where there is none. What changes nothing is not logged.
        """

        def work(connection: Connection) -> BookedVisit | None:
            before = read_visit(connection, visit)
            if before is None:
                return None
            after = change(before)
            if after != before:
                change_visit(connection, before, after)
                log(connection, visit, (entry,))
            return after

        return await self._written(work)

    async def link_generation(self, visit: VisitId) -> int | None:
        """Which generation of the visit's shared link is good; None where there is no such visit. One statement either way."""
        table = schema.visits
        asked = select(table.c.link_generation).where(table.c.visit == visit)
        return await self._read(lambda connection: connection.scalars(asked).one_or_none())

    async def resume_digest(self, visit: VisitId, participant: ParticipantId) -> bytes | None:
        """What a participant's resume token is checked by; None where there is no such participant. One statement either way."""
        table = schema.participants
        asked = select(table.c.resume_digest).where(table.c.visit == visit, table.c.participant == participant)
        return await self._read(lambda connection: connection.scalars(asked).one_or_none())

    async def unended(self) -> list[VisitId]:
        """The visits that somebody has come to and that are not over, as far as is written; the latest first."""
        came, visits = schema.participants, schema.visits
        asked = (
            select(visits.c.visit)
            .where(visits.c.closed.is_(None), exists().where(came.c.visit == visits.c.visit))
            .order_by(visits.c.ends_at.desc(), visits.c.visit)
        )
        return await self._read(lambda connection: [VisitId(visit) for visit in connection.scalars(asked)])

    async def load_room(self, visit: VisitId) -> StoredRoom | None:
        """What a restart must not lose of a visit; None where there is no such visit."""

        def load(connection: Connection) -> StoredRoom | None:
            booked = read_visit(connection, visit)
            if booked is None:
                return None
            tickets, used = schema.tickets, schema.tickets_used
            away = connection.execute(select(schema.turned_away).where(schema.turned_away.c.visit == visit)).mappings()
            revoked = select(tickets.c.ticket).where(tickets.c.visit == visit, tickets.c.revoked)
            return StoredRoom(
                visit=booked.visit,
                participants=read_participants(connection, visit),
                record=rows.visit_record(booked.visit, away.all()),
                tickets_used=tuple(connection.scalars(select(used.c.ticket).where(used.c.visit == visit))),
                tickets_revoked=tuple(connection.scalars(revoked)),
            )

        return await self._read(load)

    async def write(
        self,
        *,
        entries: Sequence[AccessEntry] = (),
        participants: Sequence[ParticipantRecord] = (),
        visit: VisitRecord | None = None,
        tickets_used: Sequence[str] = (),
        again: bool = False,
    ) -> None:
        """Write one step of a room, whole. All of it is of one visit; used tickets stand beside something that names it.

        `again`: it was written once, and nobody knows whether that has happened. What the log tells of already is told once.
        """
        of = {each.visit for each in (*entries, *participants, *((visit,) if visit else ()))}
        if not of and not tickets_used:
            return
        if len(of) != 1:
            raise ValueError("a step is written for exactly one visit")
        (id_,) = of

        def step(connection: Connection) -> bool:
            new = unlogged(connection, id_, entries) if again else entries
            log(connection, id_, new)
            to_tell = webhook_rows.queue(connection, self._webhooks, id_, new, participants)
            for participant in participants:
                upsert(connection, schema.participants, rows.participant_row(participant))
            if visit is not None:
                set_visit(connection, visit)
            for ticket in tickets_used:
                upsert(connection, schema.tickets_used, {"visit": id_, "ticket": ticket})
            return to_tell

        if await self._written(step):
            self.told()

    async def note(self, entry: AccessEntry) -> None:
        """Write one row of the access log and nothing else: somebody has read something."""
        await self.write(entries=(entry,))

    async def ticket_minted(self, ticket: MintedTicket, entry: AccessEntry, once: Once | None = None) -> bytes | None:
        """Store a new ticket. Gives the earlier answer where `once` has been done before, and then changes nothing."""

        def mint(connection: Connection) -> bytes | None:
            earlier = do_once(connection, once)
            if earlier is None:
                values = {
                    "visit": ticket.visit,
                    "ticket": ticket.ticket,
                    "person": ticket.person,
                    "role": ticket.role,
                    "expires_at": ticket.expires_at,
                    "revoked": False,
                }
                connection.execute(insert(schema.tickets), values)
                log(connection, ticket.visit, (entry,))
            return earlier

        return await self._written(mint)

    async def ticket(self, visit: VisitId, ticket: str) -> MintedTicket | None:
        """A ticket of the visit; None where none with this id was minted for it."""
        table = schema.tickets
        asked = select(table).where(table.c.visit == visit, table.c.ticket == ticket)
        found = await self._read(lambda connection: connection.execute(asked).mappings().one_or_none())
        if found is None:
            return None
        return MintedTicket(
            visit=visit,
            ticket=ticket,
            person=PersonId(found["person"]),
            role=Role(found["role"]),
            expires_at=found["expires_at"],
        )

    async def ticket_revoked(self, visit: VisitId, ticket: str, entry: AccessEntry) -> bool:
        """Revoke a ticket for good; whether it was good until now. A second time changes nothing and is not logged."""

        def revoke(connection: Connection) -> bool:
            table = schema.tickets
            changed = connection.execute(
                update(table)
                .where(table.c.visit == visit, table.c.ticket == ticket, table.c.revoked.is_(False))
                .values(revoked=True)
            )
            if changed.rowcount:
                log(connection, visit, (entry,))
            return changed.rowcount > 0

        return await self._written(revoke)

    async def renew_link(self, visit: VisitId, entry: AccessEntry) -> int:
        """Make the shared link of a visit anew; gives the generation from which on links are good."""

        def renew(connection: Connection) -> int:
            table = schema.visits
            connection.execute(
                update(table).where(table.c.visit == visit).values(link_generation=table.c.link_generation + 1)
            )
            log(connection, visit, (entry,))
            generation: int = connection.scalars(select(table.c.link_generation).where(table.c.visit == visit)).one()
            return generation

        return await self._written(renew)

    async def participants(self, visit: VisitId) -> tuple[ParticipantRecord, ...]:
        """Everybody who has come to the visit, in the state last written, in the order of coming."""
        return await self._read(lambda connection: read_participants(connection, visit))

    async def log(self, visit: VisitId, *, after: int = 0, limit: int | None = None) -> list[Row]:
        """Rows of the access log that tell of the visit, oldest first, from the row after number `after` on."""
        table = schema.access_log
        asked = (
            select(*(table.c[name] for name in COLUMNS))
            .where(table.c.visit == visit, table.c.number > after)
            .order_by(table.c.number)
            .limit(limit)
        )
        return await self._read(lambda connection: [Row(**row) for row in connection.execute(asked).mappings()])

    async def earlier_answer(self, portal: str, key: str, request: bytes, *, at: datetime) -> bytes | None:
        """What was answered to this Idempotency-Key; None where it is new. Raises `KeyReused` where the request was another."""
        return await self._read(lambda connection: earlier_answer(connection, portal, key, request, at))

    async def change(self, work: Callable[[Connection], T]) -> T:
        """Do the work of another module of this package, in one transaction of the writer's."""
        return await self._written(work)

    async def look(self, work: Callable[[Connection], T]) -> T:
        """Let another module of this package read."""
        return await self._read(work)

    async def _written(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._writer, self._write_engine, work)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._readers, self._read_engine, work)

    async def _run(self, pool: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise StoreUnavailable("too many operations wait for the database")
        self._waiting += 1
        until = clock.monotonic() + TURN_SECONDS
        future = asyncio.get_running_loop().run_in_executor(pool, run, engine, work, until)
        future.add_done_callback(partial(self._done, writes=engine is self._write_engine))
        # Shielded: a cancelled caller must not take back what stands in the queue, perhaps already running.
        return await asyncio.shield(future)

    def _done(self, future: asyncio.Future[T], *, writes: bool) -> None:
        self._waiting -= 1
        if future.cancelled():
            return
        error = future.exception()  # asked here too: a caller that was cancelled does not fetch it
        if isinstance(error, StoreUnavailable):
            self._available = False
        elif error is None and writes:
            self._available = True


def _migrate(url: str, busy_seconds: float) -> None:
    # An engine of its own: to change large tables may take longer than an answer to anybody who waits.
    engine = open_engine(url, writes=True, busy_seconds=busy_seconds)
    try:
        run(engine, migrations.run)
    finally:
        engine.dispose()
