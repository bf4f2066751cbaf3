"""NTP timestamps as sender and receiver reports use them (RFC 3550 4): 32 bits of seconds, 32 bits of fraction."""

from __future__ import annotations

UNIX_EPOCH = 2_208_988_800  # seconds from 1900 to 1970 (RFC 868)
GAIN = 0.25
"""What a report's round trip counts for beside those before it (RFC 6298 2.3, where they come more often)."""


def from_seconds(seconds: float) -> int:
    """64-bit NTP time of `seconds` since whatever the caller counts from. For the time of day add `UNIX_EPOCH` to Unix time."""
    return int(seconds * 4294967296.0) & 0xFFFFFFFFFFFFFFFF


def to_seconds(ntp: int) -> float:
    """Seconds since the epoch of `ntp`, as a float: exact to a microsecond, not to NTP's own quarter of a nanosecond."""
    return ntp / 4294967296.0


def middle(ntp: int) -> int:
    """The middle 32 bits: seconds mod 2^16 and 1/65,536 s. What LSR carries."""
    return ntp >> 16 & 0xFFFFFFFF


def short(seconds: float) -> int:
    """A span in 1/65,536 s, at most 32 bits. What DLSR carries."""
    return min(max(int(seconds * 65536.0), 0), 0xFFFFFFFF)


def round_trip(arrival: int, last_sr: int, delay_since_last_sr: int) -> float:
    """Seconds there and back, from a report block (RFC 3550 6.4.1), all three in 1/65,536 s; `arrival` is `middle` of our clock now.

    Negative, -1.0, where it cannot be known: no sender report was heard yet, or the numbers do not go together.
    """
    if last_sr == 0:
        return -1.0
    ticks = (arrival - last_sr - delay_since_last_sr) & 0xFFFFFFFF
    # More than half the circle is a delay longer than the time that has passed: a broken or lying clock.
    if ticks >= 0x80000000:
        return -1.0
    return ticks / 65536.0


def smoothed(known: float, measured: float) -> float:
    """The round trip, in seconds, after one more report (`known` 0: the first). One that a busy browser answered late changes little."""
    return known + (measured - known) * GAIN if known else measured
