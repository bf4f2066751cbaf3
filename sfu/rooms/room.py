"""The room of a visit.

STUB: owned by the rooms author; the signatures of `Room`, `Step` and `Limits` stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sfu.admission.records import ParticipantRecord, VisitRecord
from sfu.admission.visit import Visit
from sfu.ids import NewToken, ParticipantId
from sfu.rooms.commands import Command
from sfu.rooms.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a room allows. Defaults are those of `[admission]`, `[visits]` and `[limits]` in config.toml."""

    room_capacity: int = 12
    """Admitted participants at a time."""
    lobby_capacity: int = 50
    """Waiting participants at a time."""
    knocks_per_link_hour: int = 60
    """Joins with the shared link, a link and hour."""
    resume_seconds: float = 120.0
    opens_before_minutes: int = 30
    closes_after_minutes: int = 120


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one event: the room as it is then, what to do, and the answer to whoever asked."""

    room: Room
    commands: tuple[Command, ...]
    answer: Mapping[str, object] | None = None
    """Fields of the `ok` answer, without `type` and `id`; None where nobody asked."""
    participant: ParticipantId | None = None
    """Whom a join has become; None for all else."""


class Room:
    """All that a visit is while it runs: who waits, who is in, what is sent, who receives what.

    A `Room` is a value: `step` gives a new one and leaves this one as it was, so a step whose `Record` could not be
    written is undone by forgetting it.
    """

    def __init__(self, visit: Visit, limits: Limits, new_token: NewToken) -> None:
        raise NotImplementedError

    @classmethod
    def restored(
        cls,
        visit: Visit,
        limits: Limits,
        new_token: NewToken,
        participants: Iterable[ParticipantRecord],
        record: VisitRecord | None,
        tickets_used: Iterable[str],
        tickets_revoked: Iterable[str],
        *,
        now: float,
    ) -> Room:
        """The room as the store knows it: whoever was admitted may resume admitted, who waited waits, who was turned away stays out."""
        raise NotImplementedError

    def step(self, event: Event, *, now: float, wall: datetime) -> Step:
        """Take one event. Raises `Refused` where somebody asked for what cannot be; nothing has changed then."""
        raise NotImplementedError

    def next_timer(self) -> float | None:
        """When (monotonic seconds) `TimeHasCome` is due; None where nothing waits for time."""
        raise NotImplementedError
