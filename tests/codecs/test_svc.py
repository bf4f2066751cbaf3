"""VP9 and AV1 in layers on one stream, as Chromium sent them: receivers get whole pictures of their layers, bit for bit, and decode them.

`captured/vp9-l3t3` has two spatial layers until the third begins, with a key frame, after four pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import pytest

from sfu.rtp.extensions import URI_DEPENDENCY_DESCRIPTOR
from sfu.rtp.packet import Header, parse
from sfu.transport.parameters import Codec
from tests.codecs import assembled
from tests.codecs.assembled import Layer, whole
from tests.codecs.captured import read
from tests.codecs.encoded import decoded
from tests.transport.plane_world import Received, World, receives, sends

ALL = 7
DESCRIPTOR = 3  # the id of the dependency descriptor at receivers; the sender's is another
MID = 2


@dataclass(frozen=True)
class Sent:
    """A packet of the camera."""

    packet: bytes
    payload: bytes
    timestamp: int
    marker: int
    described: bytes
    """The first three bytes of its dependency descriptor: where its frame begins and ends, its template, its number."""


@dataclass(frozen=True)
class Picture:
    packets: tuple[Sent, ...]
    layers: tuple[Layer, ...]
    keyframe: bool


class Camera:
    """A capture, taken apart."""

    def __init__(self, name: str) -> None:
        captured = read(name)
        self.codec: Codec = captured.codec
        self.extensions = captured.extensions
        self._descriptor = next(id_ for id_, uri in captured.extensions if uri == URI_DEPENDENCY_DESCRIPTOR)
        self._templates: dict[int, tuple[int, int]] = {}
        self.pictures: list[Picture] = []
        waiting: list[Sent] = []
        for packet in captured.packets:
            waiting.append(self._sent(packet))
            if waiting[-1].marker:
                self.pictures.append(self._picture(tuple(waiting)))
                waiting = []

    def _sent(self, packet: bytes) -> Sent:
        header = Header()
        assert parse(packet, 0, len(packet), header)
        payload = packet[header.header_length : header.header_length + header.payload_length]
        return Sent(packet, payload, header.timestamp, header.marker, described(packet, self._descriptor)[:3])

    def _picture(self, packets: tuple[Sent, ...]) -> Picture:
        if self.codec.name == "VP9":
            picture = assembled.vp9([sent.payload for sent in packets])
            return Picture(packets, tuple(picture.layers), picture.keyframe)
        structure = described(packets[0].packet, self._descriptor)
        if len(structure) > 3 and structure[3] & 0x80:
            self._templates = templates(structure)
        layers = []
        for frame in frames(packets):
            spatial, temporal = self._templates[frame[0].described[0] & 0x3F]
            units = assembled.av1(sent.payload for sent in frame)
            layers.append(Layer(spatial, temporal, assembled.sized(units)))
        return Picture(packets, tuple(layers), bool(len(structure) > 3 and structure[3] & 0x80))


@cache
def camera(name: str) -> Camera:
    return Camera(name)


def described(packet: bytes, identifier: int) -> bytes:
    """An own reading of RFC 8285: the element with this id, in either form; empty where there is none."""
    if not packet[0] & 0x10:
        return b""
    at = 12 + 4 * (packet[0] & 0x0F)
    long = packet[at : at + 2] != b"\xbe\xde"
    end = at + 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    at += 4
    while at < end:
        if packet[at] == 0:
            at += 1
            continue
        if long:
            found, length, at = packet[at], packet[at + 1], at + 2
        else:
            found, length, at = packet[at] >> 4, (packet[at] & 0x0F) + 1, at + 1
        if found == identifier:
            return packet[at : at + length]
        at += length
    return b""


def templates(descriptor: bytes) -> dict[int, tuple[int, int]]:
    """Of each template of a structure its spatial and temporal layer: an own reading of the AV1 RTP payload format, A.8."""
    bits = "".join(f"{byte:08b}" for byte in descriptor)[24 + 5 :]
    first = int(bits[:6], 2)
    at = 6 + 5
    found = {}
    spatial = temporal = 0
    for index in range(64):
        found[(first + index) % 64] = (spatial, temporal)
        step = int(bits[at : at + 2], 2)
        at += 2
        if step == 3:
            return found
        spatial, temporal = (spatial, temporal + (step == 1)) if step < 2 else (spatial + 1, 0)
    raise AssertionError("no last template")


def frames(packets: Sequence[Sent]) -> list[list[Sent]]:
    """The packets of each layer's frame, by their descriptors."""
    found: list[list[Sent]] = []
    for sent in packets:
        if sent.described[0] & 0x80:
            found.append([])
        found[-1].append(sent)
    assert all(frame[-1].described[0] & 0x40 for frame in found)
    return found


def unchanged(payload: bytes) -> bytes:
    return payload


def sealed(payload: bytes) -> bytes:
    """As payloads that are encrypted from end to end look: nothing can be read of them."""
    return bytes(byte ^ 0xA5 for byte in payload)


Steps = dict[int, tuple[int, int]]
"""From which picture on which layers are wanted: the highest spatial and temporal one."""


