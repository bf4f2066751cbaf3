"""Sequence numbers and timestamps of what is forwarded: one stream to its receiver, whatever happens before the plane."""

from __future__ import annotations

from itertools import pairwise

from sfu.transport.drops import DropReason
from tests.transport.plane_world import (
    INTERFRAME,
    KEYFRAME,
    Stream,
    World,
    audio_pair,
    receives,
    sends,
    sequences,
    video_pair,
)


def test_lost_packets_leave_their_gap_and_reordered_ones_their_place() -> None:
    _, sender, receiver, stream = audio_pair()
    packets = [stream.packet(bytes([index])) for index in range(6)]
    protected = [sender.uplink.protect(packet) for packet in packets]
    for index in (0, 1, 3, 5, 4):
        sender.inject(protected[index])
    assert sequences(receiver.take_rtp()) == [0, 1, 3, 5, 4]


def test_padding_alone_is_not_forwarded_and_leaves_no_gap() -> None:
    world, _, receiver, stream = video_pair()
    stream.send(KEYFRAME)
    stream.send(b"", padding=200)
    stream.send(b"", padding=1)
    stream.send(INTERFRAME)
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == [KEYFRAME, INTERFRAME]
    assert sequences(got) == [0, 1]
    assert world.dropped(DropReason.PADDING) == 2


def test_sequence_and_time_go_on_over_a_change_of_source() -> None:
    world = World()
    first = world.client(sends("0", "video", ssrcs=(1,)))
    second = world.client(sends("0", "video", ssrcs=(1,)))
    receiver = world.client(receives("0", "video"))
    one, two = Stream(first, 1, 96, sequence=65_530), Stream(second, 1, 96, sequence=17)
    two.timestamp = 4_000_000_000
    world.route(first, "0", receiver, "0")
    for _ in range(10):
        one.send(KEYFRAME)
    world.now += 0.5
    world.route(second, "0", receiver, "0")
    one.send(KEYFRAME + b"never seen")
    two.send(INTERFRAME)
    for _ in range(10):
        two.send(KEYFRAME)
    got = receiver.take_rtp()
    assert sequences(got) == list(range(20))
    assert len({packet.ssrc for packet in got}) == 1
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(got)]
    assert steps == [3000] * 9 + [45_000] + [3000] * 9


def test_sequence_and_time_go_on_over_hold_and_resume() -> None:
    world, sender, receiver, stream = video_pair()
    stream.send(KEYFRAME)
    world.plane.drop_route(receiver.number, "0")
    for _ in range(70_000 // 500):
        stream.sequence += 500
        stream.timestamp += 3000
        stream.send(INTERFRAME)
    world.now += 5
    world.route(sender, "0", receiver, "0")
    stream.send(INTERFRAME)
    stream.send(KEYFRAME)
    stream.send(INTERFRAME)
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == [KEYFRAME, KEYFRAME, INTERFRAME]
    assert sequences(got) == [0, 1, 2]
    assert (got[1].timestamp - got[0].timestamp) & 0xFFFFFFFF == 5 * 90_000


def test_what_was_sent_before_a_switch_does_not_come_after_it() -> None:
    world, sender, receiver, stream = video_pair()
    stream.send(KEYFRAME)
    late = sender.uplink.protect(stream.packet(INTERFRAME + b"late"))
    stream.send(INTERFRAME)
    world.plane.drop_route(receiver.number, "0")
    world.route(sender, "0", receiver, "0")
    stream.send(KEYFRAME)
    sender.inject(late)
    assert [packet.payload for packet in receiver.take_rtp()] == [KEYFRAME, INTERFRAME, KEYFRAME]
    assert world.dropped(DropReason.SUPERSEDED) == 1


def test_a_source_that_begins_anew_goes_on_in_the_same_stream() -> None:
    _, _, receiver, stream = video_pair()
    for _ in range(3):
        stream.send(KEYFRAME)
    stream.sequence = (stream.sequence + 30_000) & 0xFFFF
    for _ in range(3):
        stream.send(KEYFRAME)
    # The first packet after the jump may be a stray one and is dropped.
    assert sequences(receiver.take_rtp()) == [0, 1, 2, 3, 4]


def test_packets_are_readable_over_several_turns_of_the_sequence_number() -> None:
    """RFC 3711 3.3.1: both ends count the rollovers without ever saying so."""
    _, _, receiver, stream = audio_pair()
    for number in range(100):
        stream.sequence += 2_499
        stream.send(number.to_bytes(2, "big"))
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == [number.to_bytes(2, "big") for number in range(100)]
    assert sequences(got) == [number * 2_500 & 0xFFFF for number in range(100)]
