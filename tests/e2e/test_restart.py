"""kill -9 loses no visit, no admission and no line of the log."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.e2e.client import Client, ProtocolError
from tests.e2e.server import ROOT, Server, running

Connect = Callable[[], Awaitable[Client]]


async def verify(server: Server) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sfu", "audit", "verify", "--data", str(server.data / "data")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_after_kill_9_everybody_is_where_they_were(server: Server, client: Connect) -> None:
    visit = await server.book()
    key = await server.link_key(visit)
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    patient = await (await client()).join(ticket=await server.patient(visit))
    guests = [
        await (await client()).join(visit=visit, key=key, name=name, role="interpreter")
        for name in ("In", "Wait", "Out")
    ]
    await clinician.ask("admit", participant=patient.id)
    await clinician.ask("admit", participant=guests[0].id, agreed=True)
    await clinician.ask("admit", participant=guests[2].id, agreed=True)
    await clinician.ask("remove", participant=guests[2].id)

    await server.kill()
    await server.start()

    async def resume(dropped: Client) -> str:
        back = await (await client()).join(resume=dropped.joined["resume"])
        assert back.id == dropped.id
        return back.state

    assert await resume(clinician) == "admitted"
    assert await resume(patient) == "admitted"
    assert await resume(guests[0]) == "admitted"
    assert await resume(guests[1]) == "waiting"
    with pytest.raises(ProtocolError, match="removed"):
        await resume(guests[2])
    assert await server.link_key(visit) == key
    code, output = await verify(server)
    assert code == 0, output


async def test_the_demo_carries_on_with_the_same_visit_and_links(server: Server) -> None:
    before = dict(server.told)
    await server.kill()
    await server.start()
    assert server.told["visit"] == before["visit"]
    assert server.told["portal_key"] == before["portal_key"]

    def fragments(told: dict[str, object]) -> str:
        return str(told["links"]).replace(str(told["base_url"]), "")

    assert fragments(server.told) == fragments(before)


async def test_after_kill_9_whoever_does_not_come_back_is_out_in_time_with_nobody_coming(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[admission]\nresume_seconds = 5\n")
    async with running(Server(tmp_path, arguments=("--config", str(config)))) as server:
        visit = await server.book()
        clients = [Client(server.base_url), Client(server.base_url)]
        for client in clients:
            await client.connect()
        clinician = await clients[0].join(ticket=await server.clinician(visit))
        patient = await clients[1].join(ticket=await server.patient(visit))
        await clinician.ask("admit", participant=patient.id)
        await server.kill()
        await server.start()
        expired: list[str] = []
        async with asyncio.timeout(90):
            while len(expired) < 2:
                # The log alone is read: the visit is not asked for.
                rows = (await server.api("GET", f"/visits/{visit}/audit"))["entries"]
                expired = [row["subject"] for row in rows if row["action"] == "expired"]
                await asyncio.sleep(0.2)
        assert set(expired) == {clinician.id, patient.id}
        for client in clients:
            await client.close()
