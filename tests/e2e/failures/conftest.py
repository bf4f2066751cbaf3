"""One server and one Chromium for all that goes wrong; each person has a window and a wire of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.e2e.browsers import CHROMIUM, FLAGS, PATIENCE
from tests.e2e.failures.place import Place
from tests.e2e.failures.window import Window
from tests.e2e.failures.wire import Wire
from tests.e2e.relay import free_port

expect.set_options(timeout=PATIENCE)

WIRES = 4  # so many windows at most in a test
PORTS = range(20_000, 30_000)
"""Ports that no kernel gives out by itself, so that one is free again after a restart."""

OpenWindow = Callable[[], Awaitable[Window]]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def one_chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A server that has room for one guest in the lobby, and takes pages from every wire."""
    wires = [await Wire().open() for _ in range(WIRES)]
    place = Place(tmp_path_factory.mktemp("place"), wires, free_port(PORTS))
    try:
        await place.start()
        yield place
        await place.server.stop()
    finally:
        for wire in wires:
            await wire.close()
    log = place.server.log.read_text()
    assert '"level": "error"' not in log, log
    assert "Traceback" not in log, log


@pytest_asyncio.fixture(loop_scope="session")
async def window(one_chromium: Browser, place: Place) -> AsyncIterator[OpenWindow]:
    """Makes windows. None of them may have complained of anything when the test is over."""
    opened: list[Window] = []

    async def open_window() -> Window:
        opened.append(await Window.open(one_chromium, place.wires[len(opened)]))
        return opened[-1]

    yield open_window
    complaints = []
    for made in opened:
        made.wire.mend()
        await made.close()
        complaints += made.complaints
    assert complaints == []
