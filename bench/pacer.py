"""When the next frame of each stream is due. Streams of different rooms are spread over a frame's time, as strangers' cameras are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bench.latency import Latencies
from bench.media import Media
from bench.room import Room
from sfu.clock import monotonic

REPORT_INTERVAL = 1.0  # seconds between the sender reports of a stream


@dataclass(slots=True)
class _Turn:
    """A stream's place in the schedule."""

    room: Room
    stream: int
    due: float = 0.0
    report_due: float = 0.0
    timer: asyncio.TimerHandle | None = None


class Pacer:
    """Sends every stream of the rooms in real time between `start` and `pause`. A late frame is sent at once, none is left out."""

    def __init__(self, media: Media, rooms: list[Room]) -> None:
        self._media = media
        self._loop = asyncio.get_running_loop()
        self._rooms = rooms
        self._turns = [_Turn(room, stream) for room in rooms for stream in range(len(room.streams))]
        self.lateness = Latencies()
        """How late frames were sent: the generator's own trouble, which the forward latency does not contain."""

    def start(self) -> None:
        """Send from now on."""
        now = monotonic()
        for place, turn in enumerate(self._turns):
            phase = place / len(self._turns)
            turn.due = now + phase * turn.room.streams[turn.stream].clip.interval
            turn.report_due = now + phase * REPORT_INTERVAL
            self._arm(turn, now)

    def pause(self) -> None:
        """Send nothing more."""
        for turn in self._turns:
            if turn.timer is not None:
                turn.timer.cancel()

    def _arm(self, turn: _Turn, now: float) -> None:
        turn.timer = self._loop.call_later(max(0.0, turn.due - now), self._send, turn)

    def _send(self, turn: _Turn) -> None:
        client, stream = turn.room.sender, turn.room.streams[turn.stream]
        now = monotonic()
        self.lateness.add(round((now - turn.due) * 1e9))
        self._media.send_frame(client, stream)
        if now >= turn.report_due:
            self._media.send_report(client, stream)
            turn.report_due += REPORT_INTERVAL
        turn.due += stream.clip.interval
        self._arm(turn, monotonic())
