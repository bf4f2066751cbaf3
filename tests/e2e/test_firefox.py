"""A second browser engine: a patient with Firefox, a clinician with Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.firefox import Firefox
from tests.e2e.server import Server
from tests.e2e.test_visit_in_browsers import by, enter, rising

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SHOWN = "return document.querySelector(`[data-testid=${arguments[0]}]`)?.checkVisibility() ?? false"
CLICK = """
const button = document.querySelector(`[data-testid=${arguments[0]}]`);
if (!button?.checkVisibility() || button.disabled) return false;
button.click();
return true;
"""
PLAYED = """
const played = {};
for (const video of document.querySelectorAll("video[data-track]")) {
  if (!video.dataset.frames) {
    video.dataset.frames = "0";
    const count = () => {
      video.dataset.frames = String(Number(video.dataset.frames) + 1);
      video.requestVideoFrameCallback(count);
    };
    video.requestVideoFrameCallback(count);
  }
  played.frames = Number(video.dataset.frames);
}
for (const audio of document.querySelectorAll("audio[data-track]")) played.seconds = audio.paused ? 0 : audio.currentTime;
return Object.entries(arguments[0]).every(([what, before]) => played[what] > before) ? played : null;
"""
"""Frames shown of the picture that is received, and seconds of sound; once both are beyond those given."""


@pytest.fixture
async def firefox(tmp_path: Path) -> AsyncIterator[Firefox]:
    firefox = await Firefox(tmp_path).start()
    yield firefox
    await firefox.close()


async def test_a_patient_with_firefox_waits_is_let_in_and_hears_and_sees_both_ways(
    server: Server, page: OpenPage, firefox: Firefox
) -> None:
    clinician = await page()
    await enter(clinician, server.links["clinician"])
    await expect(by(clinician, "meeting")).to_be_visible()

    await firefox.open(server.links["patient"])
    await firefox.until(CLICK, "join")
    await firefox.until(SHOWN, "waiting")
    await by(by(clinician, "lobby-entry").filter(has_text="Per P"), "admit").click()
    await firefox.until(SHOWN, "meeting")

    await rising(clinician, 2)
    first = await firefox.until(PLAYED, {"frames": 0, "seconds": 0})
    await firefox.until(PLAYED, first)

    await by(by(clinician, "roster-entry").filter(has_text="Per P"), "hold").click()
    await firefox.until(SHOWN, "waiting")
    await by(by(clinician, "lobby-entry").filter(has_text="Per P"), "admit").click()
    await firefox.until(SHOWN, "meeting")
    await rising(clinician, 2)
    await firefox.until(PLAYED, {"frames": 0, "seconds": 0})
