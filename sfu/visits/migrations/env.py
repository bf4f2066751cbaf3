"""What Alembic runs: migrations on the connection that it was given. There is no offline mode."""

from __future__ import annotations

from alembic import context

from sfu.visits.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
# The caller's transaction holds it all: SQLite's DDL is transactional, so a migration that fails has not happened.
context.run_migrations()
