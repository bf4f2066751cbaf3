"""The OpenAPI 3.1 document, made from the table of operations and the types that read bodies and write answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from sfu import __version__
from sfu.web.operations import PREFIX, Operation, Parameter
from sfu.web.problems import STATUS, TITLE, ProblemCode, ProblemDocument

COMMON = frozenset(
    {ProblemCode.UNAUTHORIZED, ProblemCode.FORBIDDEN, ProblemCode.STORE_UNAVAILABLE, ProblemCode.INTERNAL}
)
"""What every call may answer."""
OF_BODIES = frozenset(
    {ProblemCode.BAD_REQUEST, ProblemCode.TOO_LARGE, ProblemCode.UNSUPPORTED_MEDIA_TYPE, ProblemCode.INVALID}
)

Json = Mapping[str, object]


def text(operations: Sequence[Operation]) -> str:
    """The document, as JSON."""
    return json.dumps(document(operations), ensure_ascii=False)


def document(operations: Sequence[Operation]) -> dict[str, object]:
    """The document of all operations."""
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Video visits: portal API",
            "version": __version__,
            "description": "What a care record and a patient portal call, server to server.",
        },
        # Relative: the server that serves the document.
        "servers": [{"url": "/"}],
        "security": [{"portalKey": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {
                "portalKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The API key that `python -m sfu portal add` printed.",
                }
            },
        },
    }


def _operation(operation: Operation) -> Json:
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": "Needs one of the scopes: " + ", ".join(sorted(operation.scopes)) + ".",
        "parameters": list(_parameters(operation)),
        "responses": dict(_responses(operation)),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content("application/json", operation.body)}
    return described


def _parameters(operation: Operation) -> Iterable[Json]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for parameter in operation.query:
        yield _query(parameter)
    if operation.creates:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key with the same body is done once and answered alike, for 24 hours.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        }


def _query(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.description,
        "schema": {
            "type": "integer",
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
            "default": parameter.default,
        },
    }


def _responses(operation: Operation) -> Iterable[tuple[str, Json]]:
    good: dict[str, object] = {"description": operation.status.phrase}
    if operation.answer is not None:
        good["content"] = _content("application/json", operation.answer)
    if operation.status is HTTPStatus.CREATED and operation.path == "/visits":
        good["headers"] = {"Location": {"schema": {"type": "string"}}}
    yield str(operation.status.value), good
    codes = problems(operation)
    for status in sorted({STATUS[code] for code in codes}):
        said = [f"`{code}`: {TITLE[code]}" for code in sorted(codes) if STATUS[code] is status]
        yield (
            str(status.value),
            {"description": " ".join(said), "content": _content("application/problem+json", ProblemDocument)},
        )


def problems(operation: Operation) -> frozenset[ProblemCode]:
    """Every problem that the call may answer."""
    codes = COMMON | operation.problems
    if operation.body is not None:
        codes |= OF_BODIES
    if operation.query or operation.creates:
        codes |= {ProblemCode.BAD_REQUEST}
    if operation.creates:
        codes |= {ProblemCode.IDEMPOTENCY_KEY_REUSED}
    if "{" in operation.path:
        codes |= {ProblemCode.NOT_FOUND}
    return codes


def _content(kind: str, model: type[BaseModel]) -> Json:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _schemas(operations: Sequence[Operation]) -> object:
    models: dict[type[BaseModel], JsonSchemaMode] = {ProblemDocument: "serialization"}
    for operation in operations:
        if operation.body is not None:
            models[operation.body] = "validation"
        if operation.answer is not None:
            models[operation.answer] = "serialization"
    _, schema = models_json_schema(
        [(model, mode) for model, mode in models.items()], ref_template="#/components/schemas/{model}"
    )
    return schema["$defs"]
