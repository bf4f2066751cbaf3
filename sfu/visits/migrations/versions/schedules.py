"""Visits found by unit and time, by person, and by age; the place up to which the access log has been cut."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sfu.visits.migrations.columns import ROW_NUMBER

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
        sa.Column("only", sa.Integer, sa.CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
        sa.Column("number", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.bulk_insert(cut, [{"only": 1, "number": 0, "hash": bytes(32)}])
    probe = op.create_table(
        "store_probe",
        sa.Column("only", sa.Integer, sa.CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.bulk_insert(probe, [{"only": 1, "count": 0}])
    if op.get_bind().dialect.name == "sqlite":
        _triggers_of_sqlite()
    else:
        _triggers_of_postgresql()


def _triggers_of_sqlite() -> None:
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


def _triggers_of_postgresql() -> None:
    refuse = "RAISE EXCEPTION 'the access log is append-only' USING ERRCODE = 'integrity_constraint_violation';"
    for name, refused, gives in (
        ("access_log_refuses", "true", "NULL"),
        ("access_log_keeps_rows", "OLD.number > (SELECT number FROM access_log_cut)", "OLD"),
        (
            "access_log_cut_rises",
            "NEW.number <= OLD.number OR NEW.number >= (SELECT number FROM access_log_head)",
            "NEW",
        ),
    ):
        body = f"BEGIN IF {refused} THEN {refuse} END IF; RETURN {gives}; END"
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    for name, when, does in (
        ("access_log_keeps_rows", "DELETE ON access_log FOR EACH ROW", "access_log_keeps_rows"),
        ("access_log_keeps_words", "UPDATE ON access_log FOR EACH ROW", "access_log_refuses"),
        ("access_log_head_stays", "DELETE ON access_log_head FOR EACH ROW", "access_log_refuses"),
        (
            "access_log_head_rises",
            "UPDATE ON access_log_head FOR EACH ROW WHEN (NEW.number <= OLD.number)",
            "access_log_refuses",
        ),
        ("access_log_cut_stays", "DELETE ON access_log_cut FOR EACH ROW", "access_log_refuses"),
        ("access_log_cut_rises", "UPDATE ON access_log_cut FOR EACH ROW", "access_log_cut_rises"),
        ("access_log_is_not_emptied", "TRUNCATE ON access_log FOR EACH STATEMENT", "access_log_refuses"),
        ("access_log_head_is_not_emptied", "TRUNCATE ON access_log_head FOR EACH STATEMENT", "access_log_refuses"),
        ("access_log_cut_is_not_emptied", "TRUNCATE ON access_log_cut FOR EACH STATEMENT", "access_log_refuses"),
    ):
        op.execute(f"CREATE TRIGGER {name} BEFORE {when} EXECUTE FUNCTION {does}()")
