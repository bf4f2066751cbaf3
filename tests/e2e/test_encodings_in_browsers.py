"""A real browser's camera in several sizes: who gets which by the size of their window, and that what nobody watches is not encoded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.e2e.server import Server
from tests.e2e.test_visit_in_browsers import by, enter, rising

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TINY = ViewportSize(width=280, height=560)
DESK = ViewportSize(width=1280, height=800)
WALL = ViewportSize(width=1920, height=1200)
"""On which each of four pictures is larger than the smaller layer fills, 1.25 times enlarged."""

ENCODED = """
async () => {
  const found = {};
  for (const pc of window.connections)
    for (const stat of (await pc.getStats()).values())
      if (stat.type === "outbound-rtp" && stat.kind === "video") found[stat.rid] = [stat.active, stat.framesEncoded ?? 0];
  return found;
}
"""
"""Of each layer of the camera: whether the browser is to encode it, and frames of it so far."""


SHOWN = """
async () => {
  const found = {};
  for (const pc of window.connections)
    for (const stat of (await pc.getStats()).values())
      if (stat.type === "inbound-rtp" && stat.kind === "video") found[stat.mid] = [stat.frameWidth ?? 0, stat.framesDecoded];
  return found;
}
"""
"""Of each picture that is received: its width, frames so far."""


async def shows(page: Page, width: int) -> None:
    """Wait until ten frames of this width have come, one after the other."""
    first: dict[str, int] = {}
    told: dict[str, tuple[int, int]] = {}
    for _ in range(1200):
        told = await page.evaluate(SHOWN)
        first = {mid: first.get(mid, frames) for mid, (wide, frames) in told.items() if wide == width}
        if any(told[mid][1] >= frames + 10 for mid, frames in first.items()):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"it shows {told}, not {width} wide")


async def encodes(page: Page, rids: set[str]) -> None:
    """Wait until these layers are encoded: ten frames more of each, and meanwhile not one of any other."""
    first = told = await page.evaluate(ENCODED)
    for _ in range(1200):
        told = await page.evaluate(ENCODED)
        if {rid for rid, (active, _) in told.items() if active} != rids or any(
            told[rid][1] != first[rid][1] for rid in told.keys() - rids
        ):
            first = told
        elif all(told[rid][1] >= first[rid][1] + 10 for rid in rids):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{told} after {first}, not {rids}")


async def test_a_large_and_a_small_window_get_different_layers_of_one_camera(server: Server, page: OpenPage) -> None:
    clinician, patient, guest = await page(), await page(), await page()
    await enter(clinician, server.links["clinician"])
    for window, link, name in ((patient, "patient", ""), (guest, "share", "Amina Tolk")):
        await enter(window, server.links[link], name=name, role="interpreter" if name else "")
        await by(by(clinician, "lobby-entry"), "admit").click()
        if name:
            await by(clinician, "agreement-yes").click()
        await expect(by(window, "meeting")).to_be_visible()
        # Only the clinician's is looked at.
        await expect(by(window, "camera")).to_have_attribute("data-state", "on")
        await by(window, "camera").click()
    await patient.set_viewport_size(WALL)
    await guest.set_viewport_size(TINY)
    await asyncio.gather(shows(patient, 640), shows(guest, 320))
    await patient.set_viewport_size(TINY)
    await guest.set_viewport_size(WALL)
    await asyncio.gather(shows(patient, 320), shows(guest, 640))


async def test_layers_that_nobody_watches_are_not_encoded_until_somebody_does(server: Server, page: OpenPage) -> None:
    clinician, patient = await page(), await page()
    await enter(clinician, server.links["clinician"])
    await enter(patient, server.links["patient"])
    await by(by(clinician, "lobby-entry"), "admit").click()
    await expect(by(patient, "meeting")).to_be_visible()
    await rising(patient, 2)
    await patient.set_viewport_size(DESK)
    await encodes(clinician, {"h", "f"})
    await patient.set_viewport_size(TINY)
    await encodes(clinician, {"h"})
    # The people stand before the pictures: nobody sees any.
    await by(patient, "people-toggle").click()
    await encodes(clinician, set())
    await by(patient, "panel-close").click()
    await encodes(clinician, {"h"})
    await patient.set_viewport_size(DESK)
    await encodes(clinician, {"h", "f"})
    await rising(patient, 2)
