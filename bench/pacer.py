"""Sends the streams of all rooms in real time."""

from __future__ import annotations

import asyncio

from bench.latency import Latencies
from bench.media import Media
from bench.room import Room
from bench.schedule import Schedule
from sfu.clock import monotonic


class Pacer:
    """Sends between `start` and `pause`, by one timer for all streams."""

    def __init__(self, media: Media, rooms: list[Room]) -> None:
        self._media = media
        self._loop = asyncio.get_running_loop()
        self._streams = [(room.sender, stream) for room in rooms for stream in room.streams]
        self._schedule: Schedule | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lateness(self) -> Latencies:
        """How late frames were sent since the last `start`."""
        assert self._schedule is not None
        return self._schedule.lateness

    def start(self) -> None:
        """Send from now on, by a schedule that begins now."""
        self._schedule = Schedule([stream.clip.interval for _, stream in self._streams], monotonic())
        self._send()

    def pause(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _send(self) -> None:
        assert self._schedule is not None
        for number, report in self._schedule.take_due(monotonic()):
            client, stream = self._streams[number]
            self._media.send_frame(client, stream)
            if report:
                self._media.send_report(client, stream)
        self._timer = self._loop.call_later(max(0.0, self._schedule.next_due - monotonic()), self._send)
