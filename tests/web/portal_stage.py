"""The portal API over a real server and a real store, with a live side that only writes down what it is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from sfu.admission.tickets import TicketKeys
from sfu.admission.visit import Visit, VisitState
from sfu.config import Config, Invitations, Portal, Scope, Smtp
from sfu.errors import StoreUnavailable
from sfu.ids import VisitId
from sfu.visits.keys import Keys, load_or_create
from sfu.visits.store import Store
from sfu.visits.wording import Wording
from sfu.web.callers import Callers, key_hash
from sfu.web.invitations import InvitationApi
from sfu.web.operations import PREFIX
from sfu.web.portal import PortalApi, Present
from sfu.web.portal_routes import portal_api
from tests.databases import Database, InFile, in_file

WALL = datetime(2026, 11, 23, 8, 45, tzinfo=UTC)
"""A quarter of an hour before the sample visit starts."""
EVERYTHING: tuple[Scope, ...] = (
    "visits:write",
    "visits:read",
    "tickets:staff",
    "tickets:citizen",
    "invitations",
    "audit:read",
)


def _portal(id_: str, scopes: tuple[Scope, ...] = EVERYTHING, shares_with: tuple[str, ...] = ()) -> Portal:
    return Portal(id=id_, key_hash=key_hash(f"key-{id_}"), scopes=scopes, shares_with=shares_with)


PORTALS = (
    _portal("cosmic"),
    _portal("1177", shares_with=("cosmic",)),
    _portal("stranger"),
    # One for each scope, named by it: `visits-read`.
    *(_portal(scope.replace(":", "-"), (scope,)) for scope in EVERYTHING),
)
PATIENT = {"person": "1177:7f3", "role": "patient"}
CLINICIAN = {"person": "hsa:SE-A1", "role": "clinician", "units": ["SE2321000016-1HZ3"]}
"""What a portal asks a ticket for."""


@dataclass
class Live:
    """The running side."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    there: Sequence[Present] = ()
    busy: bool = False
    ending: bool = False
    store_lost: bool = False
    link_generation: int = 1

    def draining(self) -> bool:
        return self.ending

    def active(self, visit: VisitId) -> bool:
        return self.busy

    async def participants(self, visit: VisitId) -> Sequence[Present]:
        return self.there

    async def booking_changed(self, visit: Visit) -> None:
        self._tell("changed", visit.visit, visit.title)

    async def link_renewed(self, visit: VisitId, generation: int, *, unsure: bool = False) -> int:
        self._tell("link unsure" if unsure else "link", visit, generation)
        return max(generation, self.link_generation)

    async def ticket_revoked(self, visit: VisitId, ticket: str) -> None:
        self._tell("revoked", visit, ticket)

    async def close(self, visit: VisitId, state: VisitState, by: str) -> None:
        self._tell("close", visit, state, by)

    def _tell(self, *what: object) -> None:
        if self.store_lost:
            raise StoreUnavailable
        self.told.append(what)


@dataclass
class Outbox:
    """What sends."""

    woken: int = 0
    drafts: int = 0

    def wake(self) -> None:
        self.woken += 1

    def drafted(self) -> None:
        self.drafts += 1


@dataclass
class Answered:
    """An answer, read."""

    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The problem's code, once it has been seen to be a problem document in form."""
        assert self.headers["Content-Type"] == "application/problem+json; charset=utf-8"
        assert self.json["status"] == self.status
        assert self.json["type"] == f"urn:evisit:problem:{self.json['code']}"
        code: str = self.json["code"]
        return code


@dataclass
class Stage:
    """What a test plays on."""

    http: aiohttp.ClientSession
    store: Store
    live: Live
    keys: Keys
    verifier: TicketKeys
    database: Database
    bugs: list[BaseException]
    wall: datetime = WALL
    now: float = 0.0
    outbox: Outbox = field(default_factory=Outbox)

    @property
    def file(self) -> Path:
        """The database's, where it is one."""
        assert isinstance(self.database, InFile), "a database in a file"
        return self.database.file

    async def call(
        self, method: str, path: str, body: object = None, *, portal: str | None = "cosmic", **options: Any
    ) -> Answered:
        """Call as a portal. `body` is sent as JSON; bytes as they are."""
        headers = dict(options.pop("headers", {}))
        if portal is not None:
            headers.setdefault("Authorization", f"Bearer key-{portal}")
        if isinstance(body, bytes):
            headers.setdefault("Content-Type", "application/json")
            options["data"] = body
        elif body is not None:
            options["json"] = body
        async with self.http.request(method, PREFIX + path, headers=headers, **options) as response:
            return Answered(response.status, response.headers, await response.read())

    async def book(self, body: object, **options: Any) -> str:
        """A new visit's id."""
        answer = await self.call("POST", "/visits", body, **options)
        assert answer.status == 201, answer.raw
        visit: str = answer.json["visit"]
        return visit

    async def actions(self, visit: str) -> list[str]:
        """What the access log tells of a visit."""
        return [row.action for row in await self.store.log(VisitId(visit))]

    def later(self, **by: float) -> None:
        self.wall += timedelta(**by)


@asynccontextmanager
async def staged(folder: Path, database: Database | None = None, *, smtp: Smtp | None = None) -> AsyncIterator[Stage]:
    """A server at 127.0.0.1 with its keys in `folder`, and an empty store there too where none is given."""
    bugs: list[BaseException] = []
    live = Live()
    keys = load_or_create(folder / "keys", WALL)
    config = Config(
        portals=PORTALS,
        invitations=Invitations(region="Region X", help_phone="0771-11 22 33", motto="Nära dig"),
        smtp=smtp or Smtp(host="127.0.0.1", security="none", sender="evisit@region.example"),
    )
    database = database or in_file(folder / "evisit.db")
    store = await Store.open(database.url, busy_seconds=0.01)
    tokens = count(1)
    api = PortalApi(config, keys, store, live, wall=lambda: stage.wall, new_token=lambda: f"{next(tokens):032x}")
    app = web.Application()
    app.router.add_get(f"{PREFIX}/signal", _signal)
    callers = Callers(PORTALS, config.limits, monotonic=lambda: stage.now)
    outbox = Outbox()
    invitations = InvitationApi(config, keys, store, Wording.load(config.invitations), outbox, wall=lambda: stage.wall)
    app.add_subapp(PREFIX, portal_api(api, callers, on_bug=bugs.append, more=invitations.operations()))
    server = TestServer(app)
    await server.start_server()
    async with aiohttp.ClientSession(server.make_url("")) as http:
        verifier = keys.verifier(portal.id for portal in PORTALS)
        stage = Stage(http, store, live, keys, verifier, database, bugs, outbox=outbox)
        yield stage
    await server.close()
    await store.close()


async def _signal(_request: web.Request) -> web.Response:
    return web.Response(text="the signalling channel")
