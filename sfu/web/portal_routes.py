"""The portal API's calls as one table, and what stands before every handler: key, scope, body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus

from aiohttp import ClientPayloadError, web
from pydantic import ValidationError

from sfu.config import Scope
from sfu.visits.bookings import Body, Booking, Changes, TicketWanted
from sfu.web import openapi
from sfu.web.answers import AuditAnswer, LinkAnswer, ParticipantsAnswer, TicketAnswer, VisitAnswer, VisitsAnswer
from sfu.web.callers import Callers
from sfu.web.idempotency import read_key
from sfu.web.operations import Call, Operation
from sfu.web.portal import PortalApi
from sfu.web.problems import Problem, ProblemCode, answering_problems
from sfu.web.queries import AuditQuery, VisitsQuery, read_query

MAX_BODY_BYTES = 64 * 1024  # a booking with everybody in it has under 8 KiB
BODY_SECONDS = 10.0  # for a body to arrive; servers on a network are not slow


def operations(api: PortalApi) -> tuple[Operation, ...]:
    """Every call, in the order in which the document lists them."""
    visit = "/visits/{visit}"
    write: frozenset[Scope] = frozenset({"visits:write"})
    read: frozenset[Scope] = frozenset({"visits:read"})
    mint: frozenset[Scope] = frozenset({"tickets:staff", "tickets:citizen"})
    over = frozenset({ProblemCode.VISIT_ENDED})
    return (
        Operation(
            name="createVisit",
            method="POST",
            path="/visits",
            summary="Book a visit",
            scopes=write,
            handler=api.create_visit,
            status=HTTPStatus.CREATED,
            body=Booking,
            answer=VisitAnswer,
            problems=frozenset({ProblemCode.GUARDIAN_AGE, ProblemCode.DRAINING}),
            creates=True,
        ),
        Operation(
            name="listVisits",
            method="GET",
            path="/visits",
            summary="The schedule of a unit, or somebody's booked times",
            scopes=read,
            handler=api.list_visits,
            answer=VisitsAnswer,
            query=VisitsQuery,
        ),
        Operation(
            name="readVisit",
            method="GET",
            path=visit,
            summary="A visit, and how far it has come",
            scopes=read,
            handler=api.read_visit,
            answer=VisitAnswer,
        ),
        Operation(
            name="changeVisit",
            method="PATCH",
            path=visit,
            summary="Move or rename a visit, change its staff or guardians",
            scopes=write,
            handler=api.change_visit,
            body=Changes,
            answer=VisitAnswer,
            problems=over | {ProblemCode.GUARDIAN_AGE, ProblemCode.DRAINING},
        ),
        Operation(
            name="cancelVisit",
            method="DELETE",
            path=visit,
            summary="Cancel a visit: everybody in it is told, every link dies",
            scopes=write,
            handler=api.cancel_visit,
            status=HTTPStatus.NO_CONTENT,
            problems=over | {ProblemCode.DRAINING},
        ),
        Operation(
            name="endVisit",
            method="POST",
            path=f"{visit}/end",
            summary="End a visit now",
            scopes=write,
            handler=api.end_visit,
            answer=VisitAnswer,
            problems=over | {ProblemCode.DRAINING},
        ),
        Operation(
            name="readParticipants",
            method="GET",
            path=f"{visit}/participants",
            summary="Who is in, and who waits, now",
            scopes=read,
            handler=api.read_participants,
            answer=ParticipantsAnswer,
            problems=frozenset({ProblemCode.DRAINING}),
        ),
        Operation(
            name="readAudit",
            method="GET",
            path=f"{visit}/audit",
            summary="The access log of a visit, oldest first",
            scopes=frozenset({"audit:read"}),
            handler=api.read_audit,
            answer=AuditAnswer,
            query=AuditQuery,
        ),
        Operation(
            name="mintTicket",
            method="POST",
            path=f"{visit}/tickets",
            summary="A personal way in",
            scopes=mint,
            handler=api.mint_ticket,
            status=HTTPStatus.CREATED,
            body=TicketWanted,
            answer=TicketAnswer,
            problems=over | {ProblemCode.GUARDIAN_AGE, ProblemCode.NOT_BOOKED},
            creates=True,
        ),
        Operation(
            name="revokeTicket",
            method="DELETE",
            path=f"{visit}/tickets/{{ticket}}",
            summary="Revoke a ticket: whoever is in with it is removed",
            scopes=mint,
            handler=api.revoke_ticket,
            status=HTTPStatus.NO_CONTENT,
            problems=frozenset({ProblemCode.DRAINING}),
        ),
        Operation(
            name="readLink",
            method="GET",
            path=f"{visit}/link",
            summary="The shared link of a visit",
            scopes=read,
            handler=api.read_link,
            answer=LinkAnswer,
            problems=over,
        ),
        Operation(
            name="renewLink",
            method="POST",
            path=f"{visit}/link",
            summary="A new shared link: the old one is dead at once",
            scopes=write,
            handler=api.renew_link,
            answer=LinkAnswer,
            problems=over | {ProblemCode.DRAINING},
        ),
    )


def portal_api(
    api: PortalApi,
    callers: Callers,
    *,
    on_bug: Callable[[BaseException], None],
    more: Sequence[Operation] = (),
) -> web.Application:
    """The portal API as an application, to be put under `PREFIX`: `app.add_subapp(PREFIX, portal_api(…))`.

    `more`: calls that are not of `api`.
    """
    app = web.Application(middlewares=[answering_problems(on_bug)])
    table = (*operations(api), *more)
    for operation in table:
        app.router.add_route(operation.method, operation.path, partial(_serve, operation, callers))
    document = openapi.text(table)

    async def describe(_request: web.Request) -> web.Response:
        return web.Response(text=document, content_type="application/json")

    app.router.add_route("GET", "/openapi.json", describe)
    return app


async def _serve(operation: Operation, callers: Callers, request: web.Request) -> web.StreamResponse:
    caller = callers.authenticate(request)
    callers.count(caller)
    if not operation.scopes & caller.scopes:
        raise Problem(ProblemCode.FORBIDDEN)
    if operation.creates:
        read_key(request)  # a bad one is refused even where nothing is created by this very call
    query = None if operation.query is None else read_query(request, operation.query)
    body = None if operation.body is None else await _read_body(request, operation.body)
    reply = await operation.handler(Call(request, caller, query, body))
    headers = {"Cache-Control": "no-store", **reply.headers}
    if reply.file is not None:
        return web.Response(body=reply.file, content_type=operation.file, headers=headers)
    if reply.text is None:
        return web.Response(status=operation.status, headers=headers)
    return web.Response(status=operation.status, text=reply.text, content_type="application/json", headers=headers)


async def _read_body(request: web.Request, kind: type[Body]) -> Body:
    """The body, once it has been found good. Raises `Problem`."""
    if request.content_type != "application/json" or "Content-Encoding" in request.headers:
        raise Problem(ProblemCode.UNSUPPORTED_MEDIA_TYPE)
    if (request.charset or "utf-8").lower() not in ("utf-8", "us-ascii"):
        raise Problem(ProblemCode.UNSUPPORTED_MEDIA_TYPE)
    if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
        raise Problem(ProblemCode.TOO_LARGE)
    held = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                held += chunk
                if len(held) > MAX_BODY_BYTES:
                    raise Problem(ProblemCode.TOO_LARGE)
    except (TimeoutError, web.PayloadAccessError, ClientPayloadError):
        raise Problem(ProblemCode.BAD_REQUEST) from None
    try:
        return kind.model_validate_json(bytes(held))
    except ValidationError as error:
        raise Problem.of_body(error) from None
