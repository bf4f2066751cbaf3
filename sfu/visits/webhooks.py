"""Webhooks: what is told of a visit's steps, how it is signed (Standard Webhooks 1.0), and when it is tried again.

Events are derived from the rows of the access log that a step writes, and stored in the same transaction: what has
happened is told, and what has not happened is not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sfu.admission.records import AccessEntry, Action, ParticipantRecord
from sfu.visits.access_log import timestamp

KEY_MARK: Final = "whsec_"
SECRET_BYTES = range(24, 65)  # what Standard Webhooks asks for

GIVE_UP_AFTER = timedelta(days=1)
KEPT = timedelta(days=7)
"""How long a delivered event can be replayed: a receiver restored from last week's backup still gets what it missed."""
SECONDS_BETWEEN: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0)
"""After the first attempt, the second, and so on; then always the last. A restart is over in seconds, a fault at night is not."""


class Outcome(StrEnum):
    """How far an event, or a mail, has come. All but `WAITING` are final."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    """An endpoint has taken the event."""
    SENT = "sent"
    """The mail server has taken the mail."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Who is told of what."""

    id: str
    events: frozenset[str]
    portals: frozenset[str]
    """Whose visits are told of; empty: everybody's."""

    def hears(self, event: Event, portal: str) -> bool:
        return event.type in self.events and (not self.portals or portal in self.portals)


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell: opaque ids, roles and fixed words, nothing of a person."""

    type: str
    at: datetime
    data: Mapping[str, str]

    def body(self) -> str:
        """The JSON that is signed and sent."""
        return json.dumps(
            {"type": self.type, "timestamp": timestamp(self.at), "data": dict(self.data)}, separators=(",", ":")
        )


def events(
    entries: Sequence[AccessEntry], participants: Sequence[ParticipantRecord], *, first: bool
) -> Iterator[Event]:
    """What one step of a visit is told as, in order. `first`: nobody had come to the visit before."""
    roles = {participant.participant: participant.role for participant in participants}
    in_at_once = {entry.subject for entry in entries if entry.action is Action.ADMITTED}
    for entry in entries:
        visit = {"visit": str(entry.visit)}
        if entry.action is Action.JOINED and first:
            yield Event("visit.opened", entry.at, visit)
            first = False
        if entry.subject is None:
            if entry.action in (Action.ENDED, Action.CANCELLED):
                yield Event("visit.ended", entry.at, {**visit, "state": entry.action.value})
            continue
        kind = _KINDS.get(entry.action)
        # Staff whom the unit's schedule lets in at once have not waited.
        if kind is None or (entry.action is Action.JOINED and entry.subject in in_at_once):
            continue
        data = {**visit, "participant": str(entry.subject)}
        if entry.subject in roles:
            data["role"] = roles[entry.subject].value
        if kind == "participant.left":
            data["reason"] = entry.action.value
        yield Event(kind, entry.at, data)


_KINDS: Mapping[Action, str] = {
    Action.JOINED: "participant.waiting",
    Action.HELD: "participant.waiting",
    Action.ADMITTED: "participant.admitted",
    Action.DENIED: "participant.denied",
    Action.LEFT: "participant.left",
    Action.EXPIRED: "participant.left",
    Action.REMOVED: "participant.removed",
}


def seconds_until_next(attempts: int) -> float:
    """How long to wait after so many failed attempts, at least one."""
    return SECONDS_BETWEEN[min(attempts, len(SECONDS_BETWEEN)) - 1]


def read_secret(text: str) -> bytes:
    """The key of `whsec_…`. Raises ValueError, which does not quote it."""
    encoded = text.removeprefix(KEY_MARK)
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if encoded == text or len(secret) not in SECRET_BYTES:
        raise ValueError(f'must be "{KEY_MARK}" and the base64 of {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes')
    return secret


def headers(secret: bytes, message: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt. `at`: Unix seconds of the attempt; the id stays the same over all of them."""
    signed = hmac.digest(secret, f"{message}.{at}.".encode("ascii") + body, hashlib.sha256)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(signed).decode("ascii"),
        "Content-Type": "application/json",
    }
