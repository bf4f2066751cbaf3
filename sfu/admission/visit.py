"""A visit as admission sees it: who is booked, in which unit, when it can be joined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sfu.admission.roles import Role
from sfu.ids import PersonId, VisitId


class VisitState(StrEnum):
    """How far a visit has come. `ENDED` and `CANCELLED` are final."""

    BOOKED = "booked"
    OPEN = "open"
    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody the booking names. `name` and `person` are personal data."""

    person: PersonId
    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What is booked, and what staff have set since."""

    visit: VisitId
    portal: str
    """Id of the portal that made it."""
    unit: str
    unit_name: str
    title: str
    starts_at: datetime
    ends_at: datetime
    language: str
    people: tuple[Person, ...]
    """Staff (clinician), patient and guardians, as booked."""
    link_generation: int = 1
    """Rises with every renewal of the shared link; keys of older generations are dead."""
    locked: bool = False
    closed: VisitState | None = None
    """`ENDED` or `CANCELLED` once it is over; None while it can go on."""

    def names(self, person: PersonId) -> bool:
        """Whether the booking names this person, in any role."""
        return any(booked.person == person for booked in self.people)

    def with_locked(self, locked: bool) -> Visit:
        return replace(self, locked=locked)

    def with_closed(self, state: VisitState) -> Visit:
        return replace(self, closed=state)
