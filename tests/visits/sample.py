"""A child with two guardians and a clinician, and what may be written of their visit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sfu.admission.records import AccessEntry, Action, ParticipantRecord
from sfu.admission.roles import Role
from sfu.admission.waiting_room import State
from sfu.ids import ParticipantId, PersonId, VisitId
from sfu.visits.bookings import BookedVisit, Booking
from sfu.visits.statements import Once
from sfu.visits.store import MintedTicket

WALL = datetime(2026, 11, 23, 8, 45, 0, 123456, tzinfo=UTC)
UNIT = "SE2321000016-1HZ3"


def body(**changes: Any) -> dict[str, Any]:
    """The body of a booking, as portal-api.md shows it."""
    return {
        "booking": "cosmic:8841027",
        "unit": UNIT,
        "unit_name": "Ögonmottagningen",
        "title": "Återbesök",
        "starts_at": "2026-11-23T09:00:00Z",
        "ends_at": "2026-11-23T09:30:00Z",
        "language": "sv",
        "staff": [{"person": "hsa:SE-A1", "name": "Dr Eva Ek"}],
        "patient": {"person": "1177:7f3", "name": "Per P", "birth_date": "2018-03-02"},
        "guardians": [{"person": "1177:a01", "name": "Maria P"}, {"person": "1177:b77", "name": "Johan P"}],
        **changes,
    }


def booked(visit: str = "v_1", *, portal: str = "cosmic", **changes: Any) -> BookedVisit:
    booking = Booking.model_validate_json(json.dumps(body(**changes)))
    return booking.booked(VisitId(visit), portal=portal, guardian_age=13)


def entry(action: Action = Action.JOINED, visit: str = "v_1", number: int = 0, **changes: Any) -> AccessEntry:
    at = WALL + timedelta(seconds=number)
    return AccessEntry(**{"visit": VisitId(visit), "at": at, "action": action, "actor": "p_1", **changes})


def participant(id_: str = "p_1", visit: str = "v_1", **changes: Any) -> ParticipantRecord:
    values: Mapping[str, Any] = {
        "visit": VisitId(visit),
        "participant": ParticipantId(id_),
        "person": PersonId("1177:7f3"),
        "name": "Per P",
        "role": Role.PATIENT,
        "verified": True,
        "booked": True,
        "second_device": False,
        "units": (),
        "ticket": "k_1",
        "link_generation": None,
        "resume_digest": bytes(range(32)),
        "state": State.WAITING,
        "waiting_since": WALL,
        "admitted_at": None,
    }
    return ParticipantRecord(**{**values, **changes})


V1 = VisitId("v_1")
CREATED = entry(Action.CREATED, actor="portal:cosmic")
TICKET = MintedTicket(
    visit=V1,
    ticket="k_1",
    person=PersonId("1177:7f3"),
    role=Role.PATIENT,
    expires_at=WALL + timedelta(minutes=15),
)
MINTED = entry(Action.TICKET_MINTED, actor="portal:cosmic")


def once(key: str = "a", request: bytes = b"r" * 32, answer: bytes = b"first", hours: float = 0) -> Once:
    """A call that may be repeated."""
    return Once(portal="cosmic", key=key, request=request, answer=answer, at=WALL + timedelta(hours=hours))
