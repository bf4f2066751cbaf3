"""A real Chromium for the scenario `page`: started, throttled to a phone's speed, asked what it holds."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
)
"""What every Chromium here is started with, beside what is switched off (`without`)."""
POPUPS = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup")
"""Of the address line, which nobody sees: a process for every window, and more work than a page of ours."""
BIT = 1 / 8  # octets


def without(*features: str) -> str:
    """The switch that turns features off. Chromium heeds the last one only, so all stand in one."""
    return f"--disable-features={','.join((*POPUPS, *features))}"


class NoBrowser(Exception):
    """There is no Chromium here, or nothing to drive it with; the text says what to install."""


class BrowserFailed(Exception):
    """The page did not come to where it should, or not in time; the text says what was waited for."""


@dataclass(frozen=True, slots=True)
class Speed:
    """A device and its network."""

    name: str
    processor: float
    """How many times slower than this machine."""
    round_trip: float
    """Milliseconds; 0: as here."""
    down: float
    """Bits a second; 0: as here."""
    up: float


PHONE = Speed("slow phone", processor=4, round_trip=150, down=1.6e6, up=0.75e6)
"""As Lighthouse measures: a cheap phone of some years, on 4G where it is weak."""
HERE = Speed("this machine", processor=1, round_trip=0, down=0, up=0)


@dataclass(frozen=True, slots=True)
class Held:
    """What a page holds when all garbage has been collected."""

    heap: int
    """Octets of JavaScript objects."""
    nodes: int
    """Of documents, those included that nothing shows any more."""
    listeners: int


@asynccontextmanager
async def chromium(frame_rate: int = 15) -> AsyncIterator[Browser]:
    """A browser whose microphone and camera, of this frame rate, are made up.

    Raises `NoBrowser`, and `BrowserFailed` for what is done with it.
    """
    path = shutil.which("chromium")
    if path is None:
        raise NoBrowser("chromium is not installed (Debian: apt-get install chromium)")
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        raise NoBrowser("what drives the browser is not installed (make test, or pip install playwright)") from None
    async with async_playwright() as playwright:
        device = f"--use-fake-device-for-media-stream=fps={frame_rate}"
        browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS, without(), device])
        try:
            yield browser
        except Error as error:
            raise BrowserFailed(error.message.partition("\n")[0]) from None
        finally:
            await browser.close()


async def devtools(page: Page) -> CDPSession:
    return await page.context.new_cdp_session(page)


async def slow_down(tools: CDPSession, speed: Speed) -> None:
    """Make the page's device and network as slow as this."""
    await tools.send("Emulation.setCPUThrottlingRate", {"rate": speed.processor})
    conditions: dict[str, Any] = {
        "offline": False,
        "latency": speed.round_trip,
        "downloadThroughput": speed.down * BIT or -1,
        "uploadThroughput": speed.up * BIT or -1,
    }
    await tools.send("Network.emulateNetworkConditions", conditions)


async def held(tools: CDPSession) -> Held:
    """Collect the garbage, twice since finalizers make more, and look."""
    await tools.send("Performance.enable")
    for _ in range(2):
        await tools.send("HeapProfiler.collectGarbage")
    told = {metric["name"]: metric["value"] for metric in (await tools.send("Performance.getMetrics"))["metrics"]}
    return Held(int(told["JSHeapUsedSize"]), int(told["Nodes"]), int(told["JSEventListeners"]))
