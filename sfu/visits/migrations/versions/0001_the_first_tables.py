"""Visits, people, participants, tickets, idempotency keys, and the access log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sfu.visits.migrations.columns import ROW_NUMBER, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _visit() -> sa.Column[str]:
    return sa.Column("visit", text(64), sa.ForeignKey("visits.visit", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "visits",
        sa.Column("visit", text(64), primary_key=True),
        sa.Column("portal", text(63), nullable=False),
        sa.Column("booking", text(128), nullable=False),
        sa.Column("unit", text(64), nullable=False),
        sa.Column("unit_name", text(80), nullable=False),
        sa.Column("title", text(120), nullable=False),
        sa.Column("starts_at", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.Column("language", text(2), nullable=False),
        sa.Column("guardianship_ends", sa.Date),
        sa.Column("link_generation", sa.Integer, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("closed", text(16)),
    )
    op.create_table(
        "people",
        _visit(),
        sa.Column("person", text(128), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("name", text(80), nullable=False),
        sa.Column("role", text(16), nullable=False),
    )
    op.create_table(
        "participants",
        _visit(),
        sa.Column("participant", text(64), primary_key=True),
        sa.Column("person", text(128)),
        sa.Column("name", text(80), nullable=False),
        sa.Column("role", text(16), nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("booked", sa.Boolean, nullable=False),
        sa.Column("second_device", sa.Boolean, nullable=False),
        sa.Column("units", text(), nullable=False),
        sa.Column("ticket", text(64)),
        sa.Column("link_generation", sa.Integer),
        sa.Column("resume_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("waiting_since", sa.DateTime, nullable=False),
        sa.Column("admitted_at", sa.DateTime),
    )
    op.create_table(
        "turned_away",
        _visit(),
        sa.Column("person", text(128), primary_key=True),
        sa.Column("state", text(16), nullable=False),
    )
    op.create_table(
        "tickets",
        _visit(),
        sa.Column("ticket", text(64), primary_key=True),
        sa.Column("person", text(128), nullable=False),
        sa.Column("role", text(16), nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table("tickets_used", _visit(), sa.Column("ticket", text(64), primary_key=True))
    op.create_table(
        "idempotency_keys",
        sa.Column("portal", text(63), primary_key=True),
        sa.Column("key", text(255), primary_key=True),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["at"])
    _access_log()


def _access_log() -> None:
    op.create_table(
        "access_log",
        sa.Column("number", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("visit", text(64), nullable=False),
        sa.Column("unit", text(64), nullable=False),
        sa.Column("at", text(27), nullable=False),
        sa.Column("action", text(32), nullable=False),
        sa.Column("actor", text(80), nullable=False),
        sa.Column("actor_person", text(128)),
        sa.Column("subject", text(64)),
        sa.Column("subject_person", text(128)),
        sa.Column("detail", text(64), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("access_log_by_visit", "access_log", ["visit", "number"])
    head = op.create_table(
        "access_log_head",
        sa.Column("only", sa.Integer, sa.CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
        sa.Column("number", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.bulk_insert(head, [{"only": 1, "number": 0, "hash": bytes(32)}])
    if op.get_bind().dialect.name != "sqlite":
        return  # the next revision does it there
    for name, moment, table, condition in (
        ("access_log_keeps_rows", "DELETE", "access_log", ""),
        ("access_log_keeps_words", "UPDATE", "access_log", ""),
        ("access_log_head_stays", "DELETE", "access_log_head", ""),
        ("access_log_head_rises", "UPDATE", "access_log_head", "WHEN NEW.number <= OLD.number "),
    ):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {moment} ON {table} {condition}"
            "BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
        )
