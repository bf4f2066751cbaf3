"""Simulcast through the plane: which layer each receiver gets, and how one is changed for another."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp import rtcp
from sfu.transport.counters import KeyframeRequest, Retransmission
from sfu.transport.drops import DropReason
from tests.rtp.layered import Picture
from tests.transport.plane_world import INTERFRAME, KEYFRAME, Stream, World, element, sends
from tests.transport.simulcast import (
    FRAME,
    RIDS,
    SIZES,
    Camera,
    Viewer,
    continuous,
    layers,
    pictures,
    rates_of,
    world_of,
)


def continuous_pictures(found: list[Picture]) -> bool:
    return all(
        (b.picture_id - a.picture_id) % 32_768 == 1
        and (b.tl0 - a.tl0) % 256 == (b.temporal == 0)
        and (b.timestamp - a.timestamp) & 0xFFFFFFFF < 2**31
        and a.timestamp != b.timestamp
        for a, b in pairwise(found)
    )


def test_a_new_receiver_gets_the_highest_layer_that_comes() -> None:
    _, camera, (viewer,) = world_of()
    camera.run(0.5)
    packets = viewer.take()
    found = pictures(packets)
    assert layers(found)[-1] == 2
    assert len([picture for picture in found if picture.source == 2]) == 15
    assert continuous(packets)


def test_receivers_get_different_layers_of_one_sender() -> None:
    _, camera, viewers = world_of(3)
    for layer, viewer in enumerate(viewers):
        viewer.want(layer)
    camera.run(1)
    for layer, viewer in enumerate(viewers):
        packets = viewer.take()
        assert layers(pictures(packets))[-1] == layer
        assert continuous(packets)
        assert len([picture for picture in pictures(packets) if picture.source == layer]) >= 29


@pytest.mark.parametrize(("before", "after"), [(2, 0), (0, 2), (1, 2), (2, 1)])
def test_another_layer_is_taken_at_its_next_keyframe_and_the_old_one_goes_on_until_then(
    before: int, after: int
) -> None:
    _, camera, (viewer,) = world_of()
    viewer.want(before)
    camera.run(1)
    viewer.take()
    camera.read_feedback()
    camera.asked.clear()
    viewer.want(after)
    camera.read_feedback()
    assert camera.asked == [after]
    for _ in range(5):
        camera.frame(keyframes=False)
    held = viewer.take()
    assert layers(pictures(held)) == [before]
    camera.run(0.3)
    switched = viewer.take()
    found = pictures(held + switched)
    assert layers(found) == [before, after]
    assert continuous(held + switched)
    assert continuous_pictures(found)
    assert next(picture for picture in found if picture.source == after).keyframe
    steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(found)}
    assert max(steps) <= 6001


def test_time_goes_on_over_a_switch_as_the_senders_reports_say() -> None:
    """However late the keyframe's packets come: what lies between two frames is what lay between them at the camera."""
    _, camera, (viewer,) = world_of()
    viewer.want(2)
    camera.run(0.3)
    camera.report()
    camera.run(0.3)
    camera.asked.clear()
    viewer.want(0)
    viewer.take()
    camera.frame()
    camera.world.run(0.02)
    camera.due.add(0)
    camera.run(0.3)
    found = viewer.pictures()
    assert layers(found) == [2, 0] or layers(found) == [0]
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(found)]
    assert all(step in (3000, 1, 2999) for step in steps), steps


def test_fewer_temporal_layers_leave_no_gap_in_anything() -> None:
    world, camera, viewers = world_of(3)
    for temporal, viewer in enumerate(viewers):
        viewer.want(2, temporal)
    camera.run(1)
    for viewer in viewers:
        viewer.take()
    camera.run(8 * FRAME * 4)
    for temporal, (viewer, expected) in enumerate(zip(viewers, (8, 16, 32), strict=True)):
        packets = viewer.take()
        found = pictures(packets)
        assert continuous(packets)
        assert continuous_pictures(found)
        assert len(found) == expected
        assert max(picture.temporal for picture in found) == temporal
    assert world.dropped(DropReason.OTHER_LAYER) > 0


def test_temporal_layers_come_back_without_a_keyframe() -> None:
    _, camera, (viewer,) = world_of()
    viewer.want(2, 0)
    camera.run(1)
    viewer.take()
    camera.read_feedback()
    camera.asked.clear()
    viewer.want(2, 2)
    camera.run(1)
    packets = viewer.take()
    assert camera.asked == []
    assert {picture.temporal for picture in pictures(packets)} == {0, 1, 2}
    assert continuous(packets)
    assert continuous_pictures(pictures(packets))


