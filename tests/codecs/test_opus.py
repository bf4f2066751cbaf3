"""Real Opus: silence that is not sent stays silence, and what is sent twice (RED) reaches those who have it, and those who do not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sfu.rtp.packet import build
from sfu.transport.parameters import Codec
from tests.codecs import payloads
from tests.codecs.encoded import Spoken, speech
from tests.transport.plane_world import OPUS, Client, Received, World, receives, sends

RED = Codec(63, "RED", 48_000, "111/111")
SPELLS = ((0.4, True), (1.5, False), (0.4, True))


@pytest.fixture(scope="module")
def spoken() -> list[Spoken]:
    packets = speech(*SPELLS)
    assert len(packets) < 75, "of 115 packets those of silence are not sent"
    return packets


def call(*receiving: tuple[Codec, ...]) -> tuple[World, Client, list[Client]]:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,), codecs=(OPUS, RED)))
    receivers = [world.client(receives("0", "audio", codecs=codecs)) for codecs in receiving]
    for receiver in receivers:
        world.route(sender, "0", receiver, "0")
    return world, sender, receivers


def play(
    world: World, sender: Client, packets: list[Spoken], *, red: bool = False, lost: frozenset[int] = frozenset()
) -> None:
    """Each at its moment; `lost` are those, by place, that do not arrive. With `red` each brings the one before, if that is near."""
    begun = world.now
    for index, packet in enumerate(packets):
        world.run(begun + packet.timestamp / 48_000 - world.now)
        payload, kind = packet.data, OPUS.payload_type
        if red:
            before = packets[index - 1] if index else None
            near = before is not None and packet.timestamp - before.timestamp < 1 << 14
            earlier = [(before.data, packet.timestamp - before.timestamp)] if before is not None and near else []
            payload, kind = payloads.red(packet.data, earlier, OPUS.payload_type), RED.payload_type
        made = build(kind, 500 + index, packet.timestamp, 1, payload, marker=packet.begins)
        if index in lost:
            sender.uplink.protect(made)
        else:
            sender.send(made)


def check(got: list[Received], packets: list[Spoken], data: list[bytes]) -> None:
    """One whole stream: what was said, when it was said, and where it began."""
    assert [packet.payload for packet in got] == data
    assert [bool(packet.marker) for packet in got] == [packet.begins for packet in packets]
    for (one, following), (said, then) in zip(pairwise(got), pairwise(packets), strict=True):
        assert (following.sequence - one.sequence) & 0xFFFF == 1
        assert (following.timestamp - one.timestamp) & 0xFFFFFFFF == then.timestamp - said.timestamp


def test_silence_that_is_not_sent_is_no_loss(spoken: list[Spoken]) -> None:
    world, sender, (receiver,) = call((OPUS,))
    play(world, sender, spoken)
    check(receiver.take_rtp(), spoken, [packet.data for packet in spoken])
    assert not [packet for packet in sender.take_control() if type(packet).__name__ == "Nack"]


def test_what_is_sent_twice_is_passed_on_and_taken_apart_for_those_without_it(spoken: list[Spoken]) -> None:
    world, sender, (having, lacking) = call((OPUS, RED), (OPUS,))
    play(world, sender, spoken, red=True)
    both = having.take_rtp()
    assert {packet.payload_type for packet in both} == {RED.payload_type}
    found = [taken_apart(packet.payload) for packet in both]
    check(both, spoken, [packet.payload for packet in both])
    assert [newest for newest, _ in found] == [packet.data for packet in spoken]
    single = lacking.take_rtp()
    assert {packet.payload_type for packet in single} == {OPUS.payload_type}
    check(single, spoken, [packet.data for packet in spoken])


def test_a_packet_that_is_lost_is_in_the_next_one(spoken: list[Spoken]) -> None:
    world, sender, (having,) = call((OPUS, RED))
    lost = frozenset(
        index for index in range(1, len(spoken) - 1, 3) if spoken[index + 1].timestamp - spoken[index].timestamp == 960
    )
    assert len(lost) > 10
    play(world, sender, spoken, red=True, lost=lost)
    heard: dict[int, bytes] = {}
    got = having.take_rtp()
    first = got[0].timestamp
    for packet in got:
        newest, before = taken_apart(packet.payload)
        moment = (packet.timestamp - first) & 0xFFFFFFFF
        heard[moment] = newest
        for data, earlier in before:
            heard.setdefault(moment - earlier, data)
    assert heard == {packet.timestamp - spoken[0].timestamp: packet.data for packet in spoken}


def taken_apart(payload: bytes) -> tuple[bytes, list[tuple[bytes, int]]]:
    """An own reading of RFC 2198 3: the newest packet, and of each before it the data and how much earlier it is."""
    at = 0
    heads = []
    while payload[at] & 0x80:
        word = int.from_bytes(payload[at : at + 4], "big")
        assert word >> 24 & 0x7F == OPUS.payload_type
        heads.append((word & 0x3FF, word >> 10 & 0x3FFF))
        at += 4
    assert payload[at] == OPUS.payload_type
    at += 1
    before = []
    for length, earlier in heads:
        before.append((payload[at : at + length], earlier))
        at += length
    return payload[at:], before
