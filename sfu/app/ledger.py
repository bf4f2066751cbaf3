"""What a visit has written to the store, in its order: at once, or as soon as the store takes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from sfu import clock, tasks
from sfu.app.turn import Turn
from sfu.errors import StoreUnavailable
from sfu.rooms.commands import Record
from sfu.rooms.correction import correction
from sfu.rooms.room import Room
from sfu.visits.store import Store
from sfu.visits.transaction import Unsure

RETRY_SECONDS = 1.0  # how soon what could not be written is tried again: a database is back in seconds, or not today


class Ledger:
    """The records of one visit. Whoever calls a method that writes has the visit's turn."""

    def __init__(self, store: Store, turn: Turn, room: Callable[[], Room]) -> None:
        """`room` gives the visit's room as it stands."""
        self._store = store
        self._turn = turn
        self._room = room
        self._unwritten: deque[Record] = deque()
        self._first_may_be_written = False
        self._retry: asyncio.TimerHandle | None = None

    def behind(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._unwritten)

    async def write(self, record: Record) -> None:
        """Write what is still unwritten, then this. Raises StoreUnavailable, and then this is not written later either."""
        await self.catch_up()
        try:
            await self._store_record(record)
        except (Unsure, asyncio.CancelledError):
            # The step has not happened here. Before anything else is written of this visit, the store is told so.
            # Cancelled, as at the end of the process: what stands in the store's queue is written all the same.
            self._unwritten.append(correction(self._room(), record, clock.wall()))
            self._retry_soon()
            raise

    async def write_when_it_can(self, record: Record) -> None:
        """Write this after what is still unwritten, now or later."""
        self._unwritten.append(record)
        with contextlib.suppress(StoreUnavailable):
            await self.catch_up()

    async def catch_up(self) -> None:
        """Write what is still unwritten. Raises StoreUnavailable; it is tried again then."""
        while self._unwritten:
            again = self._first_may_be_written
            # Until it is known; a cancelled wait never is.
            self._first_may_be_written = True
            try:
                await self._store_record(self._unwritten[0], again=again)
            except StoreUnavailable as error:
                self._first_may_be_written = again or isinstance(error, Unsure)
                self._retry_soon()
                raise
            self._unwritten.popleft()
            self._first_may_be_written = False

    def stop(self) -> None:
        """Try nothing again by itself any more."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    async def _store_record(self, record: Record, *, again: bool = False) -> None:
        await self._store.write(
            entries=record.entries,
            participants=record.participants,
            visit=record.visit,
            tickets_used=record.tickets_used,
            again=again,
        )

    def _retry_soon(self) -> None:
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        tasks.start(self._take_turn(), name=f"write {self._room().visit.visit}")

    async def _take_turn(self) -> None:
        async with self._turn.take():
            with contextlib.suppress(StoreUnavailable):
                await self.catch_up()
