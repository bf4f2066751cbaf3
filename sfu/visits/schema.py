"""The tables. What is personal here: `people`, `participants`, the persons in the access log, `visits.title`.

The same definitions make the migrations (a test compares the two) and every statement of the store.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
)
from sqlalchemy.types import TypeDecorator

from sfu.visits.append_only import APPEND_ONLY

metadata = MetaData()

ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""Counts rows of every visit for years. SQLite's integers are that long by themselves."""


def text(length: int | None = None) -> String:
    """Text that sorts by its bytes on every database: no order, and no index, depends on a machine's languages."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC with microseconds. Takes and gives aware datetimes; a naive one is a bug."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def _visit() -> Column[str]:
    """A row that goes when its visit goes."""
    return Column("visit", text(64), ForeignKey("visits.visit", ondelete="CASCADE"), primary_key=True)


visits = Table(
    "visits",
    metadata,
    Column("visit", text(64), primary_key=True),
    Column("portal", text(63), nullable=False),
    Column("booking", text(128), nullable=False),
    Column("unit", text(64), nullable=False),
    Column("unit_name", text(80), nullable=False),
    Column("title", text(120), nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("language", text(2), nullable=False),
    Column("guardianship_ends", Date),
    Column("link_generation", Integer, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("closed", text(16)),
)
Index("visits_by_unit", visits.c.unit, visits.c.starts_at, visits.c.visit)
Index("visits_by_end", visits.c.ends_at)

people = Table(
    "people",
    metadata,
    _visit(),
    Column("person", text(128), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("name", text(80), nullable=False),
    Column("role", text(16), nullable=False),
)
Index("people_by_person", people.c.person, people.c.visit)

participants = Table(
    "participants",
    metadata,
    _visit(),
    Column("participant", text(64), primary_key=True),
    Column("person", text(128)),
    Column("name", text(80), nullable=False),
    Column("role", text(16), nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("booked", Boolean, nullable=False),
    Column("second_device", Boolean, nullable=False),
    Column("units", text(), nullable=False),
    Column("ticket", text(64)),
    Column("link_generation", Integer),
    Column("resume_digest", LargeBinary(32), nullable=False),
    Column("state", text(16), nullable=False),
    Column("waiting_since", Moment, nullable=False),
    Column("admitted_at", Moment),
)

turned_away = Table(
    "turned_away",
    metadata,
    _visit(),
    Column("person", text(128), primary_key=True),
    Column("state", text(16), nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    _visit(),
    Column("ticket", text(64), primary_key=True),
    Column("person", text(128), nullable=False),
    Column("role", text(16), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked", Boolean, nullable=False),
)

tickets_used = Table(
    "tickets_used",
    metadata,
    _visit(),
    Column("ticket", text(64), primary_key=True),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("portal", text(63), primary_key=True),
    Column("key", text(255), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
)
Index("idempotency_keys_by_age", idempotency_keys.c.at)

access_log = Table(
    "access_log",
    metadata,
    # No foreign key: the log outlives the visit. It holds the unit for the same reason.
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("visit", text(64), nullable=False),
    Column("unit", text(64), nullable=False),
    # The text that is hashed: RFC 3339, UTC, microseconds.
    Column("at", text(27), nullable=False),
    Column("action", text(32), nullable=False),
    Column("actor", text(80), nullable=False),
    Column("actor_person", text(128)),
    Column("subject", text(64)),
    Column("subject_person", text(128)),
    Column("detail", text(64), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
Index("access_log_by_visit", access_log.c.visit, access_log.c.number)

access_log_head = Table(
    "access_log_head",
    metadata,
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
    Column("number", ROW_NUMBER, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

access_log_cut = Table(
    "access_log_cut",
    metadata,
    # The last row that is not kept any more, and its hash: what the chain begins from.
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
    Column("number", ROW_NUMBER, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

store_probe = Table(
    "store_probe",
    metadata,
    # Written now and then, so that a database which cannot be written is known before somebody needs it.
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)

store_mark = Table(
    "store_mark",
    metadata,
    # Of the server's last transaction, where its commit may go unanswered (postgresql.py).
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
    Column("mark", text(64), nullable=False),
)


@event.listens_for(metadata, "after_create")
def _make_append_only(_target: MetaData, connection: Connection, **_options: object) -> None:
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
