"""A client's signalling channel, `evisit.v1` (protocol.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from sfu.tasks import spawn

ANSWER_TIMEOUT = 20.0  # seconds; a server that is slower than this is not serving

CLOSE_TIMEOUT = 1.0  # seconds for the server to answer a close; nothing hangs on it


class RequestRefused(Exception):
    """The server answered a request with an error; the text is its code and message."""


class ChannelClosed(Exception):
    """The server closed the channel; the text is the close code."""


class Channel:
    """Requests and their answers, and the newest of each event that the scenarios look at."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._changed = asyncio.Event()
        self._closed = False
        self.participant = ""
        self.state = ""
        self.roster: list[dict[str, Any]] = []
        """The participants of the newest roster."""
        self.lobby: list[dict[str, Any]] = []
        """Who waits, by the newest lobby."""
        self._reader = spawn(self._read(), name="bench-channel")

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, base_url: str) -> Channel:
        """Connect as the server's own page would."""
        socket = await http.ws_connect(
            f"{base_url}/api/v1/signal",
            protocols=["evisit.v1"],
            origin=base_url,
            compress=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
        )
        return cls(socket)

    async def join(self, **fields: object) -> None:
        """Join by ticket, link or resume token."""
        await self.request("join", **fields)

    async def request(self, kind: str, **fields: object) -> dict[str, Any]:
        """Ask, and give the `ok` answer. Raises `RequestRefused`, `ChannelClosed` or `TimeoutError`."""
        self._raise_if_closed()
        self._last_id += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._last_id] = answer
        await self._socket.send_str(json.dumps({"type": kind, "id": self._last_id, **fields}))
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await answer

    async def until(self, holds: Callable[[Channel], bool]) -> None:
        """Wait until events have made something hold. Raises `ChannelClosed` or `TimeoutError`."""
        async with asyncio.timeout(ANSWER_TIMEOUT):
            while not holds(self):
                self._raise_if_closed()
                self._changed.clear()
                await self._changed.wait()

    def tracks(self) -> dict[str, str]:
        """Track ids on the roster of others than ourselves, by source."""
        return {
            track["source"]: track["track"]
            for participant in self.roster
            if participant["participant"] != self.participant
            for track in participant["tracks"]
        }

    async def close(self) -> None:
        """Close without a word, as a browser that is shut does."""
        await self._socket.close()
        await self._reader

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise ChannelClosed(str(self._socket.close_code))

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                self._take(json.loads(frame.data))
        self._closed = True
        self._changed.set()
        for answer in self._answers.values():
            answer.set_exception(ChannelClosed(str(self._socket.close_code)))

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "ok" and "participant" in message:
            # The answer to a join; taken here, because a state event may have come before whoever asked runs again.
            self.participant, self.state = message["participant"], message["state"]
        if "id" in message:
            answer = self._answers.pop(message["id"], None)
            if answer is None or answer.done():
                return
            if kind == "ok":
                answer.set_result(message)
            else:
                answer.set_exception(RequestRefused(f"{message.get('code')}: {message.get('message')}"))
            return
        if kind == "state":
            self.state = message["state"]
        elif kind == "roster":
            self.roster = message["participants"]
        elif kind == "lobby":
            self.lobby = message["waiting"]
        self._changed.set()
