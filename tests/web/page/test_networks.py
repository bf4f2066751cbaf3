"""Relays, and a network that has become another one."""

from __future__ import annotations

import pytest

from tests.web.page.server import Message
from tests.web.page.visitor import CLINICIAN, SETTLED, Visitor, answer, me, track

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OWN = (track("sent-0", "microphone"), track("sent-1", "camera"))
SERVERS = "probe.connections.map((pc) => pc.getConfiguration().iceServers.map(({ username }) => username))"


def relays(username: str) -> list[dict[str, object]]:
    return [{"urls": ["turn:127.0.0.1:9?transport=tcp"], "username": username, "credential": "c2VjcmV0"}]


def ufrags(offer: Message) -> set[str]:
    return {line for line in str(offer["sdp"]).splitlines() if line.startswith("a=ice-ufrag:")}


async def test_the_newest_relays_are_taken_by_the_connection_at_hand_and_by_the_next(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await channel.event("ice_servers", ice_servers=relays("admitted"))
    await channel.event("state", state="admitted", reason="")
    await channel.event("roster", version=1, locked=False, participants=[me(*OWN)])
    await channel.heard("offer")
    assert await visitor.page.evaluate(SERVERS) == [["admitted"]]

    await channel.event("ice_servers", ice_servers=relays("renewed"))
    await visitor.page.wait_for_function(f"() => {SERVERS}[0][0] === 'renewed'")

    await channel.event("state", state="waiting", reason="")
    await channel.event("ice_servers", ice_servers=relays("again"))
    await channel.event("state", state="admitted", reason="")
    await channel.heard("offer")
    assert (await visitor.page.evaluate(SERVERS))[1:] == [["again"]]


async def test_a_resume_brings_relays_too(visitor: Visitor) -> None:
    channel = await visitor.enter()
    channel.abort()
    channel = await visitor.server.channel()
    await channel.ok(await channel.heard("join"), **answer(**CLINICIAN, ice_servers=relays("resumed")))
    await channel.heard("offer")
    assert await visitor.page.evaluate(SERVERS) == [["resumed"]]


async def test_when_the_network_is_another_one_the_same_connection_looks_for_a_way_over_it(visitor: Visitor) -> None:
    channel = await visitor.enter()
    before = [message for message in channel.log if message["type"] == "offer"][-1]
    await visitor.page.evaluate("window.dispatchEvent(new Event('online'))")
    channel = await visitor.server.channel()
    await channel.ok(await channel.heard("join"), **answer(**CLINICIAN))
    offer = await channel.heard("offer")
    assert ufrags(offer).isdisjoint(ufrags(before)), "ICE is restarted"
    await visitor.page.wait_for_function(SETTLED)
    assert await visitor.page.evaluate("probe.connections.length") == 1, "and DTLS is not"
