"""Webhook events delivered again, asked for from outside the server by `python -m sfu webhooks replay`. It blocks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exc

from sfu.errors import StoreUnavailable
from sfu.ids import VisitId
from sfu.visits import webhook_rows
from sfu.visits.engine import open_engine


def replay(
    url: str,
    at: datetime,
    *,
    endpoint: str | None = None,
    visit: VisitId | None = None,
    since: datetime | None = None,
    failed: bool = False,
) -> int:
    """Have a running server, or the next one, deliver settled events again; how many. Arguments as `webhook_rows.replay`.

    Raises `StoreUnavailable` where there is no such database.
    """
    try:
        engine = open_engine(url, writes=True, make=False)
        try:
            with engine.begin() as connection:
                return webhook_rows.replay(connection, at, endpoint=endpoint, visit=visit, since=since, failed=failed)
        finally:
            engine.dispose()
    except (exc.DBAPIError, OSError) as error:
        raise StoreUnavailable("there are no webhook events to replay") from error
