"""What is booked in the demo: a day of two clinics, laid around the moment at which it begins."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sfu.demo.api import PortalApi, Visit
from sfu.demo.register import ALVA, EVA, KARIN, NILS, OMAR, PER, Citizen, Clinician, guardians_of

QUARTER = 15  # minutes; bookings begin at one


async def book_day(api: PortalApi, wall: datetime, hours: int) -> Visit:
    """Book it all. Gives the visit that is now: a child with two guardians, open for so many hours."""
    now = wall.replace(minute=wall.minute - wall.minute % QUARTER, second=0, microsecond=0)
    half = timedelta(minutes=30)

    async def book(starts_at: datetime, length: timedelta, patient: Citizen, clinician: Clinician, title: str) -> Visit:
        guardians = () if patient.grown_out_of_guardians() else guardians_of(patient)
        once = secrets.token_hex(16)
        body = booking(once, starts_at, length, patient, clinician, title, guardians, today=wall.date())
        return await api.book(body, once)

    first = await book(now, timedelta(hours=hours), PER, EVA, "Återbesök")
    for starts_at, patient, clinician, title in (
        (now - timedelta(hours=5), NILS, EVA, "Kontroll"),
        (now + timedelta(minutes=15), ALVA, EVA, "Uppföljning"),
        (now + timedelta(minutes=30), NILS, EVA, "Nybesök"),
        (now + timedelta(hours=2), KARIN, EVA, "Återbesök"),
        (now + timedelta(days=1), PER, EVA, "Kontroll"),
        (now + timedelta(minutes=15), KARIN, OMAR, "Nybesök"),
    ):
        await book(starts_at, half, patient, clinician, title)
    return first


def booking(
    once: str,
    starts_at: datetime,
    length: timedelta,
    patient: Citizen,
    clinician: Clinician,
    title: str,
    guardians: Sequence[Citizen],
    *,
    today: date,
    language: str = "sv",
) -> dict[str, Any]:
    """The body of the call that books. `once` is the number of the form, so that the same form gives the same body."""
    return {
        # Short, so that it is never taken for a personal identity number.
        "booking": f"demo:{once[:8]}",
        "unit": clinician.unit.id,
        "unit_name": clinician.unit.name,
        "title": title,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + length).isoformat(),
        "language": language,
        "staff": [{"person": clinician.person, "name": clinician.name}],
        "patient": {
            "person": patient.person,
            "name": patient.name,
            "birth_date": patient.birth_date(today).isoformat(),
        },
        "guardians": [{"person": each.person, "name": each.name} for each in guardians],
    }
