"""The demo: a server that needs no set-up, one booked visit, and the links to open. It uses the public portal API alone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import aiohttp

from sfu.config import Config, Portal, Scope
from sfu.errors import EvisitError
from sfu.web.callers import key_hash

PORTAL = "demo"
UNIT = "SE2321000016-1HZ3"
HOURS = 8  # a working day: the links of the morning still open in the afternoon
STATE = "demo.json"


class DemoError(EvisitError):
    """The demo cannot be set up; the message says why."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo carries over a restart. The fragments of the links are kept, since the port may be another then."""

    portal_key: str
    visit: str
    ends_at: str
    clinician: str
    patient: str
    guardians: tuple[str, ...]
    share: str

    def links(self, base_url: str) -> dict[str, str | list[str]]:
        """The links to open, by whom."""
        return {
            "clinician": base_url + self.clinician,
            "patient": base_url + self.patient,
            "guardians": [base_url + guardian for guardian in self.guardians],
            "share": base_url + self.share,
        }


def configure(config: Config, base_url: str, *, media_port: int, data: Path, portal_key: str) -> Config:
    """The configuration of a demo: this machine alone, the demo's portal, everything in `data`."""
    portal = Portal(id=PORTAL, key_hash=key_hash(portal_key), scopes=get_args(Scope))
    return config.model_copy(
        update={
            "web": config.web.model_copy(
                update={
                    "metrics_listen": "127.0.0.1:0",
                    "public_url": base_url,
                    "drain_minutes": 0,
                }
            ),
            "media": config.media.model_copy(update={"listen": f"0.0.0.0:{media_port}"}),
            "tickets": config.tickets.model_copy(update={"lifetime_minutes": HOURS * 60}),
            "database": config.database.model_copy(update={"directory": str(data), "url": ""}),
            "portals": (portal,),
        }
    )


def carried_over(data: Path, wall: datetime) -> Demo | None:
    """The demo that an earlier start left in `data`, if its visit can still be joined."""
    try:
        told = json.loads((data / STATE).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DemoError(f"{data / STATE} cannot be read; delete it to begin anew") from error
    demo = Demo(**(told | {"guardians": tuple(told["guardians"])}))
    return demo if datetime.fromisoformat(demo.ends_at) > wall else None


def keep(data: Path, demo: Demo) -> None:
    """Write the demo down; it holds a key and tickets, so nobody else may read it."""
    draft = data / f".{STATE}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(demo), file)
    draft.replace(data / STATE)


async def book(base_url: str, portal_key: str, wall: datetime) -> Demo:
    """Book the demo's visit through the portal API: a child with two guardians, and a clinician."""
    starts_at = wall.replace(second=0, microsecond=0)
    ends_at = starts_at + timedelta(hours=HOURS)
    body = {
        "booking": f"demo:{secrets.token_hex(4)}",
        "unit": UNIT,
        "unit_name": "Ögonmottagningen",
        "title": "Återbesök",
        "starts_at": _iso(starts_at),
        "ends_at": _iso(ends_at),
        "language": "sv",
        "staff": [{"person": "demo:eva", "name": "Dr Eva Ek"}],
        "patient": {"person": "demo:per", "name": "Per P", "birth_date": f"{wall.year - 8}-01-15"},
        "guardians": [{"person": "demo:maria", "name": "Maria P"}, {"person": "demo:johan", "name": "Johan P"}],
    }
    async with aiohttp.ClientSession(base_url, headers={"Authorization": f"Bearer {portal_key}"}) as session:

        async def call(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
            async with session.request(method, path, json=body) as response:
                if response.status >= 300:
                    raise DemoError(f"the portal API answered {response.status} to {method}: {await response.text()}")
                return await response.json()

        visit = (await call("POST", "/api/v1/visits", body))["visit"]

        async def ticket(person: str, name: str, role: str, units: list[str]) -> str:
            asked = {"person": person, "name": name, "role": role, "units": units}
            url: str = (await call("POST", f"/api/v1/visits/{visit}/tickets", asked))["join_url"]
            return url.removeprefix(base_url)

        share: str = (await call("GET", f"/api/v1/visits/{visit}/link"))["share_url"]
        return Demo(
            portal_key=portal_key,
            visit=visit,
            ends_at=_iso(ends_at),
            clinician=await ticket("demo:eva", "Dr Eva Ek", "clinician", [UNIT]),
            patient=await ticket("demo:per", "Per P", "patient", []),
            guardians=(
                await ticket("demo:maria", "Maria P", "guardian", []),
                await ticket("demo:johan", "Johan P", "guardian", []),
            ),
            share=share.removeprefix(base_url),
        )


def told_as_json(demo: Demo, base_url: str, metrics_url: str) -> str:
    """One line for programs."""
    return json.dumps(
        {
            "base_url": base_url,
            "metrics_url": metrics_url,
            "visit": demo.visit,
            "portal_key": demo.portal_key,
            "links": demo.links(base_url),
        }
    )


def told_to_people(demo: Demo, base_url: str, metrics_url: str) -> str:
    """The links, in Swedish and English."""
    links = demo.links(base_url)
    guardians = links["guardians"]
    rows = [
        ("Vårdpersonal (Dr Eva Ek)", "Clinician", links["clinician"]),
        ("Patient (Per P)", "Patient", links["patient"]),
        ("Vårdnadshavare (Maria P)", "Guardian", guardians[0]),
        ("Vårdnadshavare (Johan P)", "Guardian", guardians[1]),
        ("Länk att dela (tolk, andra)", "Link to share (interpreter, others)", links["share"]),
    ]
    lines = [
        "",
        "Ett videobesök är bokat. Öppna länkarna i var sitt webbläsarfönster: vårdpersonalen är inne direkt,",
        "de andra väntar tills vårdpersonalen släpper in dem.",
        "A video visit is booked. Open each link in a browser window of its own: the clinician is in at once,",
        "the others wait until the clinician lets them in.",
        "",
    ]
    for swedish, english, link in rows:
        lines += [f"  {swedish} · {english}", f"  {link}", ""]
    lines += [
        f"Mätvärden · Metrics: {metrics_url}",
        "Varje personlig länk gäller en gång. Avsluta med Ctrl+C.",
        "Each personal link is good once. End with Ctrl+C.",
    ]
    return "\n".join(lines)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
