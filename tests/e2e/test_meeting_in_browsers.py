"""Shared screens, text beside speech, messages, silence and the lock, the whole way: three real browsers, a real server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browsers import STATS
from tests.e2e.server import Server

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

A_SCREEN = """
navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const context = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${(count += 20)} 80% 50%)`;
    context.fillRect(0, 0, 640, 360);
  }, 100);
  const stream = canvas.captureStream(10);
  const sound = new AudioContext();
  const to = sound.createMediaStreamDestination();
  const tone = new OscillatorNode(sound);
  tone.connect(to);
  tone.start();
  stream.addTrack(to.stream.getAudioTracks()[0]);
  return stream;
};
"""
"""JavaScript: a screen to share that changes its colour, and a tone."""


def by(page: Page, testid: str) -> Any:
    return page.get_by_test_id(testid)


def of(page: Page, name: str, testid: str) -> Any:
    """What bears this test id in the roster's entry of this person."""
    return by(by(page, "roster-entry").filter(has_text=name), testid)


async def enter(page: Page, link: str) -> None:
    await page.goto(link)
    await by(page, "join").click()


@pytest.fixture
async def two(server: Server, page: OpenPage) -> tuple[Page, Page]:
    """A clinician and a patient who are in and connected."""
    clinician, patient = await page(), await page()
    await enter(clinician, server.links["clinician"])
    await expect(by(clinician, "meeting")).to_be_visible()
    await enter(patient, server.links["patient"])
    await by(by(clinician, "lobby-entry"), "admit").click()
    for window in (clinician, patient):
        await expect(by(window, "roster-entry")).to_have_count(2)
        await window.wait_for_function("() => connections.at(-1)?.connectionState === 'connected'")
    return clinician, patient


async def grows(page: Page, kind: str, field: str, count: int) -> None:
    """Wait until so many received streams of this kind go on."""
    first: dict[str, float] = {}
    now: dict[str, float] = {}
    for _ in range(150):
        stats = await page.evaluate(STATS)
        now = {entry["mid"]: entry[field] for entry in stats["inbound"] if entry["kind"] == kind}
        first = now | first
        if sum(now[mid] > first[mid] for mid in now) >= count:
            return
        await page.wait_for_timeout(100)
    raise AssertionError(f"{kind}: {first} {now}")


async def test_a_shared_screen_reaches_the_other_with_its_sound_twice(two: tuple[Page, Page]) -> None:
    clinician, patient = two
    await clinician.evaluate(A_SCREEN)
    for _ in range(2):
        await by(clinician, "share").click()
        await expect(by(patient, "screen-tile")).to_have_count(1)
        await grows(patient, "video", "frames", 2)
        await grows(patient, "audio", "energy", 2)
        await expect(by(patient, "screen-tile").locator("video")).to_be_visible()
        large = await by(patient, "screen-tile").bounding_box()
        small = await by(patient, "tile").first.bounding_box()
        assert large["width"] > small["width"]
        await by(clinician, "share").click()
        await expect(by(patient, "screen-tile")).to_have_count(0)
    assert await clinician.evaluate("connections.length") == 1, "no connection was made anew"


async def test_staff_stop_a_share_and_a_voice(two: tuple[Page, Page]) -> None:
    clinician, patient = two
    await patient.evaluate(A_SCREEN)
    await by(patient, "share").click()
    await expect(by(clinician, "screen-tile")).to_have_count(1)
    await of(clinician, "Per P", "stop-share").click()
    await expect(by(patient, "sharing")).to_be_hidden()
    await expect(by(clinician, "screen-tile")).to_have_count(0)
    await of(clinician, "Per P", "silence").click()
    await expect(by(patient, "microphone")).to_have_attribute("data-state", "off")
    await expect(of(clinician, "Per P", "silence")).to_be_hidden()
    await patient.reload()
    await expect(by(patient, "meeting")).to_be_visible()
    await expect(by(clinician, "tile").filter(has_text="Per P").locator("video")).to_have_count(1)
    await expect(of(clinician, "Per P", "silence")).to_be_hidden()
    await by(patient, "microphone").click()
    await expect(of(clinician, "Per P", "silence")).to_be_visible()


async def test_text_is_read_while_it_is_written_and_gone_with_the_visit(two: tuple[Page, Page]) -> None:
    clinician, patient = two
    await by(patient, "text-toggle").click()
    await patient.keyboard.type("Jag hor", delay=60)
    growing = by(by(clinician, "text-writing"), "text-line")
    await expect(growing).to_contain_text("Jag hor")
    await patient.keyboard.press("Backspace")
    await patient.keyboard.press("Backspace")
    await patient.keyboard.type("ör dig.")
    await expect(growing).to_contain_text("Jag hör dig.")
    await patient.keyboard.press("Enter")
    await expect(growing).to_have_count(0)
    await expect(by(by(clinician, "text-log"), "text-line")).to_contain_text("Jag hör dig.")
    await expect(by(by(patient, "text-log"), "text-line")).to_have_text("Du: Jag hör dig.")
    await by(clinician, "end").click()
    await by(clinician, "end-yes").click()
    for window in two:
        await expect(by(window, "final")).to_have_attribute("data-reason", "ended")
        assert "hör dig" not in await window.content()


async def test_who_waits_reads_what_staff_write_and_a_lock_keeps_new_ones_out(server: Server, page: OpenPage) -> None:
    clinician, patient, late = await page(), await page(), await page()
    await enter(clinician, server.links["clinician"])
    await enter(patient, server.links["patient"])
    await by(by(clinician, "lobby-entry"), "notify").click()
    await by(clinician, "notice-text").fill("Fem minuter till.")
    await by(clinician, "notice-send").click()
    await expect(by(patient, "notice")).to_contain_text("Fem minuter till.")
    await by(clinician, "lock").click()
    await expect(by(clinician, "locked")).to_be_visible()
    await late.goto(server.links["share"])
    await by(late, "name").fill("Amina Tolk")
    await by(late, "role").select_option("interpreter")
    await by(late, "join").click()
    await expect(by(late, "final")).to_have_attribute("data-reason", "locked")
