"""The migrations make exactly the tables that the store speaks of, on both kinds of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from sfu.errors import ConfigError, StoreUnavailable
from sfu.visits.schema import metadata
from sfu.visits.store import Store
from tests.databases import KINDS, Database, InFile, OnServer, migrate
from tests.postgresql import Cluster

Bare = Callable[[], Database]


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bare]:
    """Makes databases with nothing in them."""
    made: list[str] = []
    cluster: Cluster | None = None if request.param == "sqlite" else request.getfixturevalue("cluster")

    def make() -> Database:
        if cluster is None:
            made.append(f"{len(made)}.db")
            return InFile(tmp_path / made[-1])
        made.append(cluster.create())
        return OnServer(cluster, made[-1])

    yield make
    if cluster is not None:
        for name in made:
            cluster.drop(name)


def statements(database: Database) -> dict[str, str]:
    """What made each table, index and trigger, with single spaces."""
    if isinstance(database, OnServer):
        dump = database.cluster.run("pg_dump", "--schema-only", "--no-owner", database.name)
        found = [(part, part) for part in dump.split("\n\n") if not part.startswith(("--", "\\"))]
    else:
        found = database.rows("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: " ".join(sql.split()) for name, sql in found if "alembic_version" not in name}


def test_migrations_and_definitions_make_the_same_database(bare: Bare) -> None:
    migrated, defined = bare(), bare()
    migrate(migrated.url)
    engine = create_engine(make_url(defined.url).set(drivername=DRIVERS[defined.kind]))
    metadata.create_all(engine)
    engine.dispose()
    made = statements(migrated)
    assert made == statements(defined)
    assert sum("CREATE TRIGGER" in sql for sql in made.values()) >= 6


def test_a_new_revision_would_have_nothing_to_do(bare: Bare) -> None:
    database = bare()
    migrate(database.url)
    engine = create_engine(make_url(database.url).set(drivername=DRIVERS[database.kind]))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def test_migrating_twice_changes_nothing(bare: Bare) -> None:
    database = bare()
    migrate(database.url)
    before = statements(database)
    migrate(database.url)
    assert statements(database) == before


async def test_opening_makes_the_tables(bare: Bare) -> None:
    database = bare()
    await (await Store.open(database.url)).close()
    assert database.counts()["access_log_head"] == 1


async def test_a_database_of_a_newer_version_is_left_alone(bare: Bare) -> None:
    database = bare()
    migrate(database.url)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match="newer version"):
        await Store.open(database.url)


async def test_a_database_of_another_encoding_is_refused(cluster: Cluster) -> None:
    name = cluster.create("template0", encoding="LATIN1", locale="C")
    with pytest.raises(ConfigError, match="UTF8"):
        await Store.open(cluster.url(name))
    cluster.drop(name)


async def test_a_file_is_made_with_its_folder_and_readable_by_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "data" / "evisit.db"
    store = await Store.open(f"sqlite:///{file}")
    modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    await store.close()
    assert set(modes.values()) == {0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700
