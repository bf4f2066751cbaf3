"""What the portal API answers. The same types write the answers and describe them in the OpenAPI document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from sfu.admission.records import ParticipantRecord
from sfu.admission.roles import Role
from sfu.admission.visit import Visit, VisitState
from sfu.admission.waiting_room import State
from sfu.admission.windows import Window
from sfu.visits.access_log import Row
from sfu.visits.bookings import BookedVisit


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    datetime, PlainSerializer(_rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]


class Answer(BaseModel):
    """A body of an answer. Fields may be added; a caller ignores those that it does not know."""

    model_config = ConfigDict(frozen=True)


class PersonAnswer(Answer):
    person: str
    name: str


class VisitAnswer(Answer):
    """A visit as booked, and how far it has come."""

    visit: str
    booking: str
    unit: str
    unit_name: str
    title: str
    starts_at: Moment
    ends_at: Moment
    language: str
    staff: tuple[PersonAnswer, ...]
    patient: PersonAnswer
    guardians: tuple[PersonAnswer, ...]
    state: VisitState
    opens_at: Moment
    """From when others than staff can join."""
    closes_at: Moment

    @classmethod
    def of(cls, booked: BookedVisit, state: VisitState, window: Window) -> VisitAnswer:
        visit = booked.visit
        (patient,) = _people(visit, Role.PATIENT)
        return cls(
            visit=visit.visit,
            booking=booked.booking,
            unit=visit.unit,
            unit_name=visit.unit_name,
            title=visit.title,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            language=visit.language,
            staff=_people(visit, Role.CLINICIAN),
            patient=patient,
            guardians=_people(visit, Role.GUARDIAN),
            state=state,
            opens_at=window.opens_at,
            closes_at=window.closes_at,
        )


class VisitsAnswer(Answer):
    """A page of visits, by start. `next` is what to ask for as `cursor` to read on; null at the end."""

    visits: tuple[VisitAnswer, ...]
    next: str | None


class TicketAnswer(Answer):
    """A personal way in. `ticket` names the ticket to the person's client, `id` names it to this API."""

    id: str
    ticket: str
    join_url: str
    expires_at: Moment


class LinkAnswer(Answer):
    """The one link to pass on."""

    share_url: str


class ParticipantAnswer(Answer):
    """Somebody who is in or waits. `person` is null for whoever came by the shared link."""

    participant: str
    person: str | None
    name: str
    role: Role
    verified: bool
    booked: bool
    second_device: bool
    state: State
    connected: bool
    waiting_since: Moment
    admitted_at: Moment | None

    @classmethod
    def of(cls, record: ParticipantRecord, connected: bool) -> ParticipantAnswer:
        return cls(
            participant=record.participant,
            person=record.person,
            name=record.name,
            role=record.role,
            verified=record.verified,
            booked=record.booked,
            second_device=record.second_device,
            state=record.state,
            connected=connected,
            waiting_since=record.waiting_since,
            admitted_at=record.admitted_at,
        )


class ParticipantsAnswer(Answer):
    participants: tuple[ParticipantAnswer, ...]


class EntryAnswer(Answer):
    """One row of the access log: who did what to whom, when, in which unit."""

    number: int
    at: str
    unit: str
    action: str
    actor: str
    actor_person: str | None
    subject: str | None
    subject_person: str | None
    detail: str
    hash: str

    @classmethod
    def of(cls, row: Row) -> EntryAnswer:
        return cls(
            number=row.number,
            at=row.at,
            unit=row.unit,
            action=row.action,
            actor=row.actor,
            actor_person=row.actor_person,
            subject=row.subject,
            subject_person=row.subject_person,
            detail=row.detail,
            hash=row.hash.hex(),
        )


class AuditAnswer(Answer):
    """`next` is what to ask for as `after` to read on; null at the end."""

    entries: tuple[EntryAnswer, ...]
    next: int | None


def _people(visit: Visit, role: Role) -> tuple[PersonAnswer, ...]:
    return tuple(PersonAnswer(person=each.person, name=each.name) for each in visit.people if each.role is role)
