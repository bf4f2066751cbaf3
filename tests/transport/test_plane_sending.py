"""What the plane hands to the kernel: when, to whom, how much at once, how large, and what it tells of it."""

from __future__ import annotations

import pytest

from sfu.rtp import rtcp
from sfu.transport.counters import Kind
from sfu.transport.drops import DropReason
from sfu.transport.parameters import AudioLevels, FirstForwarded
from sfu.transport.slab import Slab
from sfu.transport.srtp import SrtpSession
from tests.transport.plane_world import (
    CONTINUATION,
    INTERFRAME,
    KEYFRAME,
    PROFILE,
    Client,
    Stream,
    World,
    audio_pair,
    element,
    pair,
    receives,
    sends,
    sequences,
    video_pair,
)


def test_nothing_goes_to_a_receiver_before_it_is_connected() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,)))
    receiver = world.client(receives("0", "video"), connect=False)
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME)
    assert world.dropped(DropReason.NOT_CONNECTED) == 1
    world.plane.set_keys(receiver.number, receiver.keys)
    stream.send(KEYFRAME)
    assert world.dropped(DropReason.NOT_CONNECTED) == 2
    world.plane.set_destination(receiver.number, receiver)
    stream.send(INTERFRAME)
    assert any(type(packet).__name__ == "PictureLoss" for packet in sender.take_control())
    stream.send(KEYFRAME)
    assert [packet.payload for packet in receiver.take_rtp()] == [KEYFRAME]


def test_a_changed_destination_gets_the_next_packet() -> None:
    world, _, receiver, stream = audio_pair()
    stream.send(b"one")
    moved = object()
    world.plane.set_destination(receiver.number, moved)
    stream.client.send(stream.packet(b"two"), flush=False)
    world.plane.flush(world.now)
    assert [destination for destination, _ in world.sender.sent] == [moved]
    assert len(receiver.take_rtp()) == 1


def test_equal_packets_of_a_batch_leave_in_one_call() -> None:
    world, sender, receiver, stream = video_pair()
    stream.send(KEYFRAME)
    world.sender.runs.clear()
    packets = [stream.packet(CONTINUATION + bytes(1000), marker=False) for _ in range(10)]
    sender.send(*packets, stream.packet(CONTINUATION + bytes(300)), stream.packet(INTERFRAME + bytes(700)))
    size = 12 + 8 + len(CONTINUATION) + 1000 + 16
    assert world.sender.runs == [
        (10 * size + size - 700, size),
        (12 + 8 + len(INTERFRAME) + 700 + 16, 12 + 8 + 705 + 16),
    ]
    assert len(receiver.take_rtp()) == 13


def test_a_large_batch_is_cut_into_calls_that_the_kernel_takes() -> None:
    world, sender, receiver, stream = video_pair()
    stream.send(KEYFRAME)
    sender.send(*(stream.packet(CONTINUATION + bytes(1200), marker=False) for _ in range(200)))
    assert len(receiver.take_rtp()) == 201
    assert world.dropped(DropReason.SEND_BUFFER_FULL) == 0


def test_a_full_kernel_drops_and_counts_and_the_plane_goes_on() -> None:
    world, _, receiver, stream = video_pair()
    stream.send(KEYFRAME)
    world.sender.full = True
    stream.send(INTERFRAME)
    stream.send(INTERFRAME)
    assert world.dropped(DropReason.SEND_BUFFER_FULL) == 2
    world.sender.full = False
    stream.send(INTERFRAME)
    # A gap that the receiver can ask about.
    assert sequences(receiver.take_rtp()) == [0, 3]


def test_sound_is_handed_over_before_picture() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,)), sends("1", "audio", ssrcs=(2,)))
    receivers = [world.client(receives("0", "video"), receives("1", "audio")) for _ in range(3)]
    for receiver in receivers:
        world.route(sender, "0", receiver, "0")
        world.route(sender, "1", receiver, "1")
    sender.send(Stream(sender, 1, 96).packet(KEYFRAME), Stream(sender, 2, 111).packet(b"opus"), flush=False)
    world.plane.flush(world.now)
    assert [datagram[1] & 0x7F for _, datagram in world.sender.sent] == [111] * 3 + [96] * 3


def test_a_datagram_larger_than_any_is_dropped_before_it_is_decrypted() -> None:
    world, sender, receiver, _ = audio_pair()
    sender.inject(b"\x80\x6f" + bytes(1451))
    assert receiver.take_rtp() == []
    assert world.dropped(DropReason.TOO_LARGE) == 1


