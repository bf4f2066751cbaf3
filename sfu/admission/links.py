"""The shared link: its key is derived, not stored, and dies with its generation."""

from __future__ import annotations

import base64
import hashlib
import hmac

from sfu.errors import Code, Refused
from sfu.ids import VisitId

_PURPOSE = b"evisit shared link 1"
"""Keeps these keys apart from anything else that is ever derived from the same secret."""
GENERATIONS_TOLD = 16
"""A link of the last 16 generations is told that it was renewed; an older one is told nothing."""
_NO_VISIT = VisitId("v_")


def visit_unknown() -> Refused:
    """The one answer to a visit that does not exist and to a key that is not its key."""
    return Refused(Code.VISIT_UNKNOWN, "There is no such visit.")


def link_key(secret: bytes, visit: VisitId, generation: int) -> str:
    """The key of one generation of a visit's shared link: HMAC-SHA256, base64url without padding, 43 characters.

    `secret` is the server's own, at least 32 bytes.
    """
    if len(secret) < 32:
        raise ValueError("the link secret must be at least 32 bytes")
    message = b"\0".join((_PURPOSE, visit.encode("ascii"), str(generation).encode("ascii")))
    return base64.urlsafe_b64encode(hmac.digest(secret, message, hashlib.sha256)).rstrip(b"=").decode("ascii")


def generation_of(secret: bytes, visit: VisitId, newest: int | None, key: str) -> int:
    """Which generation of the visit's shared link a key belongs to; whether that still opens anything, the room says.

    `newest` is the generation that is good now, None where there is no such visit. Raises `visit_unknown()` for it and for a
    key that is of no generation, after the same work, so that nobody learns which visits exist.
    """
    name, last = (_NO_VISIT, 0) if newest is None else (visit, newest)
    given = key.encode("utf-8", "surrogatepass")
    found = None
    for generation in range(last, last - GENERATIONS_TOLD - 1, -1):
        right = hmac.compare_digest(link_key(secret, name, generation).encode("ascii"), given)
        if right and generation >= 1:
            found = generation
    if newest is None or found is None:
        raise visit_unknown()
    return found
