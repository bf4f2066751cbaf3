"""Whose packet is it: SSRC places, binding by mid, rid and payload type, and what is refused before and after decryption."""

from __future__ import annotations

import struct

import pytest

from sfu.rtp import rtcp
from sfu.rtp.packet import build
from sfu.transport.counters import Kind
from sfu.transport.drops import DropReason
from sfu.transport.parameters import Codec
from sfu.transport.plane import Plane
from sfu.transport.slab import Slab
from sfu.transport.ssrcs import MAX_MEDIA_SSRCS, MAX_REPORTERS, MAX_RETIRED
from tests.transport.plane_world import (
    CONTINUATION,
    INTERFRAME,
    KEYFRAME,
    OPUS,
    Client,
    Stream,
    World,
    element,
    receives,
    rtx_of,
    sends,
)

OPUS_TOO = Codec(112, "OPUS", 48_000)


def places(world: World, client: Client) -> int:
    return len(world.plane._peers[client.number].streams)


def test_every_datagram_that_is_no_packet_of_the_peer_is_dropped_by_name() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    fresh = world.client(sends("0", "audio", ssrcs=(1,)), connect=False)
    cases = [
        (sender, b"\x80\x6f" + bytes(10), DropReason.TOO_SHORT),
        (sender, b"\x80\x6f\x00\x01" + bytes(4) + struct.pack("!I", 1) + bytes(40), DropReason.UNAUTHENTICATED),
        (sender, b"\x80\xc8\x00\x01" + struct.pack("!I", 1) + bytes(40), DropReason.UNAUTHENTICATED),
        (fresh, b"\x80\x6f" + bytes(40), DropReason.NO_KEYS),
    ]
    for client, datagram, reason in cases:
        client.inject(datagram)
        assert world.dropped(reason) >= 1, reason
    slab = Slab(100)
    world.plane.receive(99, slab, 0, 50, world.now)
    assert world.dropped(DropReason.UNKNOWN_PEER) == 1
    assert sum(world.plane.drops.counts.values()) == len(cases) + 1


def test_every_length_of_every_first_byte_is_survived() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)), receives("1", "audio"))
    for first in range(128, 192):
        for length in range(65):
            sender.inject((bytes([first, 0x6F]) + bytes(64))[:length], flush=False)
            sender.inject((bytes([first, 0xC9]) + bytes(64))[:length], flush=False)
    world.flush()
    assert sum(world.plane.drops.counts.values()) == 64 * 65 * 2
    assert world.sender.runs == []


def test_authentic_packets_of_every_shape_are_survived() -> None:
    """All padding counts, CSRC counts and extension lengths on short packets, encrypted as a hostile peer would."""
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    receiver = world.client(receives("0", "audio"))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 111)
    survived = 0
    for padding in (1, 2, 5, 20, 255):
        for size in range(8):
            packet = bytearray(stream.packet(bytes(size) + bytes([padding])))
            packet[0] |= 0x20
            sender.send(bytes(packet))
            survived += 1
    outcome = len(receiver.take_rtp()) + world.dropped(DropReason.MALFORMED_RTP) + world.dropped(DropReason.PADDING)
    assert outcome == survived
    assert world.plane.bugs == 0


def test_a_replayed_packet_is_not_forwarded_again() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    receiver = world.client(receives("0", "audio"))
    world.route(sender, "0", receiver, "0")
    protected = sender.uplink.protect(Stream(sender, 1, 111).packet(b"opus"))
    for _ in range(5):
        sender.inject(protected)
    assert len(receiver.take_rtp()) == 1
    assert world.dropped(DropReason.REPLAYED) == 4


def test_a_flood_of_forged_ssrcs_takes_no_place() -> None:
    world = World()
    sender = world.client(sends("0", "audio"))
    receiver = world.client(receives("0", "audio"))
    world.route(sender, "0", receiver, "0")
    for ssrc in range(5_000):
        sender.inject(build(111, 1, 1, ssrc, bytes(40)), flush=False)
    assert places(world, sender) == 0
    assert world.dropped(DropReason.UNAUTHENTICATED) == 5_000
    Stream(sender, 9_999_999, 111).send(b"opus", elements=element(4, b"0"))
    assert [packet.payload for packet in receiver.take_rtp()] == [b"opus"]


