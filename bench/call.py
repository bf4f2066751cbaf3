"""Scenario `call`: what people see and hear in a real browser while their network is slow, loses packets, blocks UDP or becomes another.

Two browser tabs, one of them behind a relay of real sockets whose conditions are changed while they speak (`tests/e2e/relay.py`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import aiohttp

from bench.browser import BrowserFailed, NoBrowser, chromium
from bench.generator import FAILURES
from bench.lips import LIPS, SOURCE, skews
from bench.portal import Portal
from bench.process import media_priority
from bench.report import Row, Watcher
from bench.run import ScenarioFailed
from bench.server import DEFAULTS, Server
from bench.watched import WATCH, Frame, Totals, frames, limited_by, longest_gap, totals
from sfu.clock import wall
from tests.e2e.relay import Relay, free_port
from tests.net import Conditions

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

COLUMNS = {
    "case": "case",
    "seconds": "seconds",
    "width": "width",
    "width_other": "in the\nother",
    "down_s": "smaller\nafter s",
    "up_s": "back\nafter s",
    "gap_ms": "longest\ngap ms",
    "freeze_ratio": "frozen",
    "concealed_ratio": "sound\nmade up",
    "skew_ms": "skew\nms",
    "packets_lost": "packets\nlost",
    "keyframes_asked": "keyframes\nasked",
    "limited_by": "sender\nlimited by",
}
AIMS: Mapping[str, Mapping[str, float]] = {
    "narrow": {"down_s": 2.0, "gap_ms": 500.0, "up_s": 15.0},
    "loss": {"freeze_ratio": 0.005, "concealed_ratio": 0.02},
    "lips": {"skew_ms": 100.0},
    "lips-loss": {"skew_ms": 100.0},
    "tcp": {"freeze_ratio": 0.005},
    "tcp-one-layer": {"freeze_ratio": 0.005},
    "restart": {"gap_ms": 500.0, "keyframes_asked": 0.0},
    "address": {"gap_ms": 500.0},
}
"""The most that a figure of a case may be."""
ROUND_TRIP = 0.05  # seconds, of `loss` and of TCP
LOSS = 0.05  # of `loss`, both ways
NARROW = 300_000  # bits per second, of `narrow`
FRAME_RATE = 30
"""As cameras have it."""
SETTLED = 8.0  # seconds that a call is given before anything is measured
PATIENCE = 90.0  # seconds for a picture to become another
POLL = 0.05  # seconds
SMALL = {"width": 360, "height": 640}
LARGE = {"width": 1920, "height": 1080}

ONE_LAYER = """
(() => {
  const native = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (what, { sendEncodings, ...options } = {}) {
    return native.call(this, what, options);
  };
})();
"""
NO_UDP = """
(() => {
  const native = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return native.call(this, { type, sdp: sdp.replace(/^a=candidate:\\S+ 1 udp .*\\r\\n/gm, "") });
  };
})();
"""


@dataclass(frozen=True, slots=True)
class Hall:
    """One server and one browser; each case is a visit of its own."""

    browser: Browser
    server: Server
    portal: Portal
    media_port: int
    seconds: float
    """Of the cases that only watch."""


class Call:
    """Two people in a visit. `near` is beside the server, `far` behind the relay."""

    def __init__(self, hall: Hall, visit: str, number: int, relay: Relay) -> None:
        self.relay = relay
        self._hall = hall
        self._visit = visit
        self._number = number
        self.near: Page
        self.far: Page

    async def join(self, *scripts: str, size: Mapping[str, int] = LARGE, camera: bool = True) -> Page:
        """One more tab, in and connected."""
        context = await self._hall.browser.new_context(
            permissions=["camera", "microphone"],
            viewport={"width": size["width"], "height": size["height"]},
            bypass_csp=True,
        )
        page = await context.new_page()
        page.set_default_timeout(60_000)
        for script in (WATCH, *scripts):
            await page.add_init_script(script)
        ticket = await self._hall.portal.clinician_ticket(self._visit, self._number)
        await page.goto(f"{self._hall.server.base_url}/join#ticket={ticket}")
        await page.get_by_test_id("join").click()
        await page.wait_for_function("() => watched.connections.at(-1)?.connectionState === 'connected'")
        if not camera:
            await page.get_by_test_id("camera").click()
        return page

    async def meet(self, *scripts: str, near: Sequence[str] = (), both: bool = False) -> None:
        """Both in for a while; `near` is seen, and `far` where `both` says so: a processor has other things to do than to encode."""
        self.near = await self.join(*near)
        self.far = await self.join(self.relay.script, *scripts, camera=both)
        for page in (self.near, self.far) if both else (self.far,):
            await until(page, lambda width: width > 0)
        await asyncio.sleep(SETTLED)

    async def close(self) -> None:
        await self.relay.close()
        for context in self._hall.browser.contexts:
            await context.close()


@asynccontextmanager
async def call(hall: Hall, number: int) -> AsyncIterator[Call]:
    visit = await hall.portal.create_visit(number, wall())
    made = Call(hall, visit, number, await Relay(Conditions(), Conditions()).open(hall.media_port))
    try:
        yield made
    finally:
        await made.close()


async def until(page: Page, wanted: Callable[[int], bool]) -> tuple[float, int]:
    """The first picture from now on whose width is as wanted. Raises `BrowserFailed` where none comes."""
    since = now()
    while now() < since + PATIENCE:
        for at, width in await frames(page, since):
            if wanted(width):
                return at, width
        await asyncio.sleep(POLL)
    raise BrowserFailed(f"no such picture within {PATIENCE:g} s; the last were {(await frames(page, since))[-3:]}")


async def steady(page: Page) -> int:
    """The width that it has come to."""
    seen = await frames(page, now() - 2.0)
    if not seen:
        raise BrowserFailed("no picture for two seconds")
    return seen[-1][1]


def now() -> float:
    return wall().timestamp()


async def layers(hall: Hall, made: Call) -> Row:
    """One sender, a desk and a phone."""
    await made.meet()
    phone = await made.join(size=SMALL, camera=False)
    await until(phone, lambda width: width > 0)
    await asyncio.sleep(SETTLED)
    return {"width": await steady(made.far), "width_other": await steady(phone)}


async def narrow(hall: Hall, made: Call) -> Row:
    """A way down that gets narrow, and wide again."""
    await made.meet()
    full = await steady(made.far)
    loop = asyncio.get_running_loop()
    before = await totals(made.far)
    narrowed = now()
    made.relay.down.change(loop.time(), rate=NARROW, delay=0.02)
    smaller, width = await until(made.far, lambda width: width < full)
    await asyncio.sleep(10.0)
    widened = now()
    gap = longest_gap(await frames(made.far, narrowed), narrowed, widened)
    made.relay.down.change(loop.time(), rate=None)
    larger, _ = await until(made.far, lambda width: width >= full)
    await asyncio.sleep(2.0)
    return {
        "sizes": _sizes(await frames(made.far, narrowed - 2.0), narrowed),
        "width": full,
        "width_other": width,
        "down_s": round(smaller - narrowed, 2),
        "up_s": round(larger - widened, 2),
        "gap_ms": round(1e3 * gap.lasted),
        "gap_after_s": round(gap.after, 2),
        **_lost(before, await totals(made.far)),
    }


def _sizes(seen: Sequence[Frame], since: float) -> list[tuple[float, int]]:
    """When the picture became another size: seconds, width."""
    found: list[tuple[float, int]] = []
    for at, width in seen:
        if not found or found[-1][1] != width:
            found.append((round(at - since, 2), width))
    return found


async def loss(hall: Hall, made: Call) -> Row:
    """Both ways lose; what either tab gets is counted, and the worse of the two is told."""
    await made.meet(both=True)
    made.relay.change(loss=LOSS, delay=ROUND_TRIP / 2)
    await asyncio.sleep(2.0)
    return await _watched(hall, (made.near, made.far))


async def lips(hall: Hall, made: Call) -> Row:
    """A picture that flashes and a sound that beeps at the same moments: how far apart they are where they are seen and heard."""
    await made.meet(LIPS, near=(SOURCE,))
    await asyncio.sleep(hall.seconds)
    found = await skews(made.far)
    if not found:
        raise BrowserFailed("no flash with its beep has arrived")
    return {"skew_ms": round(abs(median(found))), "skews_ms": [round(each) for each in found]}


async def lips_loss(hall: Hall, made: Call) -> Row:
    """The same while packets are lost, and pictures wait for those that come again."""
    made.relay.change(loss=LOSS, delay=ROUND_TRIP / 2)
    return await lips(hall, made)


async def tcp(hall: Hall, made: Call) -> Row:
    """No UDP gets through."""
    made.relay.change(delay=ROUND_TRIP / 2)
    await made.meet(NO_UDP)
    return await _watched(hall, (made.far,))


async def tcp_one_layer(hall: Hall, made: Call) -> Row:
    """The same, of a camera that is sent in one size."""
    made.relay.change(delay=ROUND_TRIP / 2)
    await made.meet(NO_UDP, near=(ONE_LAYER,))
    return await _watched(hall, (made.far,))


async def restart(hall: Hall, made: Call) -> Row:
    """The browser notices another network and restarts ICE on it."""
    await made.meet(both=True)
    before, began = await totals(made.far), now()
    made.relay.move()
    await made.far.evaluate("window.dispatchEvent(new Event('online'))")
    return await _after(made, before, began)


async def address(hall: Hall, made: Call) -> Row:
    """A NAT gives out another port, and the browser does not know."""
    await made.meet(both=True)
    before, began = await totals(made.far), now()
    made.relay.move()
    return await _after(made, before, began)


async def _after(made: Call, before: Totals, began: float) -> Row:
    """Of the time after the move of `began`. `silence_ms`: until the first packet has come to where the browser is now."""
    loop = asyncio.get_running_loop()
    moved = loop.time() - (now() - began)
    await asyncio.sleep(SETTLED)
    gap = longest_gap(await frames(made.far, began), began, began + SETTLED)
    after = await totals(made.far)
    silence = next((at - moved for at, move in made.relay.arrivals if move), SETTLED)
    return {
        "gap_ms": round(1e3 * gap.lasted),
        "gap_after_s": round(gap.after, 2),
        "silence_ms": round(1e3 * silence),
        "connections": after.connections,
        **_lost(before, after),
    }


async def _watched(hall: Hall, pages: Sequence[Page]) -> Row:
    """Watch for a while; of each figure the worst of the pages."""
    began = now()
    before = [await totals(page) for page in pages]
    await asyncio.sleep(hall.seconds)
    ended = now()
    rows: list[dict[str, float]] = []
    for page, first in zip(pages, before, strict=True):
        last = await totals(page)
        rows.append(
            {
                "freeze_ratio": round((last.frozen - first.frozen) / (ended - began), 5),
                "concealed_ratio": round(last.concealed_since(first), 5),
                "gap_ms": round(1e3 * longest_gap(await frames(page, began), began, ended).lasted),
                **_lost(first, last),
            }
        )
    return {name: max(row[name] for row in rows) for name in rows[0]}


def _lost(before: Totals, after: Totals) -> dict[str, float]:
    return {
        "packets_lost": after.lost - before.lost,
        "mended": after.mended - before.mended,
        "keyframes_asked": after.keyframes_asked - before.keyframes_asked,
    }


CASES: Mapping[str, Callable[[Hall, Call], Awaitable[Row]]] = {
    "layers": layers,
    "narrow": narrow,
    "loss": loss,
    "lips": lips,
    "lips-loss": lips_loss,
    "tcp": tcp,
    "tcp-one-layer": tcp_one_layer,
    "restart": restart,
    "address": address,
}


def misses(row: Row) -> list[str]:
    """Aims that a row's figures miss."""
    if row.get("scenario") != "call":
        return []
    found = [
        f"{name} is {value:g}, and is meant to be at most {most:g}"
        for name, most in AIMS.get(str(row["case"]), {}).items()
        if isinstance(value := row.get(name), int | float) and value > most
    ]
    if row.get("limited_by") == "cpu":
        found.append("the sending browser had no processor to spare and sent less for it: the figures say little")
    if row["case"] == "layers" and row["width"] == row["width_other"]:
        found.append(f"a desk and a phone were given the same layer, {row['width']} wide")
    return found


