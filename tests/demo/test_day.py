"""The demo's day can be booked at any moment, and its people are as old as they say."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.demo.day import booking
from sfu.demo.register import ALVA, CITIZENS, EVA, MARIA, PER, guardians_of
from sfu.ids import VisitId
from sfu.visits.bookings import Booking, NotAGuardian

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))


@given(MOMENTS)
def test_ages_are_as_they_are_told_whenever_the_demo_runs(moment: datetime) -> None:
    for each in CITIZENS:
        today = moment.date()
        born = each.birth_date(today)
        had_birthday = (today.month, today.day) >= (born.month, born.day)
        assert today.year - born.year - (not had_birthday) == each.years


@given(MOMENTS, st.integers(0, 24 * 3))
def test_a_child_is_booked_with_both_guardians_and_somebody_of_thirteen_with_none(moment: datetime, hours: int) -> None:
    starts_at = moment + timedelta(hours=hours)
    for patient in (PER, ALVA):
        told = booking(
            "0" * 32, starts_at, timedelta(hours=8), patient, EVA, "x", guardians_of(patient), today=moment.date()
        )
        body = Booking.model_validate_json(json.dumps(told))
        if patient is PER:
            assert len(body.booked(VisitId("v_1"), portal="x", guardian_age=13).visit.people) == 4
        else:
            with pytest.raises(NotAGuardian):
                body.booked(VisitId("v_1"), portal="x", guardian_age=13)


def test_who_was_born_on_a_leap_day_is_booked_too() -> None:
    assert PER.birth_date(date(2024, 4, 29)) == date(2016, 2, 28)


def test_guardians_are_those_whose_child_it_is() -> None:
    assert MARIA in guardians_of(PER)
    assert guardians_of(MARIA) == ()
