"""What a portal may book: each rule of portal-api.md, and that a body which breaks one tells nothing of itself."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sfu.admission.roles import Role
from sfu.ids import PersonId, VisitId
from sfu.visits.bookings import (
    Booking,
    NotAGuardian,
    TicketWanted,
    guardianship_ends,
    looks_like_identity_number,
)
from tests.visits.sample import body, booked


def read(**changes: Any) -> Booking:
    return Booking.model_validate_json(json.dumps(body(**changes)))


def child(birth_date: str | None) -> dict[str, Any]:
    return {"person": "1177:7f3", "name": "Per P", **({"birth_date": birth_date} if birth_date else {})}


def test_a_booking_becomes_a_visit() -> None:
    visit = booked().visit
    assert visit.starts_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert [(each.role, each.person, each.name) for each in visit.people] == [
        (Role.CLINICIAN, "hsa:SE-A1", "Dr Eva Ek"),
        (Role.PATIENT, "1177:7f3", "Per P"),
        (Role.GUARDIAN, "1177:a01", "Maria P"),
        (Role.GUARDIAN, "1177:b77", "Johan P"),
    ]
    assert (visit.portal, visit.link_generation, visit.locked, visit.closed) == ("cosmic", 1, False, None)


def test_the_birth_date_is_not_kept_but_the_day_on_which_guardianship_ends() -> None:
    assert booked().guardianship_ends == date(2031, 3, 2)
    assert "2018" not in repr(booked())


def test_times_are_kept_in_utc() -> None:
    visit = booked(starts_at="2026-11-23T10:00:00+01:00", ends_at="2026-11-23T10:30:00.5+01:00").visit
    assert visit.starts_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert visit.starts_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"starts_at": "2026-11-23T09:00:00"}, "starts_at"),
        ({"starts_at": "2026-11-23 09:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-11-23T09:00Z"}, "starts_at"),
        ({"starts_at": "2026-02-30T09:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-11-23T09:00:00+25:00"}, "starts_at"),
        ({"starts_at": "1795424400"}, "starts_at"),
        ({"starts_at": 1795424400}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "starts_at"),
        ({"starts_at": None}, "starts_at"),
        ({"ends_at": "2026-11-23T09:00:00Z"}, ""),
        ({"ends_at": "2026-11-23T08:00:00Z"}, ""),
        ({"ends_at": "2026-11-24T09:00:01Z"}, ""),
        ({"language": "no"}, "language"),
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": "a\u202eb"}, "title"),
        ({"unit": ""}, "unit"),
        ({"unit": "with space"}, "unit"),
        ({"unit": "x" * 65}, "unit"),
        ({"unit_name": "   "}, "unit_name"),
        ({"booking": "å"}, "booking"),
        ({"booking": "b" * 129}, "booking"),
        ({"booking": "a\n"}, "booking"),
        ({"booking": 8841027}, "booking"),
        ({"extra": 1}, "extra"),
        ({"patient": None}, "patient"),
        ({"patient": {"person": "1177:7f3"}}, "patient.name"),
        ({"patient": {"person": "1177:7f3", "name": "x" * 81}}, "patient.name"),
        ({"patient": {"person": "1177:7f3", "name": "a\0b"}}, "patient.name"),
        ({"patient": child("2018-02-30")}, "patient.birth_date"),
        ({"patient": child("1520000000")}, "patient.birth_date"),
        ({"patient": child("2018-03-02T00:00:00Z")}, "patient.birth_date"),
        ({"patient": child(None)}, ""),
        ({"staff": [{"person": f"hsa:{n}", "name": "x"} for n in range(11)]}, "staff"),
        ({"guardians": [{"person": f"1177:{n}", "name": "x"} for n in range(5)]}, "guardians"),
        ({"guardians": [{"person": "1177:7f3", "name": "the patient"}]}, ""),
        ({"staff": [{"person": "hsa:1", "name": "a", "role": "patient"}]}, "staff.0.role"),
        ({"patient": {"person": "1177:19850101-1236", "name": "x"}, "guardians": []}, "patient.person"),
        ({"staff": [{"person": "8501011236", "name": "x"}]}, "staff.0.person"),
        ({"guardians": [{"person": "850161+1233", "name": "x"}]}, "guardians.0.person"),
        ({"booking": "cosmic:198501011236"}, "booking"),
    ],
)
def test_a_body_that_breaks_a_rule_is_told_where(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**changes)
    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [place]


@pytest.mark.parametrize("field", sorted(body()))
@pytest.mark.parametrize(
    "value", ["canary\n", ["canary\n"], {"canary\n": 1}, [{"person": "canary\n", "name": "canary\n"}]]
)
def test_errors_do_not_repeat_what_was_sent(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**{field: value})
    assert not any("canary" in error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        # Luhn-correct numbers that the Swedish Tax Agency gives out for tests, and forms of them.
        ("198112189876", True),
        ("19811218-9876", True),
        ("811218-9876", True),
        ("8112189876", True),
        ("811218+9876", True),
        ("811218 9876", True),
        ("pnr:811218-9876", True),
        ("a8112189876b", True),
        ("811278-9873", True),  # coordination number: day 18 + 60
        ("201602292383", True),
        # One digit wrong, no such day or month, other lengths.
        ("811218-9877", False),
        ("811318-9876", False),
        ("811232-9879", False),
        ("811200-9876", False),
        ("811299-9879", False),
        ("81121898761", False),
        ("9198112189876", False),
        ("811218_9876", False),
        ("811218--9876", False),
        ("٨١١٢١٨٩٨٧٦", False),
        ("SE2321000016-1HZ3", False),
        ("hsa:SE2321000016-A1", False),
        ("1177:7f3a01b77", False),
        ("", False),
    ],
)
def test_personal_identity_numbers_are_known_by_sight(text: str, is_one: bool) -> None:
    assert looks_like_identity_number(text) is is_one


@given(day=st.dates(date(1900, 1, 1), date(2026, 11, 23)), serial=st.integers(0, 999), coordination=st.booleans())
def test_every_personal_identity_number_is_known(day: date, serial: int, coordination: bool) -> None:
    nine = f"{day:%y%m}{day.day + 60 * coordination:02}{serial:03}"
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(nine))
    ten = f"{nine}{-total % 10}"
    for form in (ten, f"{ten[:6]}-{ten[6:]}", f"{day:%Y}{ten[2:]}", f"id:{day:%Y}{ten[2:6]}-{ten[6:]}"):
        assert looks_like_identity_number(form)


@pytest.mark.parametrize(
    ("born", "starts_at", "may_come"),
    [
        ("2013-11-24", "2026-11-23T09:00:00Z", True),
        ("2013-11-23", "2026-11-23T09:00:00Z", False),
        ("2013-11-22", "2026-11-23T09:00:00Z", False),
        # The birthday begins in Sweden while it is still the day before in UTC.
        ("2013-11-24", "2026-11-23T21:59:00Z", True),
        ("2013-11-24", "2026-11-23T22:00:00Z", False),
        ("2013-11-24", "2026-11-23T23:30:00+01:00", False),
        ("2026-11-01", "2026-11-23T09:00:00Z", True),
    ],
)
def test_guardians_come_until_the_birthday(born: str, starts_at: str, may_come: bool) -> None:
    day = starts_at[:10]
    ends_at = f"{day}T23:59:59Z"
    if may_come:
        assert booked(patient=child(born), starts_at=starts_at, ends_at=ends_at).guardians_may_come()
    else:
        with pytest.raises(NotAGuardian):
            booked(patient=child(born), starts_at=starts_at, ends_at=ends_at)


def test_a_grown_patient_comes_alone() -> None:
    visit = booked(patient=child("1980-01-01"), guardians=[])
    assert not visit.guardians_may_come()
    assert not booked(patient=child(None), guardians=[]).guardians_may_come()


def test_born_on_a_leap_day_the_birthday_is_never_late() -> None:
    assert guardianship_ends(date(2016, 2, 29), 13) == date(2029, 2, 28)
    assert guardianship_ends(date(2016, 2, 29), 16) == date(2032, 2, 29)


def test_a_booking_names_people() -> None:
    visit = booked()
    found = visit.booked_as(PersonId("1177:a01"))
    assert found is not None
    assert (found.name, found.role) == ("Maria P", Role.GUARDIAN)
    assert visit.booked_as(PersonId("1177:x")) is None


def test_a_visit_may_be_without_staff_until_somebody_takes_it() -> None:
    assert [
        each.role
        for each in read(staff=[], guardians=[]).booked(VisitId("v_1"), portal="p", guardian_age=13).visit.people
    ] == [Role.PATIENT]


@pytest.mark.parametrize(
    "wanted",
    [
        {"person": "1177:7f3", "role": "doctor"},
        {"person": "1177:7f3", "role": "patient", "units": ["a"]},
        {"person": "1177:7f3", "role": "patient", "name": ""},
        {"person": "1177:7f3", "role": "patient", "visit": "v_1"},
        {"person": "811218-9876", "role": "patient"},
        {"person": "hsa:1", "role": "clinician", "units": ["a"] * 257},
        {"person": "hsa:1", "role": "clinician", "units": "a"},
        {"role": "clinician"},
        [],
    ],
)
def test_a_ticket_that_cannot_be_is_refused(wanted: object) -> None:
    with pytest.raises(ValidationError):
        TicketWanted.model_validate_json(json.dumps(wanted))
