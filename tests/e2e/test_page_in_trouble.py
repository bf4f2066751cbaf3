"""What goes wrong in a visit, met by real browsers at a real server: it is started anew, staff go and return, a link is used twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browsers import PATIENCE, WATCH
from tests.e2e.server import Server


class Open(Protocol):
    def __call__(self, link: str, name: str = "") -> Awaitable[Page]: ...


pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

expect.set_options(timeout=PATIENCE)

SHOWN = "() => document.querySelectorAll('[data-testid=tile]:not(.own) video:not([hidden])').length === 1"
MOVES = """async () => {
  const video = document.querySelector("[data-testid=tile]:not(.own) video");
  const before = video.getVideoPlaybackQuality().totalVideoFrames;
  await new Promise((done) => {
    const look = () => (video.getVideoPlaybackQuality().totalVideoFrames > before + 5 ? done() : setTimeout(look, 100));
    look();
  });
}"""
"""JavaScript: resolves when the other's picture has gone on."""


@pytest.fixture
async def opens(chromium: Browser) -> AsyncIterator[Open]:
    """Opens a link and presses join; a shared one as an interpreter of this name. Whatever happens to the network, no script may fail."""
    faults: list[str] = []

    async def opened(link: str, name: str = "") -> Page:
        context = await chromium.new_context(permissions=["camera", "microphone"], locale="sv-SE")
        page = await context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.add_init_script(WATCH)
        await page.goto(link)
        if name:
            await by(page, "name").fill(name)
            await by(page, "role").select_option("interpreter")
        await by(page, "join").click()
        return page

    yield opened
    assert faults == []


def by(page: Page, testid: str) -> Any:
    return page.get_by_test_id(testid)


async def let_in(clinician: Page, patient: Page) -> None:
    await by(by(clinician, "lobby-entry"), "admit").click()
    for page in (clinician, patient):
        await expect(by(page, "roster-entry")).to_have_count(2)
        await page.wait_for_function(SHOWN)
        await page.evaluate(MOVES)


async def test_a_server_that_is_started_anew_is_a_line_of_text_and_then_everybody_is_there(
    server: Server, opens: Open
) -> None:
    clinician = await opens(server.links["clinician"])
    patient = await opens(server.links["patient"])
    await let_in(clinician, patient)
    await server.kill()
    for page in (clinician, patient):
        await expect(by(page, "trouble")).to_have_text("Anslutningen bröts. Ansluter igen …")
        await expect(by(page, "meeting")).to_be_visible()
    server.arguments = (*server.arguments, "--port", str(urlsplit(server.base_url).port))
    await server.start()
    for page in (clinician, patient):
        await expect(by(page, "trouble")).to_be_empty()
        await expect(by(page, "roster-entry")).to_have_count(2)
    for page in (clinician, patient):
        await page.wait_for_function(SHOWN)
        await page.evaluate(MOVES)


async def test_who_waits_is_told_that_staff_have_gone_and_are_back(server: Server, opens: Open) -> None:
    visit = await server.book()
    page_of = f"{server.base_url}/join#ticket="
    patient = await opens(page_of + await server.patient(visit))
    status = by(patient, "waiting-status")
    await expect(status).to_have_text("Personalen har inte kommit än. Stanna kvar här.")
    clinician = await opens(page_of + await server.clinician(visit))
    await expect(status).to_contain_text("Personalen är här")
    await by(clinician, "leave").click()
    await by(clinician, "leave-yes").click()
    await expect(status).to_contain_text("inte här just nu")
    returned = await opens(page_of + await server.clinician(visit))
    await expect(status).to_contain_text("Personalen är här")
    await let_in(returned, patient)


async def test_the_same_link_in_another_tab_waits_and_says_why(server: Server, opens: Open) -> None:
    clinician = await opens(server.links["clinician"])
    await expect(by(clinician, "meeting")).to_be_visible()
    first = await opens(server.links["patient"])
    await let_in(clinician, first)
    second = await opens(server.links["patient"])
    await expect(by(second, "waiting-reason")).to_contain_text("Länken är redan öppnad")
    entry = by(clinician, "lobby-entry")
    await expect(entry).to_contain_text("Länken används redan på en annan enhet")
    await expect(by(first, "roster-entry")).to_have_count(2)
    await by(second, "leave").click()
    await by(second, "leave-yes").click()
    await expect(entry).to_have_count(0)


async def test_the_picture_goes_on_in_a_window_of_its_own(server: Server, opens: Open) -> None:
    clinician = await opens(server.links["clinician"])
    patient = await opens(server.links["patient"])
    await let_in(clinician, patient)
    await by(clinician, "pip").click()
    await expect(by(clinician, "pip")).to_have_attribute("aria-pressed", "true")
    await clinician.wait_for_function(
        "() => document.pictureInPictureElement?.closest('[data-testid=tile]') !== undefined"
    )
    await by(clinician, "fullscreen").click()
    await expect(by(clinician, "fullscreen")).to_have_attribute("aria-pressed", "true")
    await clinician.evaluate(MOVES)
    await by(patient, "leave").click()
    await by(patient, "leave-yes").click()
    # Whoever has gone is in no window either.
    await expect(by(clinician, "pip")).to_have_attribute("aria-pressed", "false")
    await clinician.wait_for_function("() => document.pictureInPictureElement === null")


async def test_a_link_that_is_withdrawn_while_somebody_waits(server: Server, opens: Open) -> None:
    """A personal one ends the waiting. A shared one lets nobody new in; who waits by it stays, for staff to judge, over a reload too."""
    visit = await server.book()
    wanted = {"person": "1177:1", "role": "patient", "name": "Per P", "units": []}
    minted = await server.api("POST", f"/visits/{visit}/tickets", wanted)
    link = (await server.api("GET", f"/visits/{visit}/link"))["share_url"]
    patient = await opens(f"{server.base_url}/join#ticket={minted['ticket']}")
    await expect(by(patient, "waiting")).to_be_visible()
    guest = await opens(link, name="Amina Tolk")
    await expect(by(guest, "waiting")).to_be_visible()
    await server.api("DELETE", f"/visits/{visit}/tickets/{minted['id']}", status=204)
    await server.api("POST", f"/visits/{visit}/link")
    await expect(by(patient, "final")).to_have_attribute("data-reason", "ticket_revoked")
    late = await opens(link, name="Kim Ek")
    await expect(by(late, "final")).to_have_attribute("data-reason", "link_revoked")
    await guest.reload()
    await expect(by(guest, "waiting-status")).to_be_visible()
    clinician = await opens(f"{server.base_url}/join#ticket={await server.clinician(visit)}")
    await expect(by(clinician, "lobby-entry")).to_have_count(1)
    await expect(by(clinician, "lobby-entry")).to_contain_text("Amina Tolk")
