"""The plane's part in congestion control: numbers on every packet, feedback both ways, probes, frames that are left out, what is told."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sfu.rtp import rtcp
from sfu.rtp.extensions import TRANSPORT_CC
from sfu.rtp.rtcp import ReceiverReport, Remb, ReportBlock, SenderReport
from sfu.rtp.transport_feedback import DELTA_UNIT, REFERENCE_UNIT, TransportFeedback
from sfu.transport.drops import DropReason
from sfu.transport.estimation import FEEDBACK_INTERVAL
from sfu.transport.media_peer import STATUSES_BURST
from sfu.transport.parameters import Estimates, Reception, Receptions, Section
from sfu.transport.retransmissions import PADDING
from tests.transport.plane_world import (
    INTERFRAME,
    KEYFRAME,
    Client,
    Received,
    Stream,
    World,
    receives,
    rtx_of,
    sends,
)
from tests.transport.watched import AUDIO, VIDEO, Watched, numbered


def arrivals(packets: list[rtcp.Packet]) -> list[tuple[int, float | None]]:
    """(number, when it arrived) of all feedback among the packets."""
    told: list[tuple[int, float | None]] = []
    for packet in packets:
        if isinstance(packet, TransportFeedback):
            clock = packet.reference_time * REFERENCE_UNIT
            for index, delta in enumerate(packet.arrivals):
                if delta is not None:
                    clock += delta * DELTA_UNIT
                told.append((packet.base_sequence + index, None if delta is None else round(clock, 3)))
    return told


# Up


def test_a_sender_is_told_when_each_packet_arrived() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), rtx_ssrcs=(2,), **VIDEO))
    stream = Stream(sender, 1, 96)
    for number in (7, 8, 10):
        stream.send(INTERFRAME, elements=numbered(number))
        world.now += 0.01
    world.run(FEEDBACK_INTERVAL)
    control = sender.take_control()
    assert arrivals(control) == [(7, 1000.0), (8, 1000.01), (9, None), (10, 1000.02)]
    feedback = next(packet for packet in control if isinstance(packet, TransportFeedback))
    assert feedback.media_ssrc == 1, "a browser takes it for an SSRC of its own alone"


def test_retransmissions_and_padding_are_told_too_for_senders_probe_with_them() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), rtx_ssrcs=(2,), **VIDEO))
    stream = Stream(sender, 1, 96)
    stream.send(b"", elements=numbered(0), padding=200)
    sender.send(rtx_of(stream.packet(INTERFRAME), 97, 50, 2))
    probe = Stream(sender, 2, 97)
    probe.send(b"", elements=numbered(1), padding=200)
    probe.send(b"\0\1", elements=numbered(2))
    world.run(FEEDBACK_INTERVAL)
    assert [number for number, _ in arrivals(sender.take_control())] == [0, 1, 2]


def test_feedback_comes_at_least_every_tenth_of_a_second_while_packets_do_and_not_after() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,), **AUDIO))
    stream = Stream(sender, 1, 111)
    moments = []
    for number in range(100):
        stream.send(b"opus", elements=numbered(number))
        world.run(0.02)
        if arrivals(sender.take_control()):
            moments.append(world.now)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert max(gaps) <= 0.1 + 0.02 + 1e-9
    world.run(FEEDBACK_INTERVAL)
    sender.take_control()
    world.run(3.0)
    assert arrivals(sender.take_control()) == []


def test_without_numbers_there_is_no_feedback() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,)))
    Stream(sender, 1, 96).send(INTERFRAME, elements=numbered(3))
    world.run(1.0)
    assert arrivals(sender.take_control()) == []


# Down


def test_every_packet_to_a_receiver_has_the_next_number_of_its_transport() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)), sends("1", "video", ssrcs=(2,)))
    receiver = world.client(receives("0", "audio", **AUDIO), receives("1", "video", **VIDEO))
    world.route(sender, "0", receiver, "0")
    world.route(sender, "1", receiver, "1")
    sound, picture = Stream(sender, 1, 111), Stream(sender, 2, 96)
    picture.send(KEYFRAME)
    for _ in range(3):
        sound.send(b"opus")
        picture.send(INTERFRAME)
    lost = receiver.rtp[0]
    receiver.send_control(rtcp.Nack(9, lost.ssrc, (lost.sequence,)))
    numbers = [int.from_bytes(packet.elements[TRANSPORT_CC], "big") for packet in receiver.take_rtp()]
    assert len(numbers) == 8
    assert numbers == [(numbers[0] + index) & 0xFFFF for index in range(8)]


def test_the_estimate_is_told_grows_by_probes_and_falls_with_the_link() -> None:
    watched = Watched()
    watched.show(3.0, 8e5)
    assert watched.estimates[-1] > 1_500_000
    assert watched.padding, "probes went out"
    assert all(packet.padding == PADDING and packet.payload == b"" for packet in watched.padding)
    watched.link = 5e5
    watched.show(1.5, 8e5)
    assert 200_000 < watched.estimates[-1] < 520_000
    assert len(watched.estimates) < 40, "in batches, not with every feedback"


def test_estimates_are_told_again_every_second() -> None:
    watched = Watched()
    watched.show(6.0, 8e5)
    watched.estimates.clear()
    watched.show(5.0, 8e5)
    assert len(watched.estimates) >= 5


def test_above_a_full_way_whole_frames_are_left_out_until_a_keyframe_and_sound_goes_on() -> None:
    watched = Watched()
    world = watched.world
    talker = world.client(sends("0", "audio", ssrcs=(7,)))
    watched.receiver.negotiate(receives("0", "video", **VIDEO), receives("1", "audio", **AUDIO))
    world.route(talker, "0", watched.receiver, "1")
    watched.show(2.0, 1.6e6, keyframes=False)
    watched.link = 3e5
    watched.media.clear()
    watched.sender.take_control()
    sound = Stream(talker, 7, 111)
    for _ in range(30):
        sound.send(b"opus")
        watched.show(0.1, 1.6e6, keyframes=False)
    left_out = world.dropped(DropReason.ABOVE_ESTIMATE)
    assert left_out > 100
    frames: dict[int, list[Received]] = {}
    for packet in watched.media:
        if packet.payload_type == 96:
            frames.setdefault(packet.timestamp, []).append(packet)
    assert all(frame[-1].marker and not frame[-1].payload.startswith(KEYFRAME) for frame in frames.values())
    assert sum(packet.payload == b"opus" for packet in watched.media) == 30
    watched.link = 1e9
    watched.media.clear()
    watched.show(6.0, 1.6e6, keyframes=False)
    assert any(isinstance(packet, rtcp.PictureLoss) for packet in watched.sender.take_control()), (
        "it asks to begin again"
    )
    watched.show(0.5, 1.6e6)
    assert next(packet for packet in watched.media if packet.payload_type == 96).payload.startswith(KEYFRAME)


def test_a_way_that_was_never_full_holds_nothing_back() -> None:
    watched = Watched()
    watched.show(4.0, 5e6, keyframes=False)
    assert watched.world.dropped(DropReason.ABOVE_ESTIMATE) == 0


def test_a_receiver_without_feedback_is_not_named_and_not_held_back() -> None:
    watched = Watched(video={})
    watched.show(4.0, 3e6, keyframes=False)
    assert watched.estimates == []
    assert watched.world.dropped(DropReason.ABOVE_ESTIMATE) == 0


def test_remb_is_the_estimate_where_nothing_better_was_negotiated() -> None:
    watched = Watched(video={})
    for _ in range(3):
        watched.receiver.send_control(Remb(9, 700_000, (watched.receiver.egress["0"].ssrc,)))
        watched.show(1.0, 3e5)
    assert set(watched.estimates) == {700_000}


def test_nobody_can_have_us_read_feedback_without_end() -> None:
    watched = Watched()
    watched.show(0.5, 3e5)
    packet = TransportFeedback(9, 1, 0, 0, 0, (None,) * 250)
    before = watched.world.dropped(DropReason.RTCP_LIMIT)
    for _ in range(2 * STATUSES_BURST // 250):
        watched.receiver.send_control(packet)
    assert watched.world.dropped(DropReason.RTCP_LIMIT) - before >= STATUSES_BURST // 250


def test_a_receiver_with_a_new_address_begins_with_the_rate_it_had() -> None:
    watched = Watched()
    watched.show(2.0, 8e5)
    watched.link = 3e5
    watched.show(2.0, 8e5)
    before = watched.estimates[-1]
    plane, receiver = watched.world.plane, watched.receiver
    plane.set_destination(receiver.number, receiver)
    watched.show(0.3, 2.5e5)
    assert watched.estimates[-1] < before * 1.2, "the same address is the same way"
    watched.world.connect_elsewhere(receiver)
    watched.link = 1e9
    watched.show(2.0, 8e5)
    assert watched.estimates[-1] > 2 * before


def test_a_closed_receiver_is_told_of_no_more() -> None:
    watched = Watched()
    watched.show(2.0, 8e5)
    watched.world.plane.close_peer(watched.receiver.number)
    watched.estimates.clear()
    watched.world.run(5.0)
    assert not any(isinstance(report, Estimates) for report in watched.world.plane.take_reports())


# Receptions


def block(ssrc: int, highest: int, fraction: int, jitter: int) -> ReportBlock:
    return ReportBlock(ssrc, fraction, 0, highest, jitter, 0, 0)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_receptions_tell_of_both_ways_every_two_seconds(kind: str) -> None:
    world = World()
    section: Section = sends("0", kind, ssrcs=(1,))
    sender: Client = world.client(section)
    receiver = world.client(receives("0", kind))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 111 if kind == "audio" else 96)
    ssrc = receiver.egress["0"].ssrc
    receiver.send_control(ReceiverReport(9, (block(ssrc, 1_000, 0, 0),)))
    for index in range(100):
        if index % 10 == 5:
            stream.lose(KEYFRAME)
        else:
            stream.send(KEYFRAME)
    clock_rate = 48_000 if kind == "audio" else 90_000
    receiver.send_control(SenderReport(9, 0, 0, 0, 0, (block(ssrc, 1_100, 64, clock_rate // 100),)))
    receiver.send_control(SenderReport(9, 0, 0, 0, 0, (block(ssrc, 1_200, 0, 0),)))
    world.run(2.1)
    (told,) = [report for report in world.plane.take_reports() if isinstance(report, Receptions)]
    up, down = told.receptions
    assert (up.peer, up.down, down.peer, down.up) == (sender.number, None, receiver.number, None)
    assert up.up is not None
    assert up.up.loss == pytest.approx(0.1, abs=0.011)
    assert down.down == Reception(0.125, 0.01)
    world.run(10.0)
    assert not any(isinstance(report, Receptions) for report in world.plane.take_reports()), "nothing new is known"
