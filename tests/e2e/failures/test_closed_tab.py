"""A tab that is closed leaves no ghost behind; one that is reloaded finds its place."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.failures.conftest import OpenWindow
from tests.e2e.failures.place import Place

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


async def test_a_closed_tab_is_seen_as_gone_at_once_and_a_reloaded_one_keeps_its_place(
    place: Place, window: OpenWindow
) -> None:
    booked = await place.book()
    clinician, patient, guest = await window(), await window(), await window()
    await clinician.join(booked.clinician)
    await patient.join(booked.patient)
    await guest.join(booked.link, name="Amina Tolk")
    await expect(clinician.page.get_by_role("heading", name="Väntar (2)")).to_be_visible()
    themselves = await clinician.knocks("Per P").get_attribute("data-participant")
    await patient.page.reload()
    await patient.is_waiting()
    await expect(clinician.knocks("Per P").locator("[data-mark=away]")).to_have_count(0)
    assert await clinician.knocks("Per P").get_attribute("data-participant") == themselves
    await guest.page.close()
    await expect(clinician.knocks("Amina Tolk").locator("[data-mark=away]")).to_be_visible()
    await expect(clinician.page.get_by_role("heading", name="Väntar (1)")).to_be_visible()
