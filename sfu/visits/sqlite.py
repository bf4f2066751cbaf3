"""SQLite: one file of this machine, with a write-ahead log, durable at every commit."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from sfu.errors import ConfigError
from sfu.visits.ownership import own_file

FILE = "evisit file"
"""Under this name a connection keeps which file it was opened on."""
OWNED = "evisit owned"
"""Under this name it keeps the descriptor by which its server has the database."""


def open_sqlite(url: URL, *, writes: bool, owns: bool, make: bool, connections: int, busy_seconds: float) -> Engine:
    """As `open_engine`. A database made here is readable by nobody else."""
    if not url.database or url.database == ":memory:":
        raise ConfigError('database.url must be "sqlite:///" and the path of a file')
    file = Path(url.database)
    if not make and not file.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), url.database)
    if writes and make:
        _make_private(file)
    address = f"file:{quote(str(file.absolute()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        # mode=rw: a file that has gone is not made anew, empty, in the place of the one that is missed.
        return sqlite3.connect(address, uri=True, timeout=busy_seconds, check_same_thread=False)

    engine = create_engine(url, creator=connect, pool_size=connections, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        entry.info[FILE] = _identity(file)
        if owns:
            entry.info[OWNED] = own_file(file)
        # sqlite3 would open transactions by itself, and only before some statements; `begin` below does it.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            # FULL: what has been committed outlives a power cut, not only the process.
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            f"query_only = {'OFF' if writes else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "close")
    def release(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        descriptor = entry.info.pop(OWNED, None)
        if descriptor is not None:
            os.close(descriptor)

    @event.listens_for(engine, "checkout")
    def check(connection: sqlite3.Connection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        # SQLite goes on writing to a file that was taken away or replaced: into nothing, without a word. The pool connects
        # anew instead; where there is no file, that fails.
        found = _identity(file)
        if found is None or found != entry.info[FILE]:
            raise DisconnectionError("the database has been taken away or replaced")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads before it writes would otherwise fail where another process wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_private(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its -wal and -shm files the mode of the database.
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
