"""Idempotency-Key: a creating call that comes again is answered as it was, and done once.

Answers may hold tickets, so they are kept sealed (AES-256-GCM) with a key that is not in the database.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sfu.redact import Redacted
from sfu.visits.bookings import Body
from sfu.visits.statements import KeyReused, Once
from sfu.web.operations import Call, Reply
from sfu.web.problems import BodyError, Problem, ProblemCode

HEADER = "Idempotency-Key"
KEY = re.compile(r"[!-~]{1,255}")
NONCE_BYTES = 12  # what GCM is made for; random, and far fewer than 2^32 answers a key


class Seal:
    """Closes answers for the database and opens them again."""

    def __init__(self, key: Redacted[bytes]) -> None:
        self._cipher = AESGCM(key.reveal())

    def close(self, answer: bytes, request: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, answer, request)

    def open(self, sealed: bytes, request: bytes) -> bytes:
        """Raises `KeyReused` where the server's key is another one by now: nothing better is known of that request."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], request)
        except InvalidTag:
            raise KeyReused("the answer of that time cannot be read any more") from None


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A creating call, which may come again under its key."""

    portal: str
    key: str | None
    """None: the caller gave no key, and a call that comes again creates again."""
    request: bytes
    """SHA-256 of what was asked, whatever the spelling of its JSON."""
    at: datetime
    seal: Seal

    @classmethod
    def of(cls, call: Call, body: Body, at: datetime, seal: Seal) -> Repeatable:
        """Raises `Problem` 400 for a key that is none."""
        asked = f"{call.request.method} {call.request.path}\n{body.model_dump_json()}"
        return cls(call.caller.id, read_key(call.request), hashlib.sha256(asked.encode()).digest(), at, seal)

    def once(self, reply: Reply) -> Once | None:
        """What the store is to remember, with the answer; None where there is no key."""
        if self.key is None:
            return None
        answer = json.dumps([reply.text, dict(reply.headers)]).encode()
        return Once(
            portal=self.portal,
            key=self.key,
            request=self.request,
            answer=self.seal.close(answer, self.request),
            at=self.at,
        )

    def earlier(self, answer: bytes) -> Reply:
        """The reply that `once` had remembered."""
        text, headers = json.loads(self.seal.open(answer, self.request))
        return Reply(text, headers)


def read_key(request: web.Request) -> str | None:
    """The Idempotency-Key of a call; None where it has none. Raises `Problem` 400 for one that is none."""
    values = request.headers.getall(HEADER, [])
    if not values:
        return None
    if len(values) > 1 or not KEY.fullmatch(values[0]):
        error = BodyError(pointer="", message=f"{HEADER} must be 1 to 255 visible ASCII characters")
        raise Problem(ProblemCode.BAD_REQUEST, (error,))
    return values[0]
