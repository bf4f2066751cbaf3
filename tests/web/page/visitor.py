"""Somebody at the page: a real browser tab, and the messages that the scripted server gives it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.web.page.server import Channel, PageServer

TICKET = "ticket=the-ticket"
LINK = "visit=v_1&key=the-key"
VISIT = {
    "visit": "v_1",
    "title": "Återbesök",
    "unit_name": "Ögonmottagningen",
    "starts_at": "2026-11-23T09:00:00Z",
    "ends_at": "2026-11-23T09:30:00Z",
}
PROBE = """
window.probe = { asked: [], connections: [], refuse: {} };
if (navigator.mediaDevices) {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (constraints) => {
    const kinds = Object.keys(constraints).sort();
    probe.asked.push(kinds.join("+"));
    const fault = kinds.map((kind) => probe.refuse[kind]).find(Boolean);
    return fault ? Promise.reject(new DOMException("", fault)) : ask(constraints);
  };
}
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    probe.connections.push(this);
  }
};
"""

LOUDSPEAKERS = """
probe.outputs = NAMES;
probe.sinks = [];
const known = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
navigator.mediaDevices.enumerateDevices = async () => [
  ...(await known()).filter(({ kind }) => kind !== "audiooutput"),
  ...Object.entries(probe.outputs).map(([deviceId, label]) => ({ kind: "audiooutput", deviceId, groupId: "", label })),
];
HTMLMediaElement.prototype.setSinkId = async (id) => {
  if (probe.refuseSink) throw new DOMException("", "NotFoundError");
  probe.sinks.push(id);
};
probe.rung = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...more) {
  if (this instanceof GainNode) probe.rung.push(to.constructor.name);
  return connect.call(this, to, ...more);
};
"""
"""JavaScript: `sinks` are the loudspeakers that elements were given, `rung` the way that each note of a sound went."""
BY_SYSTEM = "AudioDestinationNode"
BY_CHOICE = "MediaStreamAudioDestinationNode"
UNPLUG = """(id) => {
  delete probe.outputs[id];
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
}"""


def loudspeakers(**names: str) -> str:
    """A script that gives the device these, by id, and keeps what plays where. Chromium lists the system's own as `default`."""
    return LOUDSPEAKERS.replace("NAMES", json.dumps(names))


def answer(**changes: object) -> dict[str, object]:
    """Fields of the answer to a join: a patient who waits, unless `changes` says else."""
    return {
        "participant": "p_me",
        "state": "waiting",
        "role": "patient",
        "name": "Per Persson",
        "verified": True,
        "may_admit": False,
        "resume": "resume-1",
        "language": "sv",
        "visit": VISIT,
        "ice_servers": [],
        "limits": {"frame_bytes": 65536},
        **changes,
    }


SETTLED = """() => {
  const pc = probe.connections.at(-1);
  return pc?.signalingState === "stable" && pc.currentRemoteDescription !== null;
}"""
"""JavaScript: whether the latest offer has been answered."""

CLINICIAN = {"state": "admitted", "role": "clinician", "name": "Eva Ek", "may_admit": True}


def track(name: str, source: str, *, muted: bool = False, silenced: bool = False) -> dict[str, object]:
    kind = "audio" if source == "microphone" else "video"
    return {"track": name, "kind": kind, "source": source, "muted": muted or silenced, "paused": silenced}


def admitted(participant: str, name: str = "Amina Tolk", **changes: object) -> dict[str, object]:
    """An entry of the roster, with a microphone `a-…` and a camera `v-…`."""
    return {
        "participant": participant,
        "name": name,
        "role": "interpreter",
        "verified": True,
        "connected": True,
        "admitted_at": "2026-11-23T09:00:00Z",
        "tracks": [track(f"a-{participant}", "microphone"), track(f"v-{participant}", "camera")],
        **changes,
    }


def me(*tracks: dict[str, object], name: str = "Eva Ek") -> dict[str, object]:
    """The receiver's own entry of the roster."""
    return admitted("p_me", name, role="clinician", tracks=list(tracks))


