"""Loss, and its repair in both directions: who is asked for what, and how often."""

from __future__ import annotations

import random
import struct

import pytest

from sfu.rtp import rtcp
from sfu.rtp.buffer import Buffer
from sfu.rtp.packet import build
from sfu.rtp.resends import NAMED_BURST, NAMED_PER_SECOND
from sfu.rtp.seqmap import SequenceMap
from sfu.transport.counters import Kind, Retransmission
from sfu.transport.drops import DropReason
from sfu.transport.media_peer import RTCP_BURST, RTCP_PER_SECOND
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import Codec
from tests.transport.plane_world import (
    CONTINUATION,
    INTERFRAME,
    KEYFRAME,
    VP8,
    Client,
    Stream,
    World,
    call,
    keyframe_requests,
    receives,
    rtx_of,
    sends,
)


class CountedMap(SequenceMap):
    """One that counts how often it is asked what a number was, and goes on where another was."""

    __slots__ = ("calls",)

    def __init__(self, before: SequenceMap) -> None:
        super().__init__(0)
        self.calls = 0
        for name in SequenceMap.__slots__:
            setattr(self, name, getattr(before, name))

    def reverse(self, sequence: int) -> int:
        self.calls += 1
        return super().reverse(sequence)


def count_look_ups(counted: OutgoingStream) -> CountedMap:
    """How often this stream is asked what a number was."""
    counted._sequences = counting = CountedMap(counted._sequences)
    return counting


def nacked(client: Client) -> list[int]:
    return [number for packet in client.take_control() if isinstance(packet, rtcp.Nack) for number in packet.lost]


def test_what_is_lost_on_the_way_in_is_asked_for_within_20_ms() -> None:
    world, sender, _, stream = call()
    stream.lose(INTERFRAME)
    stream.lose(INTERFRAME)
    lost = [stream.sequence - 2, stream.sequence - 1]
    stream.send(INTERFRAME)
    assert nacked(sender) == []
    world.run(0.021)
    assert nacked(sender) == lost


def test_what_three_packets_have_overtaken_is_asked_for_at_once() -> None:
    world, sender, _, stream = call()
    lost = stream.sequence
    stream.lose(INTERFRAME)
    for _ in range(2):
        stream.send(INTERFRAME)
        world.run(0.001)
    assert nacked(sender) == []
    stream.send(INTERFRAME)
    world.run(0.001)
    assert nacked(sender) == [lost]


def test_reordered_packets_are_not_asked_for() -> None:
    world, sender, _, stream = call()
    late = sender.uplink.protect(stream.packet(INTERFRAME))
    stream.send(INTERFRAME)
    stream.send(INTERFRAME)
    world.run(0.01)
    sender.inject(late)
    world.run(1)
    assert nacked(sender) == []


def test_what_comes_is_not_asked_for_again_and_what_does_not_is_until_it_is_given_up() -> None:
    world, sender, (receiver,), stream = call()
    recovered = stream.lose(INTERFRAME + b"recovered")
    gone = stream.sequence
    stream.lose(INTERFRAME)
    stream.send(INTERFRAME)
    world.run(0.03)
    assert nacked(sender) == [gone - 1, gone]
    sender.send(rtx_of(recovered, 97, 1, 2))
    assert INTERFRAME + b"recovered" in [packet.payload for packet in receiver.take_rtp()]
    world.run(5)
    asked = nacked(sender)
    assert set(asked) == {gone}
    assert 5 <= len(asked) <= 10
    world.run(5)
    assert nacked(sender) == []


def test_losses_of_several_streams_are_asked_for_in_one_compound() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,)), sends("1", "video", ssrcs=(5,)))
    receiver = world.client(receives("0", "video"), receives("1", "video"))
    for mid in ("0", "1"):
        world.route(sender, mid, receiver, mid)
    world.run(2)
    for ssrc in (1, 5):
        stream = Stream(sender, ssrc, 96)
        stream.send(KEYFRAME)
        stream.lose(INTERFRAME)
        stream.send(INTERFRAME)
    world.run(0.0205)
    before = world.plane.counters.packets_out[Kind.RTCP]
    sender.take_control()
    for _ in range(30):
        world.run(0.01)
    asked = [packet for packet in sender.take_control() if isinstance(packet, rtcp.Nack)]
    assert {packet.media_ssrc for packet in asked} == {1, 5}
    assert world.plane.counters.packets_out[Kind.RTCP] - before < len(asked)


