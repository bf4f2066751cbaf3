"""A knock tells what became of it, whatever the server does; and whoever waits answers pings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from bench.knock import Knock, knock


class Door:
    """A server that does what the name of the visit says."""

    def __init__(self) -> None:
        self.joins: list[dict[str, object]] = []
        self.headers: list[str] = []
        self.full = False
        self.ponged = asyncio.Event()
        self.closed = asyncio.Event()

    async def signal(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers["Origin"])
        if self.full:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(protocols=("evisit.v1",), autoping=False)
        await socket.prepare(request)
        self.joins.append(json.loads(await socket.receive_str()))
        match self.joins[-1]["visit"]:
            case "waits":
                await socket.send_json({"type": "ok", "id": 1, "state": "waiting", "padding": "x" * 70_000})
                await socket.ping(b"there?")
                if (await socket.receive()).type is WSMsgType.PONG:
                    self.ponged.set()
                try:
                    await socket.receive()
                finally:
                    self.closed.set()
            case "refuses":
                await socket.send_json({"type": "error", "id": 1, "code": "full", "message": "x" * 200})
                await socket.close(code=4401)
                self.closed.set()
            case _:
                assert request.transport is not None
                request.transport.abort()
        return socket


@pytest.fixture
async def door() -> Door:
    return Door()


@pytest.fixture
async def base_url(door: Door) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/api/v1/signal", door.signal)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield f"http://127.0.0.1:{server.port}"
    await server.close()


async def outcome(knocked: Knock) -> str:
    return await knocked.outcome


async def test_who_waits_is_told_and_stays(door: Door, base_url: str) -> None:
    knocked = await knock(base_url, 7, "waits", "k" * 43)
    assert await outcome(knocked) == "waiting"
    async with asyncio.timeout(60):
        await door.ponged.wait()
    assert not door.closed.is_set()
    knocked.leave()
    async with asyncio.timeout(60):
        await door.closed.wait()
    assert door.headers == [base_url]
    assert door.joins == [
        {"type": "join", "id": 1, "visit": "waits", "key": "k" * 43, "name": "Guest 7", "role": "external"}
    ]


async def test_who_is_refused_is_told_why_and_goes(door: Door, base_url: str) -> None:
    assert await outcome(await knock(base_url, 1, "refuses", "k")) == "full"
    async with asyncio.timeout(60):
        await door.closed.wait()


async def test_a_server_that_takes_no_more_channels_says_so(door: Door, base_url: str) -> None:
    door.full = True
    assert await outcome(await knock(base_url, 1, "waits", "k")) == "http 503"


async def test_a_connection_that_breaks_is_cut(base_url: str) -> None:
    assert await outcome(await knock(base_url, 1, "breaks", "k")) == "cut"


async def test_nobody_at_home_is_an_outcome_too(base_url: str) -> None:
    assert await outcome(await knock("http://127.0.0.1:9", 1, "waits", "k")) == "Connection refused"
