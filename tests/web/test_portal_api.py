"""Where the secrets of the portal API are, and where they are not: in fragments of links, never in the database, a path, or a problem."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sfu.ids import VisitId
from tests.visits.sample import body
from tests.web.portal_stage import Stage, staged

CANARY = "Kanariefågel"
PATIENT = {"person": "1177:7f3", "role": "patient", "name": CANARY}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
        yield stage
        assert stage.bugs == []


async def handed_out(stage: Stage, visit: str) -> dict[str, str]:
    """Every secret that a portal is given, by where it stood."""
    key = {"Idempotency-Key": "once"}
    ticket = (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT, headers=key)).json
    link = (await stage.call("GET", f"/visits/{visit}/link")).json
    renewed = (await stage.call("POST", f"/visits/{visit}/link")).json
    return {"ticket": ticket["join_url"], "link": link["share_url"], "renewed": renewed["share_url"]}


async def test_what_opens_a_visit_stands_in_the_fragment_which_no_server_is_sent(stage: Stage) -> None:
    visit = await stage.book(body())
    urls = await handed_out(stage, visit)
    assert len(set(urls.values())) == 3
    for url in urls.values():
        parts = urlsplit(url)
        assert (parts.path, parts.query) == ("/join", "")
        assert parts.fragment.startswith(("ticket=", f"visit={visit}&key="))


async def test_no_ticket_no_link_and_no_key_is_in_the_database(stage: Stage) -> None:
    """Read as bytes, with the write-ahead log, as whoever steals a disk or a backup would."""
    visit = await stage.book(body(), headers={"Idempotency-Key": "booked"})
    secrets = [urlsplit(url).fragment.rpartition("=")[2] for url in (await handed_out(stage, visit)).values()]
    files = [path.read_bytes() for path in stage.file.parent.glob("evisit.db*")]
    whole = b"".join(files)
    assert visit.encode() in whole
    for secret in (*secrets, "key-cosmic"):
        assert len(secret) > 8
        assert secret.encode() not in whole
        assert all(part.encode() not in whole for part in secret.split(".") if len(part) > 20)


async def test_a_name_is_in_the_columns_of_names_and_nowhere_else(stage: Stage) -> None:
    visit = await stage.book(
        body(title=f"{CANARY}-titel", patient={"person": "1177:7f3", "name": CANARY}, guardians=[])
    )
    await stage.call("PATCH", f"/visits/{visit}", {"unit_name": f"{CANARY}-enhet"})
    await handed_out(stage, visit)
    found: set[tuple[str, str]] = set()
    with closing(sqlite3.connect(stage.file)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f"SELECT * FROM {table}")
            columns = [each[0] for each in rows.description]
            found |= {
                (table, column) for row in rows for column, value in zip(columns, row, strict=True) if holds(value)
            }
    assert found == {("people", "name"), ("visits", "title"), ("visits", "unit_name")}
    assert not any(CANARY in str(row) for row in await stage.store.log(VisitId(visit)))


def holds(value: Any) -> bool:
    return CANARY.encode() in value if isinstance(value, bytes) else CANARY in str(value)


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/visits", {CANARY: CANARY}),
        ("POST", "/visits", body(title=CANARY * 20)),
        ("POST", "/visits", CANARY.encode()),
        ("GET", f"/visits?unit={CANARY}", None),
        ("GET", f"/visits?{CANARY}=x", None),
        ("GET", f"/visits/{CANARY}", None),
        ("GET", f"/{CANARY}", None),
        ("PATCH", "/visits/v_1", {"title": CANARY}),
        ("POST", "/visits/v_1/tickets", {"person": CANARY, "role": CANARY}),
    ],
)
async def test_a_problem_says_nothing_back(stage: Stage, method: str, path: str, sent: object) -> None:
    answer = await stage.call(method, path, sent)
    assert 400 <= answer.status < 500
    assert CANARY not in answer.raw.decode()
    assert CANARY not in str(answer.headers)
