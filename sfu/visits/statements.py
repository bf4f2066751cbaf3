"""What the store does inside a transaction. Statements are built once: building them cost as much as running them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    Connection,
    RowMapping,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from sfu.admission.records import AccessEntry, ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.errors import EvisitError
from sfu.ids import VisitId
from sfu.visits import rows
from sfu.visits.access_log import COLUMNS, Head, chained, timestamp
from sfu.visits.bookings import BookedVisit
from sfu.visits.schema import (
    access_log,
    access_log_head,
    idempotency_keys,
    participants,
    people,
    tickets_used,
    turned_away,
    visits,
)

CITIZENS = (Role.PATIENT, Role.GUARDIAN)
IDEMPOTENCY_HOURS = 24  # how long an Idempotency-Key is remembered

_VISIT: BindParameter[str] = bindparam("visit")
_READ_VISIT = select(visits).where(visits.c.visit == _VISIT)
_READ_UNIT = select(visits.c.unit).where(visits.c.visit == _VISIT)
_READ_PEOPLE = select(people).where(people.c.visit == _VISIT).order_by(people.c.place)
_READ_PARTICIPANTS = (
    select(participants)
    .where(participants.c.visit == _VISIT)
    .order_by(participants.c.waiting_since, participants.c.participant)
)
_READ_HEAD = select(access_log_head.c.number, access_log_head.c.hash)
_MOVE_HEAD = update(access_log_head)
_ADD_ROWS = insert(access_log)
_CHANGE = {
    table: update(table).where(and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key)))
    for table in (visits, participants, tickets_used)
}
_PUT = {table: insert(table) for table in (participants, tickets_used, turned_away)}
_NEWEST: BindParameter[int] = bindparam("newest")
_RENEW_LINK = (
    update(visits)
    .where(visits.c.visit == bindparam("key_visit"), visits.c.link_generation < _NEWEST)
    .values(link_generation=_NEWEST)
)
_FORGET_TURNED_AWAY = delete(turned_away).where(turned_away.c.visit == _VISIT)


class KeyReused(EvisitError):
    """An Idempotency-Key came again with another request. Nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A creating request that may come again: it is done once and answered alike."""

    portal: str
    key: str
    request: bytes
    """SHA-256 of what was asked. The same key with another request is `KeyReused`."""
    answer: bytes
    """What to answer when it comes again. It may hold a ticket: seal it."""
    at: datetime


def read_visit(connection: Connection, visit: VisitId) -> BookedVisit | None:
    row = connection.execute(_READ_VISIT, {"visit": visit}).mappings().one_or_none()
    if row is None:
        return None
    return rows.booked_visit(row, connection.execute(_READ_PEOPLE, {"visit": visit}).mappings())


def read_participants(connection: Connection, visit: VisitId) -> tuple[ParticipantRecord, ...]:
    found = connection.execute(_READ_PARTICIPANTS, {"visit": visit}).mappings()
    return tuple(rows.participant_record(row) for row in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which visits to list: those that these portals made, of one unit or with one person, that start in a span."""

    portals: frozenset[str]
    unit: str | None = None
    person: str | None = None
    """As patient or as guardian."""
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    after: tuple[datetime, VisitId] | None = None
    """Start and id of the last visit that the page before told."""
    limit: int


def read_visits(connection: Connection, wanted: Wanted) -> list[BookedVisit]:
    """By start, then by id."""
    asked = select(visits).where(visits.c.portal.in_(sorted(wanted.portals)))
    if wanted.unit is not None:
        asked = asked.where(visits.c.unit == wanted.unit)
    if wanted.person is not None:
        named = select(people.c.visit).where(people.c.person == wanted.person, people.c.role.in_(CITIZENS))
        asked = asked.where(visits.c.visit.in_(named))
    if wanted.starts_from is not None:
        asked = asked.where(visits.c.starts_at >= wanted.starts_from)
    if wanted.starts_before is not None:
        asked = asked.where(visits.c.starts_at < wanted.starts_before)
    if wanted.after is not None:
        starts_at, visit = wanted.after
        asked = asked.where(
            or_(visits.c.starts_at > starts_at, and_(visits.c.starts_at == starts_at, visits.c.visit > visit))
        )
    found = connection.execute(asked.order_by(visits.c.starts_at, visits.c.visit).limit(wanted.limit)).mappings().all()
    named_in: dict[str, list[RowMapping]] = {row["visit"]: [] for row in found}
    for person in connection.execute(
        select(people).where(people.c.visit.in_(named_in)).order_by(people.c.place)
    ).mappings():
        named_in[person["visit"]].append(person)
    return [rows.booked_visit(row, named_in[row["visit"]]) for row in found]