def test_a_retransmission_is_what_went_out_also_over_layers() -> None:
    world, camera, (viewer,) = world_of()
    viewer.want(0, 1)
    camera.run(0.5)
    viewer.want(2, 1)
    camera.run(1)
    sent = viewer.take()[-4:]
    ssrc = viewer.client.egress["v"]
    viewer.client.send_control(rtcp.Nack(5, ssrc.ssrc, tuple(packet.sequence for packet in sent)))
    again = [packet for packet in viewer.client.take_rtp() if packet.ssrc == ssrc.rtx_ssrc]
    assert [packet.payload[2:] for packet in again] == [packet.payload for packet in sent]
    assert [int.from_bytes(packet.payload[:2], "big") for packet in again] == [packet.sequence for packet in sent]
    assert [(packet.timestamp, packet.marker) for packet in again] == [(one.timestamp, one.marker) for one in sent]
    assert world.plane.counters.retransmissions[Retransmission.SENT] == len(sent)


def test_a_late_packet_of_a_layer_that_is_left_out_fills_its_gap() -> None:
    world, camera, (viewer,) = world_of(layers=1)
    viewer.want(0, 0)
    camera.run(0.3)
    late: list[bytes] = []
    source = camera.sources[0]
    # Until a frame of an upper layer is on its way, and held up there.
    while not late:
        for sent in source.next():
            protected = camera.client.uplink.protect(camera.packet(0, sent))
            if source.layer[sent.frame] == 2:
                late.append(protected)
            else:
                camera.client.inject(protected)
        camera.frames += 1
    while source.layer[source.frame] != 0:
        camera.frame()
    viewer.take()
    camera.client.inject(*late)
    fillers = viewer.take()
    assert [packet.payload for packet in fillers] == [b""] * len(late)
    viewer.client.send_control(rtcp.Nack(5, fillers[0].ssrc, (fillers[0].sequence,)))
    again = [packet for packet in viewer.client.take_rtp() if packet.ssrc != fillers[0].ssrc]
    assert [packet.payload for packet in again] == [fillers[0].sequence.to_bytes(2, "big")]
    assert world.plane.bugs == 0


def test_a_receiver_whose_layer_is_changed_at_will_costs_three_keyframes_in_ten_seconds() -> None:
    world, camera, (steady, fickle) = world_of(2)
    camera.run(12)
    camera.read_feedback()
    camera.asked.clear()
    for index in range(40):
        fickle.want(index % 3)
        camera.run(0.2)
    camera.read_feedback()
    assert len(camera.asked) <= 4
    assert world.plane.counters.keyframe_requests[KeyframeRequest.LIMITED] > 0
    assert continuous(steady.take())


def test_switches_of_many_receivers_are_one_request() -> None:
    _, camera, viewers = world_of(8)
    camera.run(1)
    camera.read_feedback()
    camera.asked.clear()
    for viewer in viewers:
        viewer.want(0)
    camera.read_feedback()
    assert camera.asked == [0]
    camera.run(0.2)
    assert all(viewer.pictures()[-1].source == 0 for viewer in viewers)


def test_a_receiver_that_cannot_decode_asks_for_a_keyframe_of_its_own_layer() -> None:
    _, camera, (viewer,) = world_of()
    viewer.want(1)
    camera.run(1)
    camera.read_feedback()
    camera.asked.clear()
    viewer.client.send_control(rtcp.PictureLoss(5, viewer.client.egress["v"].ssrc))
    camera.read_feedback()
    assert camera.asked == [1]


def test_the_layers_that_come_are_told_with_what_they_take() -> None:
    world, camera, _ = world_of()
    camera.run(3)
    told = rates_of(world)
    assert 3 <= len(told) <= 5
    last = told[-1]
    assert (last.peer, last.mid, last.rids) == (camera.client.number, "0", RIDS)
    assert [(rate.spatial, rate.temporal) for rate in last.layers] == [(s, t) for s in range(3) for t in range(3)]
    for rate in last.layers:
        assert (rate.width, rate.height) == SIZES[rate.spatial]
        assert rate.frame_rate == pytest.approx((7.5, 15, 30)[rate.temporal], abs=1.6)
    full = {rate.spatial: rate.bits_per_second for rate in last.layers if rate.temporal == 2}
    for spatial, body in enumerate((100, 300, 900)):
        assert full[spatial] == pytest.approx(30 * 2 * 8 * (body + 20), rel=0.3)
    by_layer = {(rate.spatial, rate.temporal): rate.bits_per_second for rate in last.layers}
    assert all(by_layer[s, 0] < by_layer[s, 1] < by_layer[s, 2] for s in range(3))


