"""Visits found by unit and time, by person, and by age; the place up to which the access log has been cut."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "schedules"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("visits_by_unit", "visits", ["unit", "starts_at", "visit"])
    op.create_index("visits_by_end", "visits", ["ends_at"])
    op.create_index("people_by_person", "people", ["person", "visit"])
    cut = op.create_table(
        "access_log_cut",
        sa.Column("only", sa.Integer, sa.CheckConstraint("only = 1"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.bulk_insert(cut, [{"only": 1, "number": 0, "hash": bytes(32)}])
    probe = op.create_table(
        "store_probe",
        sa.Column("only", sa.Integer, sa.CheckConstraint("only = 1"), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.bulk_insert(probe, [{"only": 1, "count": 0}])
    op.execute("DROP TRIGGER access_log_keeps_rows")
    op.execute(
        "CREATE TRIGGER access_log_keeps_rows BEFORE DELETE ON access_log "
        "WHEN OLD.number > (SELECT number FROM access_log_cut) "
        "BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER access_log_cut_stays BEFORE DELETE ON access_log_cut "
        "BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER access_log_cut_rises BEFORE UPDATE ON access_log_cut "
        "WHEN NEW.number <= OLD.number OR NEW.number >= (SELECT number FROM access_log_head) "
        "BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
    )
