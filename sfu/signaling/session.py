"""The session of one signalling channel: what a frame means, when, and what is too much. Sans-IO.

            a join arrives             the join is accepted
    new ───────────────────► joining ───────────────────────► joined
     │ no join in 10 s           │ the join is refused            │
     └───────────────────────────┴──────── any close ─────────────┴──► closed

A test of one's equipment takes the same way, to `testing` in place of `joined`: there it may offer and leave, and never joins.

Whoever drives it feeds frames and time, and does what comes out, in order. After `Close` nothing comes out any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sfu.errors import CloseCode, Code, Refused
from sfu.rooms.requests import Leave
from sfu.signaling import frames
from sfu.signaling.decoding import decode_asking, decode_join, decode_test, message_type
from sfu.signaling.messages import Asking, Echo, Join, OfferMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel may do. Defaults are those of `[limits]` in config.toml and of protocol.md."""

    messages_per_second: float = 20.0
    messages_burst: int = 60
    offers_per_second: float = 5.0
    """Reading and answering an offer costs as much as a thousand other requests; people come and go slower than this."""
    offers_burst: int = 30
    join_seconds: float = 10.0
    attempts_to_join: int = 5
    """Requests that are not a join, or one that cannot be read; whoever sends them has shown nothing yet."""


@dataclass(frozen=True, slots=True)
class Send:
    """Hand this frame to the client."""

    text: str
    answers: tuple[str, str] | None = field(default=None, compare=False)
    """Where the session itself has dealt with a request: its type, `other` for none of the protocol's, and `ok` or `error`. For metrics."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the channel when what was handed to it before is out."""

    code: int


@dataclass(frozen=True, slots=True)
class Joining:
    """Somebody wants in. Answered by `Session.accept` or `Session.refuse`."""

    join: Join


@dataclass(frozen=True, slots=True)
class Trying:
    """Somebody wants to try their equipment. Answered by `Session.accept` or `Session.refuse`, as a join is."""

    echo: Echo


@dataclass(frozen=True, slots=True)
class Asked:
    """The participant asks for something. Answered, once, by `frames.ok` or `frames.error` with this `id`."""

    id: int
    type: str
    """The request's `type` on the wire; one of a fixed set, fit for a metric label."""
    request: Asking


Output = Send | Close | Joining | Trying | Asked


class Stage(StrEnum):
    """How far a channel has come."""

    NEW = "new"
    JOINING = "joining"
    JOINED = "joined"
    TESTING = "testing"
    CLOSED = "closed"


CLOSE_AFTER_REFUSED_JOIN: Final = {
    Code.DENIED: CloseCode.TURNED_AWAY,
    Code.REMOVED: CloseCode.TURNED_AWAY,
    Code.VISIT_ENDED: CloseCode.VISIT_ENDED,
    Code.RATE_LIMITED: CloseCode.RATE_LIMITED,
    Code.DRAINING: CloseCode.GOING_AWAY,
    Code.INTERNAL: CloseCode.GOING_AWAY,
}
"""Every other code: 4401."""


