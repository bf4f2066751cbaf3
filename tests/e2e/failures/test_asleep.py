"""A tab that sleeps, as on a phone in a pocket: what happened meanwhile is there when it wakes."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.failures.conftest import OpenWindow
from tests.e2e.failures.place import Place

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


async def test_who_is_let_in_while_the_tab_sleeps_is_in_when_it_wakes(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, patient = await window(), await window()
    await clinician.join(booked.clinician)
    await patient.join(booked.patient)
    await patient.is_waiting()
    await patient.sleep()
    await clinician.knocks("Per P").get_by_test_id("admit").click()
    await expect(clinician.see("roster-entry")).to_have_count(2)
    await patient.wake()
    for one in (clinician, patient):
        await one.is_in_with(2)
        await one.sees_and_hears(2)


async def test_a_place_that_was_lost_in_sleep_is_taken_again(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, patient = await window(), await window()
    patient.excused = True
    await clinician.join(booked.clinician)
    await patient.join(booked.patient)
    await patient.is_waiting()
    await patient.sleep()
    patient.wire.drop()
    await expect(clinician.knocks("Per P").locator("[data-mark=away]")).to_be_visible()
    await patient.wake()
    await expect(clinician.knocks("Per P").locator("[data-mark=away]")).to_have_count(0)
    await expect(patient.see("trouble")).to_be_empty()
    await clinician.knocks("Per P").get_by_test_id("admit").click()
    await patient.is_in_with(2)
