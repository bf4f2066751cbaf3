"""The OpenAPI 3.1 document, made from the table of operations and the types that read bodies and write answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from sfu import __version__
from sfu.web.operations import PREFIX, Operation
from sfu.web.problems import STATUS, TITLE, ProblemCode, ProblemDocument

COMMON = frozenset(
    {
        ProblemCode.UNAUTHORIZED,
        ProblemCode.FORBIDDEN,
        ProblemCode.RATE_LIMITED,
        ProblemCode.STORE_UNAVAILABLE,
        ProblemCode.INTERNAL,
    }
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
        described = _operation(operation, _links(operation, operations))
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = described
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


def _operation(operation: Operation, links: Mapping[str, Json]) -> Json:
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": "Needs one of the scopes: " + ", ".join(sorted(operation.scopes)) + ".",
        "parameters": list(_parameters(operation)),
        "responses": dict(_responses(operation, links)),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content("application/json", operation.body)}
    return described


def _parameters(operation: Operation) -> Iterable[Json]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if operation.query is not None:
        for name, schema in operation.query.model_json_schema()["properties"].items():
            yield _query(name, schema)
    if operation.creates:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key with the same body is done once and answered alike, for 24 hours.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        }


def _query(name: str, schema: Mapping[str, object]) -> Json:
    told = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if told.get("default", 0) is None:
        # What may be left out is left out, not null: a query has no null.
        either = told.pop("anyOf")
        assert isinstance(either, list)
        told = {key: value for key, value in {**told, **either[0]}.items() if key != "default"}
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": schema["description"],
        "schema": told,
    }


def _responses(operation: Operation, links: Mapping[str, Json]) -> Iterable[tuple[str, Json]]:
    good: dict[str, object] = {"description": operation.status.phrase}
    if operation.answer is not None:
        good["content"] = _content("application/json", operation.answer)
    if operation.status is HTTPStatus.CREATED and operation.path == "/visits":
        good["headers"] = {"Location": {"schema": {"type": "string"}}}
    if links:
        good["links"] = links
    yield str(operation.status.value), good
    if operation.file is not None:
        # As text: every file of ours is.
        yield "200", {"description": "A file", "content": {operation.file: {"schema": {"type": "string"}}}}
    codes = problems(operation)
    for status in sorted({STATUS[code] for code in codes}):
        said = [f"`{code}`: {TITLE[code]}" for code in sorted(codes) if STATUS[code] is status]
        yield (
            str(status.value),
            {"description": " ".join(said), "content": _content("application/problem+json", ProblemDocument)},
        )


def _links(operation: Operation, operations: Iterable[Operation]) -> dict[str, Json]:
    """What can be called next with what a creating call has answered: everything of the visit, and what ends the ticket."""
    if operation.answer is None or not operation.creates:
        return {}
    made = re.sub(r"Answer$", "", operation.answer.__name__).lower()
    known = {name: f"$request.path.{name}" for name in re.findall(r"\{(\w+)\}", operation.path)}
    known[made] = "$response.body#/" + (made if made in operation.answer.model_fields and made == "visit" else "id")
    links: dict[str, Json] = {}
    for other in operations:
        needed = re.findall(r"\{(\w+)\}", other.path)
        if made in needed and set(needed) <= set(known):
            links[other.name] = {"operationId": other.name, "parameters": {name: known[name] for name in needed}}
    return links


def problems(operation: Operation) -> frozenset[ProblemCode]:
    """Every problem that the call may answer."""
    codes = COMMON | operation.problems
    if operation.body is not None:
        codes |= OF_BODIES
    if operation.query is not None or operation.creates:
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
