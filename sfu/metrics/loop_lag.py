"""How late the event loop is: the time between when a timer was due and when it ran."""

from __future__ import annotations

import asyncio

from sfu.histogram import Histogram

INTERVAL = 0.5  # seconds; often enough to see a stall that media would feel, too seldom to cost anything
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)  # seconds


class LoopLag:
    """Measures the loop it is started on; `histogram` is in seconds."""

    def __init__(self) -> None:
        self.histogram = Histogram(BOUNDS)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._arm(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + INTERVAL
        self._timer = loop.call_at(due, self._ran, loop, due)

    def _ran(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.histogram.observe(max(0.0, loop.time() - due))
        self._arm(loop)
