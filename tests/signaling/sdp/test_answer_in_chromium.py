"""A real browser takes our answers. No server and no media: one page, whose offers are answered by the code under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from bench.browser import FLAGS, without
from sfu.signaling.sdp import answer, parse_offer
from tests.signaling.sample_offers import LOCAL, egress_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGE = """
  window.pc = new RTCPeerConnection();
  pc.ontrack = event => { (window.tracks ??= []).push([event.transceiver.mid, event.streams.map(s => s.id)]); };
  window.negotiate = async () => {
    await pc.setLocalDescription();
    await pc.setRemoteDescription({type: "answer", sdp: await window.answered(pc.localDescription.sdp)});
    return pc.getTransceivers().map(t => [t.mid, t.currentDirection]);
  };
  window.picture = () => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d");
    return canvas.captureStream();
  };
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS, without()])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A blank page with a peer connection `pc`, and `negotiate()`, which gives [mid, direction] of each transceiver."""
    page = await browser.new_page()
    await page.expose_function("answered", answered)
    await page.evaluate(f"() => {{ {PAGE} }}")
    yield page
    await page.context.close()


def answered(sdp: str) -> str:
    offer = parse_offer(sdp)
    return answer(offer, LOCAL, egress_of(offer))


async def run(page: Page, script: str) -> Any:
    """Run the body of an asynchronous function in the page."""
    return await page.evaluate(f"async () => {{ {script} }}")


async def test_chromium_takes_every_answer(page: Page) -> None:
    # Both ways on one pair of sections; codecs and the direction of each are as answered.
    assert await run(page, "pc.addTransceiver('audio'); pc.addTransceiver('video'); return negotiate()") == [
        ["0", "sendrecv"],
        ["1", "sendrecv"],
    ]
    codecs = await run(page, "return pc.getTransceivers()[1].sender.getParameters().codecs.map(c => c.mimeType)")
    assert {codec.lower() for codec in codecs} == {"video/vp8", "video/vp9", "video/h264", "video/av1", "video/rtx"}
    assert await run(page, "return tracks") == [["0", ["p_ana"]], ["1", ["p_ana"]]]

    # Recvonly sections added later.
    more = "for (const kind of ['audio', 'video']) pc.addTransceiver(kind, {direction: 'recvonly'});"
    assert await run(page, f"{more} {more} return (await negotiate()).slice(2)") == [
        [str(mid), "recvonly"] for mid in range(2, 6)
    ]
    assert await run(page, "return tracks.length") == 6

    # One taken out of use, one stopped for good; the stopped one's section is used again.
    script = "pc.getTransceivers()[2].direction = 'inactive'; pc.getTransceivers()[5].stop(); return negotiate()"
    assert (await run(page, script))[2:] == [["2", "inactive"], ["3", "recvonly"], ["4", "recvonly"]]
    assert (await run(page, "pc.addTransceiver('video', {direction: 'recvonly'}); return negotiate()"))[-1] == [
        "6",
        "recvonly",
    ]

    # A screen, on a section of its own.
    share = "pc.addTransceiver(picture().getTracks()[0], {direction: 'sendonly', streams: [new MediaStream()]});"
    assert (await run(page, f"{share} return negotiate()"))[-1][1] == "sendonly"

    # An ICE restart.
    before, after = await run(
        page,
        """const ufrag = () => pc.localDescription.sdp.match(/ice-ufrag:(.*)/)[1];
        const before = ufrag(); pc.restartIce(); await negotiate(); return [before, ufrag()];""",
    )
    assert before != after
    assert await run(page, "return pc.signalingState") == "stable"


async def test_chromium_sends_every_layer_that_is_answered(page: Page) -> None:
    directions = await run(
        page,
        """const encodings = [{rid: 'q', scaleResolutionDownBy: 4}, {rid: 'h', scaleResolutionDownBy: 2}, {rid: 'f'}];
        pc.addTransceiver(picture().getTracks()[0], {direction: 'sendonly', sendEncodings: encodings});
        return negotiate()""",
    )
    assert directions == [["0", "sendonly"]]
    encodings = await run(page, "return pc.getSenders()[0].getParameters().encodings.map(e => [e.rid, e.active])")
    assert encodings == [["q", True], ["h", True], ["f", True]]


async def test_chromium_takes_a_rejected_data_channel(page: Page) -> None:
    script = "pc.createDataChannel('x'); pc.addTransceiver('audio', {direction: 'sendonly'}); return negotiate()"
    assert await run(page, script) == [["0", "sendonly"]]


async def test_chromium_takes_a_section_that_is_rejected_for_its_codecs(page: Page) -> None:
    directions = await run(
        page,
        """pc.addTransceiver('audio'); pc.addTransceiver('video');
        await pc.setLocalDescription();
        const offer = pc.localDescription.sdp.replace(/(VP8|VP9|H264|AV1)\\/90000/g, 'H261/90000');
        await pc.setRemoteDescription({type: 'answer', sdp: await answered(offer)});
        return pc.getTransceivers().map(t => [t.mid, t.currentDirection])""",
    )
    assert directions == [["0", "sendrecv"]]
