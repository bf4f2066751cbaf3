"""The whole visit by a client that shares no code with the server: aiortc's ICE, DTLS, SRTP and RTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.canned import Payload, opus, vp8
from tests.e2e.client import Client, ProtocolError
from tests.e2e.server import Server

Connect = Callable[[], Awaitable[Client]]


async def play(client: Client, mid: str, payloads: tuple[Payload, ...], first_sequence: int) -> None:
    """Send payloads in bursts of a few, as a pacer would, each handed over before the next."""
    for number, payload in enumerate(payloads):
        await client.send(mid, payload.data, first_sequence + number, payload.timestamp, marker=payload.marker)
        await asyncio.sleep(0)


def receiving(client: Client, owner: Client, kind: str) -> str:
    """The section of `client` that receives the owner's track of this kind."""
    return next(section.mid for section in client.sections if client.tracks.get(section.track) == (owner.id, kind))


@pytest.fixture
async def three(server: Server, client: Connect) -> tuple[Client, Client, Client]:
    """A clinician, a patient and an interpreter, all admitted."""
    visit = await server.book()
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    patient = await (await client()).join(ticket=await server.patient(visit))
    key = await server.link_key(visit)
    interpreter = await (await client()).join(visit=visit, key=key, name="Amina Tolk", role="interpreter")
    assert [clinician.state, patient.state, interpreter.state] == ["admitted", "waiting", "waiting"]
    await clinician.ask("admit", participant=patient.id)
    with pytest.raises(ProtocolError, match="agreement_required"):
        await clinician.ask("admit", participant=interpreter.id)
    await clinician.ask("admit", participant=interpreter.id, agreed=True)
    people = (clinician, patient, interpreter)
    for person in people:
        await person.until(lambda c: c.state == "admitted" and len(c.roster) == 3)
    return people


async def test_payloads_arrive_to_the_bit_from_each_to_each(three: tuple[Client, Client, Client]) -> None:
    for person in three:
        await person.publish()
    for person in three:
        await person.until(lambda c: len(c.tracks) == 6)
        await person.subscribe()
        assert person.connected
    # The plane asks for a keyframe where a route begins, so all routes stand before anybody plays.
    for person in three:
        await asyncio.gather(play(person, "0", opus(), 65530), play(person, "1", vp8(), 65500))
    for person in three:
        for other in three:
            if other is person:
                continue
            sound, picture = receiving(person, other, "audio"), receiving(person, other, "video")
            await person.until(lambda c, mid=sound: len(c.payloads(mid)) >= len(opus()))  # type: ignore[misc]
            await person.until(lambda c, mid=picture: len(c.payloads(mid)) >= len(vp8()))  # type: ignore[misc]
            assert person.payloads(sound) == [payload.data for payload in opus()]
            assert person.payloads(picture) == [payload.data for payload in vp8()]


async def test_what_arrives_names_the_receivers_own_sections(three: tuple[Client, Client, Client]) -> None:
    clinician, patient, _ = three
    await patient.publish()
    await clinician.until(lambda c: len(c.tracks) == 2)
    await clinician.subscribe()
    await play(patient, "0", opus(), 1)
    await clinician.until(lambda c: len(c.packets) >= len(opus()))
    mid = receiving(clinician, patient, "audio")
    assert {packet.extensions.mid for packet in clinician.packets if packet.ssrc == clinician.egress[mid]} == {mid}
    assert {packet.extensions.audio_level for packet in clinician.packets} == {(True, 30)}
    assert not {packet.ssrc for packet in clinician.packets} & {1001, 2001}


async def test_hold_stops_both_ways_and_release_goes_on(three: tuple[Client, Client, Client]) -> None:
    clinician, patient, _ = three
    await patient.publish(video=False)
    await clinician.until(lambda c: len(c.tracks) == 1)
    await clinician.subscribe()
    await play(patient, "0", opus(), 1)
    await clinician.until(lambda c: len(c.packets) == len(opus()))
    await clinician.ask("hold", participant=patient.id)
    await patient.until(lambda c: c.state == "waiting")
    await play(patient, "0", opus(), 1000)
    with pytest.raises(ProtocolError, match="not_admitted"):
        await patient.offer()
    assert clinician.roster == {clinician.id, three[2].id}
    await patient.drop_media()
    await clinician.ask("admit", participant=patient.id)
    await patient.until(lambda c: c.state == "admitted")
    await patient.publish(video=False)
    await clinician.until(lambda c: len(c.tracks) == 1)
    await clinician.subscribe()
    await play(patient, "0", opus(), 1)
    await clinician.until(lambda c: len(c.packets) == 2 * len(opus()))
    assert [packet.payload for packet in clinician.packets] == 2 * [payload.data for payload in opus()]


async def test_removed_is_out_on_every_path(
    server: Server, three: tuple[Client, Client, Client], client: Connect
) -> None:
    clinician, patient, _ = three
    await clinician.ask("remove", participant=patient.id)
    await patient.until(lambda c: c.close_code is not None)
    assert (patient.state, patient.close_code) == ("removed", 4403)
    for how in (
        {"resume": patient.joined["resume"]},
        {"ticket": await server.patient(clinician.joined["visit"]["visit"])},
    ):
        with pytest.raises(ProtocolError, match="removed"):
            await (await client()).join(**how)


async def test_a_dropped_channel_resumes_where_it_was(three: tuple[Client, Client, Client], client: Connect) -> None:
    clinician, patient, _ = three
    await patient.drop()
    back = await (await client()).join(resume=patient.joined["resume"])
    assert (back.id, back.state) == (patient.id, "admitted")
    await back.until(lambda c: len(c.roster) == 3)
    assert clinician.roster == back.roster


async def test_who_speaks_is_told_to_everybody(three: tuple[Client, Client, Client]) -> None:
    clinician, patient, _ = three
    await patient.publish(video=False)
    for number in range(100):
        await patient.send("0", b"speech", number, number * 960)
        await asyncio.sleep(0.01)
        if clinician.last("speaker"):
            break
    await clinician.until(lambda c: (c.last("speaker") or {}).get("participant") == patient.id)
    await clinician.until(lambda c: (c.last("speaker") or {"participant": ""})["participant"] is None)