def waiting(participant: str, name: str, **changes: object) -> dict[str, object]:
    """An entry of the lobby: a booked and verified patient."""
    return {
        "participant": participant,
        "name": name,
        "role": "patient",
        "verified": True,
        "booked": True,
        "second_device": False,
        "connected": True,
        "waiting_since": "2026-11-23T08:57:00Z",
        **changes,
    }


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser profile of a Swede at a desk, unless `options` say else, with the probe in every page."""
    defaults: dict[str, Any] = {"locale": "sv-SE", "viewport": {"width": 1280, "height": 800}}
    context = await browser.new_context(**{**defaults, **options})
    context.set_default_timeout(30_000)
    await context.add_init_script(PROBE)
    return context


@dataclass
class Visitor:
    """A tab and what it has complained of. The test's fixture sees to it that it has not."""

    page: Page
    server: PageServer
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    @classmethod
    async def arrive(cls, context: BrowserContext, server: PageServer) -> Visitor:
        visitor = cls(await context.new_page(), server)
        visitor._watch(visitor.page)
        return visitor

    def _watch(self, page: Page) -> None:
        page.on("console", lambda line: self.errors.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._met(request.url))
        page.on("websocket", lambda socket: self._met(socket.url.replace("ws:", "http:")))

    def _met(self, url: str) -> None:
        if not url.startswith(self.server.base_url):
            self.strangers.append(url)

    async def open(self, fragment: str = TICKET, query: str = "") -> None:
        await self.page.goto(f"{self.server.base_url}/join{query}#{fragment}")

    async def knock(self, fragment: str = TICKET, /, **changes: object) -> Channel:
        """Open a link, press join, and be answered; as a guest of the shared link, by the name of Amina Tolk."""
        await self.open(fragment)
        if fragment != TICKET:
            await self.see("name").fill("Amina Tolk")
            await self.see("role").select_option("interpreter")
        await self.see("join").click()
        return await self.answered(**changes)

    async def answered(self, **changes: object) -> Channel:
        """The next channel, its join answered."""
        channel = await self.server.channel()
        await channel.ok(await channel.heard("join"), **answer(**changes))
        return channel

    async def enter(self, *others: dict[str, object], **changes: object) -> Channel:
        """Join as the clinician and find these on the roster. Both devices are on, and offered."""
        channel = await self.knock(**{**CLINICIAN, **changes})
        await expect(self.see("microphone")).to_have_attribute("data-state", "on")
        await expect(self.see("camera")).to_have_attribute("data-state", "on")
        offer = await channel.heard("offer")
        while {section["source"] for section in sections(offer, "send")} != {"microphone", "camera"}:
            offer = await channel.heard("offer")
        own = [track(f"sent-{s['mid']}", str(s["source"])) for s in sections(offer, "send")]
        await channel.event("roster", version=1, locked=False, participants=[me(*own), *others])
        await expect(self.page.get_by_test_id("roster-entry")).to_have_count(1 + len(others))
        if others:
            await channel.heard("offer")
        await self.page.wait_for_function(SETTLED)
        return channel

    async def speak(self, language: str) -> None:
        """Switch the language, and wait for its texts: they come over the network."""
        await self.see(f"language-{language}").click()
        await expect(self.page.locator("html")).to_have_attribute("lang", language)

    def see(self, testid: str, participant: str | None = None) -> Locator:
        """What bears this test id, in the entry or tile of this participant."""
        if participant is None:
            return self.page.get_by_test_id(testid)
        entry = self.page.locator(f"[data-participant='{participant}']")
        return entry.get_by_test_id(testid)

    async def final(self, reason: str) -> None:
        await expect(self.see("final")).to_have_attribute("data-reason", reason)

    async def focused(self) -> str:
        """Test id of what has the focus, or its tag."""
        focus = await self.page.evaluate("document.activeElement.dataset.testid ?? document.activeElement.tagName")
        return str(focus)


def sections(offer: dict[str, object], way: str) -> list[dict[str, str]]:
    """`send` or `receive` of an offer."""
    found = offer[way]
    assert isinstance(found, list)
    return found
