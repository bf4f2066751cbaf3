"""A network that is gone for some seconds, or for long: what one reads, and that one comes back as oneself."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.failures.conftest import OpenWindow
from tests.e2e.failures.place import Place

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

LOST = "Anslutningen bröts. Ansluter igen …"


async def test_a_short_loss_is_a_line_of_text_and_nothing_else(place: Place, window: OpenWindow) -> None:
    clinician, patient = await place.meeting(window)
    patient.wire.cut()
    await expect(patient.see("media-status")).to_have_text("Ljud och bild ansluts igen …")
    await expect(patient.see("roster-entry")).to_have_count(2)
    patient.wire.mend()
    await expect(patient.see("media-status")).to_be_hidden()
    for one in (clinician, patient):
        await one.is_in_with(2)
        await one.sees_and_hears(2)
    assert await patient.page.evaluate("connections.length") == 1, "the connection has lived through it"
    assert await clinician.see("final").count() == 0


async def test_a_long_loss_is_told_to_the_others_and_one_resumes_as_oneself(place: Place, window: OpenWindow) -> None:
    """The server gives a silent channel up after 20 s, the page after as long, and its connection after some 15."""
    clinician, patient = await place.meeting(window)
    patient.excused = True
    themselves = await patient.entry("Per P").get_attribute("data-participant")
    patient.wire.cut()
    await expect(patient.see("trouble")).to_have_text(LOST, timeout=60_000)
    await expect(clinician.entry("Per P").locator("[data-mark=reconnecting]")).to_be_visible(timeout=60_000)
    patient.wire.mend()
    await expect(patient.see("trouble")).to_be_empty()
    for one in (clinician, patient):
        await one.is_in_with(2)
        await one.sees_and_hears(2)
    await expect(clinician.entry("Per P").locator("[data-mark=reconnecting]")).to_have_count(0)
    assert await clinician.entry("Per P").get_attribute("data-participant") == themselves
    await expect(patient.see("status")).to_have_text("Ansluten igen.")


async def test_who_waits_without_a_network_is_not_told_that_they_are_connected(
    place: Place, window: OpenWindow
) -> None:
    booked = await place.book()
    clinician, patient = await window(), await window()
    patient.excused = True
    await clinician.join(booked.clinician)
    await patient.join(booked.patient)
    await expect(patient.see("waiting-status")).to_contain_text("Personalen är här")
    patient.wire.cut()
    await expect(patient.see("trouble")).to_have_text(LOST, timeout=60_000)
    await expect(patient.see("waiting-status")).to_be_hidden()
    await expect(clinician.knocks("Per P").locator("[data-mark=away]")).to_be_visible(timeout=60_000)
    patient.wire.mend()
    await expect(patient.see("trouble")).to_be_empty()
    await expect(patient.see("waiting-status")).to_contain_text("Personalen är här")
    await expect(clinician.knocks("Per P").locator("[data-mark=away]")).to_have_count(0)
    await clinician.knocks("Per P").get_by_test_id("admit").click()
    await patient.is_in_with(2)