def run(cases: Sequence[str], seconds: float, watcher: Watcher) -> list[Row]:
    """A row for each case. Raises `ScenarioFailed` or `ServerFailed`."""
    try:
        return asyncio.run(_run(cases, seconds, watcher))
    except (NoBrowser, BrowserFailed, *FAILURES) as error:
        raise ScenarioFailed(f"call: {error}") from None


async def _run(cases: Sequence[str], seconds: float, watcher: Watcher) -> list[Row]:
    rows: list[Row] = []
    port = free_port()
    async with chromium(FRAME_RATE) as browser, aiohttp.ClientSession() as http:
        # Server and network are on machines of their own in life. Here the browser's threads would go before them, where they may.
        with Server(config=DEFAULTS, media_port=port) as server, media_priority(server.pid, os.getpid()):
            hall = Hall(browser, server, Portal(http, server.base_url, server.portal_key), port, seconds)
            for number, name in enumerate(cases):
                watcher.tell("call", name, number, len(cases))
                began = now()
                figures: Row
                try:
                    async with call(hall, number) as made:
                        figures = {**await CASES[name](hall, made), "limited_by": await limited_by(made.near)}
                except BrowserFailed as error:
                    figures = {"missing": str(error)}
                row: dict[str, object] = dict.fromkeys(COLUMNS)
                rows.append(
                    {
                        **row,
                        "scenario": "call",
                        "server": "sfu",
                        "case": name,
                        "seconds": round(now() - began),
                        **figures,
                    }
                )
    return rows
