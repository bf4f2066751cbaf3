"""The portal API as a care record calls it: a visit, a clinician's ticket, the shared link (portal-api.md)."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp

UNIT = "bench-unit"


class PortalFailed(Exception):
    """The portal API did not answer as its contract says."""


class Portal:
    """A portal with every scope."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, key: str) -> None:
        self._http = http
        self._visits = f"{base_url}/api/v1/visits"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def create_visit(self, number: int, wall: datetime) -> str:
        """A visit that has just begun. Gives its id."""
        booking = {
            "booking": f"bench:{number}",
            "unit": UNIT,
            "unit_name": "Bench",
            "title": "Bench",
            "starts_at": _stamp(wall),
            "ends_at": _stamp(wall + timedelta(hours=1)),
            "language": "en",
            "staff": [{"person": f"bench:clinician-{number}", "name": "Clinician"}],
            "patient": {"person": f"bench:patient-{number}", "name": "Patient", "birth_date": "1980-01-01"},
            "guardians": [],
        }
        return await self._field("POST", "", "visit", booking)

    async def clinician_ticket(self, visit: str, number: int) -> str:
        """A ticket for the clinician of `create_visit`, who has access to the visit's unit."""
        person = {
            "person": f"bench:clinician-{number}",
            "role": "clinician",
            "name": "Clinician",
            "units": [UNIT],
        }
        return await self._field("POST", f"/{visit}/tickets", "ticket", person)

    async def link_key(self, visit: str) -> str:
        """The key of the visit's shared link."""
        url = await self._field("GET", f"/{visit}/link", "share_url")
        keys = parse_qs(urlsplit(url).fragment).get("key")
        if not keys:
            raise PortalFailed("the shared link carries no key")
        return keys[0]

    async def end(self, visit: str) -> None:
        """End the visit for everybody."""
        await self._field("POST", f"/{visit}/end", "visit")

    async def _field(self, method: str, path: str, field: str, body: object = None) -> str:
        async with self._http.request(method, self._visits + path, json=body, headers=self._headers) as response:
            if response.status >= 300:
                raise PortalFailed(f"{method} of {field}: HTTP {response.status}: {(await response.text())[:300]}")
            value = (await response.json())[field]
        if not isinstance(value, str):
            raise PortalFailed(f"{field} is not a string")
        return value


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
