"""The access log read from outside the server, by `python -m sfu audit verify` and `audit export`. These functions block."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exc, select, text

from sfu.admission.records import AccessEntry, Action
from sfu.errors import EvisitError, StoreUnavailable
from sfu.ids import PersonId, VisitId
from sfu.visits import schema
from sfu.visits.access_log import BEGINNING, COLUMNS, Fault, Head, Verdict
from sfu.visits.access_log import verify as verify_chain
from sfu.visits.engine import open_engine
from sfu.visits.statements import append

WORDS: Mapping[str, str] = {
    Action.CREATED: "the visit was booked",
    Action.CHANGED: "the booking was changed",
    Action.CANCELLED: "the visit was cancelled",
    Action.JOINED: "somebody came to the waiting room",
    Action.ADMITTED: "somebody was let in",
    Action.HELD: "somebody was put back to the waiting room",
    Action.DENIED: "somebody was not let in",
    Action.REMOVED: "somebody was put out",
    Action.ALLOWED: "somebody who was not let in, or put out, may come again",
    Action.LEFT: "somebody left",
    Action.EXPIRED: "somebody's connection was lost, and they did not come back in time",
    Action.ENDED: "the visit ended",
    Action.PARTICIPANTS_READ: "it was read who takes part",
    Action.LINK_READ: "the link to the visit was fetched",
    Action.LINK_RENEWED: "the link to the visit was made anew; the old one leads nowhere",
    Action.INVITED: "the link to the visit was sent to somebody",
    Action.LOCKED: "the visit was closed to everybody who had not come yet",
    Action.UNLOCKED: "the visit was opened again",
    Action.AUDIT_READ: "this log was read",
    Action.DELETED: "the visit was deleted",
}
"""What each row says to the patient whose visit it was."""
MACHINERY = frozenset({Action.RESUMED, Action.SILENCED, Action.TICKET_MINTED, Action.TICKET_REVOKED, Action.CUT})
"""What says nothing of who was there, or could be: connections that come back, muted sound, tickets before they are used."""
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
        with connection.execution_options(yield_per=1_000).execute(
            text(f"SELECT {', '.join(COLUMNS)} FROM access_log ORDER BY number")  # noqa: S608 - names of our own columns
        ) as rows:
            return verify_chain((tuple(row) for row in rows), Head(number, last), anchor, Head(cut_at, cut_hash))


def export(
    url: str, at: datetime, visit: VisitId | None = None, patient: PersonId | None = None
) -> Iterator[Mapping[str, Any]]:
    """The log of one visit, of all visits of a patient, or of all, oldest first: rows by the columns' names, `hash` in hex.

    Each visit's log first gets a row that says that it was read. Raises `StoreUnavailable` where there is no such database,
    `NothingLogged` where the log knows nothing of the visit or patient.
    """
    log = schema.access_log
    # The log tells itself whose visit each one is: the visits are deleted long before it.
    of_patient = select(log.c.visit).where(log.c.action == Action.CREATED, log.c.subject_person == patient)
    asked_for = [log.c.visit != ""]
    if visit is not None:
        asked_for.append(log.c.visit == visit)
    if patient is not None:
        asked_for.append(log.c.visit.in_(of_patient))
    with _connected(url, writes=True) as connection:
        found = connection.execute(
            select(log.c.visit, log.c.unit).distinct().where(*asked_for).order_by(log.c.visit)
        ).all()
        if not found and (visit is not None or patient is not None):
            raise NothingLogged(f"nothing is logged of this {'visit' if patient is None else 'patient'}")
        for each, unit in found:
            entry = AccessEntry(visit=each, at=at, action=Action.AUDIT_READ, actor=OPERATOR, detail="export")
            append(connection, (entry,), unit)
    asked = select(*(log.c[name] for name in COLUMNS)).order_by(log.c.number)
    with _connected(url, writes=False) as connection:
        # All of it where nothing was asked for: what was cut is told by rows of no visit.
        everything = visit is None and patient is None
        asked = asked if everything else asked.where(*asked_for)
        with connection.execution_options(yield_per=1_000).execute(asked) as rows:
            for row in rows.mappings():
                yield {**row, "hash": row["hash"].hex()}


def as_json(row: Mapping[str, Any]) -> str:
    """A row for programs."""
    return json.dumps(dict(row), ensure_ascii=False)


def for_patient(row: Mapping[str, Any], patient: PersonId) -> str | None:
    """A row as its patient may read it: when, in which unit, what, and whether it was they themselves. It names no other person.

    None for rows that are of the machinery alone.
    """
    words = WORDS.get(row["action"])
    if words is None:
        return None
    return "\t".join((row["at"][:19] + "Z", row["unit"], words, "you" if row["actor_person"] == patient else ""))


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
