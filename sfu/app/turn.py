"""Whose turn it is at a visit: one at a time, and who has come to the door last of all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turn:
    """A lock that is handed on in the order of asking; strangers who knock wait until nobody else does.

    A crowd at the door can therefore stand before a click of staff's for the length of one step, however many it is.
    """

    def __init__(self) -> None:
        self._taken = False
        self._first: deque[asyncio.Future[None]] = deque()
        self._last: deque[asyncio.Future[None]] = deque()

    def taken(self) -> bool:
        """Whether it is somebody's now."""
        return self._taken

    @asynccontextmanager
    async def take(self, *, last: bool = False) -> AsyncIterator[None]:
        """Have it for the length of the context. `last`: after everybody who has not said so."""
        if self._taken:
            await self._wait(self._last if last else self._first)
        self._taken = True
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        called = asyncio.get_running_loop().create_future()
        queue.append(called)
        try:
            await called
        except asyncio.CancelledError:
            if not called.cancelled():
                self._hand_on()  # it was ours already
            raise

    def _hand_on(self) -> None:
        for queue in (self._first, self._last):
            while queue:
                called = queue.popleft()
                if not called.done():  # whoever asked may have given up
                    called.set_result(None)  # it stays taken: nobody comes in between
                    return
        self._taken = False
