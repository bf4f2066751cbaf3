"""What is to be done later: a heap of moments and calls."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from sfu.transport.parameters import PeerId

Call = Callable[[float], None]

EVERYBODY: PeerId = 0
"""Whose timer it is that works for all peers."""


class Timers:
    """Calls by the moment they are due, each with the peer it is made for. There is no way to cancel one: the call looks for itself
    whether it is still wanted."""

    __slots__ = ("_entries", "_serial")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, PeerId, Call]] = []
        self._serial = 0

    def at(self, when: float, owner: PeerId, call: Call) -> None:
        self._serial += 1
        heapq.heappush(self._entries, (when, self._serial, owner, call))

    def next(self) -> float | None:
        """When the next call is due."""
        return self._entries[0][0] if self._entries else None

    def due(self, now: float) -> list[tuple[PeerId, Call]]:
        """The calls that are due, in their order, which the caller makes now. What they add is not among them, however early it is."""
        calls = []
        while self._entries and self._entries[0][0] <= now:
            _, _, owner, call = heapq.heappop(self._entries)
            calls.append((owner, call))
        return calls
