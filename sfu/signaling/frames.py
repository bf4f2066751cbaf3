"""Frames: the JSON object in one that a client sent, and the ones that go back (docs/protocol.md, Channel)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from sfu.errors import Refused

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 8
"""Arrays and objects within each other. The protocol needs three."""
MAX_VALUES: Final = 2_048
"""Commas, brackets and braces: what reading costs goes by them more than by bytes. An offer of 24 sections has 150."""
MAX_ID: Final = 2**53 - 1
"""The largest integer that JavaScript counts to."""


def parse(frame: str) -> dict[str, object] | None:
    """The JSON object in a frame.

    None where there is none that we take: more than `MAX_BYTES`, not JSON (NaN and Infinity are not), not an object, a
    name given twice in one object, more than `MAX_VALUES`, or nested deeper than `MAX_DEPTH`.
    """
    if len(frame) > MAX_BYTES or len(frame.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None
    # Also those in strings: to tell them apart would be to read it.
    if sum(map(frame.count, ",[{")) > MAX_VALUES:
        return None
    try:
        value = json.loads(frame, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not _deeper_than(MAX_DEPTH, value) else None


def message_id(fields: Mapping[str, object]) -> int | None:
    """The `id` of a request; None where it has none that is an integer from 0 to `MAX_ID`."""
    value = fields.get("id")
    return value if type(value) is int and 0 <= value <= MAX_ID else None


def ok(request_id: int, fields: Mapping[str, object]) -> str:
    """The answer to a request that has been done. `fields` has neither `type` nor `id`."""
    return _encode({"type": "ok", "id": request_id, **fields})


def error(request_id: int | None, refused: Refused) -> str:
    """The answer to a request that has been refused; its `id` is null where the request had none to be repeated."""
    return _encode(
        {"type": "error", "id": request_id, "code": refused.code, "message": refused.message, **refused.details}
    )


def event(message: Mapping[str, object]) -> str:
    """A server event, as rooms make them: with `type`, without `id`."""
    return _encode(message)


def _encode(message: Mapping[str, object]) -> str:
    # Escaped to ASCII (the default), so that the frame is valid UTF-8 whatever strings a portal has put into a booking.
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        # RFC 8259 4: what two readers make of it differs, and one of them may have checked it.
        raise ValueError("a name stands twice")
    return fields


def _no_constant(name: str) -> object:
    raise ValueError("NaN and Infinity are not JSON")


def _deeper_than(depth: int, value: object) -> bool:
    level: list[object] = [value]
    for _ in range(depth):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return any(isinstance(value, dict | list) for value in level)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