class Bucket:
    """A token bucket: `burst` at once, `rate` a second over time."""

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Take a token; False where there is none."""
        self._tokens = min(self._tokens + (now - self._filled_at) * self._rate, self._burst)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Session:
    """One channel from its opening to its close."""

    def __init__(self, *, now: float, limits: Limits) -> None:
        self._limits = limits
        self._stage = Stage.NEW
        self._join_deadline = now + limits.join_seconds
        self._join_id = 0
        self._accepted_as = Stage.JOINED
        self._last_id = -1
        self._attempts = 0
        self._messages = Bucket(limits.messages_per_second, limits.messages_burst, now)
        self._offers = Bucket(limits.offers_per_second, limits.offers_burst, now)

    @property
    def stage(self) -> Stage:
        return self._stage

    def receive_text(self, frame: str, *, now: float) -> tuple[Output, ...]:
        """Take a text frame."""
        if self._stage is Stage.CLOSED:
            return ()
        if not self._messages.take(now):
            return self.close(CloseCode.RATE_LIMITED)
        fields = frames.parse(frame)
        if fields is None:
            return self.close(CloseCode.BAD_FRAME)
        request_id = frames.message_id(fields)
        try:
            return (self._take(request_id, fields, now),)
        except Refused as refused:
            answer = Send(frames.error(request_id, refused), (message_type(fields) or "other", "error"))
        if self._stage is not Stage.NEW:
            return (answer,)
        self._attempts += 1
        return (
            answer,
            *(self.close(CloseCode.RATE_LIMITED) if self._attempts >= self._limits.attempts_to_join else ()),
        )

    def receive_control(self, *, now: float) -> tuple[Output, ...]:
        """Take a ping or pong. They are frames like others, and counted as such."""
        return () if self._messages.take(now) else self.close(CloseCode.RATE_LIMITED)

    def receive_binary(self) -> tuple[Output, ...]:
        """Take a binary frame, of which the protocol has none."""
        return self.close(CloseCode.BAD_FRAME)

    def accept(self, fields: Mapping[str, object]) -> tuple[Output, ...]:
        """The join, or the test, has been accepted; `fields` are those of its answer."""
        if self._stage is not Stage.JOINING:
            return ()
        self._stage = self._accepted_as
        return (Send(frames.ok(self._join_id, fields)),)

    def refuse(self, refused: Refused) -> tuple[Output, ...]:
        """The join, or the test, has been refused: answered, and closed."""
        if self._stage is not Stage.JOINING:
            return ()
        code = CLOSE_AFTER_REFUSED_JOIN.get(refused.code, CloseCode.JOIN_REFUSED)
        return (Send(frames.error(self._join_id, refused)), *self.close(code))

    def close(self, code: int) -> tuple[Output, ...]:
        """Close the channel, for whatever reason; nothing where it is closed already."""
        if self._stage is Stage.CLOSED:
            return ()
        self._stage = Stage.CLOSED
        return (Close(code),)

    def next_timer(self) -> float | None:
        """When `handle_timer` is due; None where nothing waits for time."""
        return self._join_deadline if self._stage is Stage.NEW else None

    def handle_timer(self, *, now: float) -> tuple[Output, ...]:
        """Close a channel that has not joined in time."""
        due = self.next_timer()
        return self.close(CloseCode.TOO_SLOW) if due is not None and now >= due else ()

    def _take(self, request_id: int | None, fields: Mapping[str, object], now: float) -> Output:
        if request_id is None:
            raise Refused(Code.BAD_MESSAGE, f"id: should be an integer from 0 to {frames.MAX_ID}.")
        if request_id <= self._last_id:
            raise Refused(Code.BAD_MESSAGE, "id: should be larger than that of every earlier request.")
        self._last_id = request_id
        kind = message_type(fields)
        if kind is None:
            raise Refused(Code.BAD_MESSAGE, "type: should be that of a request of this protocol.")
        if kind == "ping":
            return self._alive(request_id)
        if kind not in ("join", "test"):
            return self._ask(request_id, kind, fields, now)
        if self._stage is not Stage.NEW:
            raise Refused(Code.BAD_MESSAGE, "This channel has joined or tests. To begin anew, open another.")
        output: Output
        if kind == "join":
            output, self._accepted_as = Joining(decode_join(fields)), Stage.JOINED
        else:
            output, self._accepted_as = Trying(decode_test(fields)), Stage.TESTING
        self._stage = Stage.JOINING
        self._join_id = request_id
        return output

    def _alive(self, request_id: int) -> Output:
        """Answers a client that has heard nothing for a while: browsers do not show their pages the pings of the WebSocket."""
        if self._stage not in (Stage.JOINED, Stage.TESTING):
            raise Refused(Code.JOIN_REQUIRED, "Join first.")
        return Send(frames.ok(request_id, {}), ("ping", "ok"))

    def _ask(self, request_id: int, kind: str, fields: Mapping[str, object], now: float) -> Asked:
        if self._stage not in (Stage.JOINED, Stage.TESTING):
            raise Refused(Code.JOIN_REQUIRED, "Join first.")
        request = decode_asking(fields)
        if self._stage is Stage.TESTING and not isinstance(request, (OfferMessage, Leave)):
            raise Refused(Code.JOIN_REQUIRED, "This channel tests; to take part, open another and join.")
        if isinstance(request, OfferMessage) and not self._offers.take(now):
            raise Refused(Code.RATE_LIMITED, "Too many offers in a short time. Offer again in a second.")
        return Asked(request_id, kind, request)
