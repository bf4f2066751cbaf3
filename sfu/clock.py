"""The only clock. Everything else takes `now` (seconds, monotonic) and `wall` (UTC) as arguments."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def monotonic() -> float:
    """Seconds since an arbitrary moment; never goes back. For timers and intervals."""
    return time.monotonic()


def wall() -> datetime:
    """The time of day in UTC. For what people and tickets speak of, never for timers."""
    return datetime.now(UTC)
