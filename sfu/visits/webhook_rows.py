"""Webhook events in the database: queued within the transaction of what they tell of, taken in turn, settled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update

from sfu.admission.records import AccessEntry, Action, ParticipantRecord
from sfu.ids import VisitId, new_token
from sfu.visits.outbox_schema import webhook_events
from sfu.visits.schema import participants as people_who_came
from sfu.visits.schema import visits
from sfu.visits.webhooks import KEPT, Endpoint, Outcome, events

_READ_PORTAL = select(visits.c.portal).where(visits.c.visit == bindparam("visit"))
_ANYBODY = select(people_who_came.c.participant).where(people_who_came.c.visit == bindparam("visit")).limit(1)
_ADD = insert(webhook_events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An event whose turn it is."""

    number: int
    message: str
    visit: VisitId
    body: str
    at: datetime
    attempts: int


def queue(
    connection: Connection,
    endpoints: Sequence[Endpoint],
    visit: VisitId,
    entries: Sequence[AccessEntry],
    participants: Sequence[ParticipantRecord],
) -> bool:
    """Store what a step is told as, before its participants are written; whether there is anything to tell."""
    if not endpoints or not entries:
        return False
    joined = any(entry.action is Action.JOINED for entry in entries)
    first = joined and connection.execute(_ANYBODY, {"visit": visit}).first() is None
    told = list(events(entries, participants, first=first))
    if not told:
        return False
    portal: str = connection.scalars(_READ_PORTAL, {"visit": visit}).one()
    rows = [
        {
            "message": f"msg_{new_token()}",
            "endpoint": endpoint.id,
            "visit": visit,
            "body": event.body(),
            "at": event.at,
            "outcome": Outcome.WAITING,
            "attempts": 0,
            "due": event.at,
        }
        for event in told
        for endpoint in endpoints
        if endpoint.hears(event, portal)
    ]
    if rows:
        connection.execute(_ADD, rows)
    return bool(rows)


def take(
    connection: Connection, endpoint: str, now: datetime, limit: int, busy: Collection[VisitId]
) -> tuple[list[Due], datetime | None]:
    """The oldest waiting event of each visit that is not `busy`, where it is due; and when the next one is."""
    table = webhook_events
    heads = (
        select(func.min(table.c.number).label("number"))
        .where(table.c.endpoint == endpoint, table.c.outcome == Outcome.WAITING, table.c.visit.not_in(busy))
        .group_by(table.c.visit)
        .subquery()
    )
    found = connection.execute(
        select(table)
        .join(heads, table.c.number == heads.c.number)
        .order_by(table.c.due, table.c.number)
        .limit(limit + 1)
    ).mappings()
    due: list[Due] = []
    for row in found:
        if row["due"] > now or len(due) == limit:
            return due, row["due"]
        due.append(
            Due(
                number=row["number"],
                message=row["message"],
                visit=VisitId(row["visit"]),
                body=row["body"],
                at=row["at"],
                attempts=row["attempts"],
            )
        )
    return due, None


def settle(connection: Connection, number: int, outcome: Outcome, at: datetime) -> None:
    """The event's turn is over."""
    table = webhook_events
    connection.execute(
        update(table)
        .where(table.c.number == number)
        .values(outcome=outcome, settled_at=at, attempts=table.c.attempts + 1)
    )


def postpone(connection: Connection, number: int, due: datetime) -> None:
    """The event is tried again, not before `due`."""
    table = webhook_events
    connection.execute(update(table).where(table.c.number == number).values(due=due, attempts=table.c.attempts + 1))


def backlog(connection: Connection, endpoints: Collection[str]) -> int:
    """How many events wait for these endpoints."""
    table = webhook_events
    waiting = select(func.count()).where(table.c.endpoint.in_(endpoints), table.c.outcome == Outcome.WAITING)
    return connection.scalars(waiting).one()


def forget(connection: Connection, now: datetime, endpoints: Collection[str]) -> int:
    """Delete events settled long ago, and old ones of endpoints that there are no more; how many."""
    table = webhook_events
    gone = and_(table.c.endpoint.not_in(endpoints), table.c.at < now - KEPT)
    return connection.execute(delete(table).where(or_(table.c.settled_at < now - KEPT, gone))).rowcount


def replay(
    connection: Connection,
    at: datetime,
    *,
    endpoint: str | None = None,
    visit: VisitId | None = None,
    since: datetime | None = None,
    failed: bool = False,
) -> int:
    """Have events that were settled delivered again, in their old order and under their old ids; how many.

    `failed`: only those that were given up. A running server finds them within seconds.
    """
    table = webhook_events
    settled = (Outcome.FAILED,) if failed else (Outcome.DELIVERED, Outcome.FAILED)
    chosen = update(table).where(table.c.outcome.in_(settled))
    if endpoint is not None:
        chosen = chosen.where(table.c.endpoint == endpoint)
    if visit is not None:
        chosen = chosen.where(table.c.visit == visit)
    if since is not None:
        chosen = chosen.where(table.c.settled_at >= since)
    # The day in which it is retried begins anew.
    values = {"outcome": Outcome.WAITING, "attempts": 0, "due": at, "at": at, "settled_at": None}
    return connection.execute(chosen.values(values)).rowcount
