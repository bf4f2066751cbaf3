"""Who calls the portal API: bearer keys and their scopes."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from sfu import clock
from sfu.admission.visit import Visit
from sfu.config import Limits, Portal, Scope
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


class Allowance:
    """What is left of a portal's calls: a token bucket, `burst` at once, `per_second` over time."""

    __slots__ = ("_burst", "_left", "_per_second", "_refilled_at")

    def __init__(self, per_second: int, burst: int) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._left = float(burst)
        self._refilled_at = 0.0

    def take(self, now: float) -> float:
        """Count a call. Gives 0, or how many seconds it comes too soon; then it is not counted."""
        self._left = min(self._burst, self._left + (now - self._refilled_at) * self._per_second)
        self._refilled_at = now
        if self._left < 1:
            return (1 - self._left) / self._per_second
        self._left -= 1
        return 0.0


class Callers:
    """All portals, by the hashes of their keys, and how much each has called."""

    def __init__(
        self,
        portals: Iterable[Portal],
        limits: Limits = Limits(),  # noqa: B008 - frozen
        *,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        portals = tuple(portals)
        self._monotonic = monotonic
        self._allowances = {
            portal.id: Allowance(limits.portal_calls_per_second, limits.portal_call_burst) for portal in portals
        }
        self._portals = [
            (
                portal.key_hash,
                Caller(portal.id, frozenset(portal.scopes), frozenset((portal.id, *portal.shares_with))),
            )
            for portal in portals
        ]

    def count(self, caller: Caller) -> None:
        """Count a call of a portal. Raises `Problem` 429 where its key has called too often."""
        too_soon = self._allowances[caller.id].take(self._monotonic())
        if too_soon:
            raise Problem(ProblemCode.RATE_LIMITED, headers={"Retry-After": str(math.ceil(too_soon))})

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
