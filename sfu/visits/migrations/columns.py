"""Types of columns as migrations made them; they stay as they are when those of the schema change."""

from __future__ import annotations

import sqlalchemy as sa

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def text(length: int | None = None) -> sa.String:
    """On PostgreSQL, text that sorts by its bytes."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
