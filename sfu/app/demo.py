"""The demo: a server that needs no set-up, two portals with a day of bookings, and the links to open. It uses the portal API alone."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import aiohttp
from sqlalchemy import Connection, inspect, select

from sfu import portals
from sfu.app.listening import bind_tcp
from sfu.config import Config, Portal, Scope
from sfu.demo.portals import Portals
from sfu.errors import ConfigError, EvisitError
from sfu.visits.engine import open_engine
from sfu.visits.schema import visits
from sfu.visits.transaction import run
from sfu.web.callers import key_hash

DEMO, CARE_RECORD, PATIENT_PORTAL = "demo", "demo-care-record", "demo-patient-portal"
HOURS = 8  # a working day: the links of the morning still open in the afternoon
STATE = "demo.json"
MAX_PORT = 65_535
SCOPES: Mapping[str, tuple[Scope, ...]] = {
    DEMO: get_args(Scope),
    CARE_RECORD: ("visits:write", "visits:read", "tickets:staff", "invitations"),
    PATIENT_PORTAL: ("visits:read", "tickets:citizen"),
}
"""What each portal's key is good for: no more than its pages need. The demo's own, which is printed, may everything."""


class DemoError(EvisitError):
    """The demo cannot be set up; the message says why."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The API keys of the demo's portals, by the portal's id."""

    demo: str
    care_record: str
    patient_portal: str

    @classmethod
    def new(cls) -> Keys:
        return cls(portals.new_key(), portals.new_key(), portals.new_key())

    def portals(self) -> tuple[Portal, ...]:
        """As the configuration has them. All see the same visits, as the systems of one region do."""
        keys = {DEMO: self.demo, CARE_RECORD: self.care_record, PATIENT_PORTAL: self.patient_portal}
        return tuple(
            Portal(
                id=id_,
                key_hash=key_hash(key),
                scopes=SCOPES[id_],
                shares_with=tuple(other for other in keys if other != id_),
            )
            for id_, key in keys.items()
        )


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo carries over a restart. The fragments of the links are kept, since the port may be another then."""

    keys: Keys
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


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything of a running demo is."""

    base_url: str
    metrics_url: str
    care_record: str
    patient_portal: str


def configure(config: Config, base_url: str, *, media_port: int, data: Path, keys: Keys) -> Config:
    """The configuration of a demo: this machine alone, the demo's portals, everything in `data`, or on a database's server.

    Raises `ConfigError` for the configuration of a server that is in use: its visits are nobody's to play with.
    """
    if config.portals:
        raise ConfigError(
            "[[portals]] must be left out for a demo: it has portals of its own, and is to see no others' visits"
        )
    server = config.database.url if config.database.on_server else ""
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
            "database": config.database.model_copy(update={"directory": str(data), "url": server}),
            "portals": keys.portals(),
        }
    )


def check_database(config: Config) -> None:
    """Raises `DemoError` where the database has visits that no demo has booked. It is left as it is, not even migrated."""

    def visits_of_others(connection: Connection) -> bool:
        portal = visits.c.portal
        asked = select(portal).where(portal.not_in((DEMO, CARE_RECORD, PATIENT_PORTAL))).limit(1)
        return inspect(connection).has_table(visits.name) and connection.execute(asked).first() is not None

    try:
        engine = open_engine(config.database.address().reveal(), writes=False, make=False)
    except FileNotFoundError:
        return
    try:
        if run(engine, visits_of_others):
            raise DemoError("the database has visits that no demo has booked; give the demo one of its own")
    finally:
        engine.dispose()


def carried_over(data: Path, wall: datetime) -> Demo | None:
    """The demo that an earlier start left in `data`, if its visit can still be joined."""
    try:
        told = json.loads((data / STATE).read_text())
        demo = Demo(**(told | {"guardians": tuple(told["guardians"]), "keys": Keys(**told["keys"])}))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DemoError(f"{data / STATE} cannot be read; delete it to begin anew") from error
    return demo if datetime.fromisoformat(demo.ends_at) > wall else None


def keep(data: Path, demo: Demo) -> None:
    """Write the demo down; it holds keys and tickets, so nobody else may read it."""
    draft = data / f".{STATE}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(demo), file)
    draft.replace(data / STATE)


