"""What waits to be written to one channel: bounded, in order, with superseded snapshots left out.

A roster or lobby is a snapshot that replaces the one before it. Where an older one still waits, the newer takes *its*
place in the queue, not the end. Whatever was queued behind the older one relied on nothing newer than it, and now finds
a newer one delivered before it: nothing is ever delivered ahead of the snapshot that it relies on. At the end of the
queue it would be otherwise: a text could overtake the roster that names who wrote it.

A *barrier* is a message that changes what snapshots mean, which is the participant's own `state`: a snapshot never moves
to before one. `roster, state waiting, state admitted, roster` stays four messages, or the client would clear the only roster it has.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

MAX_MESSAGES: Final = 256
MAX_BYTES: Final = 256 * 1024
"""protocol.md, Channel."""


@dataclass(slots=True)
class _Entry:
    text: str
    size: int


class Outbox:
    """The queue of one channel. When it overflows it is empty and stays so: the channel is to be closed with 4408."""

    def __init__(self, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._queue: deque[_Entry] = deque()
        self._bytes = 0
        self._waiting: dict[str, _Entry] = {}
        """Snapshots that can still be replaced, by name."""
        self._overflowed = False

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._queue)

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._bytes

    @property
    def overflowed(self) -> bool:
        """The reader was too slow; what waited is gone and nothing more is taken."""
        return self._overflowed

    def put(self, text: str, *, replaces: str | None = None, barrier: bool = False) -> None:
        """Queue a message. `replaces` is the name of the snapshot that it is a newer one of. Look at `overflowed` after."""
        if self._overflowed:
            return
        size = len(text.encode())
        older = self._waiting.get(replaces) if replaces is not None else None
        if older is not None:
            self._bytes += size - older.size
            older.text, older.size = text, size
        else:
            entry = _Entry(text, size)
            self._queue.append(entry)
            self._bytes += size
            if replaces is not None:
                self._waiting[replaces] = entry
        if barrier:
            self._waiting.clear()
        if len(self._queue) > self._max_messages or self._bytes > self._max_bytes:
            self._overflowed = True
            self._queue.clear()
            self._waiting.clear()
            self._bytes = 0

    def take(self) -> str | None:
        """The next message to write; None where nothing waits. What has been taken is not replaced any more."""
        if not self._queue:
            return None
        entry = self._queue.popleft()
        self._bytes -= entry.size
        for name, waiting in self._waiting.items():
            if waiting is entry:
                del self._waiting[name]
                break
        return entry.text
