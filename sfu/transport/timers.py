"""What is to be done later: a heap of moments and calls."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Call = Callable[[float], None]


class Timers:
    """Calls by the moment they are due. There is no way to cancel one: the call looks for itself whether it is still wanted."""

    __slots__ = ("_entries", "_serial")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Call]] = []
        self._serial = 0

    def at(self, when: float, call: Call) -> None:
        self._serial += 1
        heapq.heappush(self._entries, (when, self._serial, call))

    def next(self) -> float | None:
        """When the next call is due."""
        return self._entries[0][0] if self._entries else None

    def run(self, now: float) -> None:
        """Make the calls that are due. What they schedule for `now` or before waits for the next run."""
        due: list[Call] = []
        while self._entries and self._entries[0][0] <= now:
            due.append(heapq.heappop(self._entries)[2])
        for call in due:
            call(now)
