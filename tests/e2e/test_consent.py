"""Who falls silent is shown so to the others, gets nothing more after a while, and is back with one check (RFC 7675)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aioice.ice
import pytest

from tests.e2e.client import Client
from tests.e2e.server import Server

Connect = Callable[[], Awaitable[Client]]

pytestmark = pytest.mark.timeout(120)


def connections(client: Client, of: str) -> list[str]:
    """What rosters have said of somebody's connection, one after the other."""
    told: list[str] = []
    for event in client.events:
        if event["type"] == "roster":
            told += [entry["connection"] for entry in event["participants"] if entry["participant"] == of]
    return [each for index, each in enumerate(told) if not index or told[index - 1] != each]


async def shown(client: Client, of: str, connection: str) -> None:
    """Wait until the newest roster says so; silence takes its time."""
    for _ in range(6):
        try:
            await client.until(lambda c: connections(c, of)[-1:] == [connection])
            return
        except TimeoutError:
            continue
    raise AssertionError(f"{connections(client, of)}")


async def test_silence_is_shown_ends_forwarding_and_is_over_with_the_next_check(
    server: Server, client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await server.book()
    eva = await (await client()).join(ticket=await server.clinician(visit))
    per = await (await client()).join(ticket=await server.patient(visit))
    await eva.ask("admit", participant=per.id)
    await per.until(lambda c: c.state == "admitted")
    await eva.publish(video=False)
    await per.until(lambda c: len(c.tracks) == 1)
    await per.subscribe()
    await eva.send("0", b"before", 1, 0)
    await per.until(lambda c: b"before" in [packet.payload for packet in c.packets])

    assert per._ice is not None
    ice = per._ice._connection
    assert ice._query_consent_task is not None
    ice._query_consent_task.cancel()
    await shown(eva, per.id, "weak")
    await shown(eva, per.id, "lost")
    assert connections(eva, per.id) == ["good", "weak", "lost"]
    await eva.send("0", b"meanwhile", 2, 960)

    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.2)
    ice._query_consent_task = asyncio.get_running_loop().create_task(ice.query_consent())
    await shown(eva, per.id, "good")
    await eva.send("0", b"after", 3, 1920)
    await per.until(lambda c: b"after" in [packet.payload for packet in c.packets])
    assert b"meanwhile" not in [packet.payload for packet in per.packets]
    assert per.connected
