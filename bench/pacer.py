"""Sends the streams of many people in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.adapter import Person
from bench.latency import Latencies
from bench.media import Media
from bench.schedule import Schedule
from sfu.clock import monotonic

IDLE = 0.05  # seconds to the next look where nothing is due


class Pacer:
    """Sends between `start` and `pause`, by one timer for all streams. Who leaves is taken out before its keys go."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._loop = asyncio.get_running_loop()
        self._streams: dict[int, tuple[Person, int]] = {}
        self._schedule = Schedule([], monotonic())
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lateness(self) -> Latencies:
        """How late frames were sent since the last `start`."""
        return self._schedule.lateness

    def start(self, people: Sequence[Person]) -> None:
        """Send what these send from now on, by a schedule that begins now."""
        self.pause()
        streams = [(person, index) for person in people for index in range(len(person.streams))]
        intervals = [person.streams[index].clip.interval for person, index in streams]
        self._streams = dict(enumerate(streams))
        self._schedule = Schedule(intervals, monotonic())
        self._send()

    def add(self, person: Person) -> None:
        """Somebody has come, and begins to send."""
        now = monotonic()
        for index, stream in enumerate(person.streams):
            self._streams[self._schedule.add(stream.clip.interval, now)] = person, index

    def remove(self, person: Person) -> None:
        """Somebody leaves."""
        for number in [number for number, (sends, _) in self._streams.items() if sends is person]:
            del self._streams[number]
            self._schedule.remove(number)

    def pause(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self) -> None:
        for number, report in self._schedule.take_due(monotonic()):
            person, index = self._streams[number]
            client, stream = person.sender, person.streams[index]
            assert client is not None
            self._media.send_frame(client, stream)
            if report:
                self._media.send_report(client, stream)
        self._timer = self._loop.call_later(min(IDLE, max(0.0, self._schedule.next_due - monotonic())), self._send)
