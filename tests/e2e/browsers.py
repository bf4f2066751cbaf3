"""What the browser tests put into a page, and ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from playwright.async_api import Page

from bench import browser

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60_000
"""Milliseconds that what must come may take: two cores carry three browsers and a server. Playwright has one number for a whole run."""
FLAGS = [
    *browser.FLAGS,
    "--use-fake-device-for-media-stream=fps=20",
    browser.without("WebRtcHideLocalIpsWithMdns"),
]

WATCH = """
(() => {
  const Native = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Native {
    constructor(...args) { super(...args); window.connections.push(this); }
  };
})();
"""
"""Keeps each RTCPeerConnection of the page, so that a test can ask for its statistics."""

STATS = """
async () => {
  const inbound = [], sent = [];
  for (const pc of window.connections) {
    if (pc.signalingState === "closed") continue;
    for (const stat of (await pc.getStats()).values()) {
      if (stat.type === "inbound-rtp")
        inbound.push({kind: stat.kind, mid: stat.mid, frames: stat.framesDecoded || 0, energy: stat.totalAudioEnergy || 0,
                      packets: stat.packetsReceived, lost: stat.packetsLost});
      if (stat.type === "outbound-rtp") sent.push({kind: stat.kind, packets: stat.packetsSent, bytes: stat.bytesSent});
    }
  }
  return {inbound, sent};
}
"""


async def answers(page: Page, script: str, wanted: Callable[[Any], bool]) -> None:
    """Wait until what the script gives is as wanted. For scripts that give a promise: `wait_for_function` takes that for true."""
    async with asyncio.timeout(PATIENCE / 1000):
        while True:
            if wanted(await page.evaluate(script)):
                return
            await asyncio.sleep(0.1)
