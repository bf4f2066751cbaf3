"""What is written before anything is done: access-log entries and the states that survive a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.ids import ParticipantId, PersonId, VisitId


class Action(StrEnum):
    """What the access log can tell of."""

    JOINED = "joined"
    """Came into the waiting room."""
    ADMITTED = "admitted"
    HELD = "held"
    DENIED = "denied"
    REMOVED = "removed"
    ALLOWED = "allowed"
    """A denial or removal was lifted."""
    LEFT = "left"
    EXPIRED = "expired"
    """Lost the channel and did not resume in time."""
    RESUMED = "resumed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    SILENCED = "silenced"
    ENDED = "ended"
    CANCELLED = "cancelled"
    CREATED = "created"
    CHANGED = "changed"
    TICKET_MINTED = "ticket_minted"
    TICKET_REVOKED = "ticket_revoked"
    LINK_READ = "link_read"
    LINK_RENEWED = "link_renewed"
    INVITED = "invited"
    PARTICIPANTS_READ = "participants_read"
    AUDIT_READ = "audit_read"
    DELETED = "deleted"
    """The visit is not kept any more; its log is."""
    CUT = "cut"
    """The log's oldest rows are not kept any more: up to the number in `subject`, whose hash is `detail`. Of no visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """One row of the access log: who did what to whom, when, in which visit."""

    visit: VisitId
    at: datetime
    action: Action
    actor: str
    """A participant id, `portal:<id>`, `operator` for the command line, or `server` for what time alone does."""
    actor_person: PersonId | None = None
    subject: ParticipantId | None = None
    subject_person: PersonId | None = None
    detail: str = ""
    """A fixed word or two, such as `agreed` or `own_unit`. Never free text, never personal data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantRecord:
    """All of a participant that a restart must not lose. Upserted by `participant`."""

    visit: VisitId
    participant: ParticipantId
    person: PersonId | None
    """None for somebody who came by the shared link."""
    name: str
    role: Role
    verified: bool
    booked: bool
    second_device: bool
    units: tuple[str, ...]
    """Units that the ticket proved; empty for a ticket that had been used before, and for whoever came without one."""
    ticket: str | None
    """`jti` of the ticket that brought this participant in."""
    link_generation: int | None
    """Generation of the shared link that brought this participant in."""
    resume_digest: bytes
    """SHA-256 of the resume token."""
    state: State
    waiting_since: datetime
    admitted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecord:
    """What staff or a portal have set on the visit as a whole."""

    visit: VisitId
    locked: bool
    closed: VisitState | None
    link_generation: int = 1
    """From which on shared links are good. Where the store knows of a newer one, that holds."""
    turned_away: tuple[tuple[PersonId, State], ...] = ()
    """Persons denied or removed, whom every later ticket finds turned away until `allow`."""
