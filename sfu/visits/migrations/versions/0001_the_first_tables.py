"""Visits, people, participants, tickets, idempotency keys, and the access log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _visit() -> sa.Column[str]:
    return sa.Column("visit", sa.String(64), sa.ForeignKey("visits.visit", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "visits",
        sa.Column("visit", sa.String(64), primary_key=True),
        sa.Column("portal", sa.String(63), nullable=False),
        sa.Column("booking", sa.String(128), nullable=False),
        sa.Column("unit", sa.String(64), nullable=False),
        sa.Column("unit_name", sa.String(80), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("starts_at", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("guardianship_ends", sa.Date),
        sa.Column("link_generation", sa.Integer, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("closed", sa.String(16)),
    )
    op.create_table(
        "people",
        _visit(),
        sa.Column("person", sa.String(128), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
    )
    op.create_table(
        "participants",
        _visit(),
        sa.Column("participant", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(128)),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("booked", sa.Boolean, nullable=False),
        sa.Column("second_device", sa.Boolean, nullable=False),
        sa.Column("units", sa.String, nullable=False),
        sa.Column("ticket", sa.String(64)),
        sa.Column("link_generation", sa.Integer),
        sa.Column("resume_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("waiting_since", sa.DateTime, nullable=False),
        sa.Column("admitted_at", sa.DateTime),
    )
    op.create_table(
        "turned_away",
        _visit(),
        sa.Column("person", sa.String(128), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
    )
    op.create_table(
        "tickets",
        _visit(),
        sa.Column("ticket", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table("tickets_used", _visit(), sa.Column("ticket", sa.String(64), primary_key=True))
    op.create_table(
        "idempotency_keys",
        sa.Column("portal", sa.String(63), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["at"])
    _access_log()


def _access_log() -> None:
    op.create_table(
        "access_log",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("visit", sa.String(64), nullable=False),
        sa.Column("unit", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("actor_person", sa.String(128)),
        sa.Column("subject", sa.String(64)),
        sa.Column("subject_person", sa.String(128)),
        sa.Column("detail", sa.String(64), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("access_log_by_visit", "access_log", ["visit", "number"])
    head = op.create_table(
        "access_log_head",
        sa.Column("only", sa.Integer, sa.CheckConstraint("only = 1"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.bulk_insert(head, [{"only": 1, "number": 0, "hash": bytes(32)}])
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
