"""The waiting room: the states of a participant and the one table of steps between them (protocol.md, States).

STUB: owned by the admission author; State's names and values stand.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a participant stands. The last five are final."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    DENIED = "denied"
    REMOVED = "removed"
    LEFT = "left"
    EXPIRED = "expired"
    ENDED = "ended"
