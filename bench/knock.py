"""Somebody with a link at the door, as cheaply as a storm of them needs it: one connection, an upgrade, a join, and the answer."""

from __future__ import annotations

import asyncio
import json
import os
from typing import cast
from urllib.parse import urlsplit

TIMEOUT = 60.0  # seconds for an answer; a storm is slow before it fails
SOURCES = 50  # addresses of this machine that they come from: one alone has 28,000 ports
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10  # RFC 6455 5.2
_MASK = bytes(4)  # of zeros: allowed, and it leaves the payload as it is


class Knock(asyncio.Protocol):
    """One try. `outcome` is `waiting`, an error code of the protocol, `http 503`, `closed 4408`, `cut`. Who waits answers pings."""

    def __init__(self, host: str, join: bytes) -> None:
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._host = host
        self._join = join
        self._received = bytearray()
        self._upgraded = False
        self._transport: asyncio.Transport | None = None

    def leave(self) -> None:
        """Close without a word."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of its own class
        self._transport.write(
            f"GET /api/v1/signal HTTP/1.1\r\nHost: {self._host}\r\nOrigin: http://{self._host}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: evisit.v1\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._upgraded:
            head, found, rest = bytes(self._received).partition(b"\r\n\r\n")
            if not found:
                return
            status = head.split(b" ", 2)[1]
            if status != b"101":
                self._told(f"http {status.decode()}")
                self.leave()
                return
            self._upgraded = True
            self._received = bytearray(rest)
            self._send(TEXT, self._join)
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def connection_lost(self, error: Exception | None) -> None:
        self._told("cut")

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; a server's are not masked."""
        received = self._received
        if len(received) < 2:
            return None
        length = received[1] & 0x7F
        begin = {126: 4, 127: 10}.get(length, 2)
        if length > 125:
            length = int.from_bytes(received[2:begin])
        if len(received) < begin or len(received) < begin + length:
            return None
        frame = received[0] & 0x0F, bytes(received[begin : begin + length])
        del received[: begin + length]
        return frame

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == PING:
            self._send(PONG, payload)
        elif kind == CLOSE:
            self._told(f"closed {int.from_bytes(payload[:2])}")
            self._send(CLOSE, payload[:2])
            self.leave()
        elif kind == TEXT and not self.outcome.done():
            message = json.loads(payload)
            if message["type"] == "ok":
                self._told(str(message["state"]))
            elif message["type"] == "error":
                self._told(str(message["code"]))

    def _send(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        length = len(payload)
        head = bytes((0x80 | kind, 0x80 | length)) if length < 126 else bytes((0x80 | kind, 0xFE)) + length.to_bytes(2)
        self._transport.write(head + _MASK + payload)

    def _told(self, outcome: str) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)


async def knock(base_url: str, number: int, visit: str, key: str) -> Knock:
    """Try to come to a visit by its link. The outcome is known when this returns."""
    at = urlsplit(base_url)
    assert at.hostname is not None, "a server has a host"
    assert at.port is not None, "and a port of its own"
    join = {"type": "join", "id": 1, "visit": visit, "key": key, "name": f"Guest {number}", "role": "external"}
    loop = asyncio.get_running_loop()
    made = Knock(at.netloc, json.dumps(join).encode())
    try:
        async with asyncio.timeout(TIMEOUT):
            await loop.create_connection(
                lambda: made, at.hostname, at.port, local_addr=(f"127.0.0.{2 + number % SOURCES}", 0)
            )
            await asyncio.shield(made.outcome)
    except (OSError, TimeoutError) as error:
        made.leave()
        if not made.outcome.done():
            made.outcome.set_result("timeout" if isinstance(error, TimeoutError) else os.strerror(error.errno or 0))
    return made
