"""Whatever an authenticated peer sends, the plane neither raises nor closes anybody, and every datagram is accounted for.

The packets are hostile and rightly encrypted: what a stranger can send never gets this far.
"""

from __future__ import annotations

import contextlib
import struct

from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Error

from sfu.rtp.packet import build
from tests.transport.plane_world import (
    INTERFRAME,
    KEYFRAME,
    OPUS,
    RED,
    Client,
    Stream,
    World,
    receives,
    sends,
)

words = st.integers(0, 0xFFFFFFFF)


def call() -> tuple[World, Client, Client]:
    world = World()
    sections = (sends("0", "video", ssrcs=(1,), rtx_ssrcs=(2,)), sends("1", "audio", codecs=(OPUS, RED)))
    sender = world.client(*sections)
    receiver = world.client(receives("v", "video"), receives("a", "audio"))
    world.route(sender, "0", receiver, "v")
    world.route(sender, "1", receiver, "a")
    Stream(sender, 1, 96).send(KEYFRAME)
    return world, sender, receiver


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """RTP that libsrtp would encrypt: the header is whole, everything in it and behind it is anything."""
    profile = draw(st.sampled_from([0xBEDE, 0x1000, 0x1003, 0x5555]))
    elements = draw(st.binary(max_size=60))
    packet = build(
        draw(st.sampled_from([96, 97, 111, 63, 5])),
        draw(st.integers(90, 130) | st.integers(0, 65_535)),
        draw(words),
        draw(st.sampled_from([1, 2, 3, 4])),
        draw(st.binary(max_size=40) | st.sampled_from([KEYFRAME, INTERFRAME])),
        marker=draw(st.booleans()),
        csrcs=tuple(draw(st.lists(words, max_size=15))),
        extension=(profile, elements) if draw(st.booleans()) else None,
    )
    first = packet[0] | (0x20 if draw(st.booleans()) else 0)
    return bytes([first]) + packet[1:]


@st.composite
def controls(draw: st.DrawFn) -> bytes:
    """RTCP whose first eight bytes are what SRTCP needs; SSRCs are often ones that exist."""
    world_ssrcs = st.sampled_from([1, 2, 3])
    body = draw(st.lists(words | world_ssrcs, max_size=20))
    kind = draw(st.integers(200, 207))
    count = draw(st.integers(0, 31))
    length = draw(st.just(1 + len(body)) | st.integers(0, 30))
    return struct.pack(f"!BBHI{len(body)}I", 0x80 | count, kind, length, draw(world_ssrcs), *body)


@given(st.lists(packets(), max_size=15))
def test_any_rtp_is_survived(hostile: list[bytes]) -> None:
    world, sender, receiver = call()
    sent = 1
    for packet in hostile:
        # The client's own SRTP refuses to encrypt a number twice.
        with contextlib.suppress(Error):
            sender.send(packet)
            sent += 1
    world.run(1)
    assert world.plane.bugs == 0
    assert world.plane.counters.unadmitted == 0
    assert len(receiver.take_rtp()) + sum(world.plane.drops.counts.values()) == sent


@given(st.lists(controls(), max_size=10))
def test_any_rtcp_is_survived(hostile: list[bytes]) -> None:
    world, sender, receiver = call()
    for client in (sender, receiver):
        for packet in hostile:
            client.inject(client.uplink.protect_rtcp(packet))
    assert world.plane.bugs == 0
    world.run(3)
    Stream(sender, 1, 96, sequence=101).send(INTERFRAME)
    assert [packet.payload for packet in receiver.take_rtp()][:1] == [KEYFRAME]
