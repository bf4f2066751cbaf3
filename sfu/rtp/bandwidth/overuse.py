"""Whether the way is overused, by a threshold that adapts to it (draft-ietf-rmcat-gcc-02 5.4)."""

from __future__ import annotations

from enum import Enum

GAIN = 4.0
"""What makes a slope comparable with the threshold."""
MAX_COUNT = 60
"""Groups that weigh in a slope at most."""
FIRST_THRESHOLD = 0.0125  # seconds
MIN_THRESHOLD, MAX_THRESHOLD = 0.006, 0.6  # seconds
RISE, FALL = 8.7, 39.0
"""How much of the way to the measured delay the threshold goes in a second, upward and downward: as libwebrtc has it, whose filter
this is. It follows a competitor that fills queues, or ours would starve beside it, and is sharp again soon after."""
OUTLIER = 0.015
"""Seconds beyond the threshold: a spike, such as a change of route, does not move it."""
MAX_STEP = 0.1  # seconds that one adaptation may stand for
OVERUSE_TIME = 0.01
"""Seconds for which the slope must be beyond the threshold, and rising."""


class Usage(Enum):
    NORMAL = "normal"
    OVERUSED = "overused"
    UNDERUSED = "underused"
    """The queue drains: others leave, or the rate was lowered."""


class OveruseDetector:
    __slots__ = ("_adapted_at", "_counter", "_overused_for", "_slope", "threshold", "usage")

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.threshold = FIRST_THRESHOLD
        self._slope = 0.0
        self._overused_for = -1.0
        self._counter = 0
        self._adapted_at = -1.0

    def update(self, slope: float, count: int, send_delta: float, arrival: float) -> Usage:
        """A new slope, of `count` groups of which the last was sent `send_delta` after the one before and came at `arrival`."""
        if count < 2:
            return self.usage
        # The slope is in seconds a second; times the groups it stands for, in milliseconds, it is a delay.
        delay = min(count, MAX_COUNT) * slope * GAIN / 1000.0
        if delay > self.threshold:
            self._overused_for = send_delta / 2 if self._overused_for < 0 else self._overused_for + send_delta
            self._counter += 1
            if self._overused_for > OVERUSE_TIME and self._counter > 1 and slope >= self._slope:
                self._overused_for = 0.0
                self._counter = 0
                self.usage = Usage.OVERUSED
        else:
            self._overused_for = -1.0
            self._counter = 0
            self.usage = Usage.UNDERUSED if delay < -self.threshold else Usage.NORMAL
        self._slope = slope
        self._adapt(abs(delay), arrival)
        return self.usage

    def _adapt(self, delay: float, arrival: float) -> None:
        step = min(max(arrival - self._adapted_at, 0.0), MAX_STEP) if self._adapted_at >= 0 else 0.0
        self._adapted_at = arrival
        if delay > self.threshold + OUTLIER:
            return
        speed = FALL if delay < self.threshold else RISE
        self.threshold += speed * (delay - self.threshold) * step
        self.threshold = min(max(self.threshold, MIN_THRESHOLD), MAX_THRESHOLD)
