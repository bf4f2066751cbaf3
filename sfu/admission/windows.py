"""When a visit can be joined, and a clock for it that does not jump."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sfu.admission.visit import Visit


@dataclass(frozen=True, slots=True)
class Window:
    """From when and until when a visit can be joined (portal-api.md, Visits)."""

    opens_at: datetime
    closes_at: datetime


def window(visit: Visit, *, opens_before_minutes: int, closes_after_minutes: int) -> Window:
    return Window(
        visit.starts_at - timedelta(minutes=opens_before_minutes),
        visit.ends_at + timedelta(minutes=closes_after_minutes),
    )


@dataclass(frozen=True, slots=True)
class Anchor:
    """The time of day as it was at one moment, carried on by the monotonic clock.

    The machine's wall clock may jump by hours; a visit that runs must neither end nor open by that. So a room reads
    the wall clock once, and from then on counts.
    """

    now: float
    wall: datetime

    def wall_at(self, now: float) -> datetime:
        return self.wall + timedelta(seconds=now - self.now)

    def now_at(self, wall: datetime) -> float:
        return self.now + (wall - self.wall).total_seconds()


def iso(moment: datetime) -> str:
    """A moment as messages spell it: UTC, whole seconds, `Z` (RFC 3339)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
