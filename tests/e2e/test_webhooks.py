"""Webhooks of a real visit, to the receiver that the document shows, through everything that may happen on the way."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import aiohttp
import pytest
from aiohttp import web

from sfu.config import WebhookEvent
from sfu.visits.webhooks import headers, read_secret
from tests.e2e.client import Client
from tests.e2e.server import ROOT, Server

Connect = Callable[[], Awaitable[Client]]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DOCUMENT = (ROOT / "docs" / "integrating-webhooks.md").read_text()
WHOLE_VISIT = [
    "visit.opened",
    "participant.admitted",
    "participant.waiting",
    "participant.admitted",
    "participant.waiting",
    "participant.denied",
    "participant.removed",
    "visit.ended",
]


@dataclass
class Receiver:
    """Takes events as a careful receiver does: each id once. It can be told to misbehave, and be stopped and started."""

    port: int
    status: int = 204
    hangs: bool = False
    requests: int = 0
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Visit and type, by id, in the order of coming."""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/evisit", self._receive)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        id_, at = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
        assert request.headers["webhook-signature"] == headers(read_secret(SECRET), id_, at, body)["webhook-signature"]
        self.requests += 1
        self.came.set()
        if self.hangs:
            await asyncio.sleep(60)
        if self.status < 300 and id_ not in self.taken:
            event = json.loads(body)
            self.taken[id_] = (event["data"]["visit"], event["type"])
            for personal in (b"Per", b"Eva", b"1177:", b"hsa:", b"Guest"):
                assert personal not in body
        return web.Response(status=self.status)

    async def asked(self) -> None:
        """Until somebody asks from now on."""
        self.came.clear()
        await asyncio.wait_for(self.came.wait(), 30)

    async def until(self, visit: str, last: str) -> list[str]:
        """What has come of a visit once its last event has."""
        async with asyncio.timeout(60):
            while (visit, last) not in self.taken.values():
                self.came.clear()
                await self.came.wait()
                await asyncio.sleep(0)
        return [kind for of, kind in self.taken.values() if of == visit]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver(free_port())
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def server(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Server]:
    secret, config = tmp_path / "care.whsec", tmp_path / "config.toml"
    secret.write_text(SECRET)
    config.write_text(
        f'[[webhooks]]\nid = "care"\nurl = "http://127.0.0.1:{receiver.port}/evisit"\nsecret_file = "{secret}"\n'
    )
    server = Server(tmp_path, arguments=("--config", str(config)))
    await server.start()
    yield server
    await server.stop()
    log = server.log.read_text()
    assert '"level": "error"' not in log, log
    assert "Traceback" not in log, log
    assert SECRET not in log


async def begin(server: Server, client: Connect) -> tuple[str, Client]:
    """A clinician in, a patient admitted."""
    visit = await server.book()
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    patient = await (await client()).join(ticket=await server.patient(visit))
    await clinician.ask("admit", participant=patient.id)
    return visit, clinician


async def finish(server: Server, client: Connect, visit: str, clinician: Client) -> None:
    """A guest turned away, the patient put out, the visit ended."""
    guest = await (await client()).join(visit=visit, key=await server.link_key(visit), name="Guest", role="external")
    await clinician.ask("deny", participant=guest.id)
    there = (await server.api("GET", f"/visits/{visit}/participants"))["participants"]
    (patient,) = [each["participant"] for each in there if each["role"] == "patient"]
    await clinician.ask("remove", participant=patient)
    await server.api("POST", f"/visits/{visit}/end")


async def test_a_whole_visit_is_told_once_and_in_order(server: Server, receiver: Receiver, client: Connect) -> None:
    visit, clinician = await begin(server, client)
    await finish(server, client, visit, clinician)
    assert await receiver.until(visit, "visit.ended") == WHOLE_VISIT
    assert receiver.requests == len(WHOLE_VISIT)
    metrics = await server.metrics()
    assert metrics["evisit_webhook_deliveries_total", (("outcome", "delivered"),)] >= len(WHOLE_VISIT) - 1


async def down(receiver: Receiver) -> None:
    await receiver.stop()


async def failing(receiver: Receiver) -> None:
    receiver.status = 500


async def hanging(receiver: Receiver) -> None:
    receiver.hangs = True


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", [down, failing, hanging])
async def test_what_happens_meanwhile_is_told_after_recovery_once_and_in_order(
    server: Server, receiver: Receiver, client: Connect, how: Callable[[Receiver], Awaitable[None]]
) -> None:
    """The server is killed in between, twice: while it tries to deliver, and right after the last step."""
    visit, clinician = await begin(server, client)
    await receiver.until(visit, "participant.waiting")
    await how(receiver)
    guests = await client()
    guest = await guests.join(visit=visit, key=await server.link_key(visit), name="Guest", role="external")
    if how is not down:
        await receiver.asked()
    await clinician.ask("deny", participant=guest.id)
    await server.kill()
    await server.start()
    back = await (await client()).join(resume=clinician.joined["resume"])
    there = (await server.api("GET", f"/visits/{visit}/participants"))["participants"]
    (patient,) = [each["participant"] for each in there if each["role"] == "patient"]
    await back.ask("remove", participant=patient)
    await server.api("POST", f"/visits/{visit}/end")
    await server.kill()
    if how is down:
        await receiver.start()
    receiver.status, receiver.hangs = 204, False
    await server.start()
    assert await receiver.until(visit, "visit.ended") == WHOLE_VISIT


@pytest.mark.timeout(120)
async def test_the_documents_receiver_takes_a_visit_and_a_replay_once(
    server: Server, receiver: Receiver, client: Connect, tmp_path: Path
) -> None:
    await receiver.stop()
    example = tmp_path / "receiver.py"
    example.write_text(DOCUMENT.split("```python\n")[1].split("```")[0])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(example),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"WEBHOOK_SECRET": SECRET, "PORT": str(receiver.port)},
    )
    assert process.stdout is not None
    try:
        visit, clinician = await begin(server, client)
        await finish(server, client, visit, clinician)
        told: list[str] = []
        while "visit.ended" not in told:
            kind, _, data = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().partition(" ")
            assert json.loads(data)["visit"] == visit
            told.append(kind)
        assert told == WHOLE_VISIT

        forged = headers(bytes(24), "msg_1", 1, b"{}")
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{receiver.port}/evisit"
            async with session.post(url, data=b"{}", headers=forged) as response:
                assert response.status == 401

        replay = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "sfu", "webhooks", "replay", "--data", str(server.data / "data"), "--visit", visit),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        output, _ = await replay.communicate()
        assert output.decode() == f"{len(WHOLE_VISIT)} events are delivered again, under their old ids.\n"
        delivered = ("evisit_webhook_deliveries_total", (("outcome", "delivered"),))
        count = 0.0
        for _ in range(150):
            if (count := (await server.metrics())[delivered]) == 2 * len(WHOLE_VISIT):
                break
            await asyncio.sleep(0.2)  # another process: it tells when it is asked
        assert count == 2 * len(WHOLE_VISIT)
    finally:
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
    assert rest == b""  # their ids were known


def test_the_documents_table_of_events_is_complete() -> None:
    rows = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", DOCUMENT, re.MULTILINE)
    assert rows == list(get_args(WebhookEvent))