def play(source: Camera, steps: Steps, *, numbered: bool, seal: Callable[[bytes], bytes]) -> list[Received]:
    """Send the whole capture through the plane; what one receiver gets. Without `numbered` no dependency descriptors are negotiated."""
    world = World()
    kept = tuple(each for each in source.extensions if numbered or each[1] != URI_DEPENDENCY_DESCRIPTOR)
    header = Header()
    assert parse(source.pictures[0].packets[0].packet, 0, 2000, header)
    sender = world.client(sends("0", "video", codecs=(source.codec,), extensions=kept, ssrcs=(header.ssrc,)))
    theirs: tuple[tuple[int, str], ...] = ((MID, "urn:ietf:params:rtp-hdrext:sdes:mid"),)
    theirs += ((DESCRIPTOR, URI_DEPENDENCY_DESCRIPTOR),) if numbered else ()
    renumbered = replace(source.codec, payload_type=source.codec.payload_type + 10)
    receiver = world.client(receives("v", "video", codecs=(renumbered,), extensions=theirs))
    world.route(sender, "0", receiver, "v")
    got: list[Received] = []
    for index, picture in enumerate(source.pictures):
        if index in steps:
            world.plane.set_layer(receiver.number, "v", *steps[index])
            world.deliver()
        for sent in picture.packets:
            clear = sent.packet.removesuffix(sent.payload) + seal(sent.payload)
            sender.send(clear)
        world.run(0.05)
        got += receiver.take_rtp()
    assert world.plane.bugs == 0
    return [replace(packet, payload=seal(packet.payload)) for packet in got]


def limits(source: Camera, steps: Steps) -> list[tuple[int, int]]:
    """Of each picture the highest spatial layer that its receiver is to get, and the highest temporal one that it may: down at once,
    up in resolution with a key frame.
    """
    spatial = temporal = wanted = ALL
    found = []
    for index, picture in enumerate(source.pictures):
        wanted, temporal = steps.get(index, (wanted, temporal))
        spatial = wanted if picture.keyframe else min(spatial, wanted)
        found.append((spatial, temporal))
    return found


def as_decoded(source: Camera, pictures: Sequence[Sequence[Layer]]) -> list[str]:
    begin = b"" if source.codec.name == "VP9" else assembled.TEMPORAL_DELIMITER
    return decoded(source.codec.name, [begin + b"".join(layer.data for layer in layers) for layers in pictures])


STEPS: dict[str, Steps] = {
    "vp9-l3t3": {
        8: (0, ALL),
        16: (ALL, ALL),
        28: (1, 0),
        33: (2, 1),
        38: (0, 2),
        43: (2, ALL),
        53: (1, 1),
        58: (1, ALL),
        64: (0, 0),
    },
    "av1-l2t2": {3: (0, 1), 8: (1, 1), 15: (1, 0), 25: (0, 0), 35: (1, 1), 50: (0, 1)},
    "av1-l1t3": {5: (0, 0), 13: (0, 2), 22: (0, 1), 33: (0, 0), 40: (0, 2)},
}


@pytest.mark.parametrize(
    ("name", "numbered", "seal"),
    [
        ("vp9-l3t3", True, unchanged),
        ("vp9-l3t3", False, unchanged),
        ("av1-l2t2", True, unchanged),
        ("av1-l2t2", True, sealed),
        ("av1-l1t3", True, unchanged),
        ("av1-l1t3", True, sealed),
    ],
)
def test_every_change_of_layer(name: str, numbered: bool, seal: Callable[[bytes], bytes]) -> None:
    source = camera(name)
    steps = STEPS[name]
    pictures = whole(play(source, steps, numbered=numbered, seal=seal))
    by_moment = {picture.packets[0].timestamp: index for index, picture in enumerate(source.pictures)}
    begun = (source.pictures[0].packets[0].timestamp - pictures[0][0].timestamp) & 0xFFFFFFFF
    allowed = limits(source, steps)
    shown: list[tuple[int, list[Layer]]] = []
    for packets in pictures:
        index = by_moment[(packets[0].timestamp + begun) & 0xFFFFFFFF]
        picture = source.pictures[index]
        spatial, temporal = allowed[index]
        layers = [layer for layer in picture.layers if layer.spatial <= spatial]
        assert layers[0].temporal <= temporal, "of a temporal layer that is not wanted nothing goes out"
        payloads = [packet.payload for packet in packets]
        # Bit for bit: what is left out is whole packets, of the upper layers, and nothing else.
        assert payloads == [sent.payload for sent in picture.packets[: len(payloads)]]
        if name.startswith("vp9"):
            assert assembled.vp9(payloads).layers == layers
        else:
            kept = [sent for frame in frames(picture.packets)[: len(layers)] for sent in frame]
            assert len(kept) == len(payloads)
        if numbered:
            said = [described(packet.clear, DESCRIPTOR)[:3] for packet in packets]
            assert said == [sent.described for sent in picture.packets[: len(said)]]
        shown.append((index, layers))
    settled(source, steps, {index for index, _ in shown})
    references = {
        top: as_decoded(source, [[layer for layer in each.layers if layer.spatial <= top] for each in source.pictures])
        for top in (0, 1, 2)
    }
    expected = [references[min(allowed[index][0], 2)][index] for index, _ in shown]
    assert as_decoded(source, [layers for _, layers in shown]) == expected
    most = max(len(picture.layers) for picture in source.pictures)
    assert {len(layers) for _, layers in shown} == set(range(1, most + 1)), "each layer was the highest for a while"


def settled(source: Camera, steps: Steps, shown: set[int]) -> None:
    """Within five pictures of a change all of the temporal layers that are wanted are there."""
    since, temporal = 0, ALL
    for index, picture in enumerate(source.pictures):
        if index in steps:
            since, temporal = index, steps[index][1]
        if index >= since + 5 and picture.layers[0].temporal <= temporal:
            assert index in shown, f"picture {index}"
