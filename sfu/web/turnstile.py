"""The way in for channels: one in every turn of the event loop, in the order of coming.

Opening one costs as much as a hundred forwarded packets. Let through as they come, a crowd would make each turn of the loop as long as
the crowd is large; and media, and staff's clicks, which take some turns each, would wait for all of it.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turnstile:
    """Whoever comes waits in `enter` for their turn."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turning = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def enter(self) -> None:
        """Return when it is the caller's turn."""
        called = asyncio.get_running_loop().create_future()
        self._waiting.append(called)
        if not self._turning:
            self._turning = True
            self._come_round()
        await called

    def _come_round(self) -> None:
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        while self._waiting:
            called = self._waiting.popleft()
            if not called.done():  # whoever came may have gone
                called.set_result(None)
                break
        self._turning = bool(self._waiting)
        if self._turning:
            self._come_round()