def portals_of(config: Config, base_url: str, keys: Keys, port: int) -> Portals:
    """The portals of the server at `base_url`, not yet serving. They take the ports after `port`, or others where those are taken."""
    return Portals(
        base_url,
        care_record=(keys.care_record, _bind_near(port + 1 if port else 0)),
        patient_portal=(keys.patient_portal, _bind_near(port + 2 if port else 0)),
        sends_mail=bool(config.smtp.host),
    )


async def begin(base_url: str, keys: Keys, portals: Portals) -> Demo:
    """Book the demo's day, and mint tickets for everybody who is in the visit that is now."""
    visit = await portals.book_day(HOURS)
    headers = {"Authorization": f"Bearer {keys.demo}"}
    async with aiohttp.ClientSession(f"{base_url}/api/v1/visits/{visit.visit}/", headers=headers) as session:

        async def call(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
            async with session.request(method, path, json=body) as response:
                if response.status >= 300:
                    raise DemoError(f"the portal API answered {response.status} to {method} {path}")
                return await response.json()

        async def ticket(person: str, name: str, role: str, units: list[str]) -> str:
            asked = {"person": person, "name": name, "role": role, "units": units}
            url: str = (await call("POST", "tickets", asked))["join_url"]
            return url.removeprefix(base_url)

        share: str = (await call("GET", "link"))["share_url"]
        clinician, *_ = visit.staff
        return Demo(
            keys=keys,
            visit=visit.visit,
            ends_at=visit.ends_at.isoformat(),
            clinician=await ticket(clinician.person, clinician.name, "clinician", [visit.unit]),
            patient=await ticket(visit.patient.person, visit.patient.name, "patient", []),
            guardians=tuple([await ticket(each.person, each.name, "guardian", []) for each in visit.guardians]),
            share=share.removeprefix(base_url),
        )


def told_as_json(demo: Demo, at: Addresses) -> str:
    """One line for programs."""
    return json.dumps(
        {
            "base_url": at.base_url,
            "metrics_url": at.metrics_url,
            "visit": demo.visit,
            "portal_key": demo.keys.demo,
            "links": demo.links(at.base_url),
            "portals": {"care_record": at.care_record, "patient_portal": at.patient_portal},
        }
    )


def told_to_people(demo: Demo, at: Addresses) -> str:
    """The portals and the links, in Swedish and English."""
    links = demo.links(at.base_url)
    guardians = links["guardians"]
    rows = [
        ("Vårdsystem: tidbok och besökslista", "Care record: schedule and visit list", at.care_record),
        ("Patientportal: bokade tider", "Patient portal: booked times", at.patient_portal),
        None,
        ("Vårdpersonal (Dr Eva Ek)", "Clinician", links["clinician"]),
        ("Patient (Per P)", "Patient", links["patient"]),
        ("Vårdnadshavare (Maria P)", "Guardian", guardians[0]),
        ("Vårdnadshavare (Johan P)", "Guardian", guardians[1]),
        ("Länk att dela (tolk, andra)", "Link to share (interpreter, others)", links["share"]),
    ]
    lines = [
        "",
        "Ett videobesök är bokat. Öppna det som vårdpersonal och patient gör, i två webbläsarfönster:",
        "A video visit is booked. Open it as staff and patients do, in two browser windows:",
        "",
    ]
    for row in rows:
        if row is None:
            lines += [
                "Eller öppna länkarna direkt, i var sitt fönster. Vårdpersonalen är inne genast, de andra väntar tills de släpps in.",
                "Or open the links themselves, each in a window of its own. Staff are in at once, the others wait to be let in.",
                "",
            ]
            continue
        swedish, english, link = row
        lines += [f"  {swedish} · {english}", f"  {link}", ""]
    lines += [
        f"Mätvärden · Metrics: {at.metrics_url}",
        "Varje personlig länk gäller en gång. Avsluta med Ctrl+C.",
        "Each personal link is good once. End with Ctrl+C.",
    ]
    return "\n".join(lines)


def _bind_near(port: int) -> socket.socket:
    """A socket at this port where it is free, else at any that is."""
    try:
        return bind_tcp("--port", f"127.0.0.1:{port if port <= MAX_PORT else 0}")
    except ConfigError:
        return bind_tcp("--port", "127.0.0.1:0")
