"""One transaction, from its begin to an answer that holds: it has happened whole, or it has not happened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, Engine, exc

from sfu import clock
from sfu.errors import StoreUnavailable
from sfu.visits.ownership import Occupied
from sfu.visits.postgresql import MARK, committed

LEARN_SECONDS = (
    10.0  # for which it is tried to learn what became of a commit; a server that was started anew is back by then
)
AGAIN_SECONDS = 0.2
LOST = (exc.DBAPIError, exc.TimeoutError, OSError)

T = TypeVar("T")


class Unsure(StoreUnavailable):
    """The database was lost at the commit, and has not come back: what was asked may have happened, or not."""


def run(engine: Engine, work: Callable[[Connection], T], until: float | None = None) -> T:
    """Do `work` in one transaction. It blocks. Raises `StoreUnavailable` where nothing has happened, `Unsure` where nobody knows.

    `until`, by the monotonic clock: when its turn comes later than that, nothing is tried any more.
    """
    if until is not None and clock.monotonic() > until:
        raise StoreUnavailable("the database has not kept up")
    done: list[T] = []
    mark: str | None = None
    try:
        with engine.begin() as connection:
            result = work(connection)
            mark = connection.info.get(MARK)
            done.append(result)
        return result
    except Occupied as error:
        raise StoreUnavailable("another server has the database: end it first") from error
    except exc.DataError:
        raise  # what was asked was wrong; the database is not lost
    except LOST as error:
        unanswered = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        if done and unanswered:
            if mark is None:
                raise Unsure("the database was lost at a commit") from error
            if _learn(engine, mark):
                return done[0]
        raise StoreUnavailable("the database cannot be read or written now") from error
    except CommandError as error:
        raise StoreUnavailable("the database was made by a newer version") from error


def _learn(engine: Engine, mark: str) -> bool:
    """Whether it was committed."""
    until = clock.monotonic() + LEARN_SECONDS
    while True:
        try:
            return committed(engine, mark)
        except LOST as error:
            if clock.monotonic() >= until:
                raise Unsure("the database was lost at a commit") from error
        threading.Event().wait(AGAIN_SECONDS)
