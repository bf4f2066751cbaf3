"""Real servers, real sockets, real browsers. Everything here runs on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aioice.ice
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.e2e.browsers import CHROMIUM, FLAGS, PATIENCE, WATCH
from tests.e2e.client import Client
from tests.e2e.mailbox import CONFIG, Mailbox
from tests.e2e.server import Server, running

expect.set_options(timeout=PATIENCE)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A fresh demo, ended after the test; it must have had no bug, and have logged nothing private."""
    async with running(Server(tmp_path)) as server:
        yield server


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    await mailbox.start()
    yield mailbox
    await mailbox.stop()


@pytest.fixture
async def mailing_server(tmp_path: Path, mailbox: Mailbox) -> AsyncIterator[Server]:
    """One that sends invitations, by `mailbox`."""
    logo, config = tmp_path / "logo.png", tmp_path / "config.toml"
    logo.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    config.write_text(CONFIG.format(logo=logo, port=mailbox.port))
    server = Server(tmp_path, arguments=("--config", str(config)))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    """Makes connected clients on 127.0.0.1, closed after the test."""
    # aioice leaves loopback out of its host addresses, wherever else it can go.
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(Client(server.base_url))
        return await clients[-1].connect()

    yield connect
    for made in clients:
        await made.close()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Callable[[], Awaitable[Page]]]:
    """Makes pages, each in a browser context of its own, as three people's windows are. None of them may tell of an error."""
    errors: list[str] = []

    async def open_page() -> Page:
        context = await chromium.new_context(permissions=["camera", "microphone"], locale="sv-SE")
        context.set_default_timeout(90_000)
        made = await context.new_page()
        made.on("pageerror", lambda error: errors.append(str(error)))
        made.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        await made.add_init_script(WATCH)
        return made

    yield open_page
    assert errors == []
