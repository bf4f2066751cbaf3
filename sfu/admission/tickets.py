"""Tickets: a JWS (EdDSA) that a portal had minted for one person and one visit.

STUB: owned by the admission author; the fields of `Ticket` stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfu.admission.roles import Role
from sfu.ids import PersonId, VisitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The claims of a ticket that has been found good."""

    jti: str
    issuer: str
    """Id of the portal that asked for it."""
    person: PersonId
    visit: VisitId
    role: Role
    name: str
    units: tuple[str, ...]
    expires_at: datetime
