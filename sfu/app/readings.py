"""What the plane measures of one visit, gathered into few steps of its room: five a second at most, more only where a way takes less or
somebody asks for more; one in two seconds where everybody has all that they want; none where nothing has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from sfu import clock, tasks
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.events import Measured
from sfu.rooms.ladders import Layer
from sfu.rooms.pictures import Pictures
from sfu.rooms.plenty import is_plenty

STEP_INTERVAL: Final = 0.2
"""Seconds between two steps for measurements. The first comes at once."""
CALM_INTERVAL: Final = 2.0
"""Seconds, where everybody has all that they want and goes on having it."""
FALL_INTERVAL: Final = 0.05
"""Seconds, where a way takes much less than the room knows: what it takes no more must not wait."""
FALL: Final = 0.1
"""Relative; less than any decrease of an estimate (draft-ietf-rmcat-gcc-02 5.5)."""
ESTIMATE_CHANGE: Final = 0.03
LAYER_CHANGE: Final = 0.1
"""Relative; a scene that moves a little more is no other picture, and a new choice would be the same."""

Layers = tuple[tuple[Layer, ...], tuple[str, ...]]


class Readings:
    """Of one home."""

    def __init__(self, tell: Callable[[Measured], Awaitable[None]], known: Callable[[], Pictures], name: str) -> None:
        """`known` is what the room knows already; `tell` has it take what it does not."""
        self._tell = tell
        self._known = known
        self._name = name
        self._estimates: dict[ParticipantId, int] = {}
        self._coming: dict[TrackId, Layers] = {}
        self._told_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        """The step that is under way."""

    def estimated(self, estimates: Iterable[tuple[ParticipantId, int]], now: float) -> None:
        """Bits per second that ways down take."""
        known = self._known().estimates
        for receiver, bits in estimates:
            told = known.get(receiver)
            if told is not None and abs(bits - told) <= told * ESTIMATE_CHANGE:
                self._estimates.pop(receiver, None)
            else:
                self._estimates[receiver] = bits
        self._soon(now)

    def comes(self, track: TrackId, layers: Layers, now: float) -> None:
        """The layers of a track that come, and its rids."""
        known = self._known().coming.get(track)
        if known is not None and _alike((known.layers, known.rids), layers):
            self._coming.pop(track, None)
        else:
            self._coming[track] = layers
        self._soon(now)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def settle(self) -> None:
        """Tell now what waits: somebody is about to want more, and is not to be given it by what was known two seconds ago."""
        if self._timer is not None and (self._estimates or self._coming):
            self.stop()
            self._go()
        if self._telling is not None:
            await asyncio.shield(self._telling)

    def _soon(self, now: float) -> None:
        if self._telling is not None or not (self._estimates or self._coming):
            return
        self.stop()
        wait = self._told_at + self._interval() - now
        if wait <= 0:
            self._go()
        else:
            self._timer = asyncio.get_running_loop().call_later(wait, self._go)

    def _interval(self) -> float:
        if self._falls():
            return FALL_INTERVAL
        return CALM_INTERVAL if is_plenty(self._known(), self._estimates, self._coming) else STEP_INTERVAL

    def _falls(self) -> bool:
        known = self._known().estimates
        return any(0 < bits < (1 - FALL) * known.get(receiver, 0) for receiver, bits in self._estimates.items())

    def _go(self) -> None:
        self._timer = None
        self._telling = tasks.spawn(self._hand_over(), name=self._name)

    async def _hand_over(self) -> None:
        estimates, self._estimates = self._estimates, {}
        coming, self._coming = self._coming, {}
        try:
            await self._tell(Measured(estimates, coming))
        finally:
            self._telling = None
            self._told_at = clock.monotonic()
            self._soon(self._told_at)


def _alike(one: Layers, other: Layers) -> bool:
    """Whether a receiver would be given the same of both."""
    (before, rids), (after, other_rids) = one, other
    return (
        rids == other_rids
        and len(before) == len(after)
        and all(
            (old.spatial, old.temporal, old.width, old.height) == (new.spatial, new.temporal, new.width, new.height)
            and abs(new.bits_per_second - old.bits_per_second) <= old.bits_per_second * LAYER_CHANGE
            and abs(new.frame_rate - old.frame_rate) <= old.frame_rate * LAYER_CHANGE
            for old, new in zip(before, after, strict=True)
        )
    )