def test_the_largest_packet_that_fits_passes_and_one_byte_more_does_not() -> None:
    world, sender, receiver = pair(sends("0", "audio", ssrcs=(1,)), receives("0", "audio"))
    stream = Stream(sender, 1, 111)
    room = 1452 - 20 - 12 - 8
    # pylibsrtp's own session takes 1,356 bytes at most, so ours encrypts.
    for size, expected in ((room, 1), (room + 1, 0)):
        sender.inject(_protect(sender, stream.packet(bytes(size))))
        assert len(receiver.take_rtp()) == expected
    assert world.dropped(DropReason.TOO_LARGE) == 1


def test_sound_that_is_too_large_leaves_no_gap_that_the_receiver_would_ask_about_in_vain() -> None:
    world, sender, receiver, stream = audio_pair()
    stream.send(b"opus")
    sender.inject(_protect(sender, stream.packet(bytes(1452 - 20 - 12))))
    stream.send(b"opus")
    assert sequences(receiver.take_rtp()) == [0, 1]
    assert world.dropped(DropReason.TOO_LARGE) == 1


def test_a_picture_with_a_packet_that_is_too_large_is_left_out_up_to_the_next_keyframe_which_is_asked_for() -> None:
    world, sender, receiver = pair(sends("0", "video", ssrcs=(1,)), receives("0", "video"))
    stream = Stream(sender, 1, 96)
    room = 1452 - 20 - 12 - 8
    sender.inject(_protect(sender, stream.packet(KEYFRAME + bytes(room - 4))))
    stream.send(INTERFRAME)
    assert receiver.take_rtp() == []
    stream.send(KEYFRAME)
    sender.inject(_protect(sender, stream.packet(INTERFRAME + bytes(room - 4))))
    world.run(1)
    sender.take_control()
    stream.send(INTERFRAME)
    assert any(isinstance(packet, rtcp.PictureLoss) for packet in sender.take_control())
    stream.send(KEYFRAME + b"again")
    first, second = receiver.take_rtp()
    assert (first.payload, second.payload) == (KEYFRAME, KEYFRAME + b"again")
    assert second.sequence - first.sequence == 1
    assert second.timestamp - first.timestamp == 90_000
    assert world.dropped(DropReason.TOO_LARGE) == 2


def _protect(sender: Client, packet: bytes) -> bytes:
    session = SrtpSession(PROFILE, sender.keys.receive, inbound=False)
    slab = Slab(2000)
    slab.view[: len(packet)] = packet
    length = session.protect(slab.address, len(packet), 2000)
    return bytes(slab.view[:length])


def test_first_packets_each_way_are_told_once_a_transport() -> None:
    world, sender, receiver, stream = audio_pair()
    world.plane.take_reports()
    for _ in range(3):
        stream.send(b"opus")
    second = world.client(receives("0", "audio"))
    world.route(sender, "0", second, "0")
    stream.send(b"opus")
    stream.send(b"opus")
    assert world.plane.take_reports() == [
        FirstForwarded(sender.number, True),
        FirstForwarded(receiver.number, False),
        FirstForwarded(second.number, False),
    ]
    assert world.plane.take_reports() == []


def test_the_loudest_level_of_each_section_is_told_in_one_batch() -> None:
    world = World()
    clients = [world.client(sends("m", "audio", ssrcs=(1,))) for _ in range(2)]
    for client, levels in zip(clients, ((90, 30, 127), (127, 126, 127)), strict=True):
        stream = Stream(client, 1, 111)
        for value in levels:
            stream.send(b"opus", elements=element(1, bytes([0x80 | value])))
    assert world.plane.take_reports() == []
    world.run(0.2)
    assert world.plane.take_reports() == [AudioLevels(((1, "m", 30), (2, "m", 126)))]
    world.run(1)
    assert world.plane.take_reports() == []


def test_forward_latency_is_observed_for_every_packet_handed_over() -> None:
    world, _, _, stream = audio_pair()
    for _ in range(4):
        stream.send(b"opus")
    histogram = world.plane.counters.forward_latency
    assert sum(histogram.counts) == 4
    assert histogram.total == pytest.approx(4 * 0.0001)


def test_packets_and_bytes_are_counted_by_kind_and_direction() -> None:
    world, _, receiver, stream = audio_pair()
    stream.send(b"x" * 84)
    counters = world.plane.counters
    assert (counters.packets_in[Kind.AUDIO], counters.bytes_in[Kind.AUDIO]) == (1, 12 + 84 + 16)
    assert (counters.packets_out[Kind.AUDIO], counters.bytes_out[Kind.AUDIO]) == (1, 12 + 8 + 84 + 16)
    assert len(receiver.take_rtp()) == 1
