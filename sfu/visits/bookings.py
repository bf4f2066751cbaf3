"""What a portal books: the bodies of the portal API, their rules, and what is kept of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sfu.admission.names import NAME_LENGTH, is_plain
from sfu.admission.roles import Role
from sfu.admission.tickets import UNITS
from sfu.admission.visit import Person, Visit
from sfu.ids import PersonId, VisitId

MAX_STAFF = 10
MAX_GUARDIANS = 4
MAX_HOURS = 24  # no visit is longer; tickets are good until its close

DAY_BEGINS_FIRST = timezone(timedelta(hours=2))
"""Swedish summer time: the earliest that a calendar day begins in Sweden. For guardianship, the doubt counts against it."""

IDENTITY_NUMBER = re.compile(r"(?<![0-9])(?:[0-9]{2})?([0-9]{2})([0-9]{2})([0-9]{2})[-+ ]?([0-9]{4})(?![0-9])")
DATE_TIME = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def looks_like_identity_number(text: str) -> bool:
    """Whether a Swedish personal identity number or coordination number stands anywhere in `text`.

    Ten or twelve digits, with or without a sign before the last four, a date (coordination numbers add 60 to the day) and a
    right check digit (Luhn, over the last ten). An opaque id of ten random digits is one by chance in 0.7 % of cases.
    """
    for year, month, day, last in IDENTITY_NUMBER.findall(text):
        born = int(day) - 60 if int(day) > 60 else int(day)
        # 29 February is let through in every year: the century of ten digits is not known.
        longest = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
        if not (1 <= int(month) <= 12 and 1 <= born <= longest[int(month) - 1]):
            continue
        doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(year + month + day + last))
        if sum(value // 10 + value % 10 for value in doubled) % 10 == 0:
            return True
    return False


def _opaque(value: str) -> str:
    if looks_like_identity_number(value):
        raise PydanticCustomError("identity_number", "must not be a personal identity number")
    return value


def _plain(value: str) -> str:
    if value.isspace() or not is_plain(value):
        raise PydanticCustomError("plain_text", "must hold visible text, without control characters")
    return value


def _date_time(value: object) -> object:
    if isinstance(value, str):
        if not DATE_TIME.fullmatch(value):
            raise PydanticCustomError("date_time", "must be a date and time with a zone (RFC 3339), from 2000 to 2099")
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            raise PydanticCustomError("date_time", "must be a date and time that exists") from None
    return value


def _day(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}", value):
            raise PydanticCustomError("date", "must be a date, such as 2018-03-02")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("date", "must be a date that exists") from None
    return value


OpaqueId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$"), AfterValidator(_opaque)]
"""An id of the portal's own: visible ASCII, not a personal identity number."""
UnitId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LENGTH), AfterValidator(_plain)]
Instant = Annotated[datetime, BeforeValidator(_date_time)]
Day = Annotated[date, BeforeValidator(_day)]


class Body(BaseModel):
    """A body of the portal API. Strict, without unknown fields; its errors do not repeat what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class BookedPerson(Body):
    """Somebody who takes part, by the portal's own opaque id."""

    person: OpaqueId
    name: Name


class BookedPatient(BookedPerson):
    """`birth_date` is needed where there are guardians. It is not stored; the day on which guardianship ends is."""

    birth_date: Day | None = None


class Booking(Body):
    """`POST /api/v1/visits`."""

    booking: OpaqueId
    unit: UnitId
    unit_name: Name
    title: Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_plain)]
    starts_at: Instant
    ends_at: Instant
    language: Literal["sv", "en"] = "sv"
    staff: Annotated[tuple[BookedPerson, ...], Field(max_length=MAX_STAFF)] = ()
    patient: BookedPatient
    guardians: Annotated[tuple[BookedPerson, ...], Field(max_length=MAX_GUARDIANS)] = ()

    @model_validator(mode="after")
    def _times(self) -> Booking:
        if not self.starts_at < self.ends_at <= self.starts_at + timedelta(hours=MAX_HOURS):
            raise PydanticCustomError("times", f"ends_at must be after starts_at, by at most {MAX_HOURS} hours")
        return self

    @model_validator(mode="after")
    def _everybody_once(self) -> Booking:
        persons = [booked.person for booked in self._people()]
        if len(set(persons)) < len(persons):
            raise PydanticCustomError("person_twice", "each person may stand in the booking once")
        return self

    @model_validator(mode="after")
    def _guardians_need_a_birth_date(self) -> Booking:
        if self.guardians and self.patient.birth_date is None:
            raise PydanticCustomError("birth_date_missing", "guardians need the patient's birth_date")
        return self

    def _people(self) -> Iterator[Person]:
        for role, group in (
            (Role.CLINICIAN, self.staff),
            (Role.PATIENT, (self.patient,)),
            (Role.GUARDIAN, self.guardians),
        ):
            for each in group:
                yield Person(person=PersonId(each.person), name=each.name, role=role)

    def booked(self, visit: VisitId, *, portal: str, guardian_age: int) -> BookedVisit:
        """The visit that this books. Raises `NotAGuardian` where the patient has come of age for guardians."""
        ends = guardianship_ends(self.patient.birth_date, guardian_age) if self.patient.birth_date else None
        booked = BookedVisit(
            visit=Visit(
                visit=visit,
                portal=portal,
                unit=self.unit,
                unit_name=self.unit_name,
                title=self.title,
                starts_at=self.starts_at,
                ends_at=self.ends_at,
                language=self.language,
                people=tuple(self._people()),
            ),
            booking=self.booking,
            guardianship_ends=ends,
        )
        if self.guardians and not booked.guardians_may_come():
            raise NotAGuardian
        return booked


class TicketWanted(Body):
    """`POST /api/v1/visits/{visit}/tickets`. `name` may be left out for somebody the booking names."""

    person: OpaqueId
    role: Literal["clinician", "patient", "guardian", "interpreter", "external"]
    name: Name | None = None
    units: Annotated[tuple[UnitId, ...], Field(max_length=UNITS)] = ()

    @model_validator(mode="after")
    def _only_staff_have_units(self) -> TicketWanted:
        if self.units and self.role != "clinician":
            raise PydanticCustomError("units", "only a clinician has units")
        return self


class NotAGuardian(ValueError):
    """The patient is too old to come with guardians."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedVisit:
    """A visit with what only its portal needs to know."""

    visit: Visit
    booking: str
    """The portal's own id of the booking."""
    guardianship_ends: date | None
    """The day from which the patient comes without guardians; None where no birth date was told."""

    def guardians_may_come(self) -> bool:
        """Whether the patient is young enough when the visit starts, wherever in Sweden the day begins first."""
        day = self.visit.starts_at.astimezone(DAY_BEGINS_FIRST).date()
        return self.guardianship_ends is not None and day < self.guardianship_ends

    def booked_as(self, person: PersonId) -> Person | None:
        """How the booking names this person."""
        return next((booked for booked in self.visit.people if booked.person == person), None)


def guardianship_ends(birth_date: date, guardian_age: int) -> date:
    """The birthday on which the patient reaches `guardian_age`. Born on 29 February: 28 February in other years."""
    try:
        return birth_date.replace(year=birth_date.year + guardian_age)
    except ValueError:
        return birth_date.replace(year=birth_date.year + guardian_age, day=28)
