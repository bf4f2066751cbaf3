"""Reading visits from the store: one when somebody first needs it, and at the start all that have begun and not ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from sfu import clock, tasks
from sfu.app.home import Home
from sfu.app.proofs import MAX_READINGS, crowded
from sfu.errors import StoreUnavailable
from sfu.ids import VisitId
from sfu.log import logger
from sfu.rooms.events import TimeHasCome
from sfu.visits.store import Store, StoredRoom

RETRY_SECONDS = 1.0
"""How soon a database that was lost is asked again; meanwhile places expire in the rooms that are read."""
BuildHome = Callable[[StoredRoom, float], Home]
"""Makes the home of a stored room, in which everybody lost the channel at that moment (monotonic seconds)."""

log = logger(__name__)

T = TypeVar("T")


class Restoring:
    """The homes of a process, by visit, each read once."""

    def __init__(self, store: Store, homes: dict[VisitId, Home], build: BuildHome) -> None:
        """`homes` are the visits that run now; one that has been read is put there."""
        self._store = store
        self._homes = homes
        self._build = build
        self._reading: dict[VisitId, asyncio.Task[Home | StoreUnavailable | None]] = {}
        self._since: float | None = None
        """When this process first had the database for itself (monotonic seconds): nobody in a room that is not here has had a
        channel since, and could come back before."""

    def under_way(self, visit: VisitId) -> bool:
        """Whether a visit is being read now."""
        return visit in self._reading

    async def read(self, visit: VisitId, *, for_stranger: bool = False) -> Home | None:
        """The home of a visit that is not here; None where there is no such visit. Raises StoreUnavailable.

        One reading a visit, however many come at once: two homes of one visit must never be. `for_stranger`: refused
        where too many are being read.
        """
        reading = self._reading.get(visit)
        if reading is None:
            if for_stranger and len(self._reading) >= MAX_READINGS:
                raise crowded()
            reading = self._reading[visit] = tasks.spawn(self._read(visit), name=f"read {visit}")
        found = await asyncio.shield(reading)
        if isinstance(found, StoreUnavailable):
            raise found
        return found

    async def read_unended(self) -> None:
        """Read every visit that has begun and not ended, one after the other: whoever does not come back expires in time, and each
        ends when its window closes, or now.

        Who comes meanwhile to a visit has it read at once. A lost database is waited for.
        """
        await self._until_there(self._alone)
        visits = await self._until_there(self._store.unended)
        for visit in visits:
            if visit not in self._homes:
                home = await self._until_there(partial(self.read, visit))
                if home is not None:
                    # Its clock begins with its first step.
                    await home.tell(TimeHasCome())
        if visits:
            log.info("visits that were under way are read", visits=len(visits))

    async def _until_there(self, ask: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                await asyncio.sleep(RETRY_SECONDS)

    async def _alone(self) -> float:
        """Since when this process has the database for itself. A room that is read while another may change it is soon untrue."""
        since = self._since
        if since is None:
            await self._store.probe()
            since = self._since = clock.monotonic()
        return since

    async def _read(self, visit: VisitId) -> Home | StoreUnavailable | None:
        """The loss of the database is told to whoever waits for this, and is no fault of the task's."""
        try:
            since = await self._alone()
            stored = await self._store.load_room(visit)
            if stored is None:
                return None
            home = self._homes[visit] = self._build(stored, since)
            home.arm()
            return home
        except StoreUnavailable as lost:
            return lost
        finally:
            del self._reading[visit]
