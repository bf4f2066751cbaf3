"""A person's browser window, on a wire of its own: what they do, what they read, and what the browser complains of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from playwright.async_api import Browser, Locator, Page, expect

from sfu import tasks
from tests.e2e.browsers import STATS, WATCH
from tests.e2e.failures.wire import Wire

BY_WIRE = """
((port) => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const [first] = sdp.match(/^a=candidate:.* udp .*$/gim) ?? [];
    const led = first?.replace(/( udp \\d+) \\S+ \\d+/i, `$1 127.0.0.1 ${port}`);
    const rest = (section) => section.replace(/^a=candidate:.*\\r\\n/gim, "");
    return set.call(this, { type, sdp: rest(sdp) === sdp ? sdp : rest(sdp).replace(/^a=ice-pwd:.*$/gm, `$&\\r\\n${led}`) });
  };
})(%d);
"""
"""JavaScript: media takes the wire too. The server's answer names its own port; here it is read as the wire's."""

REFUSED = "WebSocket connection to "
"""How Chromium begins a complaint of its own, that nobody can keep it from, about a socket that did not open."""
CUT_OFF = "Failed to load resource: net::ERR_"
"""And about a module that a page which has just joined was fetching. It is fetched again when it is needed."""


@dataclass
class Window:
    page: Page
    wire: Wire
    errors: list[str] = field(default_factory=list)
    excused: bool = False
    """Whether sockets that do not open belong to the test."""
    cut_off: bool = False
    """Whether the server is killed, whatever the page is fetching from it."""

    @classmethod
    async def open(cls, browser: Browser, wire: Wire) -> Window:
        context = await browser.new_context(permissions=["camera", "microphone"], locale="sv-SE")
        context.set_default_timeout(90_000)
        await context.add_init_script(WATCH)
        await context.add_init_script(BY_WIRE % wire.media_port)
        window = cls(await context.new_page(), wire)
        window.page.on("pageerror", lambda error: window.errors.append(str(error)))
        window.page.on("console", lambda line: window.errors.append(line.text) if line.type == "error" else None)
        return window

    async def close(self) -> None:
        await self.page.context.close()

    @property
    def complaints(self) -> list[str]:
        excuses = (REFUSED,) * self.excused + (CUT_OFF,) * self.cut_off
        return [error for error in self.errors if not error.startswith(excuses)]

    def see(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def entry(self, name: str) -> Locator:
        """This person's entry of the roster."""
        return self.see("roster-entry").filter(has_text=name)

    def knocks(self, name: str) -> Locator:
        """This person's entry of the lobby."""
        return self.see("lobby-entry").filter(has_text=name)

    async def join(self, fragment: str, *, name: str = "", role: str = "interpreter") -> None:
        """Open a link and press join, as a guest of the shared link by this name."""
        await self.page.goto(f"{self.wire.origin}/join#{fragment}")
        if name:
            await self.see("name").fill(name)
            await self.see("role").select_option(role)
        await self.see("join").click()

    async def is_waiting(self) -> None:
        await expect(self.see("waiting")).to_be_visible()

    async def is_in_with(self, count: int) -> None:
        """So many are in, this one among them, and media flows."""
        await expect(self.see("meeting")).to_be_visible()
        await expect(self.see("roster-entry")).to_have_count(count)
        await self.page.wait_for_function("() => connections.at(-1)?.connectionState === 'connected'")

    async def reads(self, testid: str, text: str) -> None:
        await expect(self.see(testid)).to_have_text(text)

    async def ends_with(self, reason: str, title: str, text: str) -> None:
        """The last view: why it is over, in these words."""
        await expect(self.see("final")).to_have_attribute("data-reason", reason)
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        await expect(self.see("final").locator(".lead")).to_have_text(text)

    async def sees_and_hears(self, streams: int) -> None:
        """So many streams bring more than a moment before."""
        first: dict[str, float] = {}
        now: dict[str, float] = {}
        for _ in range(300):
            stats = await self.page.evaluate(STATS)
            now = {f"{entry['kind']} {entry['mid']}": entry["frames"] or entry["energy"] for entry in stats["inbound"]}
            first = now | first
            if sum(now[key] > first[key] for key in now) >= streams:
                return
            await self.page.wait_for_timeout(100)
        states = await self.page.evaluate("connections.map((pc) => `${pc.connectionState} ${pc.signalingState}`)")
        raise AssertionError(f"of {streams} streams only these go on: {first} {now}; connections: {states}")

    async def sleep(self) -> None:
        """Stop everything in the tab, as a phone does that is put away: no timer, no event, no frame until it wakes.

        Chromium freezes tabs that are hidden, and without a screen none is; its debugger stops any.
        """
        self._debugger = await self.page.context.new_cdp_session(self.page)
        paused = asyncio.get_running_loop().create_future()
        self._debugger.once("Debugger.paused", lambda _: paused.set_result(None))
        await self._debugger.send("Debugger.enable")
        await self._debugger.send("Debugger.pause")
        self._step = tasks.spawn(self._debugger.send("Runtime.evaluate", {"expression": "0"}), name="step")
        await asyncio.wait_for(paused, 30)

    async def wake(self) -> None:
        await self._debugger.send("Debugger.resume")
        await self._step
        await self._debugger.detach()
