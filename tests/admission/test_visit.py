"""A visit as admission sees it."""

from __future__ import annotations

from sfu.admission.visit import VisitState
from sfu.ids import PersonId
from tests.rooms.sample import EVA, MARIA, PER, VISIT


def test_the_booking_names_staff_patient_and_guardians() -> None:
    assert all(VISIT.names(person) for person in (EVA, PER, MARIA))
    assert not VISIT.names(PersonId("1177:somebody"))


def test_what_staff_set_makes_another_value() -> None:
    assert VISIT.with_locked(True).locked
    assert VISIT.with_closed(VisitState.CANCELLED).closed is VisitState.CANCELLED
    assert not VISIT.locked
    assert VISIT.closed is None
