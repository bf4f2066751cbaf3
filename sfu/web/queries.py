"""What may stand in the query of a call: the types that read it and describe it in OpenAPI."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from sfu.ids import VisitId
from sfu.visits.bookings import Instant, OpaqueId, UnitId
from sfu.web.problems import BodyError, Problem, ProblemCode

LOG_PAGE = 1_000  # rows of the access log in one answer
VISITS_PAGE = 200  # visits in one answer; a unit has a few dozen a day
LAST_ROW = 2**53 - 1  # the largest number that every JSON reader keeps exact

CURSOR = re.compile(r"(20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6})~(v_[0-9a-z]{1,64})", re.ASCII)

Q = TypeVar("Q", bound="Query")


def _digits(value: object) -> object:
    # As people write whole numbers: no sign, no spaces, no underscores.
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,16}", value, re.ASCII):
            raise PydanticCustomError("whole_number", "must be a whole number")
        return int(value)
    return value


Number = Annotated[int, BeforeValidator(_digits)]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,160}$")]


class Query(BaseModel):
    """The query of a call. Nothing unknown, nothing twice; its errors do not repeat what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AuditQuery(Query):
    """`GET /api/v1/visits/{visit}/audit`."""

    after: Annotated[Number, Field(ge=0, le=LAST_ROW, description="Give rows after the one with this number.")] = 0
    limit: Annotated[Number, Field(ge=1, le=LOG_PAGE, description="Give at most this many rows.")] = LOG_PAGE


class VisitsQuery(Query):
    """`GET /api/v1/visits`: the schedule of a unit, or somebody's booked times. Exactly one of the two is asked for."""

    unit: Annotated[UnitId | None, Field(description="The unit whose schedule this is.")] = None
    person: Annotated[
        OpaqueId | None,
        Field(description="The portal's own id of a patient or guardian, whose booked times these are."),
    ] = None
    starts_from: Annotated[Instant | None, Field(alias="from", description="Visits that start then or later.")] = None
    starts_before: Annotated[Instant | None, Field(alias="to", description="Visits that start before then.")] = None
    cursor: Annotated[Cursor | None, Field(description="The `next` of the answer before.")] = None
    limit: Annotated[Number, Field(ge=1, le=VISITS_PAGE, description="Give at most this many visits.")] = VISITS_PAGE

    @model_validator(mode="after")
    def _one_of_the_two(self) -> VisitsQuery:
        if (self.unit is None) is (self.person is None):
            raise PydanticCustomError("unit_or_person", "either unit or person must be given")
        return self

    @model_validator(mode="after")
    def _cursor_is_ours(self) -> VisitsQuery:
        if self.cursor is not None and read_cursor(self.cursor) is None:
            raise PydanticCustomError("cursor", "cursor must be the `next` of an earlier answer")
        return self


def cursor(starts_at: datetime, visit: VisitId) -> str:
    """Where a page ended. It opens nothing: what is listed follows from the key and the query alone."""
    told = f"{starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}~{visit}"
    return base64.urlsafe_b64encode(told.encode("ascii")).rstrip(b"=").decode("ascii")


def read_cursor(text: str) -> tuple[datetime, VisitId] | None:
    """What `cursor` was given; None for anything else."""
    try:
        told = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode("ascii")
        match = CURSOR.fullmatch(told)
        return (datetime.fromisoformat(match[1]).replace(tzinfo=UTC), VisitId(match[2])) if match else None
    except (ValueError, binascii.Error):
        return None


def read_query(request: web.Request, kind: type[Q]) -> Q:
    """The query, once it has been found good. Raises `Problem` 400 for each rule that it breaks."""
    names = [field.alias or name for name, field in kind.model_fields.items()]
    for name in request.query:
        if name not in names:
            known = ", ".join(sorted(names))
            raise _bad(f"a query parameter is unknown; known here: {known}")
        if len(request.query.getall(name)) > 1:
            raise _bad(f"{name} must be given once")
    try:
        return kind.model_validate(dict(request.query))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        told = (" ".join((str(each["loc"][0]), each["msg"])) if each["loc"] else each["msg"] for each in found)
        raise _bad(*told) from None


def _bad(*messages: str) -> Problem:
    return Problem(ProblemCode.BAD_REQUEST, tuple(BodyError(pointer="", message=message) for message in messages))
