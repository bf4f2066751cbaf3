"""What strangers show at the door: keys of shared links, and resume tokens.

Whoever shows what is wrong is refused after the same work, one statement in the store and one proof, whether the visit runs,
is known, is over, or never was: neither the answer nor how long it takes tells which visits there are. No room is read for
them. What is right of a visit that runs needs no store: a resume works while the database is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from sfu.admission.links import generation_of
from sfu.admission.resume import is_token_of, parse_resume_token
from sfu.app.home import Home
from sfu.errors import Code, Refused
from sfu.ids import VISIT_ID, ParticipantId, VisitId
from sfu.visits.store import Store

MAX_READINGS = 256
"""Visits looked up at a time for who has shown nothing yet: strangers' guesses must not crowd out staff's writes."""
_NO_VISIT, _NOBODY = VisitId("v_"), ParticipantId("p_")

T = TypeVar("T")


class Proofs:
    """Checks them, for the homes of a process."""

    def __init__(self, store: Store, homes: Mapping[VisitId, Home], link_secret: bytes) -> None:
        """`homes` are the visits that run now."""
        self._store = store
        self._homes = homes
        self._link_secret = link_secret
        self._under_way = 0

    async def link(self, visit: VisitId, key: str) -> int:
        """The generation of the visit's link that a key is of. Raises `visit_unknown()` for any other key and visit."""

        if not VISIT_ID.fullmatch(visit):
            visit = _NO_VISIT  # the same work, and the same answer

        async def look_up() -> int | None:
            return await self._store.link_generation(visit)

        home = self._homes.get(visit)
        newest = await self._limited(look_up) if home is None else home.room.visit.link_generation
        try:
            return generation_of(self._link_secret, visit, newest, key)
        except Refused:
            if home is not None:
                await self._limited(look_up)
            raise

    async def resume(self, token: str) -> tuple[VisitId, ParticipantId]:
        """Whom a resume token is of. Raises `Refused(ticket_invalid)` for any other."""
        visit, participant = parse_resume_token(token) or (_NO_VISIT, _NOBODY)

        async def look_up() -> bytes | None:
            return await self._store.resume_digest(visit, participant)

        home = self._homes.get(visit)
        digest = await self._limited(look_up) if home is None else home.room.resume_digest_of(participant)
        if is_token_of(token, digest or bytes(32)) and digest is not None:
            return visit, participant
        if home is not None:
            await self._limited(look_up)
        raise Refused(Code.TICKET_INVALID, "This link is not valid.")

    async def _limited(self, look_up: Callable[[], Awaitable[T]]) -> T:
        if self._under_way >= MAX_READINGS:
            raise crowded()
        self._under_way += 1
        try:
            return await look_up()
        finally:
            self._under_way -= 1


def crowded() -> Refused:
    return Refused(Code.RATE_LIMITED, "Many people are joining. Try again in a moment.")
