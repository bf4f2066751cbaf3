"""The calls of the portal API, as data: what routes them, checks their scopes, and describes them in OpenAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from sfu.config import Scope
from sfu.visits.bookings import Body
from sfu.web.callers import Caller
from sfu.web.problems import ProblemCode
from sfu.web.queries import Query

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller, scope, query and body have been found good."""

    request: web.Request
    caller: Caller
    query: Query | None
    body: Body | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer, with the operation's status: JSON, or nothing; or a file, with 200."""

    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    file: bytes | None = None

    @classmethod
    def of(cls, answer: BaseModel, headers: Mapping[str, str] | None = None) -> Reply:
        return cls(answer.model_dump_json(), headers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call."""

    name: str
    method: str
    path: str
    """Below `PREFIX`."""
    summary: str
    scopes: frozenset[Scope]
    """One of these is needed."""
    handler: Callable[[Call], Awaitable[Reply]]
    status: HTTPStatus = HTTPStatus.OK
    body: type[Body] | None = None
    answer: type[BaseModel] | None = None
    problems: frozenset[ProblemCode] = frozenset()
    """Beyond those that every call may answer."""
    query: type[Query] | None = None
    creates: bool = False
    """Takes an Idempotency-Key."""
    file: str | None = None
    """The media type of the file that it may answer instead."""
