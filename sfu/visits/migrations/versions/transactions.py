"""The mark by which a server knows its last transaction again, when the commit went unanswered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sfu.visits.migrations.columns import text

revision = "transactions"
down_revision = "mails_and_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    mark = op.create_table(
        "store_mark",
        sa.Column("only", sa.Integer, sa.CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
        sa.Column("mark", text(64), nullable=False),
    )
    op.bulk_insert(mark, [{"only": 1, "mark": ""}])
