"""The audio level that a sender states of each packet (RFC 6464): one byte, V and seven bits of -dBov."""

from __future__ import annotations

LOUDEST = 0  # -dBov
SILENCE = 127  # -dBov; digital silence


def level(value: int) -> int:
    """The level in -dBov: 0 the loudest, 127 silence."""
    return value & 0x7F


def voice(value: int) -> bool:
    """Whether the sender takes what is in the packet for speech. Only as good as the sender's detector."""
    return value & 0x80 != 0