def test_a_source_without_layers_has_one_rate_and_none_when_it_stops() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,)))
    stream = Stream(sender, 1, 96)
    for index in range(45):
        stream.send(KEYFRAME if index == 0 else INTERFRAME)
        world.run(FRAME)
    (first, second) = rates_of(world)
    assert [(rate.spatial, rate.temporal) for rate in first.layers] == [(0, 0)]
    assert second.rids == ("",)
    assert second.layers[0].frame_rate == pytest.approx(30, abs=2)
    world.run(5)
    assert rates_of(world)[-1].layers == ()
    assert rates_of(world) == []


def test_layers_in_the_wrong_order_are_put_right_after_seconds() -> None:
    world, camera, (viewer,) = world_of()
    camera.body.reverse()
    viewer.want(2)
    camera.run(6)
    assert rates_of(world)[-1].rids == RIDS[::-1]
    assert viewer.pictures()[-1].source == 0


@settings(max_examples=25)
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 12)), min_size=1, max_size=6),
    st.sampled_from([0.0, 0.0, 0.1]),
)
def test_any_sequence_of_layers_is_one_stream(seed: int, steps: list[tuple[int, int, int]], loss: float) -> None:
    _, camera, (viewer,) = world_of(seed=seed)
    rng = random.Random(seed)
    camera.run(0.2)
    camera.lose = lambda layer: rng.random() < loss
    for spatial, temporal, frames in steps:
        viewer.want(spatial, temporal)
        for _ in range(frames):
            camera.frame()
    camera.lose = lambda layer: False
    camera.run(0.2)
    packets = viewer.take()
    found = pictures(packets)
    numbers = [packet.sequence for packet in packets]
    assert len(set(numbers)) == len(numbers)
    if loss == 0.0:
        assert continuous(packets)
        assert continuous_pictures(found)
    decoded: set[tuple[int, int]] = set()
    if loss == 0.0:
        for picture in found:
            references = camera.sources[picture.source].references[picture.frame]
            assert all((picture.source, frame) in decoded for frame in references)
            decoded.add((picture.source, picture.frame))
    for a, b in pairwise(found):
        assert 0 < (b.picture_id - a.picture_id) % 32_768 < 1000


def test_a_receiver_of_two_senders_in_turn_sees_one_numbering() -> None:
    """A route that goes over to another camera: picture ids go on there too."""
    world = World()
    cameras = [Camera(world, seed=seed, layers=1) for seed in (3, 4)]
    viewer = Viewer(world, cameras[0])
    cameras[0].run(0.3)
    world.route(cameras[1].client, "0", viewer.client, "v")
    cameras[1].run(0.3)
    world.route(cameras[0].client, "0", viewer.client, "v")
    cameras[0].run(0.3)
    packets = viewer.take()
    assert continuous(packets)
    assert continuous_pictures(pictures(packets))
    assert len(pictures(packets)) >= 24


def test_what_is_set_for_nobody_changes_nothing() -> None:
    world, camera, (viewer,) = world_of()
    world.plane.set_layer(99, "v", 0, 0)
    world.plane.set_layer(viewer.client.number, "x", 0, 0)
    world.plane.set_layer(camera.client.number, "0", 0, 0)
    camera.run(0.2)
    assert viewer.take()
    assert element(10, b"q")


def test_how_long_a_first_picture_takes_is_observed() -> None:
    world, camera, _ = world_of()
    camera.run(1)
    first = world.plane.counters.first_picture
    assert sum(first.counts) == 1
    camera.due.clear()
    late = Viewer(world, camera)
    for _ in range(6):
        camera.frame(keyframes=False)
    camera.run(0.2)
    assert late.take()
    assert sum(first.counts) == 2
    assert first.total == pytest.approx(6 * FRAME, abs=2 * FRAME)


def test_a_new_route_does_not_inherit_what_was_wanted_of_the_one_before() -> None:
    world, camera, (viewer,) = world_of()
    viewer.want(-1)
    world.plane.drop_route(viewer.client.number, "v")
    world.route(camera.client, "0", viewer.client, "v")
    camera.run(0.5)
    found = viewer.pictures()
    assert found[-1].source == 2
    assert {picture.temporal for picture in found} == {0, 1, 2}
