"""A backup of everything that outlives the process, taken while the server runs: the database and the server's keys.

That of a database in a file. What PostgreSQL holds, PostgreSQL's own tools back up (docs/operations.md): they know of its
server, its other databases and its standbys, which this process does not.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import make_url

from sfu.errors import ConfigError, StoreUnavailable
from sfu.visits import audit
from sfu.visits.access_log import Verdict

DATABASE = "evisit.db"
KEYS = "keys"


def backup(url: str, keys: Path, into: Path) -> Verdict:
    """Copy the database at `url`, as it is at one moment, and the keys to the new folder `into`; gives what the copy's log proves.

    The folder can be put in the place of `[database] directory`. Raises `ConfigError` where `into` is there already or
    cannot be made, or where the database is PostgreSQL; `StoreUnavailable` where there is no database to read.
    """
    if make_url(url).get_backend_name() != "sqlite":
        raise ConfigError(
            f"the database is PostgreSQL: back it up with pg_dump, and copy {keys} beside it; docs/operations.md says how"
        )
    try:
        into.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise ConfigError(f"{into}: must be a new folder: {error.strerror}") from error
    try:
        _copy_database(str(make_url(url).database), into / DATABASE)
        # After the database: a key that was made in between opens nothing yet, a missing one would lose what it opened.
        shutil.copytree(keys, into / KEYS)
        (into / KEYS).chmod(0o700)
    except (sqlite3.Error, OSError, shutil.Error) as error:
        shutil.rmtree(into, ignore_errors=True)
        raise StoreUnavailable("the database and its keys could not be copied") from error
    return audit.verify(f"sqlite:///{into / DATABASE}")


def _copy_database(file: str, copy: Path) -> None:
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    address = f"file:{quote(os.path.abspath(file))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)  # one reading transaction: whoever writes meanwhile is not held up, and not in the copy
        # One file, without a log beside it, however it is copied on from here.
        target.execute("PRAGMA journal_mode = DELETE").close()
        (found,) = target.execute("PRAGMA integrity_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError("the database is damaged")
