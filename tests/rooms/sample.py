"""A visit, its people and their tickets, as the tests of rooms know them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Person, Visit
from sfu.ids import PersonId, VisitId

START_NOW = 1000.0
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
UNIT = "SE1-EYE"


EVA, PER, MARIA = PersonId("hsa:eva"), PersonId("1177:per"), PersonId("1177:maria")


VISIT = Visit(
    visit=VisitId("v_9f2c"),
    portal="cosmic",
    unit=UNIT,
    unit_name="Ögonmottagningen",
    title="Återbesök",
    starts_at=START,
    ends_at=START + timedelta(minutes=30),
    language="sv",
    people=(
        Person(person=EVA, name="Dr Eva Ek", role=Role.CLINICIAN),
        Person(person=PER, name="Per P", role=Role.PATIENT),
        Person(person=MARIA, name="Maria P", role=Role.GUARDIAN),
    ),
)


def ticket(
    person: PersonId = PER,
    role: Role = Role.PATIENT,
    *,
    jti: str = "",
    name: str = "",
    units: tuple[str, ...] = (),
    visit: VisitId = VISIT.visit,
) -> Ticket:
    """A ticket that has been verified. Without `jti`, a new one each time."""
    return Ticket(
        jti=jti or f"jti-{next(_tickets)}",
        issuer="cosmic",
        person=person,
        visit=visit,
        role=role,
        name=name or person.partition(":")[2].title(),
        units=units,
        expires_at=START + timedelta(hours=1),
    )


_tickets = count(1)


def staff_ticket(person: PersonId = EVA, *, jti: str = "") -> Ticket:
    """A ticket of a clinician who has access to the visit's unit."""
    return ticket(person, Role.CLINICIAN, jti=jti, units=(UNIT,))
