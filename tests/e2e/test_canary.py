"""A whole visit in three browsers with marked words, on both kinds of database: none of them stands where it does not belong.

Marked are every name, person, title, message and mail address that goes in, and every ticket, key and token that comes out. Looked
through are each line that the server wrote at its most talkative, its metrics, each request that the browsers sent it but for
its body (address, referrer, cookies), and each cell of each table.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from playwright.async_api import Page, Request, expect

from tests.databases import KINDS, Database, InFile, OnServer, on_server
from tests.e2e.client import Client
from tests.e2e.mailbox import Mailbox
from tests.e2e.server import UNIT, Server, running

OpenPage = Callable[[], Awaitable[Page]]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CONFIG = """
[database]
url = {url}
[logging]
level = "debug"
[invitations]
region = "Region Exempel"
help_phone = "0771-11 22 33"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "evisit@region.example"
[[webhooks]]
id = "care"
url = "http://127.0.0.1:9/nobody-listens"
"""

PERSONS = {"clinician": "hsa:canary-eva", "patient": "1177:canary-per", "other": "hsa:canary-bo"}
NAMES = {"clinician": "Canary Eva", "patient": "Canary Per", "guest": "Canary Amina", "other": "Canary Bo"}
TITLE, MAIL, TEXT, NOTICE = "Canary återbesök", "canary.tolk@tolkar.example", "canary sagt", "canary besked"
MESSAGE = "canary hälsning"

BELONGS: dict[str, set[tuple[str, str]]] = {
    "name": {("people", "name"), ("participants", "name")},
    "title": {("visits", "title")},
    "person": {
        *((table, "person") for table in ("people", "participants", "tickets", "turned_away")),
        *(("access_log", column) for column in ("actor_person", "subject_person")),
    },
    # Nowhere: they are sealed, derived, hashed, or forgotten.
    "mail": set(),
    "said": set(),
    "secret": set(),
}
"""In which columns the words of a kind may stand."""


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "postgresql":
        with on_server(request.getfixturevalue("cluster")) as database:
            yield database
    else:
        yield InFile(tmp_path / "data" / "evisit.db")


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    await mailbox.start()
    yield mailbox
    await mailbox.stop()


@pytest.fixture
async def server(
    tmp_path: Path, database: Database, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Server]:
    monkeypatch.setenv("EVISIT_WEBHOOK_SECRET_CARE", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    config = tmp_path / "config.toml"
    url = database.url if isinstance(database, OnServer) else ""
    config.write_text(CONFIG.format(url=json.dumps(url), port=mailbox.port))
    async with running(Server(tmp_path, ("--config", str(config)))) as server:
        yield server


def by(page: Page, testid: str) -> Any:
    return page.get_by_test_id(testid)


async def booked(server: Server) -> str:
    return await server.book(
        title=TITLE,
        staff=[{"person": PERSONS["clinician"], "name": NAMES["clinician"]}],
        patient={"person": PERSONS["patient"], "name": NAMES["patient"]},
    )


def sent(request: Request) -> Iterable[str]:
    """What the server, and whoever stands in front of it, sees of a request without its body."""
    headers = {name: value for name, value in request.headers.items() if name != "authorization"}
    return (urldefrag(request.url).url, *(f"{name}: {value}" for name, value in headers.items()))


async def hold_a_visit(server: Server, page: OpenPage, marked: dict[str, list[str]]) -> list[str]:
    """Everything that a visit has: clicks, words, a person turned away, invitations. Gives what the browsers' requests showed."""
    visit = await booked(server)
    share = (await server.api("GET", f"/visits/{visit}/link"))["share_url"]
    tickets = {
        "clinician": await server.ticket(visit, PERSONS["clinician"], "clinician", NAMES["clinician"], [UNIT]),
        "patient": await server.ticket(visit, PERSONS["patient"], "patient", NAMES["patient"]),
        "other": await server.ticket(visit, PERSONS["other"], "clinician", NAMES["other"], ["SE-OTHER"]),
    }
    marked["secret"] += [server.told["portal_key"], share.partition("key=")[2]]
    for ticket in tickets.values():
        # Any part of it is enough.
        marked["secret"] += ticket.split(".")[1:]
    await server.api("POST", f"/visits/{visit}/invitations", {"to": [MAIL], "message": MESSAGE})

    clinician, patient, guest = [await page() for _ in range(3)]
    shown: list[str] = []
    for window in (clinician, patient, guest):
        window.on("request", lambda request: shown.extend(sent(request)))
        window.on("websocket", lambda socket: shown.append(socket.url))
        window.on("websocket", lambda socket: socket.on("framereceived", lambda frame: resumed(frame, marked)))
    await clinician.goto(f"{server.base_url}/join#ticket={tickets['clinician']}")
    await by(clinician, "join").click()
    await expect(by(clinician, "meeting")).to_be_visible()
    await patient.goto(f"{server.base_url}/join#ticket={tickets['patient']}")
    await by(patient, "join").click()
    await guest.goto(share)
    await by(guest, "name").fill(NAMES["guest"])
    await by(guest, "role").select_option("interpreter")
    await by(guest, "join").click()
    await expect(by(clinician, "lobby-entry")).to_have_count(2)

    other = await Client(server.base_url).connect()
    await other.join(ticket=tickets["other"])
    marked["secret"].append(str(other.joined["resume"]))
    staff = await Client(server.base_url).connect()
    await staff.join(ticket=await server.ticket(visit, PERSONS["clinician"], "clinician", NAMES["clinician"], [UNIT]))
    await staff.ask("notice", text=NOTICE)
    await staff.ask("deny", participant=other.id, reason="canary orsak")
    entries = by(clinician, "lobby-entry")
    await by(entries.filter(has_text=NAMES["patient"]), "admit").click()
    # Whoever goes moves those below, maybe from under the pointer.
    await expect(entries).to_have_count(1)
    await by(entries.filter(has_text=NAMES["guest"]), "admit").click()
    await by(clinician, "agreement-yes").click()
    for window in (clinician, patient, guest):
        await expect(by(window, "meeting")).to_be_visible()
        await expect(by(window, "roster-entry").filter(has_text=NAMES["guest"])).to_have_count(1)
    await staff.ask("text", text=TEXT)
    # A server that is told nonsense is talkative.
    await provoke(server, visit, tickets["patient"])
    await patient.reload()
    await staff.ask("remove", participant=await participant(server, visit, NAMES["guest"]))
    await expect(by(guest, "final")).to_be_visible()
    await other.close()
    await staff.close()
    assert shown
    return shown


