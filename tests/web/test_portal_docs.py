"""docs/portal-api.md says what is so: its examples are read by the types they are of, its tables are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from sfu.config import Scope
from sfu.visits.bookings import Booking, Changes, TicketWanted
from sfu.web.answers import AuditAnswer, LinkAnswer, ParticipantsAnswer, TicketAnswer, VisitsAnswer
from sfu.web.problems import STATUS, ProblemDocument
from tests.web.portal_stage import staged

TEXT = (Path(__file__).parents[2] / "docs" / "portal-api.md").read_text()
EXAMPLES = re.findall(r"```json (request|answer) (\w+)\n(.*?)```", TEXT, re.DOTALL)
TYPES: dict[str, type[BaseModel]] = {
    kind.__name__: kind
    for kind in (
        *(Booking, Changes, TicketWanted),
        *(VisitsAnswer, TicketAnswer, LinkAnswer, ParticipantsAnswer, AuditAnswer, ProblemDocument),
    )
}


def test_there_is_an_example_of_each() -> None:
    assert sorted(name for _, name, _ in EXAMPLES) == sorted(TYPES)
    assert TEXT.count("```json") == len(EXAMPLES)


@pytest.mark.parametrize(("way", "name", "example"), EXAMPLES, ids=[name for _, name, _ in EXAMPLES])
def test_an_example_is_of_its_type(way: str, name: str, example: str) -> None:
    model = TYPES[name].model_validate_json(example)
    if way == "answer":
        assert shape(json.loads(model.model_dump_json())) == shape(json.loads(example))


def shape(tree: Any) -> Any:
    """Names without values."""
    if isinstance(tree, dict):
        return {key: shape(value) for key, value in tree.items()}
    return [shape(item) for item in tree] if isinstance(tree, list) else None


def test_the_table_of_problems_is_complete() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", TEXT, re.MULTILINE)
    assert {(int(status), code) for status, code in rows} == {(status, code.value) for code, status in STATUS.items()}


def test_the_table_of_scopes_is_complete() -> None:
    assert set(re.findall(r"^\| `(\w+(?::\w+)?)` \|", TEXT, re.MULTILINE)) == set(get_args(Scope))


async def test_the_table_of_calls_is_the_openapi_document(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/api/v1/\S+)` \| (\d{3})", TEXT, re.MULTILINE)
    async with staged(tmp_path) as stage:
        paths = (await stage.call("GET", "/openapi.json")).json["paths"]
    told = {
        (method.upper(), path, min(call["responses"]))
        for path, calls in paths.items()
        for method, call in calls.items()
    }
    assert set(rows) == told
