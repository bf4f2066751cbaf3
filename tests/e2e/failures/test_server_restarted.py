"""The server is killed and started again: everybody is back where they were, and nobody has clicked anything."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.failures.conftest import OpenWindow
from tests.e2e.failures.place import Place

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


async def test_after_kill_9_everybody_is_back_without_a_click(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, patient, guest = await window(), await window(), await window()
    await clinician.join(booked.clinician)
    await patient.join(booked.patient)
    await clinician.knocks("Per P").get_by_test_id("admit").click()
    await guest.join(booked.link, name="Amina Tolk")
    await expect(clinician.knocks("Amina Tolk")).to_have_count(1)
    for one in (clinician, patient):
        await one.is_in_with(2)
    for one in (clinician, patient, guest):
        one.excused = one.cut_off = True
    await place.server.kill()
    for one in (clinician, patient, guest):
        await expect(one.see("trouble")).to_have_text("Anslutningen bröts. Ansluter igen …")
    await place.start()
    for one in (clinician, patient, guest):
        await expect(one.see("trouble")).to_be_empty()
    for one in (clinician, patient):
        await one.is_in_with(2)
        await one.sees_and_hears(2)
    await guest.is_waiting()
    await expect(clinician.knocks("Amina Tolk")).to_have_count(1)
    await expect(clinician.knocks("Amina Tolk").locator("[data-mark=away]")).to_have_count(0)
    await expect(guest.see("waiting-status")).to_have_text("Personalen är här. De släpper in dig när de är redo.")
