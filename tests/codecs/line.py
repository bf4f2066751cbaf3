"""A camera's packets through the real plane: SRTP in, SRTP out, to receivers that keep all that they get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sfu.rtp import rtcp
from sfu.rtp.packet import build
from sfu.transport.parameters import Codec
from tests.transport.plane_world import VIDEO_EXTENSIONS, Client, Received, World, element, receives, sends

RIDS = ("q", "h", "f")
FRAME = 1 / 30  # seconds


class Line:
    """One who sends a camera, in `layers` streams, to so many who receive it."""

    def __init__(self, codec: Codec, *, layers: int = 1, receivers: int = 1) -> None:
        self.world = World()
        self.codec = codec
        rids = RIDS[:layers] if layers > 1 else ()
        declared = (1,) if layers == 1 else ()
        self.sender = self.world.client(sends("0", "video", codecs=(codec,), rids=rids, ssrcs=declared))
        # Payload types are each one's own.
        theirs = replace(codec, payload_type=codec.payload_type + 10)
        self.receivers = [self.world.client(receives("v", "video", codecs=(theirs,))) for _ in range(receivers)]
        for receiver in self.receivers:
            self.world.route(self.sender, "0", receiver, "v")
        self._sequences = [1000 * (layer + 1) for layer in range(layers)]
        self._rids = rids
        self._got: dict[int, list[Received]] = {receiver.number: [] for receiver in self.receivers}

    def send(self, layer: int, payloads: Sequence[bytes], moment: int) -> None:
        """The packets of one picture; `moment` counts the pictures."""
        for index, payload in enumerate(payloads):
            named = element(10, self._rids[layer].encode()) if self._rids else b""
            packet = build(
                self.codec.payload_type,
                self._sequences[layer] & 0xFFFF,
                (70_000 * layer + 3_000 * moment) & 0xFFFFFFFF,
                1 + layer,
                payload,
                marker=index == len(payloads) - 1,
                extension=(0xBEDE, element(VIDEO_EXTENSIONS[0][0], b"0") + named),
            )
            self._sequences[layer] += 1
            self.sender.send(packet)

    def pass_frame(self) -> None:
        self.world.run(FRAME)

    def want(self, receiver: int, spatial: int, temporal: int) -> None:
        self.world.plane.set_layer(self.receivers[receiver].number, "v", spatial, temporal)
        self.world.deliver()

    def asked(self) -> set[int]:
        """Layers that a key frame was asked of, since the last time."""
        return {packet.media_ssrc - 1 for packet in self.sender.take_control() if isinstance(packet, rtcp.PictureLoss)}

    def got(self, receiver: int) -> list[Received]:
        """All that somebody has got so far, on the media stream."""
        client: Client = self.receivers[receiver]
        self._got[client.number] += [packet for packet in client.take_rtp() if packet.ssrc == client.egress["v"].ssrc]
        return self._got[client.number]