def resumed(frame: str | bytes, marked: dict[str, list[str]]) -> None:
    found = re.search(r'"resume":"([^"]+)"', frame if isinstance(frame, str) else "")
    if found:
        marked["secret"] += [found[1], found[1].rpartition(".")[2]]


async def participant(server: Server, visit: str, name: str) -> str:
    told = await server.api("GET", f"/visits/{visit}/participants")
    return next(str(each["participant"]) for each in told["participants"] if each["name"] == name)


async def provoke(server: Server, visit: str, ticket: str) -> None:
    """Bodies and messages that hold marked words where none may be."""
    for path, body in (
        ("/visits", {"booking": PERSONS["patient"], "title": [TITLE], "unit": NAMES["patient"]}),
        (f"/visits/{visit}/tickets", {"person": PERSONS["patient"], "role": NAMES["patient"]}),
        (f"/visits/{visit}/invitations", {"to": [f"{MAIL}\n{MAIL}"]}),
    ):
        await server.api("POST", path, body, status=422)
    for message in (
        {"ticket": ticket[:-3]},
        {"visit": visit, "key": ticket[:40], "name": NAMES["other"], "role": "external"},
        {"resume": f"{visit}.{NAMES['other']}"},
        {"ticket": [ticket]},
        {"sdp": f"v=0 {NAMES['other']}"},
    ):
        stranger = await Client(server.base_url).connect()
        with pytest.raises(Exception, match=r"\w"):
            await stranger.ask("join", **message)
        await stranger.close()


def holding(text: str, marked: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Which marked words stand in a text, also as a URL or JSON would write them."""
    readings = {text, unquote(text), text.encode("ascii", "backslashreplace").decode()}
    return [(kind, word) for kind, words in marked.items() for word in words if any(word in each for each in readings)]


async def test_marked_words_stand_only_where_they_belong(
    server: Server, database: Database, mailbox: Mailbox, page: OpenPage
) -> None:
    marked: dict[str, list[str]] = {
        "name": list(NAMES.values()),
        "person": list(PERSONS.values()),
        "title": [TITLE],
        "mail": [MAIL, MESSAGE],
        "said": [TEXT, NOTICE, "canary orsak"],
        "secret": [],
    }
    shown = await hold_a_visit(server, page, marked)
    await mailbox.until(1)
    # What comes from the page itself bears no mark: else this would look for nothing.
    assert len(marked["secret"]) >= 12
    assert all(len(word) > 12 for word in marked["secret"])

    for line in shown:
        assert not holding(line, marked), line
    assert not [line for line in shown if line.lower().startswith(("referer:", "cookie:")) and "#" in line]

    metrics = " ".join(f"{name} {labels}" for name, labels in await server.metrics())
    assert "evisit_admissions_total" in metrics
    assert not holding(metrics, marked)
    assert "canary" not in metrics.lower()

    found = cells(database, marked)
    for kind, places in BELONGS.items():
        assert found.get(kind, set()) <= places, kind
    # What does belong is there: the walk sees what it looks for.
    assert found["name"] == BELONGS["name"]
    assert found["title"] == BELONGS["title"]
    assert {("people", "person"), ("access_log", "actor_person"), ("turned_away", "person")} <= found["person"]
    counts = database.counts()
    assert counts["webhook_events"] >= 3
    assert counts["mails"] == 1

    log = server.log.read_text()
    assert '"level": "info"' in log, "it was not as quiet as a demo is"
    for line in log.splitlines():
        assert not holding(line, marked), line
    assert "canary" not in log.lower()


def cells(database: Database, marked: dict[str, list[str]]) -> dict[str, set[tuple[str, str]]]:
    """In which columns of which tables words of each kind stand."""
    found: dict[str, set[tuple[str, str]]] = {}
    for table in database.tables():
        for row in database.mappings(table):
            for column, value in row.items():
                text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                for kind, _ in holding(text, marked):
                    found.setdefault(kind, set()).add((table, column))
    return found
