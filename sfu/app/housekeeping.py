"""What the server does by itself, now and then: see whether the store can be written, and forget what is not to be kept."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from datetime import datetime, timedelta

from sfu import clock, tasks
from sfu.config import Config
from sfu.errors import StoreUnavailable
from sfu.log import logger
from sfu.visits import retention, statements
from sfu.visits.store import Store

PROBE_SECONDS = 10  # a lost database is known that soon, though nobody asked anything of it
AGAIN_SECONDS = 1.0  # how often it is looked whether it is lost, or back
RETENTION_SECONDS = 3600.0
DAYS_A_YEAR = 365.25

log = logger(__name__)


class Housekeeping:
    """One of these a process, from `start` to `stop`."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._visits_for = timedelta(days=config.visits.keep_days)
        self._log_for = timedelta(days=config.audit.keep_years * DAYS_A_YEAR)
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._running.append(tasks.spawn(self._watch_store(), name="watch store"))
        self._running.append(tasks.spawn(self._forget_now_and_then(), name="retention"))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    async def forget(self, wall: datetime) -> None:
        """Delete what is older than is to be kept, in small transactions: whoever joins comes in between."""
        store, visits_until, log_until = self._store, wall - self._visits_for, wall - self._log_for
        await store.change(lambda connection: statements.forget_answers(connection, wall))
        visits = rows = 0
        while done := await store.change(
            lambda connection: retention.forget_visits(connection, ended_before=visits_until, at=wall)
        ):
            visits += done
        while done := await store.change(
            lambda connection: retention.cut_log(connection, written_before=log_until, at=wall)
        ):
            rows += done
        if visits or rows:
            log.info("retention", visits=visits, access_log_rows=rows)

    async def _forget_now_and_then(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self.forget(clock.wall())
            await asyncio.sleep(RETENTION_SECONDS)

    async def _watch_store(self) -> None:
        told = True
        for second in itertools.count(1):
            await asyncio.sleep(AGAIN_SECONDS)
            if not self._store.available or second % PROBE_SECONDS == 0:
                with contextlib.suppress(StoreUnavailable):
                    await self._store.probe()
            if self._store.available is not told:
                told = self._store.available
                if told:
                    log.warning("the database can be written again")
                else:
                    log.warning("the database cannot be read or written; nobody new gets in")
