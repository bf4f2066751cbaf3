"""One Chromium and one server for all tests of the page, a fresh tab for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from bench.browser import FLAGS as FLAGS_OF_ALL
from bench.browser import without
from tests.e2e.browsers import PATIENCE
from tests.web.page.server import PageServer, page_server
from tests.web.page.visitor import Visitor, new_context

expect.set_options(timeout=PATIENCE)

FLAGS = (
    *FLAGS_OF_ALL,
    "--use-fake-device-for-media-stream=fps=10",
    # A page that a test answers for is no local one to Chromium, and could not speak to the server on loopback.
    without("LocalNetworkAccessChecks"),
)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def one_server() -> AsyncIterator[PageServer]:
    async with page_server() as server:
        yield server


@pytest.fixture
def server(one_server: PageServer) -> PageServer:
    """The server, with nothing left of the test before."""
    one_server.forget()
    return one_server


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await new_context(browser)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(context: BrowserContext, server: PageServer) -> AsyncIterator[Visitor]:
    """A tab of its own, so nothing is remembered. It must neither complain in its console nor talk to any other server."""
    visitor = await Visitor.arrive(context, server)
    yield visitor
    await visitor.page.close()
    assert visitor.errors == []
    assert visitor.strangers == []


@pytest_asyncio.fixture(loop_scope="session")
async def timed_visitor(browser: Browser, server: PageServer) -> AsyncIterator[Visitor]:
    """In a context of its own: a clock that a test installs and stops is that of the whole context, and of every test after it."""
    context = await new_context(browser)
    visitor = await Visitor.arrive(context, server)
    yield visitor
    await context.close()
    assert visitor.errors == []
    assert visitor.strangers == []
