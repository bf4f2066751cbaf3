"""The Janus client against a small server on loopback that speaks as Janus does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.janus import JanusFailed, Session

Plugin = Callable[[dict[str, Any]], dict[str, Any] | None]


class Desk:
    """Sessions, handles, acknowledgements; what the plugin says is the test's own, None closes the connection."""

    def __init__(self) -> None:
        self.plugin: Plugin = lambda body: {"videoroom": "event"}
        self.asked: list[dict[str, Any]] = []

    async def signal(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["janus-protocol"])
        await socket.prepare(request)
        async for frame in socket:
            asked = json.loads(frame.data)
            self.asked.append(asked)
            for answer in self._answers(asked):
                if answer is None:
                    await socket.close()
                else:
                    await socket.send_json(answer | {"transaction": asked["transaction"]})
        return socket

    def _answers(self, asked: dict[str, Any]) -> list[dict[str, Any] | None]:
        if asked["janus"] in ("create", "attach"):
            return [{"janus": "success", "data": {"id": 1000 + len(self.asked)}}]
        if asked["janus"] == "message":
            data = self.plugin(asked["body"])
            if data is None:
                return [None]
            return [{"janus": "ack"}, {"janus": "event", "plugindata": {"data": data}, "jsep": {"sdp": "v=0"}}]
        if asked["janus"] == "destroy":
            return [{"janus": "success"}]
        return [{"janus": "error", "error": {"code": 453, "reason": "Unknown request"}}]


@pytest.fixture
async def desk() -> AsyncIterator[tuple[Desk, aiohttp.ClientSession, str]]:
    desk, app = Desk(), web.Application()
    app.router.add_get("/", desk.signal)
    async with TestServer(app, host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        yield desk, http, f"ws://127.0.0.1:{server.port}/"


async def test_what_the_plugin_says_is_waited_for_past_the_acknowledgement(
    desk: tuple[Desk, aiohttp.ClientSession, str],
) -> None:
    server, http, url = desk
    session = await Session.open(http, url)
    handle = await session.attach()
    server.plugin = lambda body: {"videoroom": "joined", "id": 7, "room": body["room"]}
    told = await session.message(handle, {"request": "join", "room": 5}, {"type": "offer", "sdp": "o"})
    assert (told["id"], told["room"], told["jsep"]) == (7, 5, {"sdp": "v=0"})
    create, attach, message = server.asked
    assert create["janus"] == "create"
    assert attach["plugin"] == "janus.plugin.videoroom"
    assert (message["session_id"], message["handle_id"]) == (1001, handle)
    assert message["jsep"] == {"type": "offer", "sdp": "o"}
    await session.close()
    assert server.asked[-1]["janus"] == "destroy"


async def test_what_the_plugin_refuses_is_a_failure_with_its_words(
    desk: tuple[Desk, aiohttp.ClientSession, str],
) -> None:
    server, http, url = desk
    server.plugin = lambda body: {"videoroom": "event", "error_code": 426, "error": "No such room (5)"}
    session = await Session.open(http, url)
    with pytest.raises(JanusFailed, match=r"join: No such room \(5\)"):
        await session.message(1, {"request": "join", "room": 5})
    await session.close()


async def test_what_janus_itself_refuses_is_a_failure(desk: tuple[Desk, aiohttp.ClientSession, str]) -> None:
    _, http, url = desk
    session = await Session.open(http, url)
    with pytest.raises(JanusFailed, match="Unknown request"):
        await session._ask({"janus": "nonsense"}, final=False)
    await session.close()


async def test_who_waits_when_janus_goes_is_told_so(desk: tuple[Desk, aiohttp.ClientSession, str]) -> None:
    server, http, url = desk
    server.plugin = lambda body: None
    session = await Session.open(http, url)
    with pytest.raises(JanusFailed, match="closed the connection"):
        await session.message(1, {"request": "join", "room": 5})
    await session.close()
