"""Mails and webhook events on their way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sfu.visits.migrations.columns import ROW_NUMBER, text

revision = "mails_and_webhooks"
down_revision = "schedules"
branch_labels = None
depends_on = None


def _visit() -> sa.Column[str]:
    return sa.Column("visit", text(64), sa.ForeignKey("visits.visit", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("mail", text(64), primary_key=True),
        sa.Column("invitation", text(64), nullable=False),
        _visit(),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("language", text(2), nullable=False),
        sa.Column("link_generation", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("outcome", text(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("settled_at", sa.DateTime),
        sa.Column("smtp_code", sa.Integer),
    )
    op.create_index("mails_by_turn", "mails", ["outcome", "due"])
    op.create_index("mails_by_visit", "mails", ["visit", "at"])
    op.create_table(
        "webhook_events",
        sa.Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("message", text(64), nullable=False),
        sa.Column("endpoint", text(63), nullable=False),
        _visit(),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("outcome", text(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("settled_at", sa.DateTime),
        sqlite_autoincrement=True,
    )
    op.create_index("webhook_events_by_turn", "webhook_events", ["endpoint", "outcome", "visit", "number"])
    op.create_index("webhook_events_by_visit", "webhook_events", ["visit"])
    op.create_index("webhook_events_by_age", "webhook_events", ["settled_at"])
