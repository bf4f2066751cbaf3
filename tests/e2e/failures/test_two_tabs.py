"""The same link in two tabs."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.failures.conftest import OpenWindow
from tests.e2e.failures.place import Place

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


async def test_a_link_in_a_second_tab_waits_and_is_told_why(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, first, second = await window(), await window(), await window()
    await clinician.join(booked.clinician)
    await first.join(booked.patient)
    await first.is_waiting()
    await expect(first.see("waiting-reason")).to_be_hidden()
    await second.join(booked.patient)
    await expect(second.see("waiting-reason")).to_have_text(
        "Länken är redan öppnad på en annan enhet eller i en annan flik. Fortsätt där om du kan. "
        "Här väntar du tills personalen släpper in dig."
    )
    await first.is_waiting()
    await expect(clinician.knocks("Per P").locator("[data-mark=second_device]")).to_have_count(1)


async def test_a_duplicated_tab_takes_over_and_the_first_can_take_it_back(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, patient = await window(), await window()
    await clinician.join(booked.clinician)
    await patient.join(booked.patient)
    await patient.is_waiting()
    async with patient.page.context.expect_page() as opened:
        await patient.page.evaluate("window.open(location.href)")  # a copy of the tab's storage goes with it
    copy = await opened.value
    await expect(copy.get_by_test_id("waiting")).to_be_visible()
    await patient.ends_with(
        "replaced",
        "Besöket är öppet någon annanstans",
        "Du har öppnat besöket i en annan flik. Fortsätt där, eller ta över här.",
    )
    await expect(clinician.knocks("Per P")).to_have_count(1)
    await patient.see("again").click()
    await patient.is_waiting()
    await expect(copy.get_by_test_id("final")).to_have_attribute("data-reason", "replaced")
    await expect(clinician.knocks("Per P")).to_have_count(1)
