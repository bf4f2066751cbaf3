"""Real Chromium on the networks that people have: no UDP, another address in the middle of a call, a restart of ICE."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browsers import answers
from tests.e2e.relay import Relay, free_port
from tests.e2e.server import Server
from tests.e2e.test_visit_in_browsers import by, enter, names, rising
from tests.net import Conditions

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

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


MENDED = """
async () => {
  const pc = window.connections.at(-1);
  for (const stat of (await pc.getStats()).values())
    if (stat.type === "inbound-rtp" && stat.kind === "video") return stat.retransmittedPacketsReceived;
  return 0;
}
"""
"""How many packets of the picture came again."""

WAITS = "() => window.connections.at(-1).getReceivers().some(({ jitterBufferTarget }) => jitterBufferTarget >= 100)"
"""Whether a picture is held back until what came again is there, too."""

KEPT = """
async () => {
  const pc = window.connections.at(-1);
  const kept = {ufrag: /a=ice-ufrag:(.*)/.exec(pc.localDescription.sdp)[1], sections: pc.getTransceivers().length};
  for (const stat of (await pc.getStats()).values()) {
    if (stat.type === "transport") kept.keys = [stat.dtlsState, stat.localCertificateId, stat.remoteCertificateId];
    if (stat.type === "inbound-rtp" && stat.kind === "video")
      Object.assign(kept, {ssrc: stat.ssrc, asked: stat.pliCount, frames: stat.framesDecoded});
  }
  return kept;
}
"""


RECEIVED = """
async () => {
  const pc = window.connections.at(-1);
  for (const stat of (await pc.getStats()).values())
    if (stat.type === "inbound-rtp" && stat.kind === "video") return [stat.frameWidth, stat.framesDecoded];
  return [0, 0];
}
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """As everywhere, with a media port that is known."""
    server = Server(tmp_path, ("--media-port", str(free_port())))
    await server.start()
    yield server
    await server.stop()
    log = server.log.read_text()
    assert '"level": "error"' not in log, log


@pytest.fixture
async def relay(server: Server) -> AsyncIterator[Relay]:
    """A network without faults, until it is changed."""
    relay = await Relay(Conditions(), Conditions()).open(int(server.arguments[-1]))
    yield relay
    await relay.close()


async def grows_to(page: Page, wanted: Callable[[int], bool], seconds: int = 150) -> int:
    """Wait until the picture that is received is of a width as wanted, and moves; gives the width."""
    width, decoded, frames = 0, 0, 0
    for _ in range(seconds * 4):
        width, decoded = await page.evaluate(RECEIVED)
        if width and decoded > frames and wanted(width):
            return int(width)
        frames = decoded
        await asyncio.sleep(0.25)
    raise AssertionError(f"{width} wide, {decoded} frames")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


async def meet(server: Server, clinician: Page, patient: Page) -> None:
    """Both in, each hearing and seeing the other."""
    await enter(clinician, server.links["clinician"])
    await expect(by(clinician, "meeting")).to_be_visible()
    await enter(patient, server.links["patient"])
    await by(by(clinician, "lobby-entry").filter(has_text="Per P"), "admit").click()
    await expect(by(patient, "meeting")).to_be_visible()
    for window in (clinician, patient):
        await rising(window, 2)


async def carried(server: Server, **wanted: int) -> None:
    """Wait until so many participants' media take each protocol."""
    told: dict[str, float] = {}
    async with asyncio.timeout(60):
        while told != wanted:
            metrics = await server.metrics()
            told = {protocol: metrics["evisit_transports", (("protocol", protocol),)] for protocol in ("udp", "tcp")}
            await asyncio.sleep(0.1)


async def takes(page: Page, protocol: str) -> None:
    """Wait until the page's connection takes this protocol: on a busy machine not at once."""
    await answers(page, WAYS, lambda ways: ways == [[protocol, protocol]])


