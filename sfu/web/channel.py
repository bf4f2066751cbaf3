"""The signalling channel: one WebSocket, driven by a `Session`, written from an `Outbox`. The edge; it decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Final, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from sfu import clock, tasks
from sfu.errors import CloseCode, Code, Refused, StoreUnavailable
from sfu.ids import ChannelId
from sfu.log import logger
from sfu.rooms.commands import Reason
from sfu.signaling import frames
from sfu.signaling.messages import Echo, Join
from sfu.signaling.outbox import Outbox
from sfu.signaling.session import Asked, Close, Joining, Limits, Output, Send, Session, Trying
from sfu.web.turnstile import Turnstile

SUBPROTOCOL: Final = "evisit.v1"
PING_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 20.0
"""A channel that has not answered a ping for this long is dropped (docs/protocol.md, Channel)."""
CLOSE_SECONDS: Final = 2.0
"""How long a client has to take its last frames and the close; then the connection is cut."""

CLOSE_CODES: Final = {
    Reason.LEFT: CloseCode.LEFT,
    Reason.TURNED_AWAY: CloseCode.TURNED_AWAY,
    Reason.REPLACED: CloseCode.REPLACED,
    Reason.VISIT_ENDED: CloseCode.VISIT_ENDED,
}

Answer = Callable[[Mapping[str, object]], None]

log = logger(__name__)


class Backend(Protocol):
    """What takes a channel's joins and requests. Each raises `Refused` or `StoreUnavailable`, and then nothing has changed."""

    async def join(self, channel: Channel, join: Join, answer: Answer) -> None: ...

    async def test(self, channel: Channel, echo: Echo, answer: Answer) -> None: ...

    async def ask(self, channel: Channel, asked: Asked, answer: Answer) -> None: ...

    def lost(self, channel: Channel) -> None:
        """Called once for a channel whose join or test was answered: what is handed to it from now on may not arrive."""


class ChannelCounters:
    """Plain numbers for the metrics."""

    def __init__(self) -> None:
        self.open = 0
        self.bugs = 0
        self.messages: Counter[tuple[str, str]] = Counter()
        """By (type, outcome); both from fixed sets."""


class _Socket(web.WebSocketResponse):
    """Closes with the protocol's own code where a frame is too large or not text."""

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        if code in (WSCloseCode.MESSAGE_TOO_BIG, WSCloseCode.INVALID_TEXT):
            code = CloseCode.BAD_FRAME
        return await super().close(code=code, message=message, drain=drain)


