"""The migrations make exactly the tables that the store speaks of."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from sfu.errors import StoreUnavailable
from sfu.visits import migrations
from sfu.visits.engine import open_engine
from sfu.visits.schema import metadata
from sfu.visits.store import Store


def migrated(file: Path, revision: str = "head") -> str:
    url = f"sqlite:///{file}"
    engine = open_engine(url, writes=True)
    with engine.begin() as connection:
        migrations.run(connection, revision)
    engine.dispose()
    return url


def statements(file: Path) -> dict[str, str]:
    """What made each table, index and trigger, with single spaces."""
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def test_migrations_and_definitions_make_the_same_database(tmp_path: Path) -> None:
    migrated(tmp_path / "migrated.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'defined.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert statements(tmp_path / "migrated.db") == statements(tmp_path / "defined.db")


def test_a_new_revision_would_have_nothing_to_do(tmp_path: Path) -> None:
    engine = create_engine(migrated(tmp_path / "a.db"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    migrated(file)
    before = statements(file)
    migrated(file)
    assert statements(file) == before


async def test_a_database_of_a_newer_version_is_left_alone(file: Path, url: str) -> None:
    await (await Store.open(url)).close()
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    with pytest.raises(StoreUnavailable, match="newer version"):
        await Store.open(url)


async def test_a_database_is_made_with_its_folder_and_readable_by_nobody_else(file: Path, url: str) -> None:
    store = await Store.open(url)
    modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    await store.close()
    assert set(modes.values()) == {0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700
