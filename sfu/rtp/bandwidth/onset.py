"""A way that takes far less from one moment to the next: seen while its queue fills, before the trend of the delay can tell.

Beyond the published algorithm, whose trend is over twenty groups and smoothed: where a link takes a quarter of the picture that it carried,
a queue of 0.3 s is full before that shows it. Here packets are looked at one by one. While a queue fills, each waits longer than the one
before it, and they arrive as fast as the link goes, in the order in which they were sent. A stall is not like that: it is one jump, after
which the delay falls; nor is jitter that lets packets overtake each other.
"""

from __future__ import annotations

RISE = 0.06
"""Seconds by which the delay must have risen, without its largest step …"""
SPAN = 0.05
"""… over so many seconds of arrivals …"""
PACKETS = 4
"""… of so many packets."""
LONGEST = 0.5
"""Seconds of arrivals after which it begins anew: the trend has seen by then what there is."""
BEGUN = 0.02
"""Seconds by which the delay must have risen before what arrives is counted."""
FALL, FALL_SHARE = 0.01, 0.35
"""Seconds, and of the rise, by which it may fall meanwhile: between two frames the queue drains a little."""
FAR_LESS = 0.6
"""Of what is sent, what the link takes at most: a smaller change fills its queue slowly enough for the trend to be seen."""


class Onset:
    """Fed with each packet that arrived, in the order they were sent. The delays are between two clocks: only their changes count."""

    __slots__ = ("_began", "_bytes", "_delay", "_first", "_gap", "_jump", "_last", "_least", "_most", "_packets")

    def __init__(self) -> None:
        self._delay = self._least = self._most = 0.0
        self._jump = 0.0
        """The largest step of the rise at hand."""
        self._began = self._first = self._last = 0.0
        """Arrivals: of the least delayed, of the first that had begun to wait, of the newest."""
        self._gap = 0.0
        """The longest time between two arrivals of those that wait."""
        self._bytes = 0
        """Of those that wait, but the first."""
        self._packets = 0
        """Of those that wait, and one."""

    def add(self, sent: float, arrival: float, size: int) -> None:
        """A packet that was sent at one moment of our clock has arrived at another of the receiver's."""
        delay = arrival - sent
        step = delay - self._delay
        self._delay = delay
        lowest = self._most - FALL - FALL_SHARE * (self._most - self._least)
        overtook = arrival < self._last
        if delay < lowest or overtook or arrival - self._began > LONGEST or not self._packets:
            self._packets = 1
            self._least = self._most = delay
            self._began = self._first = self._last = arrival
            self._jump = 0.0
            return
        self._most = max(self._most, delay)
        self._jump = max(self._jump, step)
        if delay - self._least < BEGUN:
            # It has come as fast as ever.
            self._packets = 1
            self._last = arrival
        elif self._packets == 1:
            self._packets = 2
            self._first = self._last = arrival
            self._gap = 0.0
            self._bytes = 0
        else:
            self._packets += 1
            self._gap = max(self._gap, arrival - self._last)
            self._last = arrival
            self._bytes += size

    def rate(self, sending: float) -> float:
        """What the link takes, in bits per second, where that is far less than the `sending` rate of late; 0 where it is not."""
        span = self._last - self._first
        if self._packets < PACKETS or span < SPAN or self._most - self._least - self._jump < RISE:
            return 0.0
        # Not counting the longest gap, which may have been a stall.
        steady = span - self._gap
        return 8.0 * self._bytes / span if 8.0 * self._bytes < FAR_LESS * sending * steady else 0.0