class Channel:
    """One client's channel, from the upgrade to the close."""

    def __init__(
        self,
        channel: ChannelId,
        socket: _Socket,
        cut: Callable[[], None],
        backend: Backend,
        limits: Limits,
        counters: ChannelCounters,
    ) -> None:
        """`cut` drops the connection at once."""
        self.id = channel
        self._socket = socket
        self._cut = cut
        self._backend = backend
        self._counters = counters
        self._session = Session(now=clock.monotonic(), limits=limits)
        self._outbox = Outbox()
        self._wake = asyncio.Event()
        self._close_code: int | None = None
        self._heard_at = clock.monotonic()
        self._joined = False

    def notify(self, message: Mapping[str, object], replaces: str | None = None) -> None:
        """Queue an event. A state changes what snapshots mean, so none moves past it."""
        self._put(frames.event(message), replaces=replaces, barrier=message["type"] == "state")

    def close(self, reason: Reason) -> None:
        """Close when what is queued is out."""
        self._do(self._session.close(CLOSE_CODES[reason]))

    def close_with(self, code: int) -> None:
        """As `close`, with a code of the protocol."""
        self._do(self._session.close(code))

    async def run(self) -> None:
        """Serve the channel until it is closed by either side."""
        writer = tasks.spawn(self._write(), name=f"channel {self.id}")
        try:
            await self._read()
        finally:
            self._do(self._session.close(CloseCode.LEFT))
            await asyncio.wait([writer])

    async def _read(self) -> None:
        while self._close_code is None:
            message = await self._socket.receive()
            self._heard_at = clock.monotonic()
            match message.type:
                case WSMsgType.TEXT:
                    for output in self._session.receive_text(message.data, now=self._heard_at):
                        await self._take(output)
                case WSMsgType.BINARY:
                    self._do(self._session.receive_binary())
                case WSMsgType.PING:
                    self._do(self._session.receive_control(now=self._heard_at))
                    with contextlib.suppress(ConnectionError):
                        await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    self._do(self._session.receive_control(now=self._heard_at))
                case _:
                    return

    async def _take(self, output: Output) -> None:
        match output:
            case Joining(join):
                await self._enter("join", self._backend.join(self, join, partial(self._accepted, "join")))
            case Trying(echo):
                await self._enter("test", self._backend.test(self, echo, partial(self._accepted, "test")))
            case Asked():
                await self._ask(output)
            case _:
                self._do((output,))

    async def _enter(self, kind: str, entering: Coroutine[None, None, None]) -> None:
        """A join, or a test. Refused, it closes the channel."""
        try:
            await entering
        except Exception as error:
            self._counters.messages[kind, "error"] += 1
            self._do(self._session.refuse(self._as_refused(error)))

    def _accepted(self, kind: str, fields: Mapping[str, object]) -> None:
        self._joined = True
        self._counters.messages[kind, "ok"] += 1
        self._do(self._session.accept(fields))
        if self._close_code is not None:
            self._backend.lost(self)  # it closed while it waited for this

    async def _ask(self, asked: Asked) -> None:
        def answer(fields: Mapping[str, object]) -> None:
            self._counters.messages[asked.type, "ok"] += 1
            self._put(frames.ok(asked.id, fields))

        try:
            await self._backend.ask(self, asked, answer)
        except Exception as error:
            self._counters.messages[asked.type, "error"] += 1
            self._put(frames.error(asked.id, self._as_refused(error)))

    def _as_refused(self, error: Exception) -> Refused:
        match error:
            case Refused():
                return error
            case StoreUnavailable():
                return Refused(Code.INTERNAL, "The access log cannot be written now. Nothing has changed; try again.")
            case _:
                self._counters.bugs += 1
                log.error("a request failed", channel=self.id, exc_info=error)
                return Refused(Code.INTERNAL, "That went wrong on our side. Try again.")

    def _do(self, outputs: tuple[Output, ...]) -> None:
        for output in outputs:
            match output:
                case Send(text, answers):
                    if answers is not None:
                        self._counters.messages[answers] += 1
                    self._put(text)
                case Close(code):
                    self._close_code = code
                    self._wake.set()
                    if self._joined:
                        # Before the goodbye: a client that takes nothing may keep that waiting, and meanwhile others come.
                        self._backend.lost(self)
                case Joining() | Trying() | Asked():
                    raise AssertionError("only a frame asks for something")

    def _put(self, text: str, *, replaces: str | None = None, barrier: bool = False) -> None:
        self._outbox.put(text, replaces=replaces, barrier=barrier)
        if self._outbox.overflowed:
            self._do(self._session.close(CloseCode.TOO_SLOW))
        self._wake.set()

    async def _write(self) -> None:
        """Write what is queued, ping, and close. All messages go out here, so that they keep their order; pongs need none."""
        ping_at = clock.monotonic() + PING_SECONDS
        try:
            while True:
                await self._drain()
                now = clock.monotonic()
                self._do(self._session.handle_timer(now=now))
                if self._close_code is not None:
                    await asyncio.wait_for(self._say_goodbye(self._close_code), CLOSE_SECONDS)
                    return
                if now - self._heard_at >= SILENCE_SECONDS:
                    break
                if now >= ping_at:
                    await asyncio.wait_for(self._socket.ping(), SILENCE_SECONDS)
                    ping_at = now + PING_SECONDS
                join_due = self._session.next_timer()
                due = min(ping_at, self._heard_at + SILENCE_SECONDS, *([join_due] if join_due is not None else []))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), max(0.0, due - clock.monotonic()))
                self._wake.clear()
        except (ConnectionError, TimeoutError):
            pass
        self._do(self._session.close(CloseCode.TOO_SLOW))
        self._cut()

    async def _drain(self) -> None:
        while (text := self._outbox.take()) is not None:
            # A reader that takes nothing holds us here; the queue overflows meanwhile, or the time is over.
            await asyncio.wait_for(self._socket.send_str(text), SILENCE_SECONDS)

    async def _say_goodbye(self, code: int) -> None:
        await self._drain()
        await self._socket.close(code=code)


class Signalling:
    """`GET /api/v1/signal`: upgrades, after the Origin has been looked at, and keeps count of the channels."""

    def __init__(self, backend: Backend, limits: Limits, origins: frozenset[str], *, capacity: int) -> None:
        """`origins` are compared as browsers send them (RFC 6454 6.2); `capacity` is channels at a time."""
        self._backend = backend
        self._limits = limits
        self._origins = origins
        self._capacity = capacity
        self._numbers = itertools.count(1)
        self._channels: set[Channel] = set()
        self._turnstile = Turnstile()
        self.counters = ChannelCounters()

    def set_up(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/v1/signal", self.signal)

    async def signal(self, request: web.Request) -> web.StreamResponse:
        """One channel. 403 where the Origin is missing or another's, 400 without our subprotocol, 503 when full."""
        if request.headers.getall("Origin", []) not in ([origin] for origin in self._origins):
            raise web.HTTPForbidden
        socket = _Socket(protocols=(SUBPROTOCOL,), autoping=False, compress=False, max_msg_size=2 * frames.MAX_BYTES)
        ready = socket.can_prepare(request)
        if not ready.ok or ready.protocol != SUBPROTOCOL:
            raise web.HTTPBadRequest(text=f"This is a WebSocket of subprotocol {SUBPROTOCOL}.\n")
        if len(self._channels) + len(self._turnstile) >= self._capacity:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"})
        await self._turnstile.enter()
        try:
            await socket.prepare(request)
        except ConnectionError:
            return web.Response(status=400)  # which nobody reads: a try that its client gave up
        assert request.transport is not None
        number = ChannelId(next(self._numbers))
        channel = Channel(number, socket, request.transport.abort, self._backend, self._limits, self.counters)
        self._channels.add(channel)
        self.counters.open = len(self._channels)
        try:
            await channel.run()
        finally:
            self._channels.discard(channel)
            self.counters.open = len(self._channels)
        return socket

    def go_away(self) -> None:
        """Tell every client to reconnect elsewhere and resume."""
        for channel in self._channels:
            channel.close_with(CloseCode.GOING_AWAY)
