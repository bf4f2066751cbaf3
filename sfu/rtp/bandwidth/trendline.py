"""Whether the queue on the way grows: the slope of the delay, by least squares over the last groups.

The filter that libwebrtc puts in the place of the draft's Kalman filter (5.3): less to tune, as quick.
"""

from __future__ import annotations

from collections import deque

WINDOW = 20
"""Groups; at 30 frames a second 0.7 s."""
SMOOTHING = 0.9
"""Of what the delay was, the share that stays: the noise of single groups goes."""


class Trendline:
    __slots__ = ("_accumulated", "_began", "_points", "_smoothed", "count", "slope")

    def __init__(self) -> None:
        self.slope = 0.0
        """Seconds of delay gained a second."""
        self.count = 0
        """Groups so far."""
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._accumulated = 0.0
        self._smoothed = 0.0
        self._began = 0.0

    def add(self, send_delta: float, arrival_delta: float, arrival: float) -> None:
        """A group is over that arrived at `arrival`, by the receiver's clock."""
        if self.count == 0:
            self._began = arrival
        self.count += 1
        self._accumulated += arrival_delta - send_delta
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        self._points.append((arrival - self._began, self._smoothed))
        if len(self._points) == WINDOW:
            self.slope = self._fit()

    def _fit(self) -> float:
        points = self._points
        first_x, first_y = points[0]
        sum_x = sum_y = sum_xx = sum_xy = 0.0
        for x, y in points:
            x -= first_x
            y -= first_y
            sum_x += x
            sum_y += y
            sum_xx += x * x
            sum_xy += x * y
        below = WINDOW * sum_xx - sum_x * sum_x
        return (WINDOW * sum_xy - sum_x * sum_y) / below if below > 0 else self.slope
