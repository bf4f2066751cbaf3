"""The real server, as a newcomer starts it: `python -m sfu demo --json` in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parent.parent.parent
UNIT = "SE2321000016-1HZ3"
START_SECONDS = 90  # on a machine that does much else


@dataclass
class Server:
    """A running demo. `log` is where its standard error goes."""

    data: Path
    arguments: tuple[str, ...] = ()
    told: dict[str, Any] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        return self.data / "stderr.log"

    @property
    def base_url(self) -> str:
        return cast(str, self.told["base_url"])

    @property
    def links(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.told["links"])

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "sfu", "demo", "--json", "--port", "0", "--media-port", "0"),
                *("--data", str(self.data / "data"), *self.arguments),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), START_SECONDS)
        assert line, self.log.read_text()
        self.told = json.loads(line)

    async def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """End it as an operator would; it must go, and must not have told of a bug."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), 20)

    async def api(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """One call of the portal API, with the demo's key."""
        headers = {"Authorization": f"Bearer {self.told['portal_key']}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.base_url + "/api/v1" + path, json=body, headers=headers) as response,
        ):
            text = await response.text()
            assert response.status == status if status else response.status < 300, f"{response.status} {text}"
            return json.loads(text) if text else None

    async def book(self, **changes: Any) -> str:
        """A visit of an adult from now on; its id."""
        start = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - a real visit is booked by the clock on the wall
        body = {
            "booking": f"test:{os.urandom(6).hex()}",
            "unit": UNIT,
            "unit_name": "Ögonmottagningen",
            "title": "Återbesök",
            "starts_at": start.isoformat().replace("+00:00", "Z"),
            "ends_at": (start + timedelta(minutes=30)).isoformat().replace("+00:00", "Z"),
            "language": "sv",
            "staff": [{"person": "hsa:1", "name": "Dr Eva Ek"}],
            "patient": {"person": "1177:1", "name": "Per P"},
            "guardians": [],
        }
        created = await self.api("POST", "/visits", body | changes, status=201)
        return cast(str, created["visit"])

    async def ticket(self, visit: str, person: str, role: str, name: str, units: list[str] | None = None) -> str:
        body = {"person": person, "role": role, "name": name, "units": units or []}
        return cast(str, (await self.api("POST", f"/visits/{visit}/tickets", body))["ticket"])

    async def clinician(self, visit: str) -> str:
        """A ticket of the booked clinician, who has access to the visit's unit."""
        return await self.ticket(visit, "hsa:1", "clinician", "Dr Eva Ek", [UNIT])

    async def patient(self, visit: str) -> str:
        return await self.ticket(visit, "1177:1", "patient", "Per P")

    async def link_key(self, visit: str) -> str:
        url = (await self.api("GET", f"/visits/{visit}/link"))["share_url"]
        return cast(str, url.partition("key=")[2])

    async def metrics(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Samples by name and labels, as Prometheus would read them."""
        async with aiohttp.ClientSession() as session, session.get(self.told["metrics_url"]) as response:
            text = await response.text()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """Started, and ended after; it must have had no bug, have logged nothing of one, and nothing that had to be blanked."""
    await server.start()
    yield server
    await server.stop()
    log = server.log.read_text()
    assert '"level": "error"' not in log, log
    assert "Traceback" not in log, log
    ours = [line for line in log.splitlines() if '"logger": "sfu' in line]
    assert not [line for line in ours if "***" in line]
