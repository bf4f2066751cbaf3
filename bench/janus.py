"""Janus and its VideoRoom plugin, over its WebSocket API (janus.conf.meetecho.com/docs/videoroom.html).

A person has a session, a handle that publishes and a handle that subscribes; each handle has a transport of its own. Janus
has full ICE: it wants our candidate, and checks us as we check it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Sequence
from typing import Any

import aiohttp

from bench.adapter import AUDIO_MID, VIDEO_MID, JoinFailed, Kit, Person, all_answered, ssrcs
from bench.client import Client
from bench.sdp import read_answer
from sfu.clock import monotonic
from sfu.tasks import spawn

PORT = 8188  # of its WebSocket transport, as shipped
KEEP_ALIVE = 25.0  # seconds; Janus drops a session after 60 without a word
ANSWER_TIMEOUT = 20.0  # seconds
HANDSHAKES = 4  # of a meeting at a time, as with our own server
PEOPLE = 100  # publishers that a room allows

Message = dict[str, Any]


class JanusFailed(Exception):
    """Janus refused a request, or has gone; the text is its own."""


class Janus:
    """An `Adapter`."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, kit: Kit) -> None:
        self.http = http
        self.base_url = base_url
        self.kit = kit

    def meeting(self, number: int) -> VideoRoom:
        return VideoRoom(self, number)


class Session:
    """One WebSocket with one session: transactions and their answers, and keep-alives."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._open: dict[str, tuple[bool, asyncio.Future[Message]]] = {}
        self._id = 0
        self._reader = spawn(self._read(), name="janus-session")
        self._keeper: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, base_url: str) -> Session:
        """Connect, and create the session."""
        session = cls(await http.ws_connect(base_url, protocols=["janus-protocol"], compress=0))
        session._id = (await session._ask({"janus": "create"}, final=False))["data"]["id"]
        session._keeper = spawn(session._keep_alive(), name="janus-keep-alive")
        return session

    async def attach(self) -> int:
        """A handle of the VideoRoom plugin."""
        asked = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        return int((await self._ask(asked, final=False))["data"]["id"])

    async def message(self, handle: int, body: Message, jsep: Message | None = None, *, event: bool = True) -> Message:
        """Ask the plugin something. `event` says that the answer comes later than the acknowledgement, as most do."""
        asked: Message = {"janus": "message", "handle_id": handle, "body": body}
        if jsep is not None:
            asked["jsep"] = jsep
        answer = await self._ask(asked, final=event)
        data: Message = answer["plugindata"]["data"]
        if "error" in data:
            raise JanusFailed(f"{body['request']}: {data['error']}")
        return data | ({"jsep": answer["jsep"]} if "jsep" in answer else {})

    async def close(self) -> None:
        """End the session, and with it its handles."""
        with contextlib.suppress(JanusFailed, TimeoutError, aiohttp.ClientError, ConnectionError):
            await self._ask({"janus": "destroy"}, final=False)
        if self._keeper is not None:
            self._keeper.cancel()
        await self._socket.close()
        await self._reader

    async def _ask(self, message: Message, *, final: bool) -> Message:
        transaction = secrets.token_hex(6)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._open[transaction] = final, answer
        where = {"session_id": self._id} if self._id else {}
        await self._socket.send_str(json.dumps(message | where | {"transaction": transaction}))
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await answer

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            await self._ask({"janus": "keepalive"}, final=False)

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                self._take(json.loads(frame.data))
        for _, answer in self._open.values():
            if not answer.done():
                answer.set_exception(JanusFailed("Janus has closed the connection"))

    def _take(self, message: Message) -> None:
        transaction = message.get("transaction")
        final, answer = self._open.get(transaction or "", (False, None))
        if answer is None or (final and message["janus"] == "ack"):
            return
        del self._open[str(transaction)]
        if answer.done():
            return
        if message["janus"] == "error":
            answer.set_exception(JanusFailed(message["error"]["reason"]))
        else:
            answer.set_result(message)


class VideoRoom:
    """A `Meeting`."""

    def __init__(self, server: Janus, number: int) -> None:
        self._server = server
        self._kit = server.kit
        self._room = 100_000 + number
        self._handshakes = asyncio.Semaphore(HANDSHAKES)
        self._sessions: dict[Person, Session] = {}
        self._feeds: dict[Person, int] = {}
        self._clients: list[Client] = []

    async def enter(self, person: Person, others: Sequence[Person]) -> None:
        began = monotonic()
        session = await Session.open(self._server.http, self._server.base_url)
        first = not self._sessions
        self._sessions[person] = session
        if first:
            await self._create(session)
        if person.sends:
            await self._publish(person, session, began)
        if others:
            await self.watch(person, others)

    async def watch(self, person: Person, others: Sequence[Person]) -> None:
        """Once a person: a subscription that grows is not needed by the scenarios that compare servers."""
        if any(client.incoming for client in person.clients):
            raise JoinFailed("this adapter subscribes once")
        session = self._sessions[person]
        handle = await session.attach()
        feeds = {self._feeds[other]: other for other in others if other.sends}
        body = {"request": "join", "ptype": "subscriber", "room": self._room}
        told = await session.message(handle, body | {"streams": [{"feed": feed} for feed in feeds]})
        client = self._client(person)
        offer = read_answer(told["jsep"]["sdp"])
        for stream in told["streams"]:
            named = ssrcs(offer, stream["mid"])
            self._kit.receives(client, named, feeds[stream["feed_id"]], video=stream["type"] == "video")
        async with self._handshakes:
            answer = {"type": "answer", "sdp": client.answer(told["jsep"]["sdp"])}
            await session.message(handle, {"request": "start", "room": self._room}, answer)
            await self._kit.connect(client, offer, controlling=False)

    async def close(self) -> None:
        for client in self._clients:
            self._kit.media.disconnect(client)
        await asyncio.gather(*(session.close() for session in self._sessions.values()))

    async def _create(self, session: Session) -> None:
        handle = await session.attach()
        body = {
            "request": "create",
            "room": self._room,
            "publishers": PEOPLE,
            "audiocodec": "opus",
            "videocodec": "vp8",
        }
        await session.message(handle, body, event=False)

    async def _publish(self, person: Person, session: Session, began: float) -> None:
        handle = await session.attach()
        joined = await session.message(handle, {"request": "join", "ptype": "publisher", "room": self._room})
        person.joined_seconds = monotonic() - began
        client, sections = self._client(person), self._kit.sections()
        offer = {"type": "offer", "sdp": client.offer(sections, full_ice=True)}
        async with self._handshakes:
            reply = await session.message(handle, {"request": "publish"}, offer)
            answer = read_answer(reply["jsep"]["sdp"])
            all_answered(answer, (AUDIO_MID, VIDEO_MID))
            self._kit.sends(person, client, sections, answer)
            await self._kit.connect(client, answer)
        self._feeds[person] = joined["id"]

    def _client(self, person: Person) -> Client:
        client = Client()
        self._kit.media.open(client)
        self._clients.append(client)
        person.clients = [*person.clients, client]
        return client
