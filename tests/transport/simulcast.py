"""A sender of three simulcast layers of three temporal layers each, and what its receivers make of what they get."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

from sfu.rtp import rtcp
from sfu.rtp.packet import build
from sfu.transport.parameters import LayerRates
from tests.rtp.layered import Got, Picture, Sent, Source, depacketised
from tests.transport.plane_world import Client, Received, World, element, receives, sends

RIDS = ("q", "h", "f")
SIZES = ((320, 180), (640, 360), (1280, 720))
FRAME = 1 / 30


class Camera:
    """Frames of all layers at 30 a second. Keyframes are made when asked for, one frame later."""

    def __init__(self, world: World, *, mid: str = "0", layers: int = 3, seed: int = 1) -> None:
        self.world = world
        self.rng = random.Random(seed)
        self.client = world.client(sends(mid, "video", rids=RIDS[:layers]))
        self.sources = [Source(self.rng, name=index) for index in range(layers)]
        self.bases = [self.rng.randrange(2**32) for _ in range(layers)]
        self.paused: set[int] = set()
        self.due = set(range(layers))
        self.asked: list[int] = []
        """Layers that a keyframe was asked of, in order."""
        self.nacked: list[int] = []
        self.lose: Callable[[int], bool] = lambda layer: False
        self.body = [bytes(100), bytes(300), bytes(900)]
        self.frames = 0

    def ssrc(self, layer: int) -> int:
        return 1 + layer

    def read_feedback(self) -> None:
        for packet in self.client.take_control():
            if isinstance(packet, rtcp.PictureLoss):
                self.asked.append(packet.media_ssrc - 1)
                self.due.add(packet.media_ssrc - 1)
            elif isinstance(packet, rtcp.Nack):
                self.nacked.append(packet.media_ssrc - 1)

    def frame(self, *, keyframes: bool = True) -> None:
        """One frame of every layer, the lowest first; then a thirtieth of a second."""
        self.read_feedback()
        for layer, source in enumerate(self.sources):
            if layer in self.paused:
                continue
            keyframe = keyframes and layer in self.due
            if keyframe:
                self.due.discard(layer)
            for sent in source.next(keyframe=keyframe):
                packet = self.packet(layer, sent)
                if self.lose(layer):
                    self.client.uplink.protect(packet)
                else:
                    self.client.send(packet)
        self.frames += 1
        self.world.run(FRAME)

    def packet(self, layer: int, sent: Sent) -> bytes:
        payload = self._sized(layer, sent) + self.body[layer] + sent.payload[-8:]
        return build(
            96,
            sent.sequence & 0xFFFF,
            self.timestamp(layer),
            self.ssrc(layer),
            payload,
            marker=sent.marker,
            extension=(0xBEDE, element(4, b"0") + element(10, RIDS[layer].encode())),
        )

    def timestamp(self, layer: int) -> int:
        return (self.bases[layer] + self.frames * 3000) & 0xFFFFFFFF

    def _sized(self, layer: int, sent: Sent) -> bytes:
        """The packet's descriptor and frame header; a keyframe's says the layer's size."""
        head = sent.payload[:-8]
        if sent.payload[0] & 0x10 == 0 or sent.payload[6] & 1:
            return head
        width, height = SIZES[layer]
        return head[:-4] + width.to_bytes(2, "little") + height.to_bytes(2, "little")

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            self.frame()

    def report(self, offset: float = 0.0) -> None:
        """Sender reports of all layers, which say one clock."""
        for layer in range(len(self.sources)):
            ntp = int((self.frames * FRAME + 5000 + offset) * 2**32)
            self.client.send_control(rtcp.SenderReport(self.ssrc(layer), ntp, self.timestamp(layer), 1, 1))


class Viewer:
    """A receiver of the camera."""

    def __init__(self, world: World, camera: Camera, **changes: object) -> None:
        self.client: Client = world.client(receives("v", "video", **changes))
        self.world = world
        world.route(camera.client, "0", self.client, "v")

    def want(self, spatial: int, temporal: int = 2) -> None:
        self.world.plane.set_layer(self.client.number, "v", spatial, temporal)
        self.world.deliver()

    def take(self) -> list[Received]:
        media = self.client.egress["v"].ssrc
        return [packet for packet in self.client.take_rtp() if packet.ssrc == media]

    def pictures(self) -> list[Picture]:
        return pictures(self.take())


def pictures(packets: list[Received]) -> list[Picture]:
    got = [Got(packet.sequence, packet.timestamp, bool(packet.marker), packet.payload) for packet in packets]
    return depacketised(got, start=got[0].sequence) if got else []


def layers(found: list[Picture]) -> list[int]:
    """The layers that the pictures are of, each named once in a row."""
    return [
        picture.source for index, picture in enumerate(found) if index == 0 or found[index - 1].source != picture.source
    ]


def world_of(viewers: int = 1, *, layers: int = 3, seed: int = 1) -> tuple[World, Camera, list[Viewer]]:
    world = World()
    camera = Camera(world, layers=layers, seed=seed)
    return world, camera, [Viewer(world, camera) for _ in range(viewers)]


def rates_of(world: World) -> list[LayerRates]:
    return [report for report in world.plane.take_reports() if isinstance(report, LayerRates)]


def continuous(packets: list[Received]) -> bool:
    return all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in pairwise(packets))