def test_nobody_is_asked_where_nack_was_not_negotiated() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), codecs=(Codec(96, "VP8", 90_000),)))
    receiver = world.client(receives("0", "video"))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME)
    stream.lose(INTERFRAME)
    stream.send(INTERFRAME)
    world.run(1)
    assert nacked(sender) == []


def test_a_receivers_nack_is_answered_from_the_history_on_the_rtx_stream() -> None:
    world, _, (receiver,), stream = call()
    payloads = [INTERFRAME + bytes([index]) * 50 for index in range(10)]
    for payload in payloads:
        stream.send(payload)
    got = receiver.take_rtp()
    wanted = got[3]
    receiver.send_control(rtcp.Nack(5, got[0].ssrc, (wanted.sequence,)))
    (again,) = receiver.take_rtp()
    assert again.ssrc == receiver.egress["0"].rtx_ssrc
    assert again.payload_type == VP8.rtx_payload_type
    assert again.payload == struct.pack("!H", wanted.sequence) + wanted.payload
    assert (again.timestamp, again.marker, again.elements) == (wanted.timestamp, wanted.marker, wanted.elements)
    assert world.plane.counters.retransmissions[Retransmission.SENT] == 1
    assert world.plane.counters.packets_out[Kind.RTX] == 1


def test_retransmissions_have_sequence_numbers_of_their_own() -> None:
    world, _, (receiver,), stream = call()
    for _ in range(5):
        stream.send(INTERFRAME)
    got = receiver.take_rtp()
    for packet in got:
        receiver.send_control(rtcp.Nack(5, packet.ssrc, (packet.sequence,)))
    again = receiver.take_rtp()
    assert [packet.sequence - again[0].sequence for packet in again] == list(range(6))
    world.run(0.1)


def test_a_packet_is_sent_again_at_most_once_a_round_trip() -> None:
    world, _, (receiver,), stream = call()
    stream.send(INTERFRAME)
    first = receiver.take_rtp()[-1]
    for _ in range(5):
        receiver.send_control(rtcp.Nack(5, first.ssrc, (first.sequence, first.sequence)))
    assert len(receiver.take_rtp()) == 1
    assert world.plane.counters.retransmissions[Retransmission.LIMITED] == 9
    world.now += 0.5
    receiver.send_control(rtcp.Nack(5, first.ssrc, (first.sequence,)))
    assert len(receiver.take_rtp()) == 1


def test_retransmissions_stay_within_their_share_of_the_media() -> None:
    world, _, (receiver,), stream = call()
    for _ in range(400):
        stream.send(CONTINUATION + bytes(1000))
        world.now += 0.001
    got = receiver.take_rtp()
    receiver.send_control(rtcp.Nack(5, got[0].ssrc, tuple(packet.sequence for packet in got)))
    again = receiver.take_rtp()
    media = sum(len(packet.payload) for packet in got)
    assert 0 < sum(len(packet.payload) for packet in again) <= media / 4
    assert world.plane.counters.retransmissions[Retransmission.LIMITED] > 100


def test_a_receiver_without_rtx_is_not_answered_because_its_nonce_would_be_used_twice() -> None:
    world, _, (receiver,), stream = call(codecs=(Codec(96, "VP8", 90_000, nack=True, pli=True),))
    stream.send(INTERFRAME)
    assert receiver.egress["0"].rtx_ssrc is None
    last = receiver.take_rtp()[-1]
    receiver.send_control(rtcp.Nack(5, last.ssrc, (last.sequence,)))
    assert receiver.take_rtp() == []
    assert world.plane.counters.retransmissions[Retransmission.NOT_NEGOTIATED] == 1


