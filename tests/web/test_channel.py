"""The signalling channel over a real WebSocket: who may open one, what closes it, and in which order things arrive."""

from __future__ import annotations

import asyncio
import json
import socket as socket_module
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError, web

from sfu.errors import Code, Refused, StoreUnavailable
from sfu.rooms.commands import Reason
from sfu.rooms.requests import Lock, SendText
from sfu.signaling.messages import Echo, EchoByTicket, Join, JoinByTicket
from sfu.signaling.session import Asked, Limits
from sfu.web import channel as channel_module
from sfu.web.channel import Answer, Channel, Signalling

ORIGIN = "https://evisit.example"


@dataclass
class Script:
    """What the backend does; `gone` is set when a joined channel is lost."""

    joined: list[Channel] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    lost_channels: list[Channel] = field(default_factory=list)
    door: asyncio.Event | None = None
    """Set to have every join wait until it is set."""
    waited: asyncio.Event = field(default_factory=asyncio.Event)
    on_ask: Callable[[Channel, Asked, Answer], None] = lambda channel, asked, answer: answer({})

    async def join(self, channel: Channel, join: Join, answer: Answer) -> None:
        assert isinstance(join, JoinByTicket)
        match join.ticket:
            case "good":
                if self.door is not None:
                    self.waited.set()
                    await self.door.wait()
                self.joined.append(channel)
                answer({"participant": "p_1"})
                channel.notify({"type": "roster", "version": 1, "participants": []}, "roster")
            case "removed":
                raise Refused(Code.REMOVED, "You were removed.")
            case "no log":
                raise StoreUnavailable
            case _:
                raise ZeroDivisionError

    async def test(self, channel: Channel, echo: Echo, answer: Answer) -> None:
        assert isinstance(echo, EchoByTicket)
        if echo.ticket != "good":
            raise Refused(Code.RATE_LIMITED, "Later.")
        self.joined.append(channel)
        answer({"seconds": 20})

    async def ask(self, channel: Channel, asked: Asked, answer: Answer) -> None:
        self.on_ask(channel, asked, answer)

    def lost(self, channel: Channel) -> None:
        self.lost_channels.append(channel)
        self.gone.set()


@dataclass
class Served:
    url: str
    script: Script
    signalling: Signalling


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def served(limits: Limits) -> AsyncIterator[Served]:
    script = Script()
    signalling = Signalling(script, limits, frozenset({ORIGIN}), capacity=4)
    app = web.Application()
    signalling.set_up(app.router)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Served(f"http://127.0.0.1:{port}/api/v1/signal", script, signalling)
    await runner.cleanup()


