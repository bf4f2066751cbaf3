"""A server for tests of the page: the static files under the real policy, and a signalling endpoint that a test scripts."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from aiohttp import WSMsgType, web

from sfu.web.branding import Brand
from sfu.web.pages import Pages

STATIC = Path(__file__).parents[3] / "sfu" / "web" / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TIMEOUT = 30.0  # seconds that a test waits for the page to say something; two cores may have much else to do

Message: TypeAlias = dict[str, object]
Answer = Callable[[Message], Mapping[str, object]]


def stub_answer(message: Message, *, fingerprint: str = "AA") -> Mapping[str, object]:
    """An answer that a browser accepts, from a server that is never reached. Track ids are `sent-<mid>`."""
    head, *sections = str(message["sdp"]).split("\r\nm=")
    flipped = {"a=sendonly": "a=recvonly", "a=recvonly": "a=sendonly", "a=inactive": "a=inactive"}
    kept = ("c=", "a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=rtcp-mux", "a=rtcp-rsize", "a=extmap:")
    layers = ("a=rid:", "a=simulcast:")
    lines = [line for line in head.split("\r\n") if not line.startswith(("a=extmap-allow-mixed", "a=msid-semantic"))]
    lines.append("a=ice-lite")
    for section in sections:
        first, *rest = section.rstrip("\r\n").split("\r\n")
        lines.append(f"m={first}")
        lines += [flipped.get(line, line) for line in rest if line.startswith(kept) or line in flipped]
        lines += [line.replace("send", "recv") for line in rest if line.startswith(layers)]
        lines += [
            "a=ice-ufrag:stub",
            "a=ice-pwd:stubstubstubstubstubstub",
            f"a=fingerprint:sha-256 {':'.join([fingerprint] * 32)}",
            "a=setup:passive",
            "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
        ]
    send = message["send"]
    assert isinstance(send, list)
    return {
        "sdp": "\r\n".join(lines) + "\r\n",
        "send": [{"mid": s["mid"], "track": f"sent-{s['mid']}"} for s in send],
    }


class Channel:
    """One signalling channel as the server sees it. What has an entry in `answers` is answered by itself."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._heard: dict[str, asyncio.Queue[Message]] = defaultdict(asyncio.Queue)
        self.log: list[Message] = []
        self.closed = asyncio.Event()
        self.answers: dict[str, Answer] = {
            "offer": stub_answer,
            "mute": lambda _: {},
            "view": lambda _: {},
            "leave": lambda _: {},
            "ping": lambda _: {},
        }

    async def listen(self) -> None:
        async for frame in self._socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message: Message = json.loads(frame.data)
            kind = str(message["type"])
            self.log.append(message)
            if kind in self.answers:
                await self.ok(message, **self.answers[kind](message))
            self._heard[kind].put_nowait(message)
        self.closed.set()

    async def heard(self, kind: str) -> Message:
        """The next request of this type that has not been asked for yet."""
        return await asyncio.wait_for(self._heard[kind].get(), TIMEOUT)

    def pending(self, kind: str) -> int:
        """Requests of this type that have come and have not been asked for."""
        return self._heard[kind].qsize()

    async def ok(self, message: Message, **fields: object) -> None:
        await self._socket.send_json({"type": "ok", "id": message["id"], **fields})

    async def error(self, message: Message, code: str, **details: object) -> None:
        await self._socket.send_json({"type": "error", "id": message["id"], "code": code, "message": code, **details})

    async def event(self, kind: str, **fields: object) -> None:
        await self._socket.send_json({"type": kind, **fields})

    async def close(self, code: int) -> None:
        await self._socket.close(code=code)
        await asyncio.wait_for(self.closed.wait(), TIMEOUT)

    def abort(self) -> None:
        """Lose the connection without a closing handshake."""
        transport = self._socket._req.transport if self._socket._req is not None else None
        assert transport is not None
        transport.abort()


class PageServer:
    """Where the page is, and what has connected to it."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.channels: asyncio.Queue[Channel] = asyncio.Queue()
        self.paths: list[str] = []
        """Path and query of every request, as a log would show them."""
        self.lost: Counter[str] = Counter()
        """File name → how many of the next requests for it fail."""

    def forget(self) -> None:
        """Begin anew, for the next test."""
        self.channels = asyncio.Queue()
        self.paths.clear()
        self.lost.clear()

    def loses(self, path: str) -> bool:
        """Whether this request is one of those that fail."""
        name = path.rpartition("/")[2]
        lost = self.lost[name] > 0
        self.lost[name] -= lost
        return lost

    async def channel(self) -> Channel:
        """The next channel that the page opens."""
        return await asyncio.wait_for(self.channels.get(), TIMEOUT)


@asynccontextmanager
async def page_server(brand: Brand | None = None, *, before_scripts: str = "") -> AsyncIterator[PageServer]:
    """Serve on a free port of the loopback interface. `before_scripts`: JavaScript that runs in each page before its own."""
    server = PageServer("")

    @web.middleware
    async def policy(request: web.Request, handler: Callable[[web.Request], web.StreamResponse]) -> web.StreamResponse:
        server.paths.append(request.path_qs)
        if server.loses(request.path):
            return web.Response(status=503)
        response = await handler(request)  # type: ignore[misc]  # aiohttp types a handler as either kind
        if before_scripts and response.content_type == "text/html" and isinstance(response, web.Response):
            assert isinstance(response.body, bytes)
            packed = response.headers.popall("Content-Encoding", [])
            told = (gzip.decompress(response.body) if packed else response.body).decode()
            response.text = told.replace("<head>", '<head><script src="/before.js"></script>', 1)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["X-Content-Type-Options"] = "nosniff"
        return response  # type: ignore[no-any-return]

    async def signal(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("evisit.v1",), compress=False)
        await socket.prepare(request)
        assert socket.ws_protocol == "evisit.v1"
        channel = Channel(socket)
        server.channels.put_nowait(channel)
        await channel.listen()
        return socket

    app = web.Application(middlewares=[policy])  # type: ignore[list-item]  # as above
    Pages(brand).set_up(app.router)
    app.router.add_get("/api/v1/signal", signal)

    async def before(_: web.Request) -> web.Response:
        return web.Response(text=before_scripts, content_type="text/javascript")

    app.router.add_get("/before.js", before)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.base_url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
