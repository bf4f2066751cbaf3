"""The access log read from outside the server, by `python -m sfu audit verify` and `audit export`. These functions block."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, exc, select, text

from sfu.admission.records import AccessEntry, Action
from sfu.errors import EvisitError, StoreUnavailable
from sfu.ids import VisitId
from sfu.visits import schema
from sfu.visits.access_log import BEGINNING, COLUMNS, Fault, Head, Verdict
from sfu.visits.access_log import verify as verify_chain
from sfu.visits.engine import open_engine
from sfu.visits.statements import append

OPERATOR = "operator"
"""The actor of what is done at the command line."""


class NothingLogged(EvisitError):
    """The access log knows nothing of the visit that was asked for."""


def verify(url: str, anchor: Head | None = None) -> Verdict:
    """Check the whole log of the database at `url`, in one consistent view, while a server may be writing to it.

    `anchor`: a head noted earlier, outside the database. Raises `StoreUnavailable` where there is no such database.
    """
    with _connected(url, writes=False) as connection:
        number, last = connection.execute(text("SELECT number, hash FROM access_log_head")).one_or_none() or (
            None,
            None,
        )
        if not isinstance(number, int) or not isinstance(last, bytes):
            return Verdict(BEGINNING, Fault.HEAD_CHANGED)
        cut_at, cut_hash = connection.execute(text("SELECT number, hash FROM access_log_cut")).one_or_none() or (
            None,
            None,
        )
        if not isinstance(cut_at, int) or not isinstance(cut_hash, bytes):
            return Verdict(BEGINNING, Fault.CUT_CHANGED)
        # As the database holds them: what somebody has put there need not be of the columns' types.
        rows = connection.execution_options(yield_per=1_000).execute(
            text(f"SELECT {', '.join(COLUMNS)} FROM access_log ORDER BY number")  # noqa: S608 - names of our own columns
        )
        return verify_chain((tuple(row) for row in rows), Head(number, last), anchor, Head(cut_at, cut_hash))


def export(url: str, at: datetime, visit: VisitId | None = None) -> Iterator[str]:
    """The log of one visit, or of all, oldest first: a JSON object a line, in the columns' names, `hash` in hex.

    Each visit's log first gets a row that says that it was read. Raises `StoreUnavailable` where there is no such database,
    `NothingLogged` where the visit is unknown to the log.
    """
    log = schema.access_log
    with _connected(url, writes=True) as connection:
        logged = select(log.c.visit, log.c.unit).distinct().order_by(log.c.visit)
        found = connection.execute(logged if visit is None else logged.where(log.c.visit == visit)).all()
        if visit is not None and not found:
            raise NothingLogged("nothing is logged of this visit")
        for each, unit in found:
            entry = AccessEntry(visit=each, at=at, action=Action.AUDIT_READ, actor=OPERATOR, detail="export")
            append(connection, (entry,), unit)
    asked = select(*(log.c[name] for name in COLUMNS)).order_by(log.c.number)
    with _connected(url, writes=False) as connection:
        rows = connection.execution_options(yield_per=1_000).execute(
            asked if visit is None else asked.where(log.c.visit == visit)
        )
        for row in rows.mappings():
            yield json.dumps({**row, "hash": row["hash"].hex()}, ensure_ascii=False)


@contextmanager
def _connected(url: str, *, writes: bool) -> Iterator[Connection]:
    """A transaction on a database that is there; it is not made, and not migrated."""
    try:
        engine = open_engine(url, writes=writes, make=False)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()
    except (exc.DBAPIError, OSError) as error:
        raise StoreUnavailable("there is no access log to read") from error
