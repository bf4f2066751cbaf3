"""Whom the plane asks for a keyframe, for whom, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sfu.rtp import rtcp
from sfu.rtp.keyframes import ASKS
from sfu.transport.counters import KeyframeRequest
from sfu.transport.incoming import MAX_ASKERS, Feed
from sfu.transport.parameters import Codec
from tests.transport.plane_world import (
    H264,
    INTERFRAME,
    KEYFRAME,
    VP8,
    Client,
    Stream,
    World,
    call,
    keyframe_requests,
    receives,
    sends,
)


def test_wishes_of_many_receivers_are_one_request_in_half_a_second() -> None:
    world, sender, receivers, stream = call(receivers=8)
    world.run(1)
    sender.take_control()
    for receiver in receivers:
        for _ in range(3):
            receiver.send_control(rtcp.PictureLoss(5, receiver.egress["0"].ssrc))
            receiver.send_control(rtcp.FullIntraRequest(5, ((receiver.egress["0"].ssrc, 1),)))
    world.deliver()
    assert keyframe_requests(sender) == 1
    world.run(0.45)
    assert keyframe_requests(sender) == 0
    world.run(0.1)
    assert keyframe_requests(sender) == 1
    stream.send(KEYFRAME)
    world.run(3)
    assert keyframe_requests(sender) == 0
    assert world.plane.counters.keyframe_requests[KeyframeRequest.MERGED] >= 40


def test_a_receiver_that_keeps_asking_is_not_heard_for_ever() -> None:
    world, sender, (receiver,), stream = call()
    requests = 0
    for _ in range(20):
        receiver.send_control(rtcp.PictureLoss(5, receiver.egress["0"].ssrc))
        stream.send(KEYFRAME)
        requests += keyframe_requests(sender)
        world.run(0.4)
    assert requests <= 3
    assert world.plane.counters.keyframe_requests[KeyframeRequest.LIMITED] > 10


def answering(world: World, sender: Client, stream: Stream, seconds: int, *, each: Callable[[int], None]) -> int:
    """A sender of 30 frames/s that answers every request with a keyframe. How many it made; `each` is called before each frame."""
    made = 0
    for frame in range(seconds * 30):
        each(frame)
        asked = keyframe_requests(sender)
        made += asked
        stream.send(KEYFRAME if asked else INTERFRAME)
        world.run(1 / 30)
    return made


def test_a_receiver_that_turns_its_picture_off_and_on_costs_three_keyframes_in_ten_seconds() -> None:
    world, sender, (steady, toggling), stream = call(receivers=2)
    world.run(20)
    sender.take_control()

    def toggle(frame: int) -> None:
        if frame % 6 == 0:
            world.plane.drop_route(toggling.number, "0")
        elif frame % 6 == 3:
            world.route(sender, "0", toggling, "0")

    assert answering(world, sender, stream, 10, each=toggle) == 3
    assert world.plane.counters.keyframe_requests[KeyframeRequest.LIMITED] > 30

    def offer_anew(frame: int) -> None:
        if frame % 6 == 0:
            toggling.negotiate()
        elif frame % 6 == 3:
            toggling.negotiate(receives("0", "video"))
            world.route(sender, "0", toggling, "0")

    assert answering(world, sender, stream, 10, each=offer_anew) == 3
    # Whoever has just come is served at once all the same, and nobody else has lost a packet.
    late = world.client(receives("0", "video"))
    world.run(0.5)
    world.route(sender, "0", late, "0")
    assert keyframe_requests(sender) == 1
    stream.send(KEYFRAME)
    assert len(late.take_rtp()) == 1
    assert len(steady.take_rtp()) == 602


def test_a_route_that_may_not_ask_now_is_asked_for_when_it_may() -> None:
    world, sender, (receiver,), stream = call()
    world.run(20)
    for _ in range(5):
        world.plane.drop_route(receiver.number, "0")
        world.route(sender, "0", receiver, "0")
        stream.send(KEYFRAME if keyframe_requests(sender) else INTERFRAME)
        world.run(0.6)
    receiver.take_rtp()
    assert answering(world, sender, stream, 6, each=lambda frame: None) == 0
    assert receiver.take_rtp() == []
    assert answering(world, sender, stream, 10, each=lambda frame: None) == 1
    assert len(receiver.take_rtp()) > 200


def test_a_source_that_begins_anew_is_not_limited_by_what_its_receivers_have_asked() -> None:
    world, sender, (receiver,), stream = call()
    world.run(20)
    for _ in range(3):
        receiver.send_control(rtcp.PictureLoss(5, receiver.egress["0"].ssrc))
        stream.send(KEYFRAME)
        world.run(0.6)
    sender.take_control()
    sender.send_control(rtcp.Bye((1,)))
    stream.send(INTERFRAME)
    assert keyframe_requests(sender) == 1


def test_nobody_waits_for_a_keyframe_of_a_codec_that_it_does_not_have() -> None:
    world, sender, (able,), stream = call()
    unable = world.client(receives("0", "video", codecs=(H264,)))
    world.run(1)
    world.route(sender, "0", unable, "0")
    assert answering(world, sender, stream, 10, each=lambda frame: None) == 0
    assert not world.plane._peers[sender.number].streams[1].waiting
    assert len(able.take_rtp()) == 301
    assert unable.take_rtp() == []


def test_a_codec_that_the_sender_changes_to_is_waited_for_by_those_who_have_it() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), codecs=(VP8, H264)))
    receiver = world.client(receives("0", "video", codecs=(H264,)))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME)
    world.run(1)
    assert keyframe_requests(sender) == 0
    stream.payload_type = 102
    stream.send(b"\x41\x00")
    assert keyframe_requests(sender) == 1
    stream.send(b"\x67\x42\x00")
    assert len(receiver.take_rtp()) == 1
    # Negotiated anew, the receiver has what is sent, and the sender sends the other.
    receiver.negotiate(receives("0", "video", codecs=(VP8, H264)))
    stream.payload_type = 96
    stream.send(INTERFRAME)
    assert len(receiver.take_rtp()) == 1


def test_a_sender_whose_number_means_another_codec_now_is_asked_by_those_who_have_that_one() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,)))
    receiver = world.client(receives("0", "video", codecs=(H264,)))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME)
    world.run(1)
    sender.negotiate(sends("0", "video", ssrcs=(1,), codecs=(replace(H264, payload_type=96),)))
    stream.send(b"\x41\x00")
    assert keyframe_requests(sender) == 1
    stream.send(b"\x67\x42\x00")
    assert len(receiver.take_rtp()) == 1


def test_who_asked_is_remembered_for_so_many_receivers_and_no_more() -> None:
    feed = Feed(1, sends("0", "video"))
    for receiver in range(MAX_ASKERS + 10):
        assert feed.asks(0).allow(0.0) is (receiver < ASKS)
        assert feed.asks(1000 + receiver).allow(0.0)
    assert len(feed._asks) == MAX_ASKERS


def test_a_keyframe_is_asked_for_by_fir_where_pli_was_not_negotiated_and_not_at_all_without_both() -> None:
    for codec, expected in (
        (Codec(96, "VP8", 90_000, fir=True), KeyframeRequest.SENT),
        (Codec(96, "VP8", 90_000), KeyframeRequest.NOT_NEGOTIATED),
    ):
        world = World()
        sender = world.client(sends("0", "video", ssrcs=(1,), codecs=(codec,)))
        receiver = world.client(receives("0", "video"))
        world.route(sender, "0", receiver, "0")
        Stream(sender, 1, 96).send(INTERFRAME)
        firs = [packet for packet in sender.take_control() if isinstance(packet, rtcp.FullIntraRequest)]
        assert [packet.requests[0][0] for packet in firs] == ([1] if codec.fir else [])
        assert world.plane.counters.keyframe_requests[expected] == 1


def test_a_keyframe_is_asked_for_on_demand_and_on_a_new_route() -> None:
    world, sender, _, stream = call()
    world.plane.request_keyframe(sender.number, "0")
    world.deliver()
    assert keyframe_requests(sender) == 1
    stream.send(KEYFRAME)
    world.now += 1
    another = world.client(receives("0", "video"))
    world.route(sender, "0", another, "0")
    assert keyframe_requests(sender) == 1
    stream.send(KEYFRAME)
    assert len(another.take_rtp()) == 1


def test_a_keyframe_is_asked_for_where_a_gap_is_given_up() -> None:
    world, sender, _, stream = call()
    stream.send(KEYFRAME)
    for _ in range(600):
        stream.lose(INTERFRAME)
    stream.send(INTERFRAME)
    stream.lose(INTERFRAME)
    stream.send(INTERFRAME)
    world.run(0.1)
    assert keyframe_requests(sender) >= 1
