"""Forwarding, end to end through the plane: what goes in encrypted by one client comes out encrypted for others."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp.extensions import (
    ABS_CAPTURE_TIME,
    AUDIO_LEVEL,
    DEPENDENCY_DESCRIPTOR,
    MID,
    VIDEO_ORIENTATION,
)
from sfu.transport.drops import DropReason
from sfu.transport.parameters import Codec, Failed, Stage
from tests.transport.plane_world import (
    CONTINUATION,
    INTERFRAME,
    KEYFRAME,
    OPUS,
    OTHER_AUDIO_EXTENSIONS,
    OTHER_VIDEO_EXTENSIONS,
    RED,
    VP8,
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

THEIR_VP8 = Codec(120, "VP8", 90_000, "", 124, nack=True, pli=True)


THEIR_OPUS = Codec(109, "OPUS", 48_000)


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


def test_a_fault_of_ours_in_a_receiver_ends_that_receiver_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Exception] = []
    world = World()
    world.plane._on_bug = told.append
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    broken, healthy = (world.client(receives("0", "audio")) for _ in range(2))
    for receiver in (broken, healthy):
        world.route(sender, "0", receiver, "0")
    world.plane._peers[broken.number].outgoing["0"].writer = None  # type: ignore[assignment]  # the fault
    stream = Stream(sender, 1, 111)
    stream.send(b"one")
    stream.send(b"two")
    assert [packet.payload for packet in healthy.take_rtp()] == [b"one", b"two"]
    assert Failed(broken.number, Stage.BUG) in world.plane.take_reports()
    assert len(told) == world.plane.bugs == 1
