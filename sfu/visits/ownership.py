"""Whose the database is: one server's at a time, or two would let people in without knowing of each other.

Each keeps its visits in memory, with whom it has let in and which tickets were used. So whoever writes for a server holds a lock for as
long as its connection lasts. A second one can read, and is told so with every write: it lets nobody in. The locks end with
their process, however that ends; tools that add a row of their own need none.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import psycopg

OWNER = 0x6576_6973_6F77  # the advisory lock of a server's writing session; of this database alone
SUFFIX = "-owner"
"""Of the file beside an SQLite database that its server holds locked. It may lie there without one."""


class Occupied(OSError):
    """Another server has the database."""


def own_file(database: Path) -> int:
    """Take an SQLite database; it is held until the descriptor is closed. Raises `Occupied`, or OSError where nothing can be made there."""
    descriptor = os.open(database.with_name(database.name + SUFFIX), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Occupied("another server has the database") from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def own_session(connection: psycopg.Connection[Any]) -> None:
    """Take a PostgreSQL database; it is held as long as the session. Raises `Occupied`, and closes the connection."""
    (taken,) = connection.execute("SELECT pg_try_advisory_lock(%s)", (OWNER,)).fetchone() or (False,)
    connection.commit()
    if not taken:
        connection.close()
        raise Occupied("another server has the database")
