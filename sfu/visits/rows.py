"""Between rows and the values that the rest of the house speaks of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import RowMapping

from sfu.admission.records import ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import Person, Visit, VisitState
from sfu.admission.waiting_room import State
from sfu.ids import ParticipantId, PersonId, VisitId
from sfu.visits.bookings import BookedVisit

Values = Mapping[str, Any]


BOOKED = (*("booking", "unit_name", "title", "starts_at", "ends_at", "language", "guardianship_ends"),)
"""Columns of a visit that its portal may change."""


def visit_row(booked: BookedVisit) -> Values:
    visit = booked.visit
    return {
        "visit": visit.visit,
        "portal": visit.portal,
        "booking": booked.booking,
        "unit": visit.unit,
        "unit_name": visit.unit_name,
        "title": visit.title,
        "starts_at": visit.starts_at,
        "ends_at": visit.ends_at,
        "language": visit.language,
        "guardianship_ends": booked.guardianship_ends,
        "link_generation": visit.link_generation,
        "locked": visit.locked,
        "closed": visit.closed,
    }


def people_rows(visit: Visit) -> list[Values]:
    return [
        {"visit": visit.visit, "person": each.person, "place": place, "name": each.name, "role": each.role}
        for place, each in enumerate(visit.people)
    ]


def booked_visit(row: RowMapping, people: Iterable[RowMapping]) -> BookedVisit:
    return BookedVisit(
        visit=Visit(
            visit=VisitId(row["visit"]),
            portal=row["portal"],
            unit=row["unit"],
            unit_name=row["unit_name"],
            title=row["title"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            language=row["language"],
            people=tuple(
                Person(person=PersonId(each["person"]), name=each["name"], role=Role(each["role"])) for each in people
            ),
            link_generation=row["link_generation"],
            locked=row["locked"],
            closed=None if row["closed"] is None else VisitState(row["closed"]),
        ),
        booking=row["booking"],
        guardianship_ends=row["guardianship_ends"],
    )


def participant_row(record: ParticipantRecord) -> Values:
    return {
        "visit": record.visit,
        "participant": record.participant,
        "person": record.person,
        "name": record.name,
        "role": record.role,
        "verified": record.verified,
        "booked": record.booked,
        "second_device": record.second_device,
        "units": json.dumps(record.units),
        "ticket": record.ticket,
        "link_generation": record.link_generation,
        "resume_digest": record.resume_digest,
        "state": record.state,
        "waiting_since": record.waiting_since,
        "admitted_at": record.admitted_at,
    }


def participant_record(row: RowMapping) -> ParticipantRecord:
    return ParticipantRecord(
        visit=VisitId(row["visit"]),
        participant=ParticipantId(row["participant"]),
        person=None if row["person"] is None else PersonId(row["person"]),
        name=row["name"],
        role=Role(row["role"]),
        verified=row["verified"],
        booked=row["booked"],
        second_device=row["second_device"],
        units=tuple(json.loads(row["units"])),
        ticket=row["ticket"],
        link_generation=row["link_generation"],
        resume_digest=row["resume_digest"],
        state=State(row["state"]),
        waiting_since=row["waiting_since"],
        admitted_at=row["admitted_at"],
    )


def visit_record(visit: Visit, turned_away: Iterable[RowMapping]) -> VisitRecord:
    return VisitRecord(
        visit=visit.visit,
        locked=visit.locked,
        closed=visit.closed,
        link_generation=visit.link_generation,
        turned_away=tuple((PersonId(row["person"]), State(row["state"])) for row in turned_away),
    )
