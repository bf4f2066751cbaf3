"""A database that is locked, full, or gone: running visits go on, nobody new gets in, it is said, and it heals by itself."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from sfu.visits import audit
from tests.databases import Database, InFile, OnServer, on_server
from tests.e2e.client import Client, ProtocolError
from tests.e2e.server import Server, running

Connect = Callable[[], Awaitable[Client]]
Loss = Callable[[Server, Database], Iterator[None]]


def locked(server: Server, database: Database) -> Iterator[None]:
    """Another process holds it."""
    with database.hold():
        yield


def full(server: Server, database: Database) -> Iterator[None]:
    """No file of the server can grow: what a full disk is to it."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


def taken_away(server: Server, database: Database) -> Iterator[None]:
    """Its file is not where it was; SQLite alone would go on writing to what nobody can read any more."""
    assert isinstance(database, InFile)
    file = database.file
    away = file.with_name("away.db")
    file.rename(away)
    yield
    assert not file.exists(), "a database was made in the place of the one that is missed"
    away.rename(file)


def replaced(server: Server, database: Database) -> Iterator[None]:
    """It comes back as another file with the same content, as after a restore."""
    for _ in taken_away(server, database):
        yield
    assert isinstance(database, InFile)
    file = database.file
    shutil.copy(file, file.with_name("copy.db"))
    file.with_name("copy.db").rename(file)


def gone(server: Server, database: Database) -> Iterator[None]:
    """The database's server has been killed; it recovers when it is started again."""
    assert isinstance(database, OnServer)
    database.cluster.stop("immediate")
    yield
    database.cluster.start()


def frozen(server: Server, database: Database) -> Iterator[None]:
    """It takes connections, and says nothing."""
    assert isinstance(database, OnServer)
    database.cluster.freeze()
    yield
    database.cluster.thaw()


IN_FILE: tuple[Loss, ...] = (locked, full, taken_away, replaced)
ON_SERVER: tuple[Loss, ...] = (locked, gone, frozen)
LOSSES = [pytest.param(loss, False, id=f"sqlite-{loss.__name__}") for loss in IN_FILE]
LOSSES += [pytest.param(loss, True, id=f"postgresql-{loss.__name__}") for loss in ON_SERVER]


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, on_postgresql: bool) -> Iterator[Database]:
    """What the server runs on."""
    if on_postgresql:
        with on_server(request.getfixturevalue("cluster")) as database:
            yield database
    else:
        yield InFile(tmp_path / "data" / "evisit.db")


@pytest.fixture
async def server(tmp_path: Path, database: Database) -> AsyncIterator[Server]:
    config = tmp_path / "config.toml"
    config.write_text(f"[database]\nurl = {json.dumps(database.url if isinstance(database, OnServer) else '')}\n")
    async with running(Server(tmp_path, ("--config", str(config)))) as server:
        yield server


async def ready(server: Server, status: int) -> None:
    """Wait until `readyz` says so, and see that `healthz` and the metric agree."""
    async with aiohttp.ClientSession(server.base_url) as http:
        async with asyncio.timeout(20):
            while True:
                async with http.get("/readyz") as answer:
                    if answer.status == status:
                        break
                await asyncio.sleep(0.1)
        async with http.get("/healthz") as answer:
            assert answer.status == 200
    assert (await server.metrics())["evisit_store_available", ()] == (status == 200)


@pytest.mark.parametrize(("loss", "on_postgresql"), LOSSES)
async def test_a_lost_database_lets_nobody_in_and_puts_nobody_out(
    server: Server, database: Database, client: Connect, loss: Loss
) -> None:
    visit = await server.book()
    key = await server.link_key(visit)
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    patient = await (await client()).join(ticket=await server.patient(visit))
    guest = await (await client()).join(visit=visit, key=key, name="Tolk", role="interpreter")
    await clinician.ask("admit", participant=patient.id)
    await clinician.until(lambda each: each.roster == {clinician.id, patient.id})

    with contextmanager(loss)(server, database):
        with pytest.raises(ProtocolError, match="internal"):
            await clinician.ask("admit", participant=guest.id, agreed=True)
        assert guest.state == "waiting"
        assert clinician.roster == {clinician.id, patient.id}
        await ready(server, 503)
        with pytest.raises(ProtocolError, match="internal"):
            await (await client()).join(visit=visit, key=key, name="Ny", role="external")
        problem = await server.api("GET", f"/visits/{visit}/link", status=503)
        assert problem["code"] == "store_unavailable"
        # What goes on needs no database; what takes away is done at once.
        await patient.ask("text", text="Hör ni mig?")
        await clinician.until(lambda each: each.last("text") is not None)
        removing = asyncio.ensure_future(clinician.ask("remove", participant=patient.id))  # noqa: TID251 - a test
        await clinician.until(lambda each: each.roster == {clinician.id})

    await ready(server, 200)
    await removing
    await clinician.ask("admit", participant=guest.id, agreed=True)
    await clinician.until(lambda each: each.roster == {clinician.id, guest.id})
    told = await server.api("GET", f"/visits/{visit}/audit")
    actions = [entry["action"] for entry in told["entries"] if entry["subject"] in (patient.id, guest.id)]
    assert actions == ["joined", "joined", "admitted", "removed", "admitted"]
    verdict = await asyncio.to_thread(audit.verify, database.url)
    assert verdict.fault is None
