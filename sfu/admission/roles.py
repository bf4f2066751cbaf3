"""Roles, and what each may ask for. Default deny: what the table does not name is refused.

What somebody may ask for follows from where they stand in the visit, and that follows from what was proved about them:
never from anything that a message says.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What somebody is in the visit. A shared link states it, a ticket proves it."""

    CLINICIAN = "clinician"
    PATIENT = "patient"
    GUARDIAN = "guardian"
    INTERPRETER = "interpreter"
    EXTERNAL = "external"


class Ask(StrEnum):
    """Everything that can be asked of a room, by the name it has in the protocol."""

    ADMIT = "admit"
    DENY = "deny"
    HOLD = "hold"
    REMOVE = "remove"
    ALLOW = "allow"
    LOCK = "lock"
    NOTICE = "notice"
    SILENCE = "silence"
    PIN = "pin"
    LINK = "link"
    END = "end"
    OFFER = "offer"
    MUTE = "mute"
    VIEW = "view"
    TEXT = "text"
    LEAVE = "leave"


class Standing(StrEnum):
    """Where somebody stands in a visit."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    IN_CHARGE = "in_charge"
    """Admitted, and may admit (protocol.md, Requests of those who may admit)."""


_OWN_MEDIA_AND_TEXT = frozenset({Ask.OFFER, Ask.MUTE, Ask.VIEW, Ask.TEXT, Ask.LEAVE})
NEEDS_CHARGE = frozenset(
    {
        Ask.ADMIT,
        Ask.DENY,
        Ask.HOLD,
        Ask.REMOVE,
        Ask.ALLOW,
        Ask.LOCK,
        Ask.NOTICE,
        Ask.SILENCE,
        Ask.PIN,
        Ask.LINK,
        Ask.END,
    }
)
"""What only those in charge may ask for; anybody else gets `not_allowed`, those who wait included."""

RIGHTS: Mapping[Standing, frozenset[Ask]] = MappingProxyType(
    {
        Standing.WAITING: frozenset({Ask.LEAVE}),
        Standing.ADMITTED: _OWN_MEDIA_AND_TEXT,
        Standing.IN_CHARGE: _OWN_MEDIA_AND_TEXT | NEEDS_CHARGE,
    }
)


def may(standing: Standing, ask: Ask) -> bool:
    """Whether the table grants `ask`."""
    return ask in RIGHTS[standing]


def is_own_staff(role: Role, *, verified: bool, units: tuple[str, ...], unit: str) -> bool:
    """Whether this is the one kind of person who is admitted at once and, once admitted, may admit others.

    That is a verified clinician who has access to the visit's unit. `units` are those that were proved: of a ticket, on its
    first use only. Whoever joins with it once more (a forwarded link) has proved none.
    """
    return role is Role.CLINICIAN and verified and unit in units
