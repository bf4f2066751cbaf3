"""What a room allows, and the count of knocks."""

from __future__ import annotations

from dataclasses import dataclass

KNOCK_PERIOD = 3600.0
"""Seconds that `knocks_per_link_hour` speaks of."""
RESUME_PERIOD = 60.0
"""Seconds."""
RESUMES_PER_PERIOD = 20
"""Of one participant. A client that comes back at growing intervals stays far below it, on the worst line; one that loops is
stopped before it fills the access log, where every return to a lost channel is a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a room allows. Defaults are those of `[admission]`, `[visits]` and `[limits]` in config.toml."""

    room_capacity: int = 12
    """Admitted participants at a time. Own staff are counted, and come in beyond it: their room must not shut them out."""
    lobby_capacity: int = 50
    """Waiting participants at a time that the booking does not name, or that are second devices. Who is booked finds a place
    beyond it, and so does who is put back by staff or comes back to a place."""
    knocks_per_link_hour: int = 60
    """Joins with the shared link, a link and hour; and joins with one ticket beyond its first."""
    resume_seconds: float = 120.0
    opens_before_minutes: int = 30
    closes_after_minutes: int = 120


@dataclass(frozen=True, slots=True)
class Knocks:
    """When somebody last came by one way, oldest first. A value: `with_one` gives a new one."""

    times: tuple[float, ...] = ()

    def within(self, now: float, period: float = KNOCK_PERIOD) -> int:
        """How many there were in the last `period` seconds."""
        return sum(time > now - period for time in self.times)

    def with_one(self, now: float, period: float = KNOCK_PERIOD) -> Knocks:
        return Knocks((*(time for time in self.times if time > now - period), now))
