"""The spatial layers of a section that is sent as several streams (simulcast): which is higher, and which one a receiver gets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

CONTRADICTIONS = 3
"""Windows in a row in which the bit rates contradict the order of the offer, before they are believed."""
CLEARLY = 1.3
"""Times that the rate of a lower layer exceeds that of a higher one, where they are in the wrong order."""


def choose(wanted: int, coming: Sequence[bool]) -> int:
    """The layer to send where `wanted` is wanted and those come for which `coming` is true; -1 where none does.

    The wanted one; else the nearest below; else the nearest above.
    """
    for layer in range(min(wanted, len(coming) - 1), -1, -1):
        if coming[layer]:
            return layer
    for layer in range(max(wanted + 1, 0), len(coming)):
        if coming[layer]:
            return layer
    return -1


class Ladder:
    """Rids, lowest layer first: in the offer's order, as browsers list them, unless what comes shows otherwise for seconds."""

    __slots__ = ("_contradictions", "rids")

    def __init__(self, rids: tuple[str, ...]) -> None:
        self.rids = rids
        self._contradictions = 0

    def measured(self, rates: Sequence[int]) -> bool:
        """The layers' bit rates of one more window, in the order of `rids`, 0 of one that does not come. True: the order is another now."""
        coming = [rate for rate in rates if rate]
        if all(lower <= CLEARLY * higher for lower, higher in pairwise(coming)):
            self._contradictions = 0
            return False
        self._contradictions += 1
        if self._contradictions < CONTRADICTIONS:
            return False
        self._contradictions = 0
        # Layers that do not come keep their places among the others.
        ranked = iter(sorted((index for index, rate in enumerate(rates) if rate), key=lambda index: rates[index]))
        self.rids = tuple(self.rids[next(ranked) if rate else index] for index, rate in enumerate(rates))
        return True
