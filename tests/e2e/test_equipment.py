"""Trying one's equipment against the real server: one's own media comes back, and nothing of it reaches anybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sfu.app.testing import TEST_SECONDS, TESTS_PER_HOUR
from sfu.errors import CloseCode
from tests.e2e.capture import Capture
from tests.e2e.client import Client, ProtocolError, Section
from tests.e2e.server import Server

Connect = Callable[[], Awaitable[Client]]

QUIET = 0.3  # seconds in which a packet that were to come would have come


async def begin(client: Client, **how: Any) -> Client:
    """Ask for a test and offer: sound and picture to send, and the echo of both."""
    assert await client.ask("test", **how) == {"type": "ok", "id": 1, "seconds": TEST_SECONDS, "ice_servers": []}
    client.sections = [
        Section("0", "audio", "sendonly", 1001, "microphone"),
        Section("1", "video", "sendonly", 2001, "camera"),
        Section("2", "audio", "recvonly", track="echo:microphone"),
        Section("3", "video", "recvonly", track="echo:camera"),
    ]
    await client.offer()
    return client


async def say(client: Client, text: bytes, first: int = 1) -> None:
    for number in range(first, first + 5):
        await client.send("0", b"sound " + text, number, number * 960)
        await client.send("1", b"\x10\x00 picture " + text, number, number * 3000, marker=1)


async def refusal(asking: Awaitable[Any]) -> str:
    with pytest.raises(ProtocolError) as caught:
        await asking
    return caught.value.code


async def test_ones_own_media_comes_back_and_reaches_nobody_else(server: Server, client: Connect) -> None:
    visit = await server.book()
    staff = await (await client()).join(ticket=await server.clinician(visit))
    ticket = await server.patient(visit)
    patient = await (await client()).join(ticket=ticket)
    await staff.ask("admit", participant=patient.id)
    await patient.until(lambda c: c.state == "admitted")
    await staff.publish()
    await patient.publish()
    for person in (staff, patient):
        await person.until(lambda c: len(c.tracks) == 4)
        await person.subscribe()
    told = [list(person.events) for person in (staff, patient)]

    assert staff._ice is not None
    capture = Capture(next(iter(staff._ice._connection._remote_candidates)).port)
    capture.start()
    began = time.time_ns()
    one, other = [await begin(await client(), ticket=ticket), await begin(await client(), ticket=ticket)]
    await say(one, b"of one")
    await say(other, b"of the other")
    await one.until(lambda c: len(c.payloads("2")) == 5 and len(c.payloads("3")) == 5)
    await other.until(lambda c: len(c.payloads("2")) == 5 and len(c.payloads("3")) == 5)
    ports = set(one.local_ports)
    await one.ask("leave")
    await one.until(lambda c: c.close_code is not None)
    ended = time.time_ns()
    await say(one, b"after the end", 6)
    await say(staff, b"of staff")
    await patient.until(lambda c: len(c.packets) == 10)
    await asyncio.sleep(QUIET)
    datagrams = capture.stop()

    assert one.close_code == CloseCode.LEFT
    assert {packet.payload for packet in one.packets} == {b"sound of one", b"\x10\x00 picture of one"}
    assert {packet.payload for packet in other.packets} == {b"sound of the other", b"\x10\x00 picture of the other"}
    assert {packet.payload for packet in patient.packets} == {b"sound of staff", b"\x10\x00 picture of staff"}
    assert staff.packets == []
    since = [
        event for person, before in zip((staff, patient), told, strict=True) for event in person.events[len(before) :]
    ]
    assert {event["type"] for event in since} <= {"speaker"}
    assert {event["participant"] for event in since} <= {staff.id, None}, "nobody is told of a test"
    assert (one.events, other.events) == ([], []), "a test hears of nothing"
    to_one = [datagram.at for datagram in datagrams if datagram.destination in ports]
    assert to_one, "the capture must have seen the echo"
    assert all(began <= at <= ended for at in to_one), "not one datagram after the end"
    assert (await server.metrics())["evisit_unadmitted_media_packets_total", ()] == 0


async def test_a_link_is_good_for_a_test_days_before_and_the_ticket_is_not_used_up(
    server: Server, client: Connect
) -> None:
    visit = await server.book(starts_at="2098-01-01T09:00:00Z", ends_at="2098-01-01T09:30:00Z")
    tester = await begin(await client(), visit=visit, key=await server.link_key(visit))
    await say(tester, b"days before")
    await tester.until(lambda c: len(c.payloads("2")) == 5)
    today = await server.book()
    ticket = await server.clinician(today)
    await begin(await client(), ticket=ticket)
    joined = await (await client()).join(ticket=ticket)
    assert joined.state == "admitted", "no second device: the ticket had not been used"
    assert joined.roster <= {joined.id}


async def test_strangers_get_no_handshake(server: Server, client: Connect) -> None:
    visit = await server.book()
    for how in ({"ticket": "a.b.c"}, {"visit": visit, "key": "guessed"}, {"visit": "v_none", "key": "guessed"}):
        stranger = await client()
        assert await refusal(stranger.ask("test", **how)) in ("ticket_invalid", "visit_unknown")
        await stranger.until(lambda c: c.close_code == CloseCode.JOIN_REFUSED)
    untested = await client()
    untested.sections = [Section("0", "audio", "sendonly", 1001, "microphone")]
    assert await refusal(untested.offer()) == "join_required"


async def test_a_link_is_tested_with_three_times_an_hour(server: Server, client: Connect) -> None:
    visit = await server.book()
    key = await server.link_key(visit)
    for _ in range(TESTS_PER_HOUR):
        await (await client()).ask("test", visit=visit, key=key)
    late = await client()
    assert await refusal(late.ask("test", visit=visit, key=key)) == "rate_limited"
    await late.until(lambda c: c.close_code == CloseCode.RATE_LIMITED)
    # The link still lets them knock, and another visit is not concerned.
    assert (await (await client()).join(visit=visit, key=key, name="Amina", role="interpreter")).state == "waiting"
    await (await client()).ask("test", ticket=await server.patient(await server.book()))


async def test_a_test_receives_its_own_echo_alone_and_offers_once(server: Server, client: Connect) -> None:
    visit = await server.book()
    staff = await (await client()).join(ticket=await server.clinician(visit))
    await staff.publish(video=False)
    await staff.until(lambda c: bool(c.tracks))
    tester = await client()
    await tester.ask("test", ticket=await server.patient(visit))

    async def offered(*sections: Section) -> str:
        tester.sections = list(sections)
        return await refusal(tester.offer())

    sound = Section("0", "audio", "sendonly", 1001, "microphone")
    [foreign] = staff.tracks
    assert await offered(sound, Section("1", "audio", "recvonly", track=foreign)) == "track_unknown"
    assert await offered(sound, Section("1", "video", "recvonly", track="echo:camera")) == "track_unknown"
    assert await offered(sound, Section("1", "video", "recvonly", track="echo:microphone")) == "bad_message"

    def echo(mid: str) -> Section:
        return Section(mid, "audio", "recvonly", track="echo:microphone")

    assert await offered(sound, echo("1"), echo("2")) == "bad_message"
    assert await offered(Section("0", "video", "sendonly", 2001, "screen")) == "bad_message"
    tester.sections = [sound, echo("1")]
    await tester.offer()
    assert await refusal(tester.offer()) == "bad_message"
    assert await refusal(tester.ask("mute", track=foreign, muted=True)) == "join_required"
