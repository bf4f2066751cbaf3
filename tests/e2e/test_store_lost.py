"""A database that is locked, full, or gone: running visits go on, nobody new gets in, it is said, and it heals by itself."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.client import Client, ProtocolError
from tests.e2e.server import Server
from tests.e2e.test_restart import verify

Connect = Callable[[], Awaitable[Client]]
Loss = Callable[[Server], Iterator[None]]


def database(server: Server) -> Path:
    return server.data / "data" / "evisit.db"


def locked(server: Server) -> Iterator[None]:
    """Another process holds it."""
    other = sqlite3.connect(database(server), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


def full(server: Server) -> Iterator[None]:
    """No file of the server can grow: what a full disk is to it."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


def taken_away(server: Server) -> Iterator[None]:
    """Its file is not where it was; SQLite alone would go on writing to what nobody can read any more."""
    file = database(server)
    away = file.with_name("away.db")
    file.rename(away)
    yield
    assert not file.exists(), "a database was made in the place of the one that is missed"
    away.rename(file)


def replaced(server: Server) -> Iterator[None]:
    """It comes back as another file with the same content, as after a restore."""
    for _ in taken_away(server):
        yield
    file = database(server)
    shutil.copy(file, file.with_name("copy.db"))
    file.with_name("copy.db").rename(file)


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


@pytest.mark.parametrize("loss", [locked, full, taken_away, replaced], ids=lambda loss: loss.__name__)
async def test_a_lost_database_lets_nobody_in_and_puts_nobody_out(server: Server, client: Connect, loss: Loss) -> None:
    visit = await server.book()
    key = await server.link_key(visit)
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    patient = await (await client()).join(ticket=await server.patient(visit))
    guest = await (await client()).join(visit=visit, key=key, name="Tolk", role="interpreter")
    await clinician.ask("admit", participant=patient.id)
    await clinician.until(lambda each: each.roster == {clinician.id, patient.id})

    with contextmanager(loss)(server):
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
    code, output = await verify(server)
    assert code == 0, output
