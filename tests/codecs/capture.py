"""What Chromium sends of a camera in layers, written down as it came: `python -m tests.codecs.capture vp9 L3T3 1.333 900000` and
its like: codec, layers, how much smaller than 1280×720, bits per second (three spatial layers of VP9 take 960×540 and 600 kbit/s).

Media that nothing else here can encode: spatial layers of VP9, AV1 with its dependency descriptors. The files are read by `captured`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from sfu.transport.forwarding import Forwarding
from tests.codecs.captured import FOLDER, write
from tests.e2e.browsers import CHROMIUM, FLAGS
from tests.e2e.test_layers_in_chromium import PAGE, Parts

PICTURES = 72
KEYFRAMES_AT = (24, 48)
"""Pictures after which another key frame is asked for."""
BITRATE = 250_000
MIME = {"vp9": "video/vp9", "av1": "video/av1"}


async def capture(codec: str, mode: str, scale: float, bitrate: int) -> None:
    parts = Parts()
    packets: list[bytes] = []
    receive = Forwarding.receive
    ended = 0
    done = asyncio.Event()

    def noted(self: Forwarding, peer, feed, stream, view, offset, length, repaired, now) -> None:  # type: ignore[no-untyped-def]
        nonlocal ended
        # What it sends again, to probe, it has sent before.
        if ended < PICTURES and self.header.payload_length and not repaired:
            packets.append(bytes(view[offset : offset + length]))
            ended += self.header.marker
            if ended >= PICTURES:
                done.set()
            if self.header.marker and ended in KEYFRAMES_AT:
                parts.plane.request_keyframe(parts.peers["sender"], parts.mids["sender"])
        receive(self, peer, feed, stream, view, offset, length, repaired, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Forwarding, "receive", noted)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await (await browser.new_context(permissions=["camera"])).new_page()
            await page.expose_function("answered", parts.answered)
            await page.route(
                "https://test.invalid/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
            )
            await page.goto("https://test.invalid/")
            await page.evaluate(f"() => {{ {PAGE} }}")
            encoding = f"{{scalabilityMode: '{mode}', scaleResolutionDownBy: {scale}, maxBitrate: {bitrate}}}"
            await page.evaluate(f"() => window.send('{MIME[codec]}', [{encoding}])")
            await page.evaluate(f"() => window.receive('one', '{MIME[codec]}')")
            await asyncio.wait_for(done.wait(), 120)
            await browser.close()
    section = parts.plane._peers[parts.peers["sender"]].feeds[parts.mids["sender"]].section
    parts.port.close()
    write(FOLDER / f"{codec}-{mode.lower()}.rtp", section, packets)
    print(codec, mode, len(packets), "packets,", sum(map(len, packets)), "bytes", Path(FOLDER))


if __name__ == "__main__":
    codec, mode, *more = sys.argv[1:]
    scale, bitrate = (*more, *("1", str(BITRATE))[len(more) :])
    asyncio.run(capture(codec, mode, float(scale), int(bitrate)))