def test_a_receiver_may_name_so_many_numbers_and_no_more_are_looked_up() -> None:
    world, _, (receiver,), stream = call()
    for _ in range(600):
        stream.send(INTERFRAME)
    got = receiver.take_rtp()
    outgoing = world.plane._peers[receiver.number].outgoing["0"]
    looked_up = count_look_ups(outgoing)
    everything = tuple(packet.sequence for packet in got[-512:])
    for _ in range(1000):
        receiver.send_control(rtcp.Nack(5, got[0].ssrc, everything))
        world.now += 0.001
    assert looked_up.calls <= NAMED_BURST + NAMED_PER_SECOND
    read = 1000 - world.dropped(DropReason.RTCP_LIMIT)
    retransmissions = world.plane.counters.retransmissions
    assert sum(retransmissions.values()) == 512 * read
    assert retransmissions[Retransmission.LIMITED] > 512 * read - (NAMED_BURST + NAMED_PER_SECOND)
    world.now += 1
    receiver.send_control(rtcp.Nack(5, got[0].ssrc, (got[-1].sequence,)))
    assert [packet.payload[2:] for packet in receiver.take_rtp()][-1] == got[-1].payload


def test_what_was_never_sent_or_is_of_another_source_is_unknown() -> None:
    world, _, (receiver,), stream = call()
    stream.send(INTERFRAME)
    got = receiver.take_rtp()
    receiver.send_control(rtcp.Nack(5, got[0].ssrc, ((got[-1].sequence + 1) & 0xFFFF, (got[0].sequence - 1) & 0xFFFF)))
    receiver.send_control(rtcp.Nack(5, 424242, (got[0].sequence,)))
    other = world.client(sends("0", "video", ssrcs=(1,)))
    world.route(other, "0", receiver, "0")
    Stream(other, 1, 96).send(KEYFRAME)
    receiver.take_rtp()
    receiver.send_control(rtcp.Nack(5, got[0].ssrc, (got[0].sequence,)))
    assert receiver.take_rtp() == []
    assert world.plane.counters.retransmissions[Retransmission.UNKNOWN] == 3


def test_what_is_lost_after_a_gap_that_was_given_up_is_asked_for_again() -> None:
    world, sender, _, stream = call()
    for gap in (600, 1, 600, 2):
        for _ in range(gap):
            stream.lose(INTERFRAME)
        stream.send(INTERFRAME)
        world.run(0.03)
    assert nacked(sender) == [stream.sequence - 606, stream.sequence - 3, stream.sequence - 2]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_under_lasting_loss_whatever_is_missing_is_asked_for(share: float) -> None:
    """As where the machine is too slow and the kernel throws packets away, second after second."""
    world, sender, _, stream = call()
    rng = random.Random(1)
    lost = set()
    asked = set()
    for _ in range(1000):
        if rng.random() < share:
            lost.add(stream.sequence)
            stream.lose(INTERFRAME)
        else:
            stream.send(INTERFRAME)
        world.run(0.005)
        asked.update(nacked(sender))
    stream.send(INTERFRAME)
    world.run(0.05)
    asked.update(nacked(sender))
    assert asked == lost


@pytest.mark.parametrize("seed", range(5))
def test_loss_on_both_ways_is_repaired_and_no_nonce_is_used_twice(seed: int) -> None:
    """10 % loss in and out. The ledger: every (SSRC, index) that a receiver's key protects stands for one plaintext."""
    rng = random.Random(seed)
    world, sender, (receiver,), stream = call()
    first = receiver.take_rtp()[0]
    sent: dict[int, bytes] = {}
    kept: dict[int, bytes] = {}
    rtx_sequence = 0
    got: dict[int, bytes] = {}
    ledger: dict[tuple[int, int], bytes] = {}
    for number in range(1, 400):
        payload = (KEYFRAME if number % 50 == 0 else INTERFRAME) + struct.pack("!I", number) + bytes(300)
        packet = stream.packet(payload)
        sent[number] = payload
        kept[stream.sequence - 1 & 0xFFFF] = packet
        protected = sender.uplink.protect(packet)
        if rng.random() > 0.1:
            sender.inject(protected)
        world.run(0.01)
        for lost in nacked(sender):
            rtx_sequence += 1
            again = sender.uplink.protect(rtx_of(kept[lost], 97, rtx_sequence, 2))
            if rng.random() > 0.1:
                sender.inject(again)
        for packet_out in receiver.take_rtp():
            index = (packet_out.ssrc, packet_out.sequence)
            assert ledger.setdefault(index, packet_out.clear) == packet_out.clear
            original, payload = packet_out.sequence, packet_out.payload
            if packet_out.ssrc == receiver.egress["0"].rtx_ssrc:
                original, payload = struct.unpack("!H", payload[:2])[0], payload[2:]
            elif rng.random() < 0.1:
                continue
            got[(original - first.sequence) & 0xFFFF] = payload
        missing = [number for number in range(1, max(got, default=1)) if number not in got]
        if missing:
            lost_out = tuple((first.sequence + number) & 0xFFFF for number in missing[-50:])
            receiver.send_control(rtcp.Nack(5, first.ssrc, lost_out))
    repaired = {number: payload for number, payload in got.items() if number < 380}
    assert repaired == {number: sent[number] for number in repaired}
    assert len(repaired) >= 378


