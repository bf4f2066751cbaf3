"""Who calls the portal API: bearer keys and their scopes."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from sfu.admission.visit import Visit
from sfu.config import Portal, Scope
from sfu.web.problems import Problem, ProblemCode

BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]{1,128})")


def key_hash(key: str) -> str:
    """What is kept of an API key.

    One round of SHA-256: the key is 256 random bits, so there is nothing to guess that a slow hash would protect.
    """
    return "sha256:" + hashlib.sha256(key.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Caller:
    """A portal that has shown its key."""

    id: str
    scopes: frozenset[Scope]
    sees: frozenset[str]
    """Portals whose visits it may see: itself, and those that its `shares_with` names."""

    @property
    def actor(self) -> str:
        """How the access log names it."""
        return f"portal:{self.id}"

    def may_see(self, visit: Visit) -> bool:
        return visit.portal in self.sees

    def need(self, scope: Scope) -> None:
        """Raises `Problem` 403 where the key lacks the scope."""
        if scope not in self.scopes:
            raise Problem(ProblemCode.FORBIDDEN)


class Callers:
    """All portals, by the hashes of their keys."""

    def __init__(self, portals: Iterable[Portal]) -> None:
        self._portals = [
            (
                portal.key_hash,
                Caller(portal.id, frozenset(portal.scopes), frozenset((portal.id, *portal.shares_with))),
            )
            for portal in portals
        ]

    def authenticate(self, request: web.Request) -> Caller:
        """Who sent the request. Raises `Problem` 401 for a missing or unknown key, without telling which."""
        header = request.headers.getall("Authorization", [])
        match = BEARER.fullmatch(header[0]) if len(header) == 1 else None
        shown = key_hash(match[1] if match else "")
        found = None
        for known, caller in self._portals:
            # Each one is compared, in constant time: how long it takes tells nothing of any hash.
            if hmac.compare_digest(known, shown):
                found = caller
        if found is None or match is None:
            raise Problem(ProblemCode.UNAUTHORIZED, headers={"WWW-Authenticate": 'Bearer realm="evisit"'})
        return found
