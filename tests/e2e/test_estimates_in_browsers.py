"""Congestion control with a real browser at the other end: what it tells us is understood, and what we tell it too.

How wide a way is found to be depends on how busy the machine is; that it is estimated, and capped, does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.server import Server

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CAP = 2_500_000  # bits per second, of `[media] sender_cap_kbps`
MOVED = 1_000_000
"""Bits per second: without feedback a browser stays at 293,000."""
TRIES = 200  # looks, half a second apart; on a quiet machine five are enough
ESTIMATES = 3

AVAILABLE = """
async () => {
  const found = [];
  for (const pc of window.connections) {
    if (pc.signalingState === "closed") continue;
    for (const stat of (await pc.getStats()).values())
      if (stat.type === "candidate-pair" && stat.availableOutgoingBitrate) found.push(stat.availableOutgoingBitrate);
  }
  return Math.max(0, ...found);
}
"""
"""What the browser holds its way to us for, in bits per second."""


async def test_feedback_of_a_browser_is_read_and_ours_is_taken(server: Server, page: OpenPage) -> None:
    clinician, patient = await page(), await page()
    await clinician.goto(server.links["clinician"])
    await clinician.get_by_test_id("join").click()
    await patient.goto(server.links["patient"])
    await patient.get_by_test_id("join").click()
    await clinician.get_by_test_id("admit").first.click()
    await expect(patient.get_by_test_id("meeting")).to_be_visible()
    available: set[float] = set()
    told = 0.0
    samples = await server.metrics()
    for _ in range(TRIES):
        if rate := await clinician.evaluate(AVAILABLE):
            available.add(rate)
        samples = await server.metrics()
        told = samples[("evisit_downlink_estimate_bits_per_second_count", ())]
        if told >= ESTIMATES and available and max(available) > MOVED:
            break
        await patient.wait_for_timeout(500)
    assert told >= ESTIMATES, "its feedback has become an estimate"
    assert MOVED < max(available) <= CAP, "our feedback has moved its own estimate, and REMB carries the cap beside it"
    assert samples[("evisit_rtp_dropped_total", (("reason", "malformed_rtcp"),))] == 0
    assert samples[("evisit_rtp_dropped_total", (("reason", "rtcp_limit"),))] == 0
