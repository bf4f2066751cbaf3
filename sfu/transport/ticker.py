"""A clock that the event loop waits for as for a socket: the loop's own timers come up to two milliseconds late."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from sfu.transport.libc import ffi, function, has

_CLOCK_MONOTONIC = 1  # linux/time.h
_NANOSECONDS = 1_000_000_000

_timerfd_create: Any = function("timerfd_create")
_timerfd_settime: Any = function("timerfd_settime")


def has_ticker() -> bool:
    """Whether there is such a clock here: Linux (timerfd_create(2))."""
    return has("timerfd_create") and has("timerfd_settime")


class Ticker:
    """A descriptor that is readable once an interval while it runs; at first it does not. OSError where the kernel gives none."""

    def __init__(self) -> None:
        self._descriptor = int(_timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        if self._descriptor < 0:
            raise OSError(ffi.errno, os.strerror(ffi.errno))

    def fileno(self) -> int:
        return self._descriptor

    def run(self, interval: float) -> None:
        """Tick every so many seconds from now on."""
        self._set(round(interval * _NANOSECONDS))

    def stop(self) -> None:
        """Tick no more, until it is run again."""
        self._set(0)

    def take(self) -> None:
        """Whatever ticks there were have been seen to."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, 8)

    def close(self) -> None:
        os.close(self._descriptor)

    def _set(self, nanoseconds: int) -> None:
        when = ffi.new("struct itimerspec *")
        for each in (when.it_interval, when.it_value):
            each.tv_sec, each.tv_nsec = divmod(nanoseconds, _NANOSECONDS)
        if _timerfd_settime(self._descriptor, 0, when, ffi.NULL) < 0:
            raise OSError(ffi.errno, os.strerror(ffi.errno))
