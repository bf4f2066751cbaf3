"""An empty database, migrated once a test run and copied for each test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sfu.visits import migrations
from sfu.visits.engine import open_engine


@cache
def _template() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "template.db"
        engine = open_engine(f"sqlite:///{file}", writes=True)
        with engine.begin() as connection:
            migrations.run(connection)
        engine.dispose()
        return file.read_bytes()


def lay(file: Path) -> None:
    """Put an empty database there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_template())