async def test_where_no_udp_gets_through_the_call_is_held_over_tcp(server: Server, page: OpenPage) -> None:
    clinician, patient = await page(), await page()
    await patient.add_init_script(NO_UDP)
    await meet(server, clinician, patient)
    await takes(patient, "tcp")
    await takes(clinician, "udp")
    await carried(server, udp=1, tcp=1)
    await by(by(clinician, "roster-entry").filter(has_text="Per P"), "hold").click()
    await expect(by(patient, "waiting")).to_be_visible()
    await by(by(clinician, "lobby-entry").filter(has_text="Per P"), "admit").click()
    for window in (clinician, patient):
        await expect(by(window, "roster-entry")).to_have_count(2)
        await rising(window, 2)
    assert await names(clinician) == await names(patient)
    await takes(patient, "tcp")


async def test_over_a_network_that_loses_much_pictures_are_mended_and_nobody_drops_out(
    server: Server, page: OpenPage, relay: Relay
) -> None:
    clinician, patient = await page(), await page()
    await patient.add_init_script(relay.script)
    await meet(server, clinician, patient)
    relay.change(loss=0.05, delay=0.025)
    for window in (clinician, patient):
        await answers(window, MENDED, lambda packets: packets >= 5)
        await window.wait_for_function(WAITS)
        await rising(window, 2)
        assert await window.evaluate("window.connections.length") == 1
    await expect(by(clinician, "roster-entry")).to_have_count(2)
    assert min(relay.up.dropped, relay.down.dropped) > 0


@pytest.mark.parametrize("asked", [False, True], ids=["by-either", "asked-by-the-server"])
async def test_under_another_address_the_call_goes_on_after_one_check(
    server: Server, page: OpenPage, relay: Relay, asked: bool
) -> None:
    """As behind a NAT that gives out another port: nobody in the browser notices.

    The server asks there as soon as media come from there, and so does not wait for the browser's next check: that one is lost here.
    """
    clinician, patient = await page(), await page()
    await patient.add_init_script(relay.script)
    await meet(server, clinician, patient)
    before = await patient.evaluate(KEPT)
    relay.lets_checks_up = not asked
    relay.move()
    await until(lambda: [move for _, move in relay.arrivals[-50:]] == [1] * 50)
    relay.lets_checks_up = True
    for window in (clinician, patient):
        await rising(window, 2)
    after = await patient.evaluate(KEPT)
    assert after["frames"] > before["frames"]
    assert {**after, "frames": 0, "asked": 0} == {**before, "frames": 0, "asked": 0}
    moves = [move for _, move in relay.arrivals]
    assert moves == sorted(moves), "from the answered check on nothing more goes to the old address"


async def test_a_restart_of_ice_loses_neither_picture_nor_place(server: Server, page: OpenPage, relay: Relay) -> None:
    """The browser notices another network: the channel is resumed, ICE is restarted, and nothing else is."""
    clinician, patient = await page(), await page()
    await patient.add_init_script(relay.script)
    await meet(server, clinician, patient)
    before, seen = await patient.evaluate(KEPT), await clinician.evaluate(KEPT)
    roster = await names(clinician)
    relay.move()
    await patient.evaluate("window.dispatchEvent(new Event('online'))")
    await answers(patient, KEPT, lambda kept: kept["ufrag"] != before["ufrag"])
    for window in (clinician, patient):
        await rising(window, 2)
        assert await window.evaluate("window.connections.length") == 1
    after = await patient.evaluate(KEPT)
    for fact in ("keys", "sections", "ssrc"):
        assert after[fact] == before[fact]
    assert (await clinician.evaluate(KEPT))["ssrc"] == seen["ssrc"], "the section goes on where it was"
    assert await names(clinician) == roster
    await carried(server, udp=2, tcp=0)


async def test_on_a_narrow_way_the_picture_gets_smaller_and_afterwards_larger_again(
    server: Server, page: OpenPage, relay: Relay
) -> None:
    clinician, patient = await page(), await page()
    await patient.add_init_script(relay.script)
    await meet(server, clinician, patient)
    full = await grows_to(patient, lambda width: width >= 640)
    relay.down.change(asyncio.get_running_loop().time(), rate=250_000, delay=0.02)
    await grows_to(patient, lambda width: width < full)
    await rising(patient, 2)
    relay.down.change(asyncio.get_running_loop().time(), rate=None)
    await grows_to(patient, lambda width: width >= full)
    assert await patient.evaluate("window.connections.length") == 1
