"""Numbers that wrap: RTP sequence numbers (mod 2^16) and timestamps (mod 2^32), compared as RFC 1982 does.

Two numbers exactly half the circle apart are in no order (RFC 1982 3.2); here neither is newer than the other.
"""

from __future__ import annotations


def newer(a: int, b: int) -> bool:
    """Whether sequence number `a` comes after `b`."""
    return 0 < (a - b) & 0xFFFF < 0x8000


def distance(a: int, b: int) -> int:
    """How far sequence number `a` is ahead of `b`: -32768 … 32767, negative where it is behind."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def newer32(a: int, b: int) -> bool:
    """Whether timestamp `a` comes after `b`."""
    return 0 < (a - b) & 0xFFFFFFFF < 0x80000000


def distance32(a: int, b: int) -> int:
    """How far timestamp `a` is ahead of `b`: -2^31 … 2^31 - 1."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Unroller:
    """Sequence numbers as integers that go on rising where the 16 bits wrap; the low 16 bits stay the number itself.

    The first is taken as it is. Every other is the integer nearest to the highest so far, so what comes late just after the start
    may be negative. A jump of 2^15 or more cannot be told from a wrap: whoever sees a source start anew calls `reset`.
    """

    __slots__ = ("_started", "highest")

    def __init__(self) -> None:
        self.highest = 0
        self._started = False

    def unroll(self, sequence: int) -> int:
        """The extended number of `sequence`; `highest` follows where it is ahead."""
        if not self._started:
            self._started = True
            self.highest = sequence
            return sequence
        extended = self.highest + distance(sequence, self.highest & 0xFFFF)
        if extended > self.highest:
            self.highest = extended
        return extended

    def reset(self) -> None:
        """Forget all; the next number is taken as it is."""
        self.highest = 0
        self._started = False
