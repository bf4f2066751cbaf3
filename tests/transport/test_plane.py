"""Forwarding, end to end through the plane: what goes in encrypted by one client comes out encrypted for others."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp import rtcp
from sfu.rtp.extensions import (
    ABS_CAPTURE_TIME,
    AUDIO_LEVEL,
    DEPENDENCY_DESCRIPTOR,
    MID,
    VIDEO_ORIENTATION,
)
from sfu.transport.counters import Kind
from sfu.transport.drops import DropReason
from sfu.transport.parameters import AudioLevels, Codec, Failed, FirstForwarded, Section, Stage
from sfu.transport.slab import Slab
from sfu.transport.srtp import SrtpSession
from tests.transport.plane_world import (
    CONTINUATION,
    INTERFRAME,
    KEYFRAME,
    OPUS,
    OTHER_AUDIO_EXTENSIONS,
    OTHER_VIDEO_EXTENSIONS,
    PROFILE,
    RED,
    VP8,
    Client,
    Received,
    Stream,
    World,
    element,
    receives,
    sends,
)

THEIR_VP8 = Codec(120, "VP8", 90_000, "", 124, nack=True, pli=True)
THEIR_OPUS = Codec(109, "OPUS", 48_000)


def pair(sending: Section, receiving: Section) -> tuple[World, Client, Client]:
    """A sender and a receiver with a route between their first sections."""
    world = World()
    sender, receiver = world.client(sending), world.client(receiving)
    world.route(sender, sending.mid, receiver, receiving.mid)
    return world, sender, receiver


def video_pair() -> tuple[World, Client, Client, Stream]:
    world, sender, receiver = pair(sends("0", "video", ssrcs=(1,), rtx_ssrcs=(2,)), receives("0", "video"))
    return world, sender, receiver, Stream(sender, 1, 96)


def audio_pair() -> tuple[World, Client, Client, Stream]:
    world, sender, receiver = pair(sends("0", "audio", ssrcs=(1,)), receives("0", "audio"))
    return world, sender, receiver, Stream(sender, 1, 111, step=960)


def sequences(packets: list[Received]) -> list[int]:
    first = packets[0].sequence
    return [(packet.sequence - first) & 0xFFFF for packet in packets]


def test_payloads_pass_bit_exactly_and_everything_around_them_is_the_receivers() -> None:
    world, sender, receiver = pair(
        sends("a", "video", ssrcs=(1,)),
        receives("x", "video", codecs=(THEIR_VP8,), extensions=OTHER_VIDEO_EXTENSIONS),
    )
    stream = Stream(sender, 1, 96)
    payloads = [KEYFRAME + bytes(range(200)), CONTINUATION + b"\xff" * 1100, INTERFRAME + b"\x00" * 900]
    for payload, marker in zip(payloads, (False, True, True), strict=True):
        stream.send(payload, marker=marker, csrcs=3)
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == payloads
    assert [packet.marker for packet in got] == [0, 1, 1]
    assert {packet.payload_type for packet in got} == {120}
    assert {packet.ssrc for packet in got} == {receiver.egress["x"].ssrc}
    assert {packet.csrcs for packet in got} == {0}
    assert {tuple(packet.elements.items()) for packet in got} == {((MID, b"x"),)}
    assert sequences(got) == [0, 1, 2]
    assert [(packet.timestamp - got[0].timestamp) & 0xFFFFFFFF for packet in got] == [0, 0, 3000]
    assert got[0].ssrc != 1
    assert world.plane.counters.unadmitted == 0


@pytest.mark.parametrize(
    ("codec", "kind", "start"),
    [
        (VP8, "video", KEYFRAME),
        (Codec(98, "VP9", 90_000, "profile-id=0"), "video", b"\x08\x49\x83\x42"),
        (Codec(102, "H264", 90_000, "packetization-mode=1;profile-level-id=42e01f"), "video", b"\x67\x42\xe0\x1f"),
        (Codec(45, "AV1", 90_000), "video", b"\x18\x0a\x0b\x00"),
        (OPUS, "audio", b"\x78\x01\x02"),
        (RED, "audio", b"\x6f\x78\x01"),
    ],
    ids=lambda value: value.name if isinstance(value, Codec) else "",
)
def test_every_codec_is_forwarded_bit_exactly(codec: Codec, kind: str, start: bytes) -> None:
    codecs = (OPUS, RED) if kind == "audio" else (codec,)
    _, sender, receiver = pair(sends("0", kind, ssrcs=(1,), codecs=codecs), receives("0", kind, codecs=codecs))
    stream = Stream(sender, 1, codec.payload_type)
    payloads = [start + bytes((index * 7 + at) & 0xFF for at in range(50 + index)) for index in range(20)]
    for payload in payloads:
        stream.send(payload)
    assert [packet.payload for packet in receiver.take_rtp()] == payloads


@settings(max_examples=60)
@given(payload=st.binary(min_size=1, max_size=1300), marker=st.booleans(), padding=st.integers(0, 20))
def test_any_payload_passes_without_its_padding(payload: bytes, marker: bool, padding: int) -> None:
    _, _, receiver, stream = audio_pair()
    stream.send(payload, marker=marker, padding=padding)
    (got,) = receiver.take_rtp()
    assert (got.payload, got.marker, got.padding) == (payload, int(marker), 0)


def test_carried_extensions_get_the_receivers_ids_and_the_rid_stays_behind() -> None:
    _, sender, receiver = pair(
        sends("0", "audio", ssrcs=(1,)), receives("9", "audio", extensions=OTHER_AUDIO_EXTENSIONS)
    )
    capture = bytes(range(8))
    stream = Stream(sender, 1, 111)
    stream.send(b"opus", elements=element(4, b"0") + element(1, b"\x93") + element(7, capture))
    assert receiver.take_rtp()[0].elements == {MID: b"9", AUDIO_LEVEL: b"\x93", ABS_CAPTURE_TIME: capture}

    _, sender, receiver = pair(
        sends("0", "video", rids=("q", "h")), receives("9", "video", extensions=OTHER_VIDEO_EXTENSIONS)
    )
    stream = Stream(sender, 1, 96)
    stream.send(
        KEYFRAME, elements=element(4, b"0") + element(10, b"q") + element(3, b"\x01") + element(12, b"\x80\x00\x01")
    )
    assert receiver.take_rtp()[0].elements == {
        MID: b"9",
        VIDEO_ORIENTATION: b"\x01",
        DEPENDENCY_DESCRIPTOR: b"\x80\x00\x01",
    }


def test_a_receiver_without_extensions_gets_none() -> None:
    _, sender, receiver = pair(sends("0", "audio", ssrcs=(1,)), receives("9", "audio", extensions=()))
    Stream(sender, 1, 111).send(b"opus", elements=element(1, b"\x93"))
    (got,) = receiver.take_rtp()
    assert got.clear[0] == 0x80
    assert got.payload == b"opus"


def test_red_goes_as_red_where_it_is_understood_and_as_its_primary_opus_elsewhere() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,), codecs=(OPUS, RED)))
    understands = world.client(receives("0", "audio", codecs=(OPUS, RED)))
    does_not = world.client(receives("0", "audio", codecs=(THEIR_OPUS,)))
    renumbered = world.client(receives("0", "audio", codecs=(THEIR_OPUS, RED)))
    for receiver in (understands, does_not, renumbered):
        world.route(sender, "0", receiver, "0")
    block = struct.pack("!BHB", 0x80 | 111, 960 << 2, 4) + bytes([111]) + b"old!" + b"newest"
    Stream(sender, 1, 63).send(block)
    assert [(got.payload_type, got.payload) for got in understands.take_rtp()] == [(63, block)]
    assert [(got.payload_type, got.payload) for got in does_not.take_rtp()] == [(109, b"newest")]
    assert [(got.payload_type, got.payload) for got in renumbered.take_rtp()] == [(109, b"newest")]
    Stream(sender, 1, 63, sequence=200).send(b"\xff\xff")
    assert world.dropped(DropReason.MALFORMED_RED) == 2


def test_a_codec_that_the_receiver_lacks_is_dropped_by_name() -> None:
    world, sender, receiver = pair(
        sends("0", "video", ssrcs=(1,)), receives("0", "video", codecs=(Codec(98, "VP9", 90_000),))
    )
    Stream(sender, 1, 96).send(KEYFRAME)
    assert receiver.take_rtp() == []
    assert world.dropped(DropReason.NO_CODEC) == 1


def test_a_payload_type_that_the_sender_never_negotiated_is_dropped() -> None:
    world, sender, receiver = pair(sends("0", "audio", ssrcs=(1,)), receives("0", "audio"))
    Stream(sender, 1, 99).send(b"what")
    assert receiver.take_rtp() == []
    assert world.dropped(DropReason.UNKNOWN_PAYLOAD_TYPE) == 1


def test_video_begins_at_a_keyframe_and_asks_for_one() -> None:
    world, sender, receiver, stream = video_pair()
    stream.send(INTERFRAME)
    stream.send(CONTINUATION)
    assert receiver.take_rtp() == []
    assert world.dropped(DropReason.NOT_A_KEYFRAME) == 2
    assert [type(packet).__name__ for packet in sender.take_control()].count("PictureLoss") == 1
    stream.send(KEYFRAME)
    stream.send(INTERFRAME)
    assert [packet.payload for packet in receiver.take_rtp()] == [KEYFRAME, INTERFRAME]


def test_a_first_packet_that_is_a_keyframe_costs_no_request() -> None:
    world, sender, receiver, stream = video_pair()
    stream.send(KEYFRAME)
    assert len(receiver.take_rtp()) == 1
    assert sender.take_control() == []
    world.run(0.04)
    assert sender.take_control() == []


def test_audio_begins_at_once() -> None:
    _, _, receiver, stream = audio_pair()
    stream.send(b"opus")
    assert [packet.payload for packet in receiver.take_rtp()] == [b"opus"]


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


def test_senders_with_equal_ssrc_mid_and_payload_type_stay_separate() -> None:
    world = World()
    senders = [world.client(sends("0", "audio", ssrcs=(77,))) for _ in range(2)]
    receiver = world.client(receives("a", "audio"), receives("b", "audio"))
    streams = [Stream(sender, 77, 111) for sender in senders]
    for sender, mid in zip(senders, ("a", "b"), strict=True):
        world.route(sender, "0", receiver, mid)
    for index in range(50):
        for name, stream in zip((b"one", b"two"), streams, strict=True):
            stream.send(name + bytes([index]))
    got = receiver.take_rtp()
    for name, mid in ((b"one", "a"), (b"two", "b")):
        ssrc = receiver.egress[mid].ssrc
        assert [packet.payload for packet in got if packet.ssrc == ssrc] == [name + bytes([i]) for i in range(50)]
        assert {packet.elements[MID] for packet in got if packet.ssrc == ssrc} == {mid.encode()}


def test_one_source_reaches_many_receivers_and_only_those_with_a_route() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    receivers = [world.client(receives("0", "audio")) for _ in range(5)]
    for receiver in receivers[:3]:
        world.route(sender, "0", receiver, "0")
    Stream(sender, 1, 111).send(b"opus")
    assert [len(receiver.take_rtp()) for receiver in receivers] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    "ending", ["close_sender", "close_receiver", "drop_route", "sender_section", "receiver_section"]
)
def test_nothing_is_forwarded_after_the_end(ending: str) -> None:
    world, sender, receiver, stream = audio_pair()
    stream.send(b"before")
    assert len(receiver.take_rtp()) == 1
    match ending:
        case "close_sender":
            world.plane.close_peer(sender.number)
        case "close_receiver":
            world.plane.close_peer(receiver.number)
        case "drop_route":
            world.plane.drop_route(receiver.number, "0")
        case "sender_section":
            world.plane.set_sections(sender.number, ())
        case _:
            world.plane.set_sections(receiver.number, ())
    for _ in range(5):
        stream.send(b"after")
        world.run(2)
    assert receiver.take_rtp() == []
    if ending == "close_receiver":
        assert receiver.take_control() == []
    assert world.plane.counters.unadmitted == 0


def test_a_packet_prepared_before_a_close_goes_out_before_it_or_never() -> None:
    world, sender, receiver, stream = audio_pair()
    sender.send(stream.packet(b"before"), flush=False)
    world.plane.close_peer(receiver.number)
    at_close = len(world.sender.sent)
    assert at_close == 1
    world.plane.flush(world.now)
    assert len(world.sender.sent) == at_close


def test_a_closed_peer_is_sent_no_report_either() -> None:
    world, sender, _, stream = video_pair()
    stream.send(KEYFRAME)
    world.plane.close_peer(sender.number)
    world.run(5)
    assert sender.take_control() == []


def test_unknown_peers_and_sections_change_nothing() -> None:
    world, sender, receiver, stream = audio_pair()
    plane = world.plane
    plane.add_route(99, "0", receiver.number, "0")
    plane.add_route(sender.number, "7", receiver.number, "0")
    plane.add_route(sender.number, "0", receiver.number, "7")
    plane.add_route(sender.number, "0", 99, "0")
    plane.drop_route(99, "0")
    plane.drop_route(receiver.number, "7")
    plane.request_keyframe(99, "0")
    plane.close_peer(99)
    plane.set_destination(99, object())
    assert plane.set_sections(99, ()) == {}
    stream.send(b"opus")
    assert len(receiver.take_rtp()) == 1


def test_audio_is_not_routed_into_video() -> None:
    world, sender, receiver = pair(sends("0", "audio", ssrcs=(1,)), receives("0", "video"))
    Stream(sender, 1, 111).send(b"opus")
    assert receiver.take_rtp() == []
    assert world.dropped(DropReason.NO_ROUTE) == 1


def test_streams_of_a_section_stay_its_own_while_the_mid_is_there() -> None:
    world = World()
    receiver = world.client(receives("0", "video"), receives("1", "audio"))
    before = dict(receiver.egress)
    assert before["0"].rtx_ssrc is not None
    assert before["1"].rtx_ssrc is None
    inactive = receives("0", "video", peer_receives=False)
    assert receiver.negotiate(inactive, receives("1", "audio"), receives("2", "audio")).keys() == {"1", "2"}
    again = receiver.negotiate(receives("0", "video"), receives("1", "audio"), receives("2", "audio"))
    assert again["0"] == before["0"]
    assert again["1"] == before["1"]
    ssrcs = [again["0"].ssrc, again["0"].rtx_ssrc, again["1"].ssrc, again["2"].ssrc]
    assert len(set(ssrcs)) == 4


def test_a_new_negotiation_renumbers_a_running_route() -> None:
    world, sender, receiver, stream = audio_pair()
    stream.send(b"one")
    receiver.negotiate(receives("0", "audio", codecs=(THEIR_OPUS,), extensions=OTHER_AUDIO_EXTENSIONS))
    stream.send(b"two")
    sender.negotiate(sends("0", "audio", ssrcs=(1,), codecs=(Codec(100, "OPUS", 48_000),)))
    stream.payload_type = 100
    stream.send(b"three")
    got = receiver.take_rtp()
    assert [(packet.payload_type, packet.payload) for packet in got] == [(111, b"one"), (109, b"two"), (109, b"three")]
    assert sequences(got) == [0, 1, 2]
    assert world.plane.counters.unadmitted == 0


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
    length = session.protect(slab.pointer, len(packet), 2000)
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


def test_a_fault_of_ours_in_a_receiver_ends_that_receiver_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Exception] = []
    world = World()
    world.plane._on_bug = told.append
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    broken, healthy = (world.client(receives("0", "audio")) for _ in range(2))
    for receiver in (broken, healthy):
        world.route(sender, "0", receiver, "0")
    world.plane._peers[broken.number].outgoing["0"]._writer = None  # type: ignore[assignment]  # the fault
    stream = Stream(sender, 1, 111)
    stream.send(b"one")
    stream.send(b"two")
    assert [packet.payload for packet in healthy.take_rtp()] == [b"one", b"two"]
    assert Failed(broken.number, Stage.BUG) in world.plane.take_reports()
    assert len(told) == world.plane.bugs == 1