def storm(rng: random.Random, egress: int) -> tuple[rtcp.Packet, ...]:
    """What a hostile receiver may say in one datagram."""
    ssrc = rng.choice((egress, egress, egress, rng.getrandbits(32)))
    kind = rng.randrange(5)
    if kind == 0:
        return (rtcp.PictureLoss(5, ssrc),) * rng.randint(1, 30)
    if kind == 1:
        return (rtcp.FullIntraRequest(5, tuple((ssrc, rng.getrandbits(8)) for _ in range(rng.randint(1, 100)))),)
    if kind == 2:
        first = rng.getrandbits(16)
        return (rtcp.Nack(5, ssrc, tuple((first + index) & 0xFFFF for index in range(512))),)
    if kind == 3:
        return (rtcp.Nack(5, ssrc, tuple(rng.getrandbits(16) for _ in range(200))),)
    block = rtcp.ReportBlock(ssrc, *(rng.getrandbits(8) for _ in range(6)))
    return (rtcp.ReceiverReport(5, (block,) * rng.randint(1, 31)),)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_receiver_says_the_work_of_a_second_is_bounded_and_the_others_are_served(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    world, sender, (hostile, other), stream = call(receivers=2)
    state = world.plane._peers[hostile.number]
    read = 0
    parse = rtcp.parse

    def counted(data: Buffer) -> list[rtcp.Packet]:
        nonlocal read
        if isinstance(data, memoryview):
            read += len(data)  # by the plane; the clients of this test parse bytes
        return parse(data)

    monkeypatch.setattr(rtcp, "parse", counted)
    looked_up = count_look_ups(state.outgoing["0"])
    egress = hostile.egress["0"].ssrc
    seconds, made, sent = 4, 0, 1
    for _ in range(seconds * 30):
        for _ in range(20):
            hostile.send_control(*storm(rng, egress))
        asked = keyframe_requests(sender)
        made += asked
        for index in range(4):
            stream.send((KEYFRAME if asked and not index else CONTINUATION) + bytes(900), marker=index == 3)
            sent += 1
        world.run(1 / 30)
    assert world.dropped(DropReason.RTCP_LIMIT) > seconds * 300
    assert RTCP_PER_SECOND < read <= RTCP_BURST + RTCP_PER_SECOND * seconds
    assert NAMED_BURST < looked_up.calls <= NAMED_BURST + NAMED_PER_SECOND * seconds
    assert 1 <= made <= 3
    assert len([packet for packet in other.take_rtp() if packet.ssrc == other.egress["0"].ssrc]) == sent
    counters = world.plane.counters
    assert counters.bytes_out[Kind.RTX] <= sum(counters.bytes_out[kind] for kind in (Kind.VIDEO, Kind.RTX)) / 4
    assert world.plane.bugs == 0


def test_a_bare_rtx_packet_type_on_the_media_stream_is_no_media() -> None:
    world, sender, (receiver,), _ = call()
    receiver.take_rtp()
    sender.send(build(97, 500, 1, 1, b"\x00\x64" + INTERFRAME))
    assert receiver.take_rtp() == []
    assert world.dropped(DropReason.UNKNOWN_PAYLOAD_TYPE) == 1
