"""What a room allows, and the count of knocks."""

from __future__ import annotations

from dataclasses import dataclass

KNOCK_PERIOD = 3600.0
"""Seconds that `knocks_per_link_hour` speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a room allows. Defaults are those of `[admission]`, `[visits]` and `[limits]` in config.toml."""

    room_capacity: int = 12
    """Admitted participants at a time. Own staff are counted, and come in beyond it: their room must not shut them out."""
    lobby_capacity: int = 50
    """Waiting participants at a time. Who is put back by staff, or comes back to a place, comes in beyond it."""
    knocks_per_link_hour: int = 60
    """Joins with the shared link, a link and hour; and joins with one ticket beyond its first."""
    resume_seconds: float = 120.0
    opens_before_minutes: int = 30
    closes_after_minutes: int = 120


@dataclass(frozen=True, slots=True)
class Knocks:
    """When one link was last joined with, oldest first. A value: `with_one` gives a new one."""

    times: tuple[float, ...] = ()

    def within(self, now: float) -> int:
        """How many there were in the last hour."""
        return sum(time > now - KNOCK_PERIOD for time in self.times)

    def with_one(self, now: float) -> Knocks:
        return Knocks((*(time for time in self.times if time > now - KNOCK_PERIOD), now))