@dataclass
class Socket:
    """A client's end."""

    socket: aiohttp.ClientWebSocketResponse

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        frame = await self.socket.receive(timeout=60)
        assert frame.type is WSMsgType.TEXT, (frame, self.socket.close_code)
        message: dict[str, Any] = json.loads(frame.data)
        return message

    async def closed_with(self) -> int | None:
        while (await self.socket.receive(timeout=60)).type is WSMsgType.TEXT:
            pass
        return self.socket.close_code

    async def join(self) -> None:
        await self.send(type="join", id=1, ticket="good")
        assert (await self.receive())["type"] == "ok"
        assert (await self.receive())["type"] == "roster"


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(6_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never was so")


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def socket(served: Served, client: aiohttp.ClientSession) -> AsyncIterator[Socket]:
    async with client.ws_connect(served.url, protocols=("evisit.v1",), origin=ORIGIN) as opened:
        yield Socket(opened)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evisit.example",
        "https://evisit.example:8443",
        "https://EVISIT.example",
        "https://evisit.example.evil.example",
        "https://sub.evisit.example",
        "https://evil.example",
    ],
)
async def test_another_origin_is_refused_before_the_upgrade(
    served: Served, client: aiohttp.ClientSession, origin: str | None
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(served.url, protocols=("evisit.v1",), origin=origin)
    assert refused.value.status == 403


async def test_two_origins_are_none(served: Served, client: aiohttp.ClientSession) -> None:
    headers = [("Origin", ORIGIN), ("Origin", ORIGIN)]
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(served.url, protocols=("evisit.v1",), headers=headers)
    assert refused.value.status == 403


@pytest.mark.parametrize("protocols", [(), ("evisit.v2",), ("chat",)])
async def test_without_our_subprotocol_there_is_no_channel(
    served: Served, client: aiohttp.ClientSession, protocols: tuple[str, ...]
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(served.url, protocols=protocols, origin=ORIGIN)
    assert refused.value.status == 400


async def test_a_plain_request_is_told_what_this_is(served: Served, client: aiohttp.ClientSession) -> None:
    async with client.get(served.url, headers={"Origin": ORIGIN}) as response:
        assert response.status == 400


async def test_when_all_channels_are_taken_the_next_is_told_to_come_back(
    served: Served, client: aiohttp.ClientSession
) -> None:
    opened = [await client.ws_connect(served.url, protocols=("evisit.v1",), origin=ORIGIN) for _ in range(4)]
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(served.url, protocols=("evisit.v1",), origin=ORIGIN)
    assert refused.value.status == 503
    assert not any(socket.closed for socket in opened)
    for socket in opened:
        await socket.close()


async def test_nothing_is_compressed(socket: Socket) -> None:
    assert socket.socket.compress == 0


async def test_the_answer_to_a_join_comes_before_what_follows_from_it(socket: Socket) -> None:
    await socket.join()


@pytest.mark.parametrize(
    ("ticket", "code", "close"), [("removed", "removed", 4403), ("no log", "internal", 1001), ("odd", "internal", 1001)]
)
async def test_a_refused_join_is_answered_and_closed(
    served: Served, socket: Socket, ticket: str, code: str, close: int
) -> None:
    await socket.send(type="join", id=1, ticket=ticket)
    assert (await socket.receive())["code"] == code
    assert await socket.closed_with() == close
    assert not served.script.gone.is_set(), "nobody had joined"


async def test_a_request_is_answered_with_its_id_and_handed_over_as_it_was_asked(
    served: Served, socket: Socket
) -> None:
    asked: list[object] = []

    def on_ask(channel: Channel, request: Asked, answer: Answer) -> None:
        asked.append(request.request)
        answer({"done": True})

    served.script.on_ask = on_ask
    await socket.join()
    await socket.send(type="lock", id=7, locked=True)
    assert await socket.receive() == {"type": "ok", "id": 7, "done": True}
    assert asked == [Lock(locked=True)]


async def test_what_the_channel_itself_answers_is_counted_too(served: Served, socket: Socket) -> None:
    await socket.send(type="lock", id=0, locked=True)
    assert (await socket.receive())["code"] == "join_required"
    await socket.join()
    await socket.send(type="lock", id=2, locked="perhaps")
    assert (await socket.receive())["code"] == "bad_message"
    await socket.send(type="v_1 of Per", id=3)
    assert (await socket.receive())["code"] == "bad_message"
    await socket.send(type="ping", id=4)
    assert (await socket.receive())["type"] == "ok"
    assert served.signalling.counters.messages == {
        ("lock", "error"): 2,
        ("join", "ok"): 1,
        ("other", "error"): 1,
        ("ping", "ok"): 1,
    }


async def test_a_fault_of_ours_is_one_error_and_the_channel_lives(served: Served, socket: Socket) -> None:
    def on_ask(channel: Channel, request: Asked, answer: Answer) -> None:
        if isinstance(request.request, SendText):
            raise ZeroDivisionError
        answer({})

    served.script.on_ask = on_ask
    await socket.join()
    await socket.send(type="text", id=2, text="hej")
    assert (await socket.receive())["code"] == "internal"
    await socket.send(type="lock", id=3, locked=True)
    assert (await socket.receive())["type"] == "ok"
    assert served.signalling.counters.bugs == 1
    assert served.signalling.counters.messages["text", "error"] == 1


@pytest.mark.parametrize("frame", ["not json", "[]", '"text"', "{" + "x" * 70_000, '{"type":"join","id":1,"id":2}'])
async def test_what_is_no_object_closes_with_4400(socket: Socket, frame: str) -> None:
    await socket.socket.send_str(frame)
    assert await socket.closed_with() == 4400


async def test_a_frame_of_any_size_closes_with_4400(socket: Socket) -> None:
    await socket.socket.send_str("x" * 1_000_000)
    assert await socket.closed_with() == 4400


async def test_a_binary_frame_closes_with_4400(socket: Socket) -> None:
    await socket.socket.send_bytes(b"{}")
    assert await socket.closed_with() == 4400


@pytest.mark.parametrize("limits", [Limits(join_seconds=0.05)])
async def test_who_does_not_join_in_time_is_closed_with_4408(socket: Socket) -> None:
    assert await socket.closed_with() == 4408


@pytest.mark.parametrize("limits", [Limits(messages_per_second=0.001, messages_burst=3)])
async def test_too_many_messages_close_with_4429(socket: Socket) -> None:
    await socket.join()
    for number in range(2, 5):
        await socket.send(type="lock", id=number, locked=True)
    assert await socket.closed_with() == 4429


async def test_what_was_queued_is_out_before_the_close(served: Served, socket: Socket) -> None:
    await socket.join()
    (channel,) = served.script.joined
    channel.notify({"type": "state", "state": "removed"})
    channel.close(Reason.TURNED_AWAY)
    channel.notify({"type": "notice", "text": "too late, but before the close"})
    assert (await socket.receive())["state"] == "removed"
    assert await socket.closed_with() == 4403
    await asyncio.wait_for(served.script.gone.wait(), 60)


async def test_who_does_not_read_is_closed_and_slows_nobody(served: Served, socket: Socket) -> None:
    await socket.join()
    (channel,) = served.script.joined
    message: Mapping[str, object] = {"type": "notice", "text": "x" * 1_500}
    for _ in range(300):
        channel.notify(message)
    assert await socket.closed_with() == 4408


async def test_a_lost_connection_is_told_once(served: Served, socket: Socket) -> None:
    await socket.join()
    transport = socket.socket._response.connection.transport  # type: ignore[union-attr]
    assert transport is not None
    transport.abort()
    await asyncio.wait_for(served.script.gone.wait(), 60)
    await until(lambda: served.signalling.counters.open == 0)
    assert served.script.lost_channels == served.script.joined


async def test_who_has_gone_before_the_upgrade_is_no_fault_of_ours(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = served.url.split("/")[2].split(":")
    request = (
        f"GET /api/v1/signal HTTP/1.1\r\nHost: {host}\r\nOrigin: {ORIGIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: evisit.v1\r\n\r\n"
    )
    for _ in range(8):
        # All of it before the server is given a turn; lingering for no time is a reset.
        with socket_module.create_connection((host, int(port))) as gone:
            gone.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_LINGER, struct.pack("ii", 1, 0))
            gone.sendall(request.encode())
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(served.url, headers={"Origin": ORIGIN}, protocols=("evisit.v1",)) as socket,
    ):
        await Socket(socket).join()
    assert [record.message for record in caplog.records] == []
    assert served.signalling.counters.bugs == 0


async def test_going_away_closes_every_channel_with_1001(served: Served, socket: Socket) -> None:
    await socket.join()
    served.signalling.go_away()
    assert await socket.closed_with() == 1001


async def test_who_does_not_answer_pings_is_dropped(
    served: Served, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "PING_SECONDS", 0.02)
    monkeypatch.setattr(channel_module, "SILENCE_SECONDS", 1.0)
    silent = await client.ws_connect(served.url, protocols=("evisit.v1",), origin=ORIGIN, autoping=False)
    await Socket(silent).send(type="join", id=1, ticket="good")
    kinds = set()
    while not silent.closed:
        kinds.add((await silent.receive(timeout=60)).type)
    assert WSMsgType.PING in kinds
    await asyncio.wait_for(served.script.gone.wait(), 60)


async def test_who_answers_pings_stays(
    served: Served, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "PING_SECONDS", 0.02)
    monkeypatch.setattr(channel_module, "SILENCE_SECONDS", 1.0)
    alive = await client.ws_connect(served.url, protocols=("evisit.v1",), origin=ORIGIN, autoping=False)
    pings = 0
    while pings < 60:
        frame = await alive.receive(timeout=60)
        assert frame.type is WSMsgType.PING
        await alive.pong(frame.data)
        pings += 1
    assert not alive.closed
