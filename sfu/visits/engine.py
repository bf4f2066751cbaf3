"""Connections to the database, of whichever kind: a file of this machine (SQLite), or a PostgreSQL server."""

from __future__ import annotations

from sqlalchemy import Engine, make_url

from sfu.errors import ConfigError
from sfu.visits.postgresql import open_postgresql
from sfu.visits.sqlite import open_sqlite


def open_engine(
    url: str,
    *,
    writes: bool,
    owns: bool = False,
    make: bool = True,
    connections: int = 1,
    busy_seconds: float = 5.0,
    answer_seconds: float | None = None,
) -> Engine:
    """An engine for writing (a transaction takes the one write lock before anything else) or for reading (it can do nothing else).

    `owns`: it writes for a server, which has the database alone (ownership.py).
    `busy_seconds`: how long another writer may hold the lock. `answer_seconds`: how long a server may take for one statement;
    None: as long as it takes. Values never stand in its errors. Without `make`, `FileNotFoundError` where there is no file.
    Raises `ConfigError` for a URL of another kind.
    """
    parsed = make_url(url)
    match parsed.drivername:
        case "sqlite":
            return open_sqlite(
                parsed, writes=writes, owns=owns, make=make, connections=connections, busy_seconds=busy_seconds
            )
        case "postgresql":
            return open_postgresql(
                parsed,
                writes=writes,
                owns=owns,
                connections=connections,
                busy_seconds=busy_seconds,
                answer_seconds=answer_seconds,
            )
        case _:
            raise ConfigError('database.url must begin with "sqlite:///" or "postgresql://"')
