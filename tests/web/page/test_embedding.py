"""The page in a portal's frame: the portal hears how far the visit has come, and nobody else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from playwright.async_api import BrowserContext, FrameLocator, Page, Route

from sfu.web.headers import SecurityHeaders
from tests.web.page.server import Channel, PageServer
from tests.web.page.visitor import TICKET, answer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PORTAL = """<!doctype html><title>Portal</title><script>
  window.told = [];
  addEventListener("message", (event) => told.push({ ...event.data, origin: event.origin }));
</script><iframe src="%s/join#%s" allow="camera; microphone" width="800" height="600"></iframe>"""


@pytest_asyncio.fixture(loop_scope="session")
async def portal(context: BrowserContext, server: PageServer) -> AsyncIterator[Page]:
    """A page of another origin with the visit in a frame, as the server's policy allows it to named portals."""
    page = await context.new_page()
    origin = server.base_url.replace("127.0.0.1", "localhost")

    async def show(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=PORTAL % (server.base_url, TICKET))

    headers = SecurityHeaders(server.base_url, [origin])

    async def allow(route: Route) -> None:
        """As the server's own headers have it for this path."""
        response = await route.fetch()
        said = web.Response()
        await headers.on_prepare(make_mocked_request("GET", urlsplit(route.request.url).path), said)
        told = ("Content-Security-Policy", "X-Frame-Options")
        framing = {name.lower(): said.headers[name] for name in told if name in said.headers}
        await route.fulfill(response=response, headers={**response.headers, **framing})

    await page.route(f"{origin}/portal", show)
    for path in ("/join", "/test"):
        await page.route(f"{server.base_url}{path}", allow)
    await page.goto(f"{origin}/portal")
    yield page
    await page.close()


async def told(portal: Page, count: int) -> list[dict[str, str]]:
    await portal.wait_for_function("(count) => told.length >= count", arg=count)
    found: list[dict[str, str]] = await portal.evaluate("told")
    return found


async def joined(portal: Page, server: PageServer) -> tuple[Channel, FrameLocator]:
    frame = portal.frame_locator("iframe")
    await frame.get_by_test_id("join").click()
    channel = await server.channel()
    await channel.ok(await channel.heard("join"), **answer())
    return channel, frame


async def test_the_portal_hears_every_step_and_nothing_personal(portal: Page, server: PageServer) -> None:
    channel, _ = await joined(portal, server)
    await told(portal, 2)
    await channel.event("state", state="admitted", reason="")
    await told(portal, 3)
    await channel.event("state", state="waiting", reason="")
    await told(portal, 4)
    await channel.event("state", state="ended", reason="")
    heard = await told(portal, 5)
    assert [message["type"] for message in heard] == ["joined", "waiting", "admitted", "waiting", "ended"]
    assert {message["origin"] for message in heard} == {server.base_url}
    assert all(message.keys() <= {"source", "type", "reason", "origin"} for message in heard)
    assert all(message["source"] == "evisit" for message in heard)


async def test_leaving_is_told_with_its_reason(portal: Page, server: PageServer) -> None:
    channel, frame = await joined(portal, server)
    await channel.event("state", state="removed", reason="")
    heard = await told(portal, 3)
    assert (heard[-1]["type"], heard[-1]["reason"]) == ("left", "removed")
    assert await frame.get_by_test_id("final").get_attribute("data-reason") == "removed"


async def test_on_its_own_the_page_tells_nobody(context: BrowserContext, server: PageServer) -> None:
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{server.base_url}/join#{TICKET}")
    await page.wait_for_load_state("networkidle")
    assert [url for url in asked if url.endswith("/js/visit.js")]
    assert not [url for url in asked if url.endswith("/js/embedding.js")]
    await page.close()


async def test_whoever_comes_too_early_tries_the_equipment_in_the_same_frame(portal: Page, server: PageServer) -> None:
    frame = portal.frame_locator("iframe")
    await frame.get_by_test_id("join").click()
    channel = await server.channel()
    await channel.error(await channel.heard("join"), "visit_not_open", opens_at="2026-11-23T08:30:00Z")
    await frame.get_by_test_id("to-test").click()
    await frame.get_by_test_id("test-start").wait_for()
    await frame.get_by_test_id("to-visit").click()
    await frame.get_by_test_id("join").wait_for()