def test_a_peer_that_floods_with_ssrcs_of_its_own_keeps_few_places_and_harms_only_itself() -> None:
    world = World()
    hostile = world.client(sends("0", "audio", ssrcs=(1,)))
    receiver = world.client(receives("0", "audio"))
    world.route(hostile, "0", receiver, "0")
    for ssrc in range(100, 100 + 2 * MAX_RETIRED):
        hostile.send(build(99, 1, 1, ssrc, b"no such payload type"), flush=False)
    assert places(world, hostile) == MAX_MEDIA_SSRCS
    assert world.dropped(DropReason.SSRC_LIMIT) == 2 * MAX_RETIRED - (MAX_MEDIA_SSRCS - 1) - MAX_RETIRED
    Stream(hostile, 1, 111).send(b"opus")
    assert [packet.payload for packet in receiver.take_rtp()] == [b"opus"]


def test_bound_ssrcs_are_not_pushed_out() -> None:
    world = World()
    ssrcs = tuple(range(1, MAX_MEDIA_SSRCS + 1))
    sender = world.client(sends("0", "audio", ssrcs=ssrcs))
    sender.send(build(111, 1, 1, 500, b"opus"))
    assert world.dropped(DropReason.SSRC_LIMIT) == 1
    assert set(world.plane._peers[sender.number].streams) == set(ssrcs)


def test_an_ssrc_that_lost_its_place_never_returns_so_its_old_packets_cannot_be_replayed() -> None:
    world = World()
    sender = world.client(sends("0", "audio"))
    old = sender.uplink.protect(build(99, 1, 1, 7, b"old"))
    sender.inject(old)
    for ssrc in range(100, 100 + MAX_MEDIA_SSRCS):
        sender.send(build(99, 1, 1, ssrc, b"x"))
    sender.inject(old)
    assert world.dropped(DropReason.SSRC_LIMIT) == 1


def test_an_undeclared_ssrc_is_bound_by_its_mid() -> None:
    world = World()
    sender = world.client(sends("a", "audio"), sends("b", "audio"))
    receiver = world.client(receives("0", "audio"), receives("1", "audio"))
    world.route(sender, "a", receiver, "0")
    world.route(sender, "b", receiver, "1")
    stream = Stream(sender, 5, 111)
    stream.send(b"lost")
    stream.send(b"named", elements=element(4, b"b"))
    stream.send(b"known")
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == [b"named", b"known"]
    assert {packet.ssrc for packet in got} == {receiver.egress["1"].ssrc}
    assert world.dropped(DropReason.UNBOUND_SSRC) == 1


def test_an_undeclared_ssrc_without_mid_is_bound_by_a_payload_type_that_one_section_has() -> None:
    world = World()
    sender = world.client(sends("a", "audio", codecs=(OPUS,)), sends("b", "audio", codecs=(OPUS_TOO,)))
    receiver = world.client(receives("0", "audio"))
    world.route(sender, "b", receiver, "0")
    Stream(sender, 5, 112).send(b"opus")
    assert [packet.payload for packet in receiver.take_rtp()] == [b"opus"]


@pytest.mark.parametrize("mid", [b"z", b"", b"\xff\xfe"])
def test_a_mid_of_no_section_binds_nothing(mid: bytes) -> None:
    world = World()
    sender = world.client(sends("a", "audio"), sends("b", "audio"))
    Stream(sender, 5, 111).send(b"opus", elements=element(4, mid) if mid else b"\x00\x00\x00\x00")
    assert world.dropped(DropReason.UNBOUND_SSRC) == 1


def test_a_layer_that_the_offer_does_not_list_is_not_taken() -> None:
    world = World()
    sender = world.client(sends("0", "video", rids=("q",)))
    Stream(sender, 1, 96).send(KEYFRAME, elements=element(4, b"0") + element(10, b"x"))
    Stream(sender, 2, 96).send(KEYFRAME, elements=element(4, b"0"))
    assert world.dropped(DropReason.UNBOUND_SSRC) == 2


def test_a_section_that_goes_on_under_another_ssrc_is_one_stream_to_the_receiver() -> None:
    world = World()
    sender = world.client(sends("0", "audio"))
    receiver = world.client(receives("0", "audio"))
    world.route(sender, "0", receiver, "0")
    for ssrc in (5, 6):
        stream = Stream(sender, ssrc, 111, sequence=ssrc * 1000)
        for _ in range(3):
            stream.send(b"opus", elements=element(4, b"0"))
    got = receiver.take_rtp()
    assert [packet.sequence - got[0].sequence for packet in got] == list(range(6))