def change_visit(connection: Connection, before: BookedVisit, after: BookedVisit) -> None:
    """Take what the booking says now; what staff have set since, and the link, stay as they are."""
    row = rows.visit_row(after)
    id_ = after.visit.visit
    connection.execute(update(visits).where(visits.c.visit == id_).values({name: row[name] for name in rows.BOOKED}))
    if before.visit.people != after.visit.people:
        connection.execute(delete(people).where(people.c.visit == id_))
        connection.execute(insert(people), rows.people_rows(after.visit))


def set_visit(connection: Connection, record: VisitRecord) -> None:
    """Take what staff have set on a visit as a whole; its persons turned away replace the earlier ones. A newer link stays."""
    connection.execute(_CHANGE[visits], {"key_visit": record.visit, "locked": record.locked, "closed": record.closed})
    connection.execute(_RENEW_LINK, {"key_visit": record.visit, "newest": record.link_generation})
    connection.execute(_FORGET_TURNED_AWAY, {"visit": record.visit})
    if record.turned_away:
        connection.execute(
            _PUT[turned_away],
            [{"visit": record.visit, "person": person, "state": state} for person, state in record.turned_away],
        )


def upsert(connection: Connection, table: Table, values: rows.Values) -> None:
    """Change the row with this primary key, or put it in. One writer at a time: nothing comes in between."""
    key = {f"key_{column.name}": values[column.name] for column in table.primary_key}
    if connection.execute(_CHANGE[table], {**values, **key}).rowcount == 0:
        connection.execute(_PUT[table], values)


def log(connection: Connection, visit: VisitId, entries: Sequence[AccessEntry]) -> None:
    """Add rows of one visit to the access log, within the transaction of what they tell of."""
    append(connection, entries, connection.scalars(_READ_UNIT, {"visit": visit}).one())


def unlogged(connection: Connection, visit: VisitId, entries: Sequence[AccessEntry]) -> list[AccessEntry]:
    """Those of `entries` that the log does not tell of. No two steps of a visit are taken in the same microsecond."""

    def key(entry: AccessEntry) -> tuple[str, str, str, str | None]:
        return timestamp(entry.at), entry.action, entry.actor, entry.subject

    rows = access_log.c
    asked = select(rows.at, rows.action, rows.actor, rows.subject).where(
        rows.visit == visit, rows.at.in_({timestamp(entry.at) for entry in entries})
    )
    told = {tuple(row) for row in connection.execute(asked)}
    return [entry for entry in entries if key(entry) not in told]


def append(connection: Connection, entries: Sequence[AccessEntry], unit: str) -> None:
    """Chain `entries` to the access log. The one place that writes to it; `connection` holds the write lock."""
    if not entries:
        return
    number, last = connection.execute(_READ_HEAD).one()
    added = chained(Head(number, last), entries, unit)
    connection.execute(_ADD_ROWS, [{name: getattr(row, name) for name in COLUMNS} for row in added])
    connection.execute(_MOVE_HEAD, {"number": added[-1].number, "hash": added[-1].hash})


def earlier_answer(connection: Connection, portal: str, key: str, request: bytes, at: datetime) -> bytes | None:
    """What was answered to this Idempotency-Key; None where it is new. Raises `KeyReused` where the request was another."""
    table = idempotency_keys
    found = connection.execute(
        select(table.c.request, table.c.answer).where(
            table.c.portal == portal, table.c.key == key, table.c.at > at - timedelta(hours=IDEMPOTENCY_HOURS)
        )
    ).one_or_none()
    if found is None:
        return None
    if found.request != request:
        raise KeyReused("this Idempotency-Key came with another request before")
    return bytes(found.answer)


def do_once(connection: Connection, once: Once | None) -> bytes | None:
    """The earlier answer, if there is one; else remember this one."""
    if once is None:
        return None
    earlier = earlier_answer(connection, once.portal, once.key, once.request, once.at)
    if earlier is None:
        forget_answers(connection, once.at)
        table = idempotency_keys
        values = {"portal": once.portal, "key": once.key, "request": once.request, "answer": once.answer, "at": once.at}
        connection.execute(insert(table), values)
    return earlier


def forget_answers(connection: Connection, at: datetime) -> None:
    """Delete what was remembered by keys that are too old."""
    table = idempotency_keys
    connection.execute(delete(table).where(table.c.at <= at - timedelta(hours=IDEMPOTENCY_HOURS)))
