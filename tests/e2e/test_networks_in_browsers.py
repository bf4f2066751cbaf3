"""Real Chromium on the networks that people have: no UDP, another address in the middle of a call, a restart of ICE."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.server import Server
from tests.e2e.test_visit_in_browsers import by, enter, names, rising

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NO_UDP = """
(() => {
  const native = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return native.call(this, { type, sdp: sdp.replace(/^a=candidate:\\S+ 1 udp .*\\r\\n/gm, "") });
  };
})();
"""
"""A network without UDP, as ICE sees it: no such candidate is ever tried."""

WAYS = """
async () => {
  const found = [];
  for (const pc of window.connections) {
    if (pc.connectionState !== "connected") continue;
    const stats = await pc.getStats();
    for (const stat of stats.values())
      if (stat.type === "transport") {
        const pair = stats.get(stat.selectedCandidatePairId);
        found.push([stats.get(pair.localCandidateId).protocol, stats.get(pair.remoteCandidateId).protocol]);
      }
  }
  return found;
}
"""


async def meet(server: Server, clinician: Page, patient: Page) -> None:
    """Both in, each hearing and seeing the other."""
    await enter(clinician, server.links["clinician"])
    await expect(by(clinician, "meeting")).to_be_visible()
    await enter(patient, server.links["patient"])
    await by(by(clinician, "lobby-entry").filter(has_text="Per P"), "admit").click()
    await expect(by(patient, "meeting")).to_be_visible()
    for window in (clinician, patient):
        await rising(window, 2)


async def transports(server: Server) -> dict[str, Any]:
    metrics = await server.metrics()
    return {protocol: metrics["evisit_transports", (("protocol", protocol),)] for protocol in ("udp", "tcp")}


async def test_where_no_udp_gets_through_the_call_is_held_over_tcp(server: Server, page: OpenPage) -> None:
    clinician, patient = await page(), await page()
    await patient.add_init_script(NO_UDP)
    await meet(server, clinician, patient)
    assert await patient.evaluate(WAYS) == [["tcp", "tcp"]]
    assert await clinician.evaluate(WAYS) == [["udp", "udp"]], "UDP is taken where it works"
    assert await transports(server) == {"udp": 1, "tcp": 1}
    await by(by(clinician, "roster-entry").filter(has_text="Per P"), "hold").click()
    await expect(by(patient, "waiting")).to_be_visible()
    await by(by(clinician, "lobby-entry").filter(has_text="Per P"), "admit").click()
    for window in (clinician, patient):
        await expect(by(window, "roster-entry")).to_have_count(2)
        await rising(window, 2)
    assert await names(clinician) == await names(patient)
    assert await patient.evaluate(WAYS) == [["tcp", "tcp"]]
