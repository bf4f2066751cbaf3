"""What is not kept any more: visits some days after their end, the access log after some years.

The log is cut at its beginning alone. `access_log_cut` then names the last row that went and its hash: what the chain goes on
from. The cut is a row of the log as well, `cut`, with that number as its subject and that hash as its detail, so a beginning
that was taken away by anybody else is found: no row of the chain vouches for it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from sfu.admission.records import AccessEntry, Action
from sfu.ids import ParticipantId, VisitId
from sfu.visits.access_log import timestamp
from sfu.visits.schema import access_log, access_log_cut, access_log_head, visits
from sfu.visits.statements import append

VISITS_AT_ONCE = 50  # in one transaction, so that nobody who joins waits long for it
ROWS_AT_ONCE = 5_000
SERVER = "server"
NO_VISIT = VisitId("")


def forget_visits(connection: Connection, *, ended_before: datetime, at: datetime) -> int:
    """Delete visits that were booked to end before then, with everything of them but their log; gives how many, 0 when done."""
    found = connection.execute(
        select(visits.c.visit, visits.c.unit)
        .where(visits.c.ends_at < ended_before)
        .order_by(visits.c.ends_at)
        .limit(VISITS_AT_ONCE)
    ).all()
    for visit, unit in found:
        append(connection, (AccessEntry(visit=visit, at=at, action=Action.DELETED, actor=SERVER),), unit)
        connection.execute(delete(visits).where(visits.c.visit == visit))
    return len(found)


def cut_log(connection: Connection, *, written_before: datetime, at: datetime) -> int:
    """Delete rows from the log's beginning that were written before then; gives how many, 0 when done."""
    log, cut = access_log, access_log_cut
    start: int = connection.scalars(select(cut.c.number)).one()
    last: int = connection.scalars(select(access_log_head.c.number)).one()
    first_kept = connection.scalars(
        select(log.c.number).where(log.c.at >= timestamp(written_before)).order_by(log.c.number).limit(1)
    ).one_or_none()
    # The last row stays, however old: the chain goes on from what is there.
    end = min(last if first_kept is None else first_kept, last, start + 1 + ROWS_AT_ONCE) - 1
    if end <= start:
        return 0
    hash_ = connection.scalars(select(log.c.hash).where(log.c.number == end)).one()
    connection.execute(update(cut).values(number=end, hash=hash_))
    connection.execute(delete(log).where(log.c.number <= end))
    entry = AccessEntry(
        visit=NO_VISIT,
        at=at,
        action=Action.CUT,
        actor=SERVER,
        subject=ParticipantId(str(end)),
        detail=hash_.hex(),
    )
    append(connection, (entry,), "")
    return end - start
