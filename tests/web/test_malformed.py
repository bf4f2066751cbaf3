"""A stranger's malformed requests fill a counter, not the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from sfu.web.malformed import MalformedRequests

GARBAGE = [
    b"\x16\x03\x01\x00\x05hello\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\n\r\n",
    b"\xff\r\n\r\n",
]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def send(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_garbage_is_counted_and_not_logged(port: int, caplog: pytest.LogCaptureFixture) -> None:
    malformed = MalformedRequests()
    server_log = logging.getLogger("aiohttp.server")
    server_log.addFilter(malformed)
    try:
        for garbage in GARBAGE:
            assert b" 400 " in (await send(port, garbage)).partition(b"\r\n")[0]
    finally:
        server_log.removeFilter(malformed)
    assert 0 < malformed.count <= len(GARBAGE)
    assert caplog.records == []


def test_a_fault_of_ours_is_still_logged() -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        record = logging.LogRecord("aiohttp.server", logging.ERROR, "", 0, "x", (), (type(error), error, None))
    malformed = MalformedRequests()
    assert malformed.filter(record)
    assert malformed.count == 0
