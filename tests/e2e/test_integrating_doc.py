"""docs/integrating.md, followed from top to bottom with curl against a real server: every call is there, and answers what is shown."""

from __future__ import annotations

import asyncio
import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.server import ROOT, Server

TEXT = (ROOT / "docs" / "integrating.md").read_text()
CALLS = re.findall(r"^\| `([A-Z]+) /api/v1(/\S+)` \|", (ROOT / "docs" / "portal-api.md").read_text(), re.MULTILINE)
BLOCKS = re.findall(r"```sh\n(.*?)```\n(?:\n```json\n(.*?)```)?", TEXT, re.DOTALL)
DAY = date(2026, 11, 23)
"""On which the document books."""


@pytest.fixture
def server(mailing_server: Server) -> Server:
    return mailing_server


def shape(tree: Any) -> Any:
    """Names without values."""
    if isinstance(tree, dict):
        return {key: shape(value) for key, value in tree.items()}
    return [shape(item) for item in tree] if isinstance(tree, list) else None


def soon(command: str) -> str:
    """The command, of a day on which the demo has booked nothing."""
    on = datetime.now(UTC).date() + timedelta(days=3)  # noqa: TID251 - a real visit is booked by the clock on the wall
    for days in (1, 0):
        command = command.replace(str(DAY + timedelta(days=days)), str(on + timedelta(days=days)))
    return command


def test_every_call_of_the_portal_api_is_shown() -> None:
    shown = set()
    for command, _ in BLOCKS:
        path = re.search(r'"\$EVISIT/api/v1([^"?]*)', command)
        assert path is not None, command
        method = re.search(r"-X (\w+)", command)
        given = method[1] if method else "POST" if "--json" in command else "GET"
        shown.add((given, re.sub(r"\$(?:VISIT|ANOTHER)", "{visit}", path[1]).replace("$TICKET", "{ticket}")))
    assert shown == set(CALLS)


async def test_every_example_does_what_it_says(server: Server) -> None:
    known = {"EVISIT": server.base_url, "KEY": server.told["portal_key"], "ANOTHER": await server.book()}
    for command, example in BLOCKS:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", soon(command)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], **known},
        )
        out, err = await process.communicate()
        assert process.returncode == 0, f"{command}\n{out.decode()}{err.decode()}"
        answer = json.loads(out) if out.startswith(b"{") else {}
        if example:
            assert shape(answer) == shape(json.loads(example)), command
        if "visit" in answer:
            known["VISIT"] = answer["visit"]
        if "ticket" in answer:
            known["TICKET"] = answer["id"]
        if "format=eml" in command:
            assert b"Bcc: tolk@example.se" in out
        if "person=" in command or "unit=" in command:
            assert [each["booking"] for each in answer["visits"]] == ["cosmic:8841027"]
