"""Links, visits and staff that are no more: what the one who waits reads, and that nothing opens by itself."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.failures.conftest import OpenWindow
from tests.e2e.failures.place import Place

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

PRESENT = "Personalen är här. De släpper in dig när de är redo."


async def test_a_new_link_keeps_who_waits_and_shuts_the_old_one(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    guest, late = await window(), await window()
    await guest.join(booked.link, name="Amina Tolk")
    await guest.is_waiting()
    await booked.portal("POST", "/link")
    await late.join(booked.link, name="Bo Ek")
    await late.ends_with(
        "link_revoked",
        "Länken gäller inte längre",
        "Personalen har bytt länk till besöket. Be den som skickade länken om den nya.",
    )
    await guest.page.reload()
    await guest.is_waiting()


async def test_a_revoked_ticket_puts_out_who_waits_and_says_what_to_do(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    patient = await window()
    minted = await booked.portal(
        "POST", "/tickets", {"person": "1177:1", "role": "patient", "name": "Per P", "units": []}
    )
    assert isinstance(minted, dict)
    await patient.join(f"ticket={minted['ticket']}")
    await patient.is_waiting()
    await booked.portal("DELETE", f"/tickets/{minted['id']}")
    await patient.ends_with(
        "ticket_revoked",
        "Din länk gäller inte längre",
        "Öppna besöket en gång till där du fick länken. Kontakta mottagningen om det inte går.",
    )
    await patient.page.reload()
    await patient.see("join").click()
    await patient.ends_with(
        "ticket_invalid",
        "Länken fungerar inte",
        "Något saknas i länken, eller så gäller den inte. Öppna besöket en gång till där du fick länken.",
    )


async def test_a_visit_that_ends_thanks_only_who_was_in(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, patient, guest = await window(), await window(), await window()
    await clinician.join(booked.clinician)
    await patient.join(booked.patient)
    await clinician.knocks("Per P").get_by_test_id("admit").click()
    await patient.is_in_with(2)
    await guest.join(booked.link, name="Amina Tolk")
    await guest.is_waiting()
    await clinician.see("end").click()
    await clinician.see("end-yes").click()
    thanks = ("ended", "Besöket är avslutat", "Tack för att du var med. Du kan stänga sidan.")
    for one in (clinician, patient):
        await one.ends_with(*thanks)
    over = (
        "unmet",
        "Besöket är slut",
        "Det går inte att komma in längre. Kontakta mottagningen om du behöver en ny tid.",
    )
    await guest.ends_with(*over)
    await guest.page.reload()
    await guest.see("join").click()
    await guest.ends_with(*over)


async def test_a_cancelled_visit_is_said_to_be_cancelled(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    patient = await window()
    await patient.join(booked.patient)
    await patient.is_waiting()
    await booked.portal("DELETE", "")
    await patient.ends_with(
        "cancelled",
        "Besöket är inställt",
        "Mottagningen har ställt in besöket. Kontakta dem om du behöver en ny tid.",
    )


async def test_staff_who_leave_and_return_open_nothing_by_themselves(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, patient = await window(), await window()
    await patient.join(booked.patient)
    status = patient.see("waiting-status")
    await expect(status).to_have_text("Personalen har inte kommit än. Stanna kvar här.")
    await clinician.join(booked.clinician)
    await expect(status).to_have_text(PRESENT)
    await clinician.see("leave").click()
    await clinician.see("leave-yes").click()
    await expect(status).to_have_text("Personalen är inte här just nu. Stanna kvar, du har kvar din plats.")
    ticket = await place.server.clinician(booked.visit)
    await clinician.join(f"ticket={ticket}")
    await expect(status).to_have_text(PRESENT)
    await expect(clinician.knocks("Per P")).to_have_count(1)
    await patient.is_waiting()
    assert await patient.page.evaluate("connections.length") == 0


async def test_a_full_lobby_and_a_locked_visit_say_so_and_can_be_tried_again(place: Place, window: OpenWindow) -> None:
    booked = await place.book()
    clinician, first, second = await window(), await window(), await window()
    await clinician.join(booked.clinician)
    await first.join(booked.link, name="Amina Tolk")
    await first.is_waiting()
    await second.join(booked.link, name="Bo Ek", role="external")
    await second.ends_with("full", "Besöket är fullt", "Det finns ingen plats just nu. Vänta en stund och försök igen.")
    await clinician.see("lock").click()
    await expect(clinician.see("locked")).to_be_visible()
    await second.see("again").click()
    await second.ends_with(
        "locked",
        "Besöket är låst",
        "Personalen tar inte emot fler just nu. Försök igen om en stund eller kontakta mottagningen.",
    )
    await clinician.see("lock").click()
    await expect(clinician.see("locked")).to_be_hidden()
    await clinician.knocks("Amina Tolk").get_by_test_id("deny").click()
    await clinician.see("deny-yes").click()
    await first.ends_with(
        "denied",
        "Du blev inte insläppt",
        "Personalen kunde inte släppa in dig. Kontakta mottagningen om du har frågor.",
    )
    await second.see("again").click()
    await second.is_waiting()
