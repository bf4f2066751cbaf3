"""A third browser engine: what there is of the page before the meeting, in WebKit.

Debian builds it without WebRTC. So one test is of what such a browser is told; for the others the page finds an `RTCPeerConnection`
that is never used: who waits has none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.web.page.server import PageServer, page_server
from tests.web.page.visitor import LINK, TICKET, answer
from tests.web.page.webkit import WebKit, webkit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

NEVER_USED = "window.RTCPeerConnection ??= class {};"
SHOWN = "return document.querySelector(`[data-testid=${arguments[0]}]`)?.checkVisibility() ?? false"
SAYS = "return document.querySelector(`[data-testid=${arguments[0]}]`)?.innerText.includes(arguments[1]) ?? false"
PRESS = """
const button = document.querySelector(`[data-testid=${arguments[0]}]`);
if (!button?.checkVisibility() || button.disabled) return false;
button.click();
return true;
"""
FITS = "return document.documentElement.scrollWidth <= innerWidth"


@pytest_asyncio.fixture(loop_scope="session")
async def browser(tmp_path: Path) -> AsyncIterator[WebKit]:
    async with webkit(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[PageServer]:
    async with page_server(before_scripts=NEVER_USED) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def bare_server() -> AsyncIterator[PageServer]:
    async with page_server() as served:
        yield served


async def test_a_browser_that_cannot_take_part_is_told_so(browser: WebKit, bare_server: PageServer) -> None:
    await browser.open(f"{bare_server.base_url}/join?lang=sv#{TICKET}")
    await browser.until("return document.querySelector('[data-testid=final]')?.dataset.reason === 'unsupported'")
    assert await browser.run(SAYS, "final", "Chrome, Edge, Safari eller Firefox")
    assert await browser.run("return document.querySelectorAll('main').length") == 1
    await browser.open(f"{bare_server.base_url}/test?lang=sv")
    await browser.until(PRESS, "test-start")
    await browser.until(SAYS, "check-browser", "Klarar inte videobesök.")


async def test_a_guest_reads_the_first_view_says_who_they_are_and_waits(browser: WebKit, server: PageServer) -> None:
    await browser.resize(480, 800)
    await browser.open(f"{server.base_url}/join?lang=sv#{LINK}")
    await browser.until(SHOWN, "name")
    assert await browser.run("return location.hash") == ""
    assert await browser.run(FITS)
    await browser.until(PRESS, "join")
    await browser.until(SAYS, "name-fault", "Skriv ditt namn.")
    assert await browser.run("return document.activeElement.dataset.testid") == "name"
    await browser.until(PRESS, "language-en")
    await browser.until(SAYS, "name-fault", "Write your name.")
    await browser.run(
        "document.querySelector('#name').value = 'Amina Tolk'; document.querySelector('#role').value = 'interpreter'"
    )
    await browser.until(PRESS, "join")
    channel = await server.channel()
    asked = await channel.heard("join")
    assert (asked["name"], asked["role"]) == ("Amina Tolk", "interpreter")
    await channel.ok(asked, **answer(verified=False))
    await browser.until(SHOWN, "waiting")
    assert await browser.run(FITS)
    await channel.event("lobby_status", staff_present=True)
    await channel.event("notice", text="Vi är snart hos dig.")
    await browser.until(SAYS, "notice", "Vi är snart hos dig.")
    await browser.until(SAYS, "waiting-status", "The staff are here. They will let you in when they are ready.")
    channel.abort()
    await browser.until(SAYS, "trouble", "The connection was lost.")
    again = await server.channel()
    await again.ok(await again.heard("join"), **answer(verified=False))
    await browser.until("return document.querySelector('[data-testid=trouble]').innerText === ''")
    await again.event("state", state="denied", reason="Fel besök.")
    await browser.until(SAYS, "words", "Fel besök.")


async def test_a_reload_finds_its_way_back(browser: WebKit, server: PageServer) -> None:
    await browser.open(f"{server.base_url}/join#{TICKET}")
    await browser.until(PRESS, "join")
    channel = await server.channel()
    await channel.ok(await channel.heard("join"), **answer())
    await browser.until(SHOWN, "waiting")
    await browser.run("setTimeout(() => location.reload())")
    again = await server.channel()
    assert (await again.heard("join"))["resume"] == "resume-1"
