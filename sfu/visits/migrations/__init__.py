"""How the tables came to be. `run` brings any older database to the newest revision; a new one from nothing."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def run(connection: Connection, revision: str = "head") -> None:
    """Upgrade the database behind `connection`, inside the caller's transaction.

    Raises `alembic.util.CommandError` where the database was made by a newer version.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
