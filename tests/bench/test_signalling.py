"""The channel and the portal client against a small server on loopback that speaks the contract's examples."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.portal import Portal, PortalFailed
from bench.signalling import Channel, ChannelClosed, RequestRefused

Script = Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[None]]


class Desk:
    """A server whose answer to each request is the test's own."""

    def __init__(self) -> None:
        self.script: Script | None = None
        self.origins: list[str] = []
        self.bodies: list[Any] = []
        self.keys: list[str] = []

    async def signal(self, request: web.Request) -> web.WebSocketResponse:
        self.origins.append(request.headers["Origin"])
        socket = web.WebSocketResponse(protocols=["evisit.v1"])
        await socket.prepare(request)
        async for frame in socket:
            assert self.script is not None
            await self.script(socket, json.loads(frame.data))
        return socket

    async def portal(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Authorization"])
        if request.can_read_body:
            self.bodies.append(await request.json())
        tail = request.path.removeprefix("/api/v1/visits")
        answers = {
            "": (201, {"visit": "v_1", "state": "booked"}),
            "/v_1/tickets": (201, {"ticket": "a.b.c", "join_url": "", "expires_at": ""}),
            "/v_1/link": (200, {"share_url": "https://host/join#visit=v_1&key=secret"}),
        }
        status, body = answers.get(tail, (404, {"code": "visit_unknown"}))
        return web.json_response(body, status=status)


@pytest.fixture
async def desk() -> AsyncIterator[tuple[Desk, aiohttp.ClientSession, str]]:
    """A desk, an HTTP session, and the desk's base URL."""
    desk, app = Desk(), web.Application()
    app.router.add_get("/api/v1/signal", desk.signal)
    app.router.add_route("*", "/api/v1/visits{tail:.*}", desk.portal)
    async with TestServer(app, host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        yield desk, http, f"http://127.0.0.1:{server.port}"


async def test_a_join_states_the_server_s_own_origin_and_learns_who_one_is(
    desk: tuple[Desk, aiohttp.ClientSession, str],
) -> None:
    server, http, url = desk

    async def script(socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        assert asked == {"type": "join", "id": 1, "ticket": "a.b.c"}
        await socket.send_json({"type": "ok", "id": 1, "participant": "p_1", "state": "waiting"})

    server.script = script
    channel = await Channel.open(http, url)
    await channel.join(ticket="a.b.c")
    assert (channel.participant, channel.state) == ("p_1", "waiting")
    assert server.origins == [url]
    await channel.close()


async def test_events_are_kept_and_waited_for(desk: tuple[Desk, aiohttp.ClientSession, str]) -> None:
    server, http, url = desk
    camera = {"track": "t_1", "source": "camera"}
    people = [
        {"participant": "p_1", "tracks": [{"track": "t_0", "source": "camera"}]},
        {"participant": "p_2", "tracks": [camera]},
    ]

    async def script(socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        await socket.send_json({"type": "ok", "id": asked["id"], "participant": "p_1", "state": "waiting"})
        await socket.send_json({"type": "lobby_status", "staff_present": True})
        await socket.send_json({"type": "roster", "version": 1, "participants": people})
        await socket.send_json({"type": "state", "state": "admitted"})

    server.script = script
    channel = await Channel.open(http, url)
    await channel.join(ticket="a.b.c")
    await channel.until(lambda c: c.state == "admitted")
    assert channel.tracks() == {"camera": "t_1"}
    await channel.close()


async def test_an_error_refuses_the_one_request_that_it_answers(desk: tuple[Desk, aiohttp.ClientSession, str]) -> None:
    server, http, url = desk

    async def script(socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        if asked["type"] == "admit":
            answer = {
                "type": "error",
                "id": asked["id"],
                "code": "not_allowed",
                "message": "Only care staff can admit.",
            }
            await socket.send_json(answer)
        else:
            await socket.send_json({"type": "ok", "id": asked["id"], "sdp": "v=0"})

    server.script = script
    channel = await Channel.open(http, url)
    with pytest.raises(RequestRefused, match="not_allowed"):
        await channel.request("admit", participant="p_2")
    assert (await channel.request("offer"))["sdp"] == "v=0"
    await channel.close()


async def test_whoever_waits_when_the_channel_closes_is_told_so(desk: tuple[Desk, aiohttp.ClientSession, str]) -> None:
    server, http, url = desk

    async def script(socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        await socket.close(code=4403)

    server.script = script
    channel = await Channel.open(http, url)
    with pytest.raises(ChannelClosed, match="4403"):
        await channel.request("offer")
    with pytest.raises(ChannelClosed):
        await channel.request("offer")
    with pytest.raises(ChannelClosed):
        await channel.until(lambda c: c.state == "admitted")
    await channel.close()


async def test_the_portal_books_a_visit_and_gets_the_ways_in(desk: tuple[Desk, aiohttp.ClientSession, str]) -> None:
    server, http, url = desk
    portal = Portal(http, url, "key")
    visit = await portal.create_visit(3, datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert visit == "v_1"
    assert await portal.clinician_ticket(visit, 3) == "a.b.c"
    assert await portal.link_key(visit) == "secret"
    booking, person = server.bodies
    assert (booking["starts_at"], booking["ends_at"]) == ("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z")
    assert person["units"] == [booking["unit"]]
    assert person["person"] == booking["staff"][0]["person"]
    assert set(server.keys) == {"Bearer key"}


async def test_a_portal_that_refuses_is_a_failure_with_its_status(
    desk: tuple[Desk, aiohttp.ClientSession, str],
) -> None:
    _, http, url = desk
    with pytest.raises(PortalFailed, match="404"):
        await Portal(http, url, "key").link_key("v_2")
