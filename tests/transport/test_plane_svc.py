"""Layers on one stream: what is left out for a receiver, told by the payload or by its dependency descriptor alone."""

from __future__ import annotations

import random

from sfu.rtp import rtcp
from sfu.rtp.packet import build
from sfu.transport.parameters import Codec
from tests.rtp.descriptors_made import L1T3, descriptor, vp9
from tests.transport.plane_world import Stream, World, receives, sends
from tests.transport.simulcast import FRAME, continuous, rates_of

# SVC on one stream
VP9 = Codec(98, "VP9", 90_000, "profile-id=0", 99, nack=True, pli=True)


def test_vp9_layers_are_left_out_and_the_picture_ends_where_the_highest_that_is_left_ends() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), codecs=(VP9,)))
    receiver = world.client(receives("v", "video", codecs=(VP9,)))
    world.route(sender, "0", receiver, "v")
    stream = Stream(sender, 1, 98)
    picture = 0

    def send(count: int, *, key: bool = False) -> None:
        nonlocal picture
        for _ in range(count):
            for spatial in range(2):
                payload = vp9(picture, picture % 256, spatial, 0, predicted=not key, sizes=[(320, 180), (640, 360)])
                stream.send(payload + bytes((spatial,)), marker=spatial == 1)
            picture += 1
            key = False
            world.run(FRAME)

    send(40, key=True)
    assert [packet.payload[-1] for packet in receiver.take_rtp()] == [0, 1] * 40
    sizes = {(rate.spatial, rate.width) for rate in rates_of(world)[-1].layers}
    assert sizes == {(0, 320), (1, 640)}
    sender.take_control()
    world.plane.set_layer(receiver.number, "v", 0, 0)
    send(5)
    got = receiver.take_rtp()
    assert [(packet.payload[-1], packet.marker) for packet in got] == [(0, 1)] * 5
    assert continuous(got)
    assert not any(isinstance(packet, rtcp.PictureLoss) for packet in sender.take_control())
    world.plane.set_layer(receiver.number, "v", 1, 0)
    world.deliver()
    assert any(isinstance(packet, rtcp.PictureLoss) for packet in sender.take_control())
    send(2)
    send(2, key=True)
    assert [packet.payload[-1] for packet in receiver.take_rtp()] == [0, 0, 0, 1, 0, 1]


AV1 = Codec(45, "AV1", 90_000, "", 46, nack=True, pli=True)


def test_encrypted_payloads_are_selected_by_their_dependency_descriptors_alone() -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), codecs=(AV1,)))
    receiver = world.client(receives("v", "video", codecs=(AV1,)))
    world.route(sender, "0", receiver, "v")
    stream = Stream(sender, 1, 45)
    sent: dict[int, bytes] = {}

    def send(templates: list[int], *, key: bool = False) -> None:
        for template in templates:
            number = len(sent)
            data = descriptor(template, number, structure=L1T3 if key else None)
            sent[number] = random.Random(number).randbytes(100)
            head = bytes((12, len(data))) + data
            packet = build(
                45, stream.sequence, stream.timestamp, 1, sent[number], marker=True, extension=(0x1000, head)
            )
            stream.sequence += 1
            stream.timestamp += 3000
            sender.send(packet)
            key = False

    send([0, 3, 2, 4] + [1, 3, 2, 4] * 2, key=True)
    assert [packet.payload for packet in receiver.take_rtp()] == list(sent.values())
    world.plane.set_layer(receiver.number, "v", 0, 1)
    begun = len(sent)
    send([1, 3, 2, 4] * 3)
    got = receiver.take_rtp()
    assert [packet.payload for packet in got] == [sent[n] for n in range(begun, len(sent)) if (n - begun) % 2 == 0]
    assert continuous(got)
