"""Asking for keyframes: one request serves every viewer, and no viewer can make a sender produce nothing else."""

from __future__ import annotations

REQUEST_INTERVAL = 0.5  # seconds between two requests to one source; a keyframe takes about a round trip to come
MAX_TRIES = 10  # requests without a keyframe; then whoever still lacks one asks again
ASKS = 3  # a receiver may ask for a source's keyframe this often
ASKS_INTERVAL = 10.0  # within seconds


class KeyframeRequests:
    """One source's keyframe requests: merged, repeated until one comes, never closer than `REQUEST_INTERVAL`.

    `want` and `due` say when to send one; whoever gets True sends it.
    """

    __slots__ = ("_requested_at", "_tries", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        """A keyframe is still waited for."""
        self._requested_at = float("-inf")
        self._tries = 0

    def want(self, now: float) -> bool:
        """Somebody needs a keyframe. True: send a request now; False: one is under way, and `due` will see to another."""
        self.wanted = True
        self._tries = 0
        return self.due(now)

    def due(self, now: float) -> bool:
        """Whether to send a request now, because a keyframe is wanted and the last request is long enough ago."""
        if not self.wanted or now - self._requested_at < REQUEST_INTERVAL:
            return False
        if self._tries >= MAX_TRIES:
            self.wanted = False
            return False
        self._tries += 1
        self._requested_at = now
        return True

    def seen(self) -> None:
        """A keyframe has begun: everybody who waited has it."""
        self.wanted = False

    def next_timer(self) -> float | None:
        """When `due` is to be asked."""
        return self._requested_at + REQUEST_INTERVAL if self.wanted else None


class AskLimit:
    """What one receiver may ask for of one source: `ASKS` in `ASKS_INTERVAL`. What is above that is not heard."""

    __slots__ = ("_asked_at",)

    def __init__(self) -> None:
        self._asked_at: list[float] = []

    def is_open(self, now: float) -> bool:
        """Whether an ask would be heard."""
        return len(self._asked_at) < ASKS or now - self._asked_at[0] >= ASKS_INTERVAL

    def allow(self, now: float) -> bool:
        """Whether this ask is heard; counts it if so."""
        if not self.is_open(now):
            return False
        if len(self._asked_at) >= ASKS:
            del self._asked_at[0]
        self._asked_at.append(now)
        return True