@pytest.mark.parametrize("how", ["declared", "by mid", "by rid"])
def test_a_recovered_packet_enters_as_the_original(how: str) -> None:
    world = World()
    simulcast = how == "by rid"
    declared = how == "declared"
    sender = world.client(
        sends(
            "0",
            "video",
            ssrcs=(1,) if declared else (),
            rtx_ssrcs=(2,) if declared else (),
            rids=("q",) if simulcast else (),
        )
    )
    receiver = world.client(receives("0", "video"))
    world.route(sender, "0", receiver, "0")
    names = element(4, b"0") + (element(10, b"q") if simulcast else b"")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME, elements=names)
    lost = stream.lose(CONTINUATION + b"the lost one")
    stream.send(INTERFRAME)
    again = rtx_of(lost, 97, 3000, 2)
    if not declared:
        tags = element(4, b"0") + (element(11, b"q") if simulcast else b"")
        tags += bytes(-len(tags) % 4)
        head = bytes([again[0] | 0x10]) + again[1:12]
        again = head + struct.pack("!HH", 0xBEDE, len(tags) // 4) + tags + again[12:]
    sender.send(again)
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == [KEYFRAME, INTERFRAME, CONTINUATION + b"the lost one"]
    assert [packet.sequence - got[0].sequence for packet in got] == [0, 2, 1]
    sender.send(rtx_of(lost, 97, 3001, 2))
    assert receiver.take_rtp() == []
    assert world.dropped(DropReason.DUPLICATE) == 1


def test_probes_on_the_rtx_stream_are_never_forwarded() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), rtx_ssrcs=(2,)))
    receiver = world.client(receives("0", "video"))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME)
    sender.send(build(97, 1, 1, 2, b"", padding=200), build(97, 2, 1, 2, b"\x00\x65"), build(96, 3, 1, 2, b"odd"))
    assert len(receiver.take_rtp()) == 1
    assert world.dropped(DropReason.PADDING) == 2
    assert world.dropped(DropReason.UNKNOWN_PAYLOAD_TYPE) == 1


def test_a_section_that_pauses_keeps_its_ssrc_for_later() -> None:
    """A browser that turns a section inactive and back sends on under the SSRC it had."""
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    receiver = world.client(receives("0", "audio"))
    stream = Stream(sender, 1, 111)
    world.route(sender, "0", receiver, "0")
    stream.send(b"one")
    sender.negotiate(sends("0", "audio", peer_sends=False))
    stream.send(b"nobody's")
    sender.negotiate(sends("0", "audio", ssrcs=(1,)))
    world.route(sender, "0", receiver, "0")
    stream.send(b"two")
    assert [packet.payload for packet in receiver.take_rtp()] == [b"one", b"two"]


def test_ssrcs_that_an_offer_no_longer_names_are_nobodys() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    receiver = world.client(receives("0", "audio"))
    world.route(sender, "0", receiver, "0")
    old, new = Stream(sender, 1, 111), Stream(sender, 2, 111, sequence=9)
    old.send(b"old")
    sender.negotiate(sends("0", "audio", ssrcs=(2,)))
    new.send(b"new")
    new.send(b"newer")
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == [b"old", b"new", b"newer"]
    assert [packet.sequence - got[0].sequence for packet in got] == [0, 1, 2]


def test_a_stream_that_said_bye_goes_on_with_its_next_packet() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    receiver = world.client(receives("0", "audio"))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 111)
    stream.send(b"one")
    sender.send_control(rtcp.Bye((1, 99)))
    stream.send(b"two")
    assert [packet.payload for packet in receiver.take_rtp()] == [b"one", b"two"]


def test_reporters_have_places_of_their_own_and_the_silent_one_makes_room() -> None:
    world = World()
    client = world.client(sends("0", "audio", ssrcs=tuple(range(1, 17))))
    for ssrc in range(1000, 1000 + MAX_REPORTERS + 5):
        client.send_control(rtcp.ReceiverReport(ssrc))
    assert world.dropped(DropReason.SSRC_LIMIT) == 0
    assert len(world.plane._peers[client.number]._reporters) == MAX_REPORTERS
    client.send_control(rtcp.ReceiverReport(1000))
    assert world.dropped(DropReason.SSRC_LIMIT) == 1
    client.send_control(rtcp.ReceiverReport(1000 + MAX_REPORTERS))
    assert world.dropped(DropReason.SSRC_LIMIT) == 1


