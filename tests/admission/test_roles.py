"""Who may ask for what, every cell."""

from __future__ import annotations

from itertools import product

import pytest

from sfu.admission.roles import NEEDS_CHARGE, RIGHTS, Ask, Role, Standing, is_own_staff, may

OWN = {Ask.OFFER, Ask.MUTE, Ask.VIEW, Ask.TEXT, Ask.LEAVE}
GRANTED = {
    Standing.WAITING: {Ask.LEAVE},
    Standing.ADMITTED: OWN,
    Standing.IN_CHARGE: OWN
    | {Ask.ADMIT, Ask.DENY, Ask.HOLD, Ask.REMOVE, Ask.ALLOW, Ask.LOCK, Ask.NOTICE, Ask.SILENCE, Ask.PIN, Ask.END}
    | {Ask.LINK},
}


@pytest.mark.parametrize(("standing", "ask"), list(product(Standing, Ask)))
def test_every_cell_of_the_table_of_rights(standing: Standing, ask: Ask) -> None:
    assert may(standing, ask) is (ask in GRANTED[standing])


def test_everything_that_can_be_asked_is_granted_to_somebody() -> None:
    assert frozenset().union(*RIGHTS.values()) == set(Ask)


def test_what_needs_charge_is_granted_to_those_in_charge_alone() -> None:
    assert RIGHTS[Standing.IN_CHARGE] - RIGHTS[Standing.ADMITTED] == NEEDS_CHARGE


@pytest.mark.parametrize(
    ("role", "verified", "units"),
    list(product(Role, [True, False], [(), ("eye",), ("ear",), ("ear", "eye")])),
)
def test_own_staff_are_verified_clinicians_of_the_unit(role: Role, verified: bool, units: tuple[str, ...]) -> None:
    expected = role == "clinician" and verified and "eye" in units
    assert is_own_staff(role, verified=verified, units=units, unit="eye") is expected


def test_a_unit_matches_whole() -> None:
    assert not is_own_staff(Role.CLINICIAN, verified=True, units=("eye-2", "ey"), unit="eye")
