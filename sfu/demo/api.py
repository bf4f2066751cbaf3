"""The portal API, called as any portal would: HTTP, a key, JSON (docs/portal-api.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

SECONDS = 20  # that an answer may take; somebody is waiting for a page
PAGES = 10  # of a list that are read; a day of a clinic is one


class ApiProblem(Exception):
    """The server did not do it. `code` is the stable one of its problem document, `unreachable` where it gave none."""

    def __init__(self, status: int, code: str, pointers: tuple[str, ...] = ()) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.pointers = pointers
        """Places in the body that broke a rule, such as `/to/0`."""


@dataclass(frozen=True, slots=True)
class Person:
    person: str
    name: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as the API answers it; fields that we do not know are passed over."""

    visit: str
    unit: str
    unit_name: str
    title: str
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime
    language: str
    state: str
    staff: tuple[Person, ...]
    patient: Person
    guardians: tuple[Person, ...]

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Visit:
        def people(of: str) -> tuple[Person, ...]:
            return tuple(Person(each["person"], each["name"]) for each in told[of])

        return cls(
            visit=told["visit"],
            unit=told["unit"],
            unit_name=told["unit_name"],
            title=told["title"],
            starts_at=datetime.fromisoformat(told["starts_at"]),
            ends_at=datetime.fromisoformat(told["ends_at"]),
            opens_at=datetime.fromisoformat(told["opens_at"]),
            closes_at=datetime.fromisoformat(told["closes_at"]),
            language=told["language"],
            state=told["state"],
            staff=people("staff"),
            patient=Person(told["patient"]["person"], told["patient"]["name"]),
            guardians=people("guardians"),
        )

    @property
    def joinable(self) -> bool:
        """Whether patients and others can join now."""
        return self.state in ("open", "active")

    @property
    def over(self) -> bool:
        return self.state in ("ended", "cancelled")


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the API answered, with the name that it gave it."""

    body: bytes
    disposition: str


class PortalApi:
    """One portal's calls. Every one raises `ApiProblem` where the server says no or cannot be reached."""

    def __init__(self, base_url: str, key: str) -> None:
        """`base_url` is the server's; the key never leaves this process."""
        self._base_url = base_url
        self._key = key
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            f"{self._base_url}/api/v1/",
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=aiohttp.ClientTimeout(total=SECONDS),
        )

    async def close(self) -> None:
        assert self._session is not None
        await self._session.close()

    async def schedule(self, unit: str, since: datetime, before: datetime) -> list[Visit]:
        """A unit's visits that start in between."""
        return await self._list({"unit": unit, "from": since.isoformat(), "to": before.isoformat()})

    async def booked_times(self, person: str, since: datetime) -> list[Visit]:
        """Visits from then on that name somebody as patient or as guardian."""
        return await self._list({"person": person, "from": since.isoformat()})

    async def visit(self, visit: str) -> Visit:
        return Visit.read(await self._json("GET", f"visits/{visit}"))

    async def book(self, body: Mapping[str, Any], once: str) -> Visit:
        """Book. `once` is the Idempotency-Key: the same form sent twice books once."""
        return Visit.read(await self._json("POST", "visits", body, once))

    async def move(self, visit: str, starts_at: datetime, ends_at: datetime) -> None:
        await self._json(
            "PATCH", f"visits/{visit}", {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
        )

    async def cancel(self, visit: str) -> None:
        await self._call("DELETE", f"visits/{visit}")

    async def ticket(self, visit: str, person: str, role: str, name: str, units: tuple[str, ...] = ()) -> str:
        """The URL at which this person joins, once."""
        wanted = {"person": person, "role": role, "name": name, "units": units}
        return str((await self._json("POST", f"visits/{visit}/tickets", wanted))["join_url"])

    async def link(self, visit: str) -> str:
        """The shared link, to pass on."""
        return str((await self._json("GET", f"visits/{visit}/link"))["share_url"])

    async def renew_link(self, visit: str) -> None:
        await self._json("POST", f"visits/{visit}/link")

    async def waiting(self, visit: str) -> int:
        """How many wait to be let in."""
        there = (await self._json("GET", f"visits/{visit}/participants"))["participants"]
        return sum(each["state"] == "waiting" for each in there)

    async def invite(self, visit: str, body: Mapping[str, Any], once: str) -> None:
        await self._json("POST", f"visits/{visit}/invitations", body, once)

    async def draft(self, visit: str, body: Mapping[str, Any]) -> Download:
        """The invitation as a file for the mail program."""
        response, body_ = await self._call("POST", f"visits/{visit}/invitations?format=eml", body)
        return Download(body_, response.headers["Content-Disposition"])

    async def outcomes(self, visit: str) -> dict[str, int]:
        """What became of the mails of a visit: how many by outcome."""
        counts: dict[str, int] = {}
        for invitation in (await self._json("GET", f"visits/{visit}/invitations"))["invitations"]:
            for recipient in invitation["recipients"]:
                counts[recipient["outcome"]] = counts.get(recipient["outcome"], 0) + 1
        return counts

    async def _list(self, query: Mapping[str, str]) -> list[Visit]:
        visits: list[Visit] = []
        asked = dict(query)
        for _ in range(PAGES):
            page = await self._json("GET", "visits", query=asked)
            visits += map(Visit.read, page["visits"])
            if page["next"] is None:
                break
            asked["cursor"] = page["next"]
        return visits

    async def _json(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        once: str | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        _, text = await self._call(method, path, body, once, query=query)
        return json.loads(text)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        once: str | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        assert self._session is not None, "opened before it is used"
        headers = {"Idempotency-Key": once} if once else {}
        try:
            async with self._session.request(method, path, json=body, params=query, headers=headers) as response:
                answered = await response.read()
        except (aiohttp.ClientError, TimeoutError):
            raise ApiProblem(0, "unreachable") from None
        if response.status >= 300:
            raise _problem(response.status, answered)
        return response, answered


def _problem(status: int, answered: bytes) -> ApiProblem:
    try:
        document = json.loads(answered)
        pointers = tuple(str(each["pointer"]) for each in document.get("errors", ()))
        return ApiProblem(status, str(document["code"]), pointers)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ApiProblem(status, "unreachable")