def test_forged_reports_take_no_place() -> None:
    world = World()
    client = world.client(sends("0", "audio", ssrcs=(1,)))
    for ssrc in range(1000):
        client.inject(struct.pack("!BBHI", 0x80, 201, 1, ssrc) + bytes(30))
    assert world.plane._peers[client.number]._reporters == {}
    assert world.dropped(DropReason.UNAUTHENTICATED) == 1000


def test_malformed_control_of_an_authentic_peer_is_counted() -> None:
    world = World()
    client = world.client(sends("0", "audio", ssrcs=(1,)))
    client.inject(client.uplink.protect_rtcp(struct.pack("!BBHI", 0x9F, 201, 1, 5)))
    assert world.dropped(DropReason.MALFORMED_RTCP) == 1


def test_ssrcs_that_we_give_differ_between_planes() -> None:
    def first() -> int:
        plane = Plane(World().sender, lambda: 0.0)
        plane.open_peer(1)
        return plane.set_sections(1, (receives("0", "audio"),))["0"].ssrc

    assert len({first() for _ in range(20)}) == 20


def test_the_owner_of_an_ssrc_is_who_sends_or_reports_under_it_where_that_is_one() -> None:
    world = World()
    one = world.client(sends("0", "audio", ssrcs=(1,)))
    other = world.client(sends("0", "audio", ssrcs=(2,)))
    assert [world.plane.owner(ssrc) for ssrc in (1, 2, 3)] == [one.number, other.number, None]
    third = world.client(sends("0", "audio", ssrcs=(2,)))
    assert world.plane.owner(2) is None, "it may be either's"
    world.plane.close_peer(other.number)
    assert world.plane.owner(2) == third.number
    one.send_control(rtcp.PictureLoss(9, 9))
    assert world.plane.owner(9) == one.number


def test_only_a_packet_with_a_peer_s_keys_that_was_not_here_before_is_authentic() -> None:
    world = World()
    one = world.client(sends("0", "audio", ssrcs=(1,)))
    other = world.client(sends("0", "audio", ssrcs=(1,)))

    def authentic(number: int, datagram: bytes) -> bool:
        world.slab.view[64 : 64 + len(datagram)] = datagram
        return world.plane.is_authentic(number, world.slab, 64, len(datagram))

    stream = Stream(one, 1, 111)
    media = one.uplink.protect(stream.packet(b"sound"))
    control = one.uplink.protect_rtcp(rtcp.build(rtcp.PictureLoss(1, 9)))
    for datagram in (media, control):
        assert not authentic(other.number, datagram)
        assert not authentic(99, datagram)
        assert not authentic(one.number, datagram[:-1] + bytes((datagram[-1] ^ 1,)))
        assert authentic(one.number, datagram)
        assert not authentic(one.number, datagram), "it was here"
    one.inject(later := one.uplink.protect(stream.packet(b"more")))
    assert not authentic(one.number, later), "and so was this"
    assert not authentic(one.number, media[:21])
    world.plane.open_peer(100)
    assert not authentic(100, media), "it has no keys yet"


def test_a_section_that_becomes_another_kind_is_another_section() -> None:
    """Browsers do not do it. Sound's rules on a picture would spare it the estimate, and its keyframes."""
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)))
    receiver = world.client(receives("0", "audio"))
    before = receiver.egress["0"].ssrc
    world.route(sender, "0", receiver, "0")
    Stream(sender, 1, 111).send(b"sound")
    assert [packet.payload for packet in receiver.take_rtp()] == [b"sound"]

    sender.negotiate(sends("0", "video", ssrcs=(1,)))
    receiver.negotiate(receives("0", "video"))
    assert receiver.egress["0"].ssrc != before
    picture = Stream(sender, 1, 96, sequence=101)
    picture.send(KEYFRAME)
    assert receiver.take_rtp() == [], "its route has ended with it"
    world.route(sender, "0", receiver, "0")
    picture.send(INTERFRAME)
    assert receiver.take_rtp() == [], "a picture begins with a keyframe"
    picture.send(KEYFRAME)
    assert [packet.payload for packet in receiver.take_rtp()] == [KEYFRAME]
    assert world.plane.counters.packets_in[Kind.VIDEO] == 3
    world.plane.set_layer(receiver.number, "0", -1, 0)
    picture.send(INTERFRAME)
    assert receiver.take_rtp() == []
