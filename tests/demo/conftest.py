"""The demo's portals over the real portal API and a real store, walked through as a browser would, without one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sfu.config import Config
from sfu.demo.api import PortalApi
from sfu.demo.care_record import CareRecord
from sfu.demo.day import book_day
from sfu.demo.patient_portal import PatientPortal
from sfu.demo.site import Site
from tests.web.portal_stage import Stage, staged

EVISIT = Config().web.public_url


@dataclass
class Shown:
    """An answer of a portal."""

    status: int
    headers: Any
    text: str

    @property
    def problem(self) -> str:
        """Which problem the page tells of, "" where none."""
        found = re.search(r'data-problem="(\w+)"', self.text)
        return found[1] if found else ""

    @property
    def visits(self) -> list[str]:
        return re.findall(r'data-visit="(v_\w+)"', self.text)


@dataclass
class Window:
    """A browser window at a portal: it keeps cookies, and sends forms with what the last page put into them."""

    client: Any
    hidden: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Shown:
        async with self.client.get(path, headers=headers, allow_redirects=False) as response:
            shown = Shown(response.status, response.headers, await response.text())
        self.hidden |= dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.text))
        return shown

    async def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> Shown:
        sent = self.hidden | (fields or {})
        async with self.client.post(path, data=sent, headers=headers, allow_redirects=False) as response:
            return Shown(response.status, response.headers, await response.text())

    async def be(self, person: str) -> Window:
        assert (await self.post("/login", {"person": person})).headers["Location"] == "/"
        await self.get("/")
        return self


@dataclass
class Demo:
    """Both portals, and the stage behind them."""

    stage: Stage
    visit: str
    """The visit that is now."""
    at_care_record: Callable[..., Any]
    at_patient_portal: Callable[..., Any]

    async def clinician(self, person: str = "demo:eva", *, sends_mail: bool = True) -> Window:
        window: Window = await self.at_care_record(sends_mail)
        return await window.be(person)

    async def citizen(self, person: str) -> Window:
        window: Window = await self.at_patient_portal()
        return await window.be(person)

    async def visit_of(self, patient: str, since: str = "2026-11-23T08:30:00Z") -> str:
        """The first visit of a patient from then on."""
        listed = (await self.stage.call("GET", f"/visits?person={patient}&from={since}")).json["visits"]
        found: str = next(each["visit"] for each in listed if each["patient"]["person"] == patient)
        return found


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(staged(tmp_path))
        async with stage.http.get("/api/v1/openapi.json") as response:
            base_url = str(response.url.origin())

        async def api(portal: str) -> PortalApi:
            made = PortalApi(base_url, f"key-{portal}")
            await made.open()
            stack.push_async_callback(made.close)
            return made

        async def window(site: Site) -> Window:
            client = TestClient(TestServer(site.application()))
            return Window(await stack.enter_async_context(client))

        async def at_care_record(sends_mail: bool = True) -> Window:
            return await window(
                CareRecord(
                    await api("cosmic"), secret="s", evisit=EVISIT, sends_mail=sends_mail, wall=lambda: stage.wall
                )
            )

        async def at_patient_portal() -> Window:
            return await window(PatientPortal(await api("1177"), secret="s", evisit=EVISIT, wall=lambda: stage.wall))

        visit = await book_day(await api("cosmic"), stage.wall, 8)
        yield Demo(stage, visit.visit, at_care_record, at_patient_portal)
