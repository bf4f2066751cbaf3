"""The visit, the whole way, in three real browser windows: what a newcomer sees who follows the README."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browsers import STATS
from tests.e2e.server import Server

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def by(page: Page, testid: str) -> Any:
    return page.get_by_test_id(testid)


async def enter(page: Page, link: str, *, name: str = "", role: str = "") -> None:
    """Open a link and join as a person would."""
    await page.goto(link)
    if name:
        await by(page, "name").fill(name)
    if role:
        await by(page, "role").select_option(role)
    await by(page, "join").click()


async def names(page: Page) -> list[str]:
    return sorted(await by(page, "roster-entry").evaluate_all("entries => entries.map(e => e.dataset.participant)"))


async def received(page: Page) -> dict[str, tuple[float, float]]:
    """Frames decoded or sound energy so far, and packets, of each section that receives."""
    stats = await page.evaluate(STATS)
    return {
        f"{entry['kind']} {entry['mid']}": (entry["frames"] or entry["energy"], entry["packets"])
        for entry in stats["inbound"]
    }


async def rising(page: Page, sections: int) -> dict[str, float]:
    """Wait until so many sections each have more frames or energy than a moment before."""
    first: dict[str, float] = {}
    for _ in range(600):
        now = {key: value for key, (value, _) in (await received(page)).items()}
        first = now | first
        risen = {key: value for key, value in now.items() if value > first[key]}
        if len(risen) >= sections:
            return risen
        await page.wait_for_timeout(100)
    raise AssertionError(f"of {sections} sections only these rise: {first} {await received(page)}")


@pytest.fixture
async def visit(server: Server, page: OpenPage) -> dict[str, Page]:
    """Clinician in, patient and interpreter admitted one by one, all three hearing and seeing each other."""
    clinician, patient, interpreter = [await page() for _ in range(3)]
    await enter(clinician, server.links["clinician"])
    await expect(by(clinician, "meeting")).to_be_visible()
    await enter(patient, server.links["patient"])
    await expect(by(patient, "waiting")).to_be_visible()
    await enter(interpreter, server.links["share"], name="Amina Tolk", role="interpreter")
    await expect(by(interpreter, "waiting")).to_be_visible()
    for waiting in (patient, interpreter):
        stats = await waiting.evaluate(STATS)
        assert stats == {"inbound": [], "sent": []}, "who waits has no transport"

    entries = by(clinician, "lobby-entry")
    await expect(entries).to_have_count(2)
    await by(entries.filter(has_text="Per P"), "admit").click()
    await expect(by(patient, "meeting")).to_be_visible()
    await by(entries.filter(has_text="Amina Tolk"), "admit").click()
    await by(clinician, "agreement-yes").click()
    await expect(by(interpreter, "meeting")).to_be_visible()
    pages = {"clinician": clinician, "patient": patient, "interpreter": interpreter}
    for window in pages.values():
        await expect(by(window, "roster-entry")).to_have_count(3)
        await rising(window, 4)
    return pages


async def test_three_people_see_and_hear_each_other(visit: dict[str, Page]) -> None:
    rosters = [await names(window) for window in visit.values()]
    assert rosters[0] == rosters[1] == rosters[2]
    for window in visit.values():
        await expect(by(window, "roster-entry").filter(has_text="Amina Tolk")).to_have_count(1)
        await expect(by(window, "tile")).to_have_count(3)


async def test_without_agreement_nobody_new_gets_in(server: Server, page: OpenPage) -> None:
    clinician, guest = await page(), await page()
    await enter(clinician, server.links["clinician"])
    await enter(guest, server.links["share"], name="Amina Tolk", role="interpreter")
    await by(by(clinician, "lobby-entry"), "admit").click()
    await by(clinician, "agreement-no").click()
    await expect(by(guest, "waiting")).to_be_visible()
    await expect(by(clinician, "lobby-entry")).to_have_count(1)


async def test_hold_stops_both_ways_and_release_brings_it_back(visit: dict[str, Page]) -> None:
    clinician, patient, interpreter = visit.values()
    await by(by(clinician, "roster-entry").filter(has_text="Per P"), "hold").click()
    await expect(by(patient, "waiting")).to_be_visible()
    await expect(by(clinician, "roster-entry")).to_have_count(2)
    await expect(by(interpreter, "roster-entry")).to_have_count(2)
    assert (await patient.evaluate(STATS))["sent"] == [], "its connection is closed"
    await rising(interpreter, 2)
    await by(by(clinician, "lobby-entry").filter(has_text="Per P"), "admit").click()
    await expect(by(patient, "meeting")).to_be_visible()
    for window in visit.values():
        await expect(by(window, "roster-entry")).to_have_count(3)
        await rising(window, 4)


async def test_who_has_no_devices_sees_who_comes_back_after_being_alone(server: Server, page: OpenPage) -> None:
    """Then every section of that connection had stopped: it goes on, and nobody connects anew."""
    clinician, patient = await page(), await page()
    await clinician.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))"
    )
    await enter(clinician, server.links["clinician"])
    await enter(patient, server.links["patient"])
    for _ in range(3):
        await by(by(clinician, "lobby-entry"), "admit").click()
        await expect(by(patient, "meeting")).to_be_visible()
        await rising(clinician, 2)
        await by(by(clinician, "roster-entry").filter(has_text="Per P"), "hold").click()
        await expect(by(patient, "waiting")).to_be_visible()
        await expect(by(clinician, "roster-entry")).to_have_count(1)
    assert await clinician.evaluate("window.connections.length") == 1


async def test_removed_stays_out_by_the_same_link(server: Server, visit: dict[str, Page], page: OpenPage) -> None:
    clinician, patient, _ = visit.values()
    await by(by(clinician, "roster-entry").filter(has_text="Per P"), "remove").click()
    await by(clinician, "remove-yes").click()
    await expect(by(patient, "final")).to_have_attribute("data-reason", "removed")
    await expect(by(clinician, "roster-entry")).to_have_count(2)
    await patient.reload()
    again = await page()
    await enter(again, server.links["patient"])
    await expect(by(again, "final")).to_have_attribute("data-reason", "removed")


async def test_a_reload_comes_back_admitted(visit: dict[str, Page]) -> None:
    patient = visit["patient"]
    await patient.reload()
    join = by(patient, "join")
    meeting = by(patient, "meeting")
    await expect(join.or_(meeting)).to_be_visible()
    if await join.is_visible():
        await join.click()
    await expect(meeting).to_be_visible()
    for window in visit.values():
        await expect(by(window, "roster-entry")).to_have_count(3)
        await rising(window, 4)


async def test_a_muted_microphone_is_shown_and_not_forwarded(visit: dict[str, Page]) -> None:
    clinician, patient, interpreter = visit.values()
    await by(patient, "microphone").click()
    await asyncio.gather(rising(clinician, 3), rising(interpreter, 3))
    before = await received(clinician)
    await clinician.wait_for_timeout(700)
    after = await received(clinician)
    assert sum(after[key][1] == before[key][1] for key in before) == 1, "one section, the microphone's, gets nothing"
