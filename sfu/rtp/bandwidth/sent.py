"""The packets of one transport by their transport-wide number: when they were sent, and how long they are, until feedback names them."""

from __future__ import annotations

from array import array

SLOTS = 4_096
"""Numbers remembered, a power of two: at 1,000 packets a second four seconds, of which feedback is late by one at most."""
SLOT = SLOTS - 1
ANSWERED = 0
"""The size of what feedback has named as received."""


class SentPackets:
    """`note` is called with every packet, so it does little and keeps plain numbers."""

    __slots__ = ("_sent", "_sizes", "next", "total")

    def __init__(self, first: int = 0) -> None:
        self.next = first
        """The next number; rises for ever, the low 16 bits go out."""
        self.total = 0
        """Bytes sent so far."""
        self._sent = array("d", [0.0]) * SLOTS
        self._sizes = array("l", [ANSWERED]) * SLOTS

    def note(self, size: int, now: float) -> int:
        """A packet of `size` bytes is sent; gives its number, 0 … 65,535."""
        number = self.next
        slot = number & SLOT
        self._sent[slot] = now
        self._sizes[slot] = size
        self.next = number + 1
        self.total += size
        return number & 0xFFFF

    def extend(self, number: int) -> int:
        """The number, of those sent, that the 16 bits of feedback mean: the newest. Negative, or too old to be known: `known` says so."""
        newest = self.next - 1
        return newest - ((newest - number) & 0xFFFF)

    def known(self, number: int) -> bool:
        """Whether anything is remembered of this (extended) number."""
        return 0 <= self.next - number - 1 <= SLOT and number >= 0

    def sent_at(self, number: int) -> float:
        return self._sent[number & SLOT]

    def take(self, number: int) -> int:
        """The size of a packet that arrived, negative where it was told lost before; `ANSWERED` where its arrival was."""
        slot = number & SLOT
        size = self._sizes[slot]
        self._sizes[slot] = ANSWERED
        return size

    def lose(self, number: int) -> bool:
        """A packet is told lost. Whether that is news: receivers tell it again when an older one has come after all."""
        slot = number & SLOT
        size = self._sizes[slot]
        if size <= ANSWERED:
            return False
        self._sizes[slot] = -size
        return True
