"""Whether the queue on the way grows: the slope of the delay, by least squares over the last groups.

The filter that libwebrtc puts in the place of the draft's Kalman filter (5.3): less to tune, as quick.
"""

from __future__ import annotations

from array import array

WINDOW = 20
"""Groups; at 30 frames a second 0.7 s."""
SMOOTHING = 0.9
"""Of what the delay was, the share that stays: the noise of single groups goes."""


class Trendline:
    __slots__ = ("_accumulated", "_began", "_smoothed", "_xs", "_ys", "count", "slope")

    def __init__(self) -> None:
        self.slope = 0.0
        """Seconds of delay gained a second."""
        self.count = 0
        """Groups so far."""
        self._xs = array("d", [0.0]) * WINDOW
        """When the last groups arrived, and in the next what the delay was then: each in the place of the one that left the window."""
        self._ys = array("d", [0.0]) * WINDOW
        self._accumulated = 0.0
        self._smoothed = 0.0
        self._began = 0.0

    def add(self, send_delta: float, arrival_delta: float, arrival: float) -> None:
        """A group is over that arrived at `arrival`, by the receiver's clock."""
        if self.count == 0:
            self._began = arrival
        window = len(self._xs)
        place = self.count % window
        self.count += 1
        self._accumulated += arrival_delta - send_delta
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        self._xs[place] = arrival - self._began
        self._ys[place] = self._smoothed
        if self.count >= window:
            self.slope = self._fit()

    def _fit(self) -> float:
        xs, ys = self._xs, self._ys
        window = len(xs)
        place = self.count % window  # of the oldest
        first_x, first_y = xs[place], ys[place]
        sum_x = sum_y = sum_xx = sum_xy = 0.0
        for _ in range(window):
            x = xs[place] - first_x
            y = ys[place] - first_y
            place = place + 1 if place + 1 < window else 0
            sum_x += x
            sum_y += y
            sum_xx += x * x
            sum_xy += x * y
        below = window * sum_xx - sum_x * sum_x
        return (window * sum_xy - sum_x * sum_y) / below if below > 0 else self.slope
