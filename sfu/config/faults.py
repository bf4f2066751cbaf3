"""One line for what is wrong at a place of the tree: the key, and what it may be, never the value."""

from __future__ import annotations

import json
import re
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from sfu.config.sections import Config, Section


def fault(place: tuple[int | str, ...], kind: str) -> str:
    """One line for what pydantic found at `place`."""
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{_written(step)}" for step in place).removeprefix(".")
    if kind == "extra_forbidden":
        table = _at(place[:-1])
        assert isinstance(table, type)
        known = ", ".join(sorted(table.model_fields))
        return f"{key} is unknown; known here: {known}"
    may_be = _may_be(_at(place))
    return f"{key} is missing; it must be {may_be}" if kind == "missing" else f"{key} must be {may_be}"


def _written(key: str) -> str:
    """A key as TOML writes it: bare, or quoted where it must be, so that a fault stays one line."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _at(place: tuple[int | str, ...]) -> type[Section] | FieldInfo:
    """The section or field at a place of the tree; an item of an array is a field of the items' type."""
    here: type[Section] | FieldInfo = Config
    for step in place:
        if isinstance(step, str):
            assert isinstance(here, type)
            here = here.model_fields[step]
            kind = here.annotation
        else:
            assert isinstance(here, FieldInfo)
            here = FieldInfo.from_annotation(get_args(here.annotation)[0])
            kind = here.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            here = kind
    return here


def _may_be(what: type[Section] | FieldInfo) -> str:
    if isinstance(what, type):
        return "a table"
    kind = what.annotation
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if isinstance(item, type) and issubclass(item, Section):
            return "an array of tables"
        return f"an array; each item {_may_be(FieldInfo.from_annotation(item))}"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f'"{word}"' for word in get_args(kind))
    low = [rule.ge for rule in what.metadata if hasattr(rule, "ge")]
    high = [rule.le for rule in what.metadata if hasattr(rule, "le")]
    if low and high:
        return f"a whole number from {low[0]} to {high[0]}"
    assert what.description is not None, "a key without bounds says in words what it may be"
    return what.description
