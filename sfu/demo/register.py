"""Who there is in the demo. Invented people: what a care record and a patient portal would know from their own registers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

GUARDIAN_AGE = 13
"""Until the patient is so old, years, guardians take part. The server keeps the rule; we need it to tell people why."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A clinic, by its HSA id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Clinician:
    """Somebody who works in the care record. `unit` is the one whose schedule they can open."""

    person: str
    name: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody of the patient portal, with an age and the children whom the population register gives them."""

    person: str
    name: str
    years: int
    days: int = 60
    """Since the last birthday: ages are kept, whenever the demo runs."""
    children: tuple[Citizen, ...] = field(default=(), repr=False)

    def birth_date(self, today: date) -> date:
        years_ago = today - timedelta(days=self.days)
        leap_day = (years_ago.month, years_ago.day) == (2, 29)
        return years_ago.replace(year=years_ago.year - self.years, day=28 if leap_day else years_ago.day)

    def grown_out_of_guardians(self) -> bool:
        return self.years >= GUARDIAN_AGE


EYES = Unit("SE2321000016-1HZ3", "Ögonmottagningen")
SKIN = Unit("SE2321000016-2KLM", "Hudmottagningen")

EVA = Clinician("demo:eva", "Dr Eva Ek", EYES)
SARA = Clinician("demo:sara", "Sara Sund", EYES)
OMAR = Clinician("demo:omar", "Dr Omar Said", SKIN)
CLINICIANS = (EVA, SARA, OMAR)

PER = Citizen("demo:per", "Per P", 8)
ALVA = Citizen("demo:alva", "Alva P", 13)
MARIA = Citizen("demo:maria", "Maria P", 41, children=(PER, ALVA))
JOHAN = Citizen("demo:johan", "Johan P", 43, children=(PER, ALVA))
NILS = Citizen("demo:nils", "Nils Norén", 67)
KARIN = Citizen("demo:karin", "Karin Karlsson", 52)
CITIZENS = (MARIA, JOHAN, PER, ALVA, NILS, KARIN)
PATIENTS = (PER, ALVA, NILS, KARIN)


def guardians_of(patient: Citizen) -> tuple[Citizen, ...]:
    """Whose child this is, whatever its age."""
    return tuple(each for each in CITIZENS if patient in each.children)


def clinician(person: str) -> Clinician | None:
    return next((each for each in CLINICIANS if each.person == person), None)


def citizen(person: str) -> Citizen | None:
    return next((each for each in CITIZENS if each.person == person), None)
