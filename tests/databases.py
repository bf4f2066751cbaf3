"""The two kinds of database that the store runs on, as tests meet them: empty, and open to whoever does something to them."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sfu.visits import migrations
from sfu.visits.engine import open_engine
from sfu.visits.postgresql import WRITER
from tests.postgresql import Cluster

KINDS = ("sqlite", "postgresql")


class Database(ABC):
    """A database beside the store: what somebody else sees in it, and does to it."""

    kind: str
    refusal: type[Exception]
    """What its driver raises where it keeps a row from being changed."""

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def rows(self, query: str) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    def execute(self, *statements: str) -> None:
        """Done in one transaction. Raises what the driver raises."""

    @abstractmethod
    def tamper(self, *statements: str) -> None:
        """As `execute`, by somebody who takes the triggers out of the way first."""

    @abstractmethod
    def tables(self) -> list[str]: ...

    @abstractmethod
    def bytes(self, content: bytes) -> str:
        """As a literal."""

    @abstractmethod
    def hold(self) -> AbstractContextManager[None]:
        """Somebody else writes, and is not done."""

    @abstractmethod
    def refuse_inserts(self, table: str) -> None:
        """From now on nothing more goes into a table, as if there were no room."""

    @abstractmethod
    def take_inserts(self, table: str) -> None:
        """There is room again."""

    @abstractmethod
    def mappings(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, by their columns' names."""

    def text(self) -> str:
        """All that is in it, a value a line; bytes as the characters of the same number."""
        values = [value for table in self.tables() for row in self.mappings(table) for value in row.values()]
        return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)

    def counts(self) -> dict[str, int]:
        """Rows of every table."""
        return {name: self.rows(f"SELECT count(*) FROM {name}")[0][0] for name in self.tables()}


class InFile(Database):
    """SQLite."""

    kind = "sqlite"
    refusal = sqlite3.IntegrityError

    def __init__(self, file: Path) -> None:
        super().__init__(f"sqlite:///{file}")
        self.file = file

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as database:
            return database.execute(query).fetchall()

    def mappings(self, table: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.file)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(f"SELECT * FROM {table}")]

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    def tamper(self, *statements: str) -> None:
        triggers = self.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        self.execute(*(f"DROP TRIGGER {name}" for (name,) in triggers), *statements)

    def tables(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def bytes(self, content: bytes) -> str:
        return f"x'{content.hex()}'"

    @contextmanager
    def hold(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def refuse_inserts(self, table: str) -> None:
        self.execute(f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'disk'); END")

    def take_inserts(self, table: str) -> None:
        self.execute("DROP TRIGGER full")


class OnServer(Database):
    """PostgreSQL."""

    kind = "postgresql"
    refusal = psycopg.IntegrityError

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__(cluster.url(name))
        self.cluster = cluster
        self.name = name

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.cluster.connect(self.name) as database:
            return database.execute(query.encode()).fetchall()

    def mappings(self, table: str) -> list[dict[str, Any]]:
        with self.cluster.connect(self.name) as database:
            return database.cursor(row_factory=dict_row).execute(f"SELECT * FROM {table}".encode()).fetchall()

    def execute(self, *statements: str) -> None:
        with self.cluster.connect(self.name) as database, database.transaction():
            for statement in statements:
                database.execute(statement.encode())

    def tamper(self, *statements: str) -> None:
        self.execute("SET LOCAL session_replication_role = replica", *statements)

    def tables(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]

    def bytes(self, content: bytes) -> str:
        return f"'\\x{content.hex()}'::bytea"

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self.cluster.connect(self.name) as other, other.transaction(force_rollback=True):
            other.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER,))
            yield

    def refuse_inserts(self, table: str) -> None:
        self.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$",
            f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()",
        )

    def take_inserts(self, table: str) -> None:
        self.execute(f"DROP TRIGGER no_room ON {table}", "DROP FUNCTION no_room")


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision."""
    engine = open_engine(url, writes=True)
    with engine.begin() as connection:
        migrations.run(connection, revision)
    engine.dispose()


@cache
def _file() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "template.db"
        migrate(f"sqlite:///{file}")
        return file.read_bytes()


@cache
def template(cluster: Cluster) -> str:
    """The name of an empty database to copy; it is not to be opened."""
    name = cluster.create()
    migrate(cluster.url(name))
    return name


def in_file(file: Path) -> InFile:
    """An empty database there: migrated once a test run, and copied."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_file())
    return InFile(file)


@contextmanager
def on_server(cluster: Cluster) -> Iterator[OnServer]:
    """An empty database of a server, as `in_file`; it goes at the end."""
    database = OnServer(cluster, cluster.create(template(cluster), strategy="file_copy"))
    yield database
    cluster.drop(database.name)
