"""The real server at the far end of several wires, and visits on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.failures.window import Window
from tests.e2e.failures.wire import Wire
from tests.e2e.server import Server


class Place:
    def __init__(self, folder: Path, wires: list[Wire], media_port: int) -> None:
        self.wires = wires
        self._media_port = media_port
        origins = ", ".join(f'"{wire.origin}"' for wire in wires)
        config = folder / "config.toml"
        config.write_text(f"[web]\nallowed_origins = [{origins}]\n[admission]\nlobby_capacity = 1\n")
        self.server = Server(folder, ("--config", str(config), "--media-port", str(media_port)))

    async def start(self) -> None:
        await self.server.start()
        for wire in self.wires:
            wire.lead_to(int(self.server.base_url.rpartition(":")[2]), self._media_port)

    async def book(self) -> Booked:
        """A visit from now on."""
        visit = await self.server.book()
        return Booked(
            self.server,
            visit,
            clinician=f"ticket={await self.server.clinician(visit)}",
            patient=f"ticket={await self.server.patient(visit)}",
            link=f"visit={visit}&key={await self.server.link_key(visit)}",
        )

    async def meeting(self, open_window: Callable[[], Awaitable[Window]]) -> tuple[Window, Window]:
        """A clinician and a patient who are in and see and hear each other."""
        booked = await self.book()
        clinician, patient = await open_window(), await open_window()
        await clinician.join(booked.clinician)
        await patient.join(booked.patient)
        await clinician.knocks("Per P").get_by_test_id("admit").click()
        for one in (clinician, patient):
            await one.is_in_with(2)
        return clinician, patient


@dataclass(frozen=True)
class Booked:
    """A visit, and the fragments of its links."""

    server: Server
    visit: str
    clinician: str
    patient: str
    link: str

    async def portal(self, method: str, path: str, body: object = None) -> object:
        """A call of the portal API about this visit."""
        return await self.server.api(method, f"/visits/{self.visit}{path}", body)
