"""What keeps the access log's rows as they were written. Against mistakes, not against whoever owns the database: that is
what the chain is for.

    access_log        no row is changed; none is deleted but those up to the cut
    access_log_head   stays, and rises
    access_log_cut    stays, and rises, up to before the head
"""

from __future__ import annotations

from collections.abc import Mapping

REFUSAL = "the access log is append-only"

_SQLITE = tuple(
    f"CREATE TRIGGER {name} BEFORE {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for name, when in (
        (
            "access_log_keeps_rows",
            "DELETE ON access_log WHEN OLD.number > (SELECT number FROM access_log_cut)",
        ),
        ("access_log_keeps_words", "UPDATE ON access_log"),
        ("access_log_head_stays", "DELETE ON access_log_head"),
        ("access_log_head_rises", "UPDATE ON access_log_head WHEN NEW.number <= OLD.number"),
        ("access_log_cut_stays", "DELETE ON access_log_cut"),
        (
            "access_log_cut_rises",
            "UPDATE ON access_log_cut "
            "WHEN NEW.number <= OLD.number OR NEW.number >= (SELECT number FROM access_log_head)",
        ),
    )
)


def _function(name: str, refused: str, gives: str) -> str:
    refuse = f"RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';"
    body = f"BEGIN IF {refused} THEN {refuse} END IF; RETURN {gives}; END"
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"


_POSTGRESQL = (
    _function("access_log_refuses", "true", "NULL"),
    _function("access_log_keeps_rows", "OLD.number > (SELECT number FROM access_log_cut)", "OLD"),
    _function(
        "access_log_cut_rises",
        "NEW.number <= OLD.number OR NEW.number >= (SELECT number FROM access_log_head)",
        "NEW",
    ),
    "CREATE TRIGGER access_log_keeps_rows BEFORE DELETE ON access_log "
    "FOR EACH ROW EXECUTE FUNCTION access_log_keeps_rows()",
    "CREATE TRIGGER access_log_keeps_words BEFORE UPDATE ON access_log "
    "FOR EACH ROW EXECUTE FUNCTION access_log_refuses()",
    "CREATE TRIGGER access_log_head_stays BEFORE DELETE ON access_log_head "
    "FOR EACH ROW EXECUTE FUNCTION access_log_refuses()",
    "CREATE TRIGGER access_log_head_rises BEFORE UPDATE ON access_log_head "
    "FOR EACH ROW WHEN (NEW.number <= OLD.number) EXECUTE FUNCTION access_log_refuses()",
    "CREATE TRIGGER access_log_cut_stays BEFORE DELETE ON access_log_cut "
    "FOR EACH ROW EXECUTE FUNCTION access_log_refuses()",
    "CREATE TRIGGER access_log_cut_rises BEFORE UPDATE ON access_log_cut "
    "FOR EACH ROW EXECUTE FUNCTION access_log_cut_rises()",
    *(
        f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuses()"
        for table in ("access_log", "access_log_head", "access_log_cut")
    ),
)

APPEND_ONLY: Mapping[str, tuple[str, ...]] = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
"""By the name of the dialect."""
