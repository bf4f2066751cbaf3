"""When the next frame of each stream is due. Streams are spread over a frame's time, as strangers' cameras are."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from math import inf

from bench.latency import Latencies

REPORT_INTERVAL = 1.0  # seconds between the sender reports of a stream
SPREAD = 0.618  # of a frame's time, from one late-comer to the next: the golden ratio fills gaps evenly
STALL = 0.1  # seconds; a stream later than this goes on from now, because no camera sends what it missed in one burst


class Schedule:
    """Streams by number, each with a frame every so many seconds. Times are monotonic seconds."""

    def __init__(self, intervals: Sequence[float], now: float) -> None:
        count = len(intervals)
        self._intervals = list(intervals)
        self._gone: set[int] = set()
        self._report_due = [now + number / count * REPORT_INTERVAL for number in range(count)]
        self._due = [(now + number / count * interval, number) for number, interval in enumerate(intervals)]
        heapq.heapify(self._due)
        self.lateness = Latencies()
        """How late frames were handed out: the generator's own trouble, which the forward latency does not contain."""

    @property
    def next_due(self) -> float:
        """When the next frame is due; infinite where there is no stream."""
        return self._due[0][0] if self._due else inf

    def add(self, interval: float, now: float) -> int:
        """One more stream, from now on. Gives its number."""
        number = len(self._intervals)
        self._intervals.append(interval)
        self._report_due.append(now)
        heapq.heappush(self._due, (now + number * SPREAD % 1.0 * interval, number))
        return number

    def remove(self, number: int) -> None:
        """A stream has ended."""
        self._gone.add(number)

    def take_due(self, now: float) -> Iterator[tuple[int, bool]]:
        """Each stream of which a frame is due, as often as one is, and whether a sender report is due after it."""
        while self.next_due <= now:
            due, number = self._due[0]
            if number in self._gone:
                heapq.heappop(self._due)
                continue
            self.lateness.add(round((now - due) * 1e9))
            heapq.heapreplace(self._due, (max(due, now - STALL) + self._intervals[number], number))
            report = self._report_due[number] <= now
            if report:
                self._report_due[number] = now + REPORT_INTERVAL
            yield number, report
