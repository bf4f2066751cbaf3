"""Staff pass the shared link on from within the meeting: it is the portal's own, as it is now, and nobody else is told it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.client import Client, ProtocolError
from tests.e2e.server import Server


async def test_staff_are_told_the_link_that_is_good_now(
    server: Server, client: Callable[[], Awaitable[Client]]
) -> None:
    visit = await server.book()
    staff = await (await client()).join(ticket=await server.clinician(visit))
    link = (await staff.ask("link"))["share_url"]
    assert link == (await server.api("GET", f"/visits/{visit}/link"))["share_url"]
    renewed = (await server.api("POST", f"/visits/{visit}/link"))["share_url"]
    assert renewed != link
    assert (await staff.ask("link"))["share_url"] == renewed
    key = renewed.partition("key=")[2]
    guest = await (await client()).join(visit=visit, key=key, name="Amina Tolk", role="interpreter")
    with pytest.raises(ProtocolError, match="not_allowed"):
        await guest.ask("link")
    await staff.ask("admit", participant=guest.id, agreed=True)
    await guest.until(lambda c: c.state == "admitted")
    with pytest.raises(ProtocolError, match="not_allowed"):
        await guest.ask("link")
    rows = (await server.api("GET", f"/visits/{visit}/audit"))["entries"]
    assert [row["actor"] for row in rows if row["action"] == "link_read"] == [staff.id, "portal:demo", staff.id]
