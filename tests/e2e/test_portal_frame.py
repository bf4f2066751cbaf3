"""The page in a portal's frame, as docs/page.md tells portals to show it: a real server, a real Chromium, a portal of another origin."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.e2e.server import Server, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SECONDS = 60_000  # ms that something may take; the machine may have much else to do
PORTAL = """<!doctype html><title>Portal</title>
<script>
  window.told = [];
  addEventListener("message", ({ origin, data }) => told.push({ origin, ...data }));
</script>
<iframe title="Visit" allow="camera; microphone; display-capture; fullscreen; picture-in-picture" width="1100" height="700"></iframe>"""
STEPS = "wanted => told.map(({ type }) => type).join() === wanted"


@pytest.fixture
async def portal() -> AsyncIterator[str]:
    """A portal's page on a port of its own; its origin. To a browser `localhost` is another site than 127.0.0.1."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=PORTAL, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def server(tmp_path: Path, portal: str) -> AsyncIterator[Server]:
    config = tmp_path / "config.toml"
    config.write_text(f"[web]\nallowed_embedders = {json.dumps([portal])}\n")
    async with running(Server(tmp_path, ("--config", str(config)))) as server:
        yield server


async def framed(chromium: Browser, portal: str, link: str) -> Page:
    context = await chromium.new_context(permissions=["camera", "microphone"], locale="sv-SE")
    page = await context.new_page()
    page.set_default_timeout(SECONDS)
    await page.goto(portal)
    await page.locator("iframe").evaluate("(frame, link) => { frame.src = link; }", link)
    return page


async def test_a_visit_is_held_in_a_portals_frame_and_the_portal_hears_how_far_it_is(
    server: Server, portal: str, chromium: Browser
) -> None:
    page = await framed(chromium, portal, server.links["patient"])
    frame = page.frame_locator("iframe")
    await frame.get_by_test_id("join").click()
    await page.wait_for_function(STEPS, arg="joined,waiting")
    staff = await (await chromium.new_context(permissions=["camera", "microphone"])).new_page()
    staff.set_default_timeout(SECONDS)
    await staff.goto(server.links["clinician"])
    await staff.get_by_test_id("join").click()
    await staff.get_by_test_id("admit").click()
    await page.wait_for_function(STEPS, arg="joined,waiting,admitted")
    # Camera and microphone are let through the frame, both ways.
    for tiles in (frame, staff):
        video = tiles.locator("[data-testid=tile]:not(.own) video:not([hidden])")
        await expect(video).to_be_visible(timeout=SECONDS)
    button = frame.get_by_test_id("fullscreen")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await page.wait_for_function("() => document.fullscreenElement?.tagName === 'IFRAME'")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await staff.get_by_test_id("end").click()
    await staff.get_by_test_id("end-yes").click()
    await page.wait_for_function(STEPS, arg="joined,waiting,admitted,ended")
    told = await page.evaluate("told")
    assert told[-1] == {"origin": server.base_url, "source": "evisit", "type": "ended", "reason": "ended"}
    assert {message["origin"] for message in told} == {server.base_url}


async def test_nobody_else_shows_the_page_in_a_frame(server: Server, portal: str, chromium: Browser) -> None:
    stranger = portal.replace("localhost", "127.0.0.1")
    page = await (await chromium.new_context()).new_page()
    await page.goto(stranger)
    async with page.expect_console_message(lambda line: "frame-ancestors" in line.text, timeout=SECONDS):
        await page.locator("iframe").evaluate("(frame, link) => { frame.src = link; }", server.links["patient"])
    assert await page.evaluate("told") == []
