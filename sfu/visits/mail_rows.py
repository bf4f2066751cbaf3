"""Mails in the database: put in with the call that asked for them, taken in turn, settled and emptied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from sfu.admission.records import AccessEntry
from sfu.errors import EvisitError
from sfu.ids import VisitId
from sfu.visits.deliveries import WaitingMail
from sfu.visits.invitations import MAX_OF_VISIT
from sfu.visits.outbox_schema import mails
from sfu.visits.statements import Once, do_once, log
from sfu.visits.webhooks import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class MailState:
    """How far a mail has come, without whom it is to."""

    invitation: str
    place: int
    """Which of the invitation's addresses, from 0."""
    language: str
    at: datetime
    outcome: Outcome
    attempts: int
    settled_at: datetime | None
    smtp_code: int | None


class TooManyMails(EvisitError):
    """The visit has had all the mails that it may have. Nothing has changed."""


def invite(
    connection: Connection, entry: AccessEntry, once: Once | None, sealed: Mapping[str, bytes], **common: object
) -> bytes | None:
    """Put in the mails of one invitation, by id in the order of its addresses, and log it.

    Gives the earlier answer where `once` has been done before, and then changes nothing. Raises `TooManyMails`.
    """
    earlier = do_once(connection, once)
    if earlier is not None:
        return earlier
    had = connection.scalars(select(func.count()).where(mails.c.visit == entry.visit)).one()
    if had + len(sealed) > MAX_OF_VISIT:
        raise TooManyMails("a visit has a limit of mails")
    log(connection, entry.visit, (entry,))
    connection.execute(
        insert(mails),
        [
            {
                "mail": mail,
                "place": place,
                "sealed": content,
                "outcome": Outcome.WAITING,
                "attempts": 0,
                "visit": entry.visit,
                "at": entry.at,
                "due": entry.at,
                **common,
            }
            for place, (mail, content) in enumerate(sealed.items())
        ],
    )
    return None


def take(connection: Connection, now: datetime, limit: int) -> tuple[list[WaitingMail], datetime | None]:
    """Mails that are due, and when the next one is."""
    found = connection.execute(
        select(mails)
        .where(mails.c.outcome == Outcome.WAITING)
        .order_by(mails.c.due, mails.c.at, mails.c.mail)
        .limit(limit + 1)
    ).mappings()
    due: list[WaitingMail] = []
    for row in found:
        if row["due"] > now or len(due) == limit:
            return due, row["due"]
        due.append(
            WaitingMail(
                mail=row["mail"],
                invitation=row["invitation"],
                visit=VisitId(row["visit"]),
                language=row["language"],
                link_generation=row["link_generation"],
                sealed=bytes(row["sealed"]),
                at=row["at"],
                attempts=row["attempts"],
            )
        )
    return due, None


def settle(connection: Connection, mail: str, outcome: Outcome, at: datetime, *, code: int | None, tried: bool) -> None:
    """The mail's turn is over: what was personal of it is erased."""
    connection.execute(
        update(mails)
        .where(mails.c.mail == mail)
        .values(
            outcome=outcome, settled_at=at, smtp_code=code, sealed=None, attempts=mails.c.attempts + (1 if tried else 0)
        )
    )


def postpone(connection: Connection, tried: Sequence[tuple[str, datetime, int | None]]) -> None:
    """Mails are tried again: id, not before when, and what the server had said."""
    for mail, due, code in tried:
        connection.execute(
            update(mails).where(mails.c.mail == mail).values(due=due, smtp_code=code, attempts=mails.c.attempts + 1)
        )


def states(connection: Connection, visit: VisitId) -> list[MailState]:
    """The mails of a visit, invitation by invitation, in the order of their addresses."""
    columns = ("invitation", "place", "language", "at", "attempts", "settled_at", "smtp_code")
    found = connection.execute(
        select(mails).where(mails.c.visit == visit).order_by(mails.c.at, mails.c.invitation, mails.c.place)
    ).mappings()
    return [MailState(**{name: row[name] for name in columns}, outcome=Outcome(row["outcome"])) for row in found]
