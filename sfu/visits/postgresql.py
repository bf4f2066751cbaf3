"""PostgreSQL: a server of its own, on this machine or another. One transaction writes at a time, durable at its commit.

What SQLite gives by being one file on this machine is asked for here: a lock that every writing transaction takes first, so
that the access log's chain has one writer; a commit that waits for the disk; limits on how long a lock, a statement and an
answer are waited for, so that a database which hangs is lost, not waited for; connections that are made anew by themselves.
"""

from __future__ import annotations

import math
import os
import secrets
from typing import Any

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from sfu.config import LOOPBACK
from sfu.errors import ConfigError
from sfu.visits.ownership import own_session

WRITER = 0x6576_6973_6974  # the advisory lock that a writing transaction holds; of this database alone
MARK = "evisit mark"
"""Under this name a connection keeps the mark that a server's transaction leaves in the database, if it is committed."""
CONNECT_SECONDS = 4  # to reach a server, each of its addresses
KEEPALIVE_SECONDS = 10  # without a word from the machine at the other end, until it is asked for one
PATIENCE = 1.5  # times the server's own limit: then it does not answer at all, and the connection is given up
IDLE_SECONDS = 60  # that a transaction may do nothing: after that whoever held the lock has gone

_SETTINGS = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)"
_LOCK = f"SELECT pg_advisory_xact_lock({WRITER})"
_LEAVE_MARK = "UPDATE store_mark SET mark = %s"
_READ_MARK = "SELECT mark FROM store_mark"
_LEAVES_NONE = "evisit_leaves_no_mark"


class Impatient(psycopg.Connection[Any]):
    """A connection that is given up when the server has not answered for `answer_seconds`; None waits for ever."""

    answer_seconds: float | None = None

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or self.answer_seconds)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                # Whatever it was asked is still under way: nobody knows what it will answer to the next question.
                self.pgconn.finish()
                raise psycopg.OperationalError("the server does not answer") from error
            raise


def open_postgresql(
    url: URL, *, writes: bool, owns: bool, connections: int, busy_seconds: float, answer_seconds: float | None
) -> Engine:
    """As `open_engine`. Nothing is connected until the first transaction, and the database itself is never made here."""
    if not url.database:
        raise ConfigError("database.url must name a database: postgresql://user@host/name")
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": KEEPALIVE_SECONDS,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 1000 * KEEPALIVE_SECONDS,
        "application_name": "evisit",
        "client_encoding": "utf8",
    }
    if not _on_this_machine(url):
        # libpq's default speaks in the clear to whoever answers.
        options["sslmode"] = "verify-full"
    settings = {
        "lock_timeout": _milliseconds(busy_seconds),
        "statement_timeout": _milliseconds(answer_seconds or 0),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_SECONDS if answer_seconds else 0),
        "timezone": "UTC",
        "default_transaction_read_only": "off" if writes else "on",
        # A reader's statements all see one moment; a writer's see what was committed before it got the lock.
        "default_transaction_isolation": "read committed" if writes else "repeatable read",
    }

    def connect() -> Impatient:
        _, asked = engine.dialect.create_connect_args(url)
        connection = Impatient.connect(**{**options, **asked})
        connection.answer_seconds = PATIENCE * answer_seconds if answer_seconds else None
        return connection

    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        creator=connect,
        pool_size=connections,
        max_overflow=0,
        # A server that was started anew is found before a transaction has begun, not by its failing.
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Impatient, entry: ConnectionPoolEntry) -> None:
        told = connection.info.parameter_status
        if told("server_encoding") != "UTF8":
            raise ConfigError("database.url must name a database in UTF8")
        connection.execute(_SETTINGS, (list(settings), list(settings.values())))
        (durable,) = connection.execute("SHOW synchronous_commit").fetchone() or ("off",)
        if durable == "off":
            # What was answered outlives a power cut. Where the server asks for more, such as a standby, that holds.
            connection.execute("SELECT set_config('synchronous_commit', 'on', false)")
        connection.commit()
        if owns:
            own_session(connection)

    @event.listens_for(engine, "handle_error")
    def blank(context: ExceptionContext) -> None:
        # The server quotes the row that it does not take. What kind of fault it was is enough.
        if isinstance(context.original_exception, psycopg.Error) and context.original_exception.sqlstate:
            told = f"SQLSTATE {context.original_exception.sqlstate}"
            for error in (context.original_exception, context.sqlalchemy_exception):
                if error is not None:
                    error.args = (told,)

    if writes:

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(_LOCK)
            if owns and not connection.get_execution_options().get(_LEAVES_NONE):
                connection.info[MARK] = mark = secrets.token_hex(16)
                connection.exec_driver_sql(_LEAVE_MARK, (mark,))

    return engine


def committed(engine: Engine, mark: str) -> bool:
    """Whether the last transaction of the server that owns the database has happened, whose commit went unanswered.

    PostgreSQL's own numbers cannot tell: a server that crashed, or a standby that took over without having heard of the last
    ones, gives them out again. Raises what connecting raises, while it cannot be known. Whoever asks has to hold the lock for it, as any
    transaction of `engine` does: then that one is over, on a server that still ran it as well.
    """
    with engine.connect().execution_options(**{_LEAVES_NONE: True}) as connection, connection.begin():
        return bool(connection.exec_driver_sql(_READ_MARK).scalar_one() == mark)


def _on_this_machine(url: URL) -> bool:
    named = url.query.get("host", ())
    lists = [url.host or "", *((named,) if isinstance(named, str) else named)]
    hosts = [host for each in lists for host in each.split(",") if host]
    if not hosts:
        return not os.environ.get("PGHOST")  # which libpq would take
    return all(host.startswith("/") or host in LOOPBACK or host.partition(":")[0] in LOOPBACK for host in hosts)


def _milliseconds(seconds: float) -> str:
    return str(math.ceil(1000 * seconds))
