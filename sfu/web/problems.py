"""Problem documents (RFC 9457): every answer of the portal API that is not what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, ValidationError

from sfu.errors import Code, Refused, StoreUnavailable
from sfu.visits.statements import KeyReused

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_ERRORS = 20  # of one body; a body of nonsense gets no book in return


class ProblemCode(StrEnum):
    """What went wrong; stable, for programs."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID = "invalid"
    GUARDIAN_AGE = "guardian_age"
    NOT_BOOKED = "not_booked"
    MAIL_OFF = "mail_off"
    VISIT_ENDED = "visit_ended"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    RATE_LIMITED = "rate_limited"
    STORE_UNAVAILABLE = "store_unavailable"
    DRAINING = "draining"
    INTERNAL = "internal"


STATUS: Mapping[ProblemCode, HTTPStatus] = {
    ProblemCode.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    ProblemCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ProblemCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ProblemCode.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    ProblemCode.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.GUARDIAN_AGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.NOT_BOOKED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.MAIL_OFF: HTTPStatus.CONFLICT,
    ProblemCode.VISIT_ENDED: HTTPStatus.CONFLICT,
    ProblemCode.IDEMPOTENCY_KEY_REUSED: HTTPStatus.CONFLICT,
    ProblemCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ProblemCode.STORE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.DRAINING: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}

TITLE: Mapping[ProblemCode, str] = {
    ProblemCode.UNAUTHORIZED: "No API key, or not one of ours.",
    ProblemCode.FORBIDDEN: "This API key lacks a scope that the call needs.",
    ProblemCode.NOT_FOUND: "There is no such thing here.",
    ProblemCode.METHOD_NOT_ALLOWED: "This cannot be done here.",
    ProblemCode.BAD_REQUEST: "The request cannot be read.",
    ProblemCode.TOO_LARGE: "The body is too large.",
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: "The body must be JSON, in UTF-8, not compressed.",
    ProblemCode.INVALID: "The body breaks a rule.",
    ProblemCode.GUARDIAN_AGE: "The patient is too old to come with guardians.",
    ProblemCode.NOT_BOOKED: "The booking does not name this person in this role.",
    ProblemCode.MAIL_OFF: "This server sends no mail. Ask for a draft: ?format=eml.",
    ProblemCode.VISIT_ENDED: "The visit is over.",
    ProblemCode.IDEMPOTENCY_KEY_REUSED: "This Idempotency-Key came with another request before.",
    ProblemCode.RATE_LIMITED: "Too many calls with this key. Nothing was done; try again.",
    ProblemCode.STORE_UNAVAILABLE: "The database cannot be reached. Nothing has changed; try again.",
    ProblemCode.DRAINING: "This server takes no new visits. Try again in a moment.",
    ProblemCode.INTERNAL: "That went wrong on our side.",
}


REFUSED: Mapping[Code, ProblemCode] = {
    Code.VISIT_UNKNOWN: ProblemCode.NOT_FOUND,
    Code.VISIT_ENDED: ProblemCode.VISIT_ENDED,
    Code.DRAINING: ProblemCode.DRAINING,
}
"""What the live side may refuse a portal."""


class BodyError(BaseModel):
    """One rule that a body breaks."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    """Where, as a JSON pointer (RFC 6901)."""
    message: str


class ProblemDocument(BaseModel):
    """The body of every answer of 400 and above, `application/problem+json`."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    code: ProblemCode
    errors: tuple[BodyError, ...] | None = None


class Problem(Exception):
    """Raised by a handler to answer with a problem document."""

    def __init__(
        self, code: ProblemCode, errors: tuple[BodyError, ...] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors
        self.headers = headers or {}

    @classmethod
    def of_body(cls, error: ValidationError) -> Problem:
        """What is wrong with a body: 400 where it is no JSON, 422 with each rule that it breaks. Never what it held."""
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if any(each["type"] == "json_invalid" for each in found):
            return cls(ProblemCode.BAD_REQUEST)
        return cls(ProblemCode.INVALID, tuple(_body_error(each) for each in found[:MAX_ERRORS]))

    def response(self) -> web.Response:
        status = STATUS[self.code]
        document = ProblemDocument(
            type=f"urn:evisit:problem:{self.code}",
            title=TITLE[self.code],
            status=status,
            code=self.code,
            errors=self.errors or None,
        )
        return web.Response(
            status=status,
            text=document.model_dump_json(exclude_none=True),
            content_type="application/problem+json",
            headers=self.headers,
        )


def _body_error(error: ErrorDetails) -> BodyError:
    place = error["loc"]
    if error["type"] == "extra_forbidden":
        # The name of an unknown field is the caller's own words: it may be anything, so it is not said back.
        return BodyError(pointer=_pointer(place[:-1]), message="holds a field that is not known here")
    return BodyError(pointer=_pointer(place), message=error["msg"])


def _pointer(place: tuple[int | str, ...]) -> str:
    return "".join(f"/{step}" for step in place)


def answering_problems(on_bug: Callable[[BaseException], None]) -> Middleware:
    """A middleware that turns whatever a handler raises into a problem document. Bugs are told to `on_bug`, not to the caller."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except StoreUnavailable:
            return Problem(ProblemCode.STORE_UNAVAILABLE, headers={"Retry-After": "2"}).response()
        except Refused as refused:
            if refused.code not in REFUSED:
                on_bug(refused)
            return Problem(REFUSED.get(refused.code, ProblemCode.INTERNAL)).response()
        except KeyReused:
            return Problem(ProblemCode.IDEMPOTENCY_KEY_REUSED).response()
        except web.HTTPMethodNotAllowed as error:
            return Problem(ProblemCode.METHOD_NOT_ALLOWED, headers={"Allow": error.headers["Allow"]}).response()
        except web.HTTPNotFound:
            return Problem(ProblemCode.NOT_FOUND).response()
        except web.HTTPException as error:
            code = ProblemCode.TOO_LARGE if error.status == STATUS[ProblemCode.TOO_LARGE] else ProblemCode.BAD_REQUEST
            return Problem(code).response()
        except Exception as error:
            on_bug(error)
            return Problem(ProblemCode.INTERNAL).response()

    return middleware
