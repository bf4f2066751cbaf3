"""What a browser tab in a call receives: each picture when it came and how large, stops, sound that was made up."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from playwright.async_api import Page

Frame = tuple[float, int]
"""(when it came out of the decoder, in seconds of the clock on the wall; its width)."""

WATCH = """
(() => {
  window.watched = { frames: [], connections: [] };
  const read = async (track) => {
    const frames = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (let next = await frames.read(); !next.done; next = await frames.read()) {
      watched.frames.push([(performance.timeOrigin + performance.now()) / 1000, next.value.displayWidth]);
      next.value.close();
    }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      watched.connections.push(this);
      this.addEventListener("track", ({ track }) => void (track.kind === "video" && read(track)));
    }
  };
})();
"""

TOTALS = """async () => {
  const total = {};
  const add = (name, value) => { total[name] = (total[name] ?? 0) + (value ?? 0); };
  for (const pc of watched.connections) {
    if (pc.connectionState === "closed") continue;
    for (const stat of (await pc.getStats()).values()) {
      if (stat.type !== "inbound-rtp") continue;
      if (stat.kind === "video") {
        add("frozen", stat.totalFreezesDuration);
        add("freezes", stat.freezeCount);
        add("keyframes_asked", stat.pliCount);
        add("decoded", stat.framesDecoded);
      } else {
        add("samples", stat.totalSamplesReceived);
        add("concealed", stat.concealedSamples);
      }
      add("lost", stat.packetsLost);
      add("mended", stat.retransmittedPacketsReceived);
    }
  }
  return { ...total, connections: watched.connections.length };
}"""

LIMITED = """async () => {
  const seconds = { none: 0, cpu: 0, bandwidth: 0, other: 0 };
  for (const pc of watched.connections)
    for (const stat of (await pc.getStats()).values())
      if (stat.type === "outbound-rtp" && stat.kind === "video")
        for (const [reason, spent] of Object.entries(stat.qualityLimitationDurations ?? {})) seconds[reason] += spent;
  return seconds;
}"""

FRAMES_SINCE = "(since) => watched.frames.filter(([at]) => at >= since)"


@dataclass(frozen=True, slots=True)
class Totals:
    """Of everything that the tab has received so far."""

    frozen: float
    """Seconds, as browsers count them: a frame that comes much later than those before it did (webrtc-stats, `freezeCount`)."""
    freezes: int
    keyframes_asked: int
    decoded: int
    samples: float
    """Of sound; `concealed` are those that the browser made up."""
    concealed: float
    lost: int
    """Packets, those among them that came again."""
    mended: int
    connections: int
    """RTCPeerConnections that the page has made."""

    def concealed_since(self, before: Totals) -> float:
        """The share of sound that was made up."""
        return (self.concealed - before.concealed) / max(1.0, self.samples - before.samples)


async def totals(page: Page) -> Totals:
    told: dict[str, Any] = await page.evaluate(TOTALS)
    return Totals(**{name: told.get(name, 0) for name in Totals.__dataclass_fields__})


async def limited_by(page: Page) -> str:
    """What has kept the tab from sending more for most of the time: `none`, `cpu`, `bandwidth`, `other` (webrtc-stats)."""
    told: dict[str, float] = await page.evaluate(LIMITED)
    return max(told, key=lambda reason: told[reason])


async def frames(page: Page, since: float) -> list[Frame]:
    """What came since then, in order."""
    return [(at, width) for at, width in cast("list[Frame]", await page.evaluate(FRAMES_SINCE, since))]


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a picture."""

    after: float
    """When it began: seconds from the beginning of what was looked at."""
    lasted: float
    """Seconds."""


def longest_gap(seen: list[Frame], since: float, until: float) -> Gap:
    """The longest of this time; one that neither began nor ended in it counts with its part."""
    moments = [since, *(at for at, _ in seen if since < at < until), until]
    return max((Gap(before - since, after - before) for before, after in pairwise(moments)), key=lambda gap: gap.lasted)
