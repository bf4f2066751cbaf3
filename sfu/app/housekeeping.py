"""What the server does by itself, now and then: see whether the store can be written."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

from sfu import tasks
from sfu.errors import StoreUnavailable
from sfu.log import logger
from sfu.visits.store import Store

PROBE_SECONDS = 10  # a lost database is known that soon, though nobody asked anything of it
AGAIN_SECONDS = 1.0  # how often it is looked whether it is lost, or back

log = logger(__name__)


class Housekeeping:
    """One of these a process, from `start` to `stop`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._running.append(tasks.spawn(self._watch_store(), name="watch store"))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

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
