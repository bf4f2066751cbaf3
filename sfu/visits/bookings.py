"""What a portal books: the bodies of the portal API, their rules, and what is kept of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Literal, LiteralString

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


Title = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_plain)]
Language = Literal["sv", "en"]
Staff = Annotated[tuple[BookedPerson, ...], Field(max_length=MAX_STAFF)]
Guardians = Annotated[tuple[BookedPerson, ...], Field(max_length=MAX_GUARDIANS)]

BOOKED_ROLES = (Role.CLINICIAN, Role.PATIENT, Role.GUARDIAN)
"""Whom a booking names, in the order in which a visit lists them."""
CHANGED_AS_NAMED = frozenset({"unit_name", "title", "starts_at", "ends_at", "language"})
"""Fields of a visit that a change sets as they are."""
UNSAID: Any = None
"""The value of a field that a change does not name. It says nothing: `null` is refused, and `model_fields_set` is what is read."""


class Booking(Body):
    """`POST /api/v1/visits`."""

    booking: OpaqueId
    unit: UnitId
    unit_name: Name
    title: Title
    starts_at: Instant
    ends_at: Instant
    language: Language = "sv"
    staff: Staff = ()
    patient: BookedPatient
    guardians: Guardians = ()

    @model_validator(mode="after")
    def _rules(self) -> Booking:
        broken = broken_rule(
            self.starts_at, self.ends_at, tuple(self._people()), birth_date_known=self.patient.birth_date is not None
        )
        if broken is not None:
            raise PydanticCustomError(broken.code, broken.message)
        return self

    def _people(self) -> Iterator[Person]:
        yield from _as(Role.CLINICIAN, self.staff)
        yield from _as(Role.PATIENT, (self.patient,))
        yield from _as(Role.GUARDIAN, self.guardians)

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


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class Changes(Body):
    """`PATCH /api/v1/visits/{visit}`: what is not named stays; `staff` and `guardians` replace all that were booked.

    The visit keeps its unit and its patient. `patient` may be given with the same `person`, for a new name or with the
    `birth_date` that guardians need where none was told before.
    """

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    booking: OpaqueId = UNSAID
    unit_name: Name = UNSAID
    title: Title = UNSAID
    starts_at: Instant = UNSAID
    ends_at: Instant = UNSAID
    language: Language = UNSAID
    staff: Staff = UNSAID
    patient: BookedPatient = UNSAID
    guardians: Guardians = UNSAID

    def applied(self, booked: BookedVisit, *, guardian_age: int) -> BookedVisit:
        """The visit as changed. Raises `BrokenRule` where it would not be a booking any more, `NotAGuardian` as `Booking.booked`."""
        said = self.model_fields_set
        visit, ends = booked.visit, booked.guardianship_ends
        people = {role: [each for each in visit.people if each.role is role] for role in BOOKED_ROLES}
        if "patient" in said:
            if self.patient.person != people[Role.PATIENT][0].person:
                raise BrokenRule(
                    "another_patient", "the patient stays; book another visit for another patient", "/patient"
                )
            people[Role.PATIENT] = list(_as(Role.PATIENT, (self.patient,)))
            if self.patient.birth_date is not None:
                ends = guardianship_ends(self.patient.birth_date, guardian_age)
        if "staff" in said:
            people[Role.CLINICIAN] = list(_as(Role.CLINICIAN, self.staff))
        if "guardians" in said:
            people[Role.GUARDIAN] = list(_as(Role.GUARDIAN, self.guardians))
        named = {field: getattr(self, field) for field in said & CHANGED_AS_NAMED}
        changed = replace(
            booked,
            visit=replace(visit, **named, people=tuple(each for role in BOOKED_ROLES for each in people[role])),
            booking=self.booking if "booking" in said else booked.booking,
            guardianship_ends=ends,
        )
        visit = changed.visit
        broken = broken_rule(visit.starts_at, visit.ends_at, visit.people, birth_date_known=ends is not None)
        if broken is not None:
            raise broken
        if people[Role.GUARDIAN] and not changed.guardians_may_come():
            raise NotAGuardian
        return changed


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


class BrokenRule(ValueError):
    """A rule of bookings that a change would break; `pointer` names the place in its body, "" where it is of no one place."""

    def __init__(self, code: LiteralString, message: LiteralString, pointer: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.pointer = pointer


def broken_rule(
    starts_at: datetime, ends_at: datetime, people: Sequence[Person], *, birth_date_known: bool
) -> BrokenRule | None:
    """The first rule that a booking of these breaks, whether it is new or changed."""
    if not starts_at < ends_at <= starts_at + timedelta(hours=MAX_HOURS):
        return BrokenRule("times", f"ends_at must be after starts_at, by at most {MAX_HOURS} hours")
    if len({each.person for each in people}) < len(people):
        return BrokenRule("person_twice", "each person may stand in the booking once")
    if not birth_date_known and any(each.role is Role.GUARDIAN for each in people):
        return BrokenRule("birth_date_missing", "guardians need the patient's birth_date")
    return None


def _as(role: Role, group: Iterable[BookedPerson]) -> Iterator[Person]:
    for each in group:
        yield Person(person=PersonId(each.person), name=each.name, role=role)


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
