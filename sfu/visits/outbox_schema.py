"""Two more tables: mails and webhook events on their way. What is personal here: `mails.sealed`, while it is there."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from sfu.visits.schema import ROW_NUMBER, Moment, metadata, text

mails = Table(
    "mails",
    metadata,
    Column("mail", text(64), primary_key=True),
    Column("invitation", text(64), nullable=False),
    Column("visit", text(64), ForeignKey("visits.visit", ondelete="CASCADE"), nullable=False),
    # Which of the invitation's addresses this one is, from 0: how the outcome is told once the address is gone.
    Column("place", Integer, nullable=False),
    Column("language", text(2), nullable=False),
    Column("link_generation", Integer, nullable=False),
    # Address and message, encrypted. NULL as soon as they are not needed for delivery any more.
    Column("sealed", LargeBinary),
    Column("at", Moment, nullable=False),
    Column("outcome", text(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("smtp_code", Integer),
)
Index("mails_by_turn", mails.c.outcome, mails.c.due)
Index("mails_by_visit", mails.c.visit, mails.c.at)

webhook_events = Table(
    "webhook_events",
    metadata,
    # The order of events. Never used again, so that what comes later has the higher one.
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("message", text(64), nullable=False),
    Column("endpoint", text(63), nullable=False),
    Column("visit", text(64), ForeignKey("visits.visit", ondelete="CASCADE"), nullable=False),
    # The bytes that are signed and sent, at every attempt the same.
    Column("body", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("outcome", text(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Moment, nullable=False),
    Column("settled_at", Moment),
    sqlite_autoincrement=True,
)
Index(
    "webhook_events_by_turn",
    webhook_events.c.endpoint,
    webhook_events.c.outcome,
    webhook_events.c.visit,
    webhook_events.c.number,
)
Index("webhook_events_by_visit", webhook_events.c.visit)
Index("webhook_events_by_age", webhook_events.c.settled_at)
