"""The waiting room: the states of a participant and the one table of steps between them (protocol.md, States).

             admit                 hold
  waiting ─────────► admitted ─────────► waiting
     │ deny, remove       │ remove
     ▼                    ▼
   denied, removed     removed         left / expired / ended from both
     │ allow              │ allow
     ▼                    ▼
    left                 left

Rules:

1. Everything that changes a state stands in this file, and a `Place` is made nowhere else. A test reads the whole
   code base for it.
2. `admit` is the one function that makes anybody admitted, and it names its ground. Staff's click, own staff at the
   join, and a restart all go through it. A participant that comes back on a new channel or with a new ticket keeps the
   `Place` that it had: nobody is admitted by that.
3. A step that the table does not have raises `IllegalTransition`, and nothing has changed.
4. `allow` brings nobody back: the place is given up, and the person may knock again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sfu.errors import IllegalTransition


class State(StrEnum):
    """Where a participant stands. The last five end it; staff may lift `DENIED` and `REMOVED` for the person."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    DENIED = "denied"
    REMOVED = "removed"
    LEFT = "left"
    EXPIRED = "expired"
    ENDED = "ended"


class Act(StrEnum):
    """What moves a participant from one state to the next."""

    ADMIT = "admit"
    HOLD = "hold"
    DENY = "deny"
    REMOVE = "remove"
    ALLOW = "allow"
    LEAVE = "leave"
    EXPIRE = "expire"
    END = "end"


class Ground(StrEnum):
    """Why somebody was admitted."""

    OWN_UNIT = "own_unit"
    """A verified clinician who has access to the visit's unit, at the join."""
    BOOKED = "booked"
    """Staff let in somebody whom the booking names."""
    AGREED = "agreed"
    """Staff let in somebody else, and stated that staff and patient agree."""
    RESTORED = "restored"
    """Admitted before a restart, by the record of it."""


TRANSITIONS: Mapping[tuple[State, Act], State] = MappingProxyType(
    {
        (State.WAITING, Act.ADMIT): State.ADMITTED,
        (State.WAITING, Act.DENY): State.DENIED,
        (State.WAITING, Act.REMOVE): State.REMOVED,
        (State.WAITING, Act.LEAVE): State.LEFT,
        (State.WAITING, Act.EXPIRE): State.EXPIRED,
        (State.WAITING, Act.END): State.ENDED,
        (State.ADMITTED, Act.HOLD): State.WAITING,
        (State.ADMITTED, Act.REMOVE): State.REMOVED,
        (State.ADMITTED, Act.LEAVE): State.LEFT,
        (State.ADMITTED, Act.EXPIRE): State.EXPIRED,
        (State.ADMITTED, Act.END): State.ENDED,
        (State.DENIED, Act.ALLOW): State.LEFT,
        (State.REMOVED, Act.ALLOW): State.LEFT,
    }
)

TURNED_AWAY = frozenset({State.DENIED, State.REMOVED})
"""States that hold against whoever is in them until staff lift them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somebody's place in a visit. Made by the functions of this module only."""

    state: State
    waiting_since: datetime
    """When the present wait began, or the one before the admission."""
    admitted_at: datetime | None = None
    """Set exactly while admitted."""
    ground: Ground | None = None
    """Set exactly while admitted."""


def knock(at: datetime) -> Place:
    """A new place, waiting."""
    return Place(state=State.WAITING, waiting_since=at)


def admit(place: Place, ground: Ground, at: datetime) -> Place:
    """Admit. The one function that does. Raises `IllegalTransition` for anybody who is not waiting."""
    return Place(
        state=_next(place.state, Act.ADMIT), waiting_since=place.waiting_since, admitted_at=at, ground=Ground(ground)
    )


def move(place: Place, act: Act, at: datetime) -> Place:
    """Take any other step. Raises `IllegalTransition` where the table has none, and for `Act.ADMIT`."""
    if act is Act.ADMIT:
        raise IllegalTransition("admission has its own function")
    state = _next(place.state, act)
    return Place(state=state, waiting_since=at if act is Act.HOLD else place.waiting_since)


def restored(state: State, waiting_since: datetime, admitted_at: datetime | None) -> Place:
    """The place that a record tells of. An admission without a time is not believed: it waits."""
    if state is State.ADMITTED:
        waiting = knock(waiting_since)
        return waiting if admitted_at is None else admit(waiting, Ground.RESTORED, admitted_at)
    return Place(state=state, waiting_since=waiting_since)


def _next(state: State, act: Act) -> State:
    try:
        return TRANSITIONS[state, act]
    except KeyError:
        raise IllegalTransition(f"{act} from {state}") from None
