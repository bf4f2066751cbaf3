"""Real VP8 and H264 in three sizes: every receiver gets one whole stream, of pictures as they were encoded, and decodes what they show."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from sfu.transport.parameters import Codec
from tests.codecs import assembled, payloads
from tests.codecs.assembled import whole
from tests.codecs.encoded import Encoded, Encoder, decoded
from tests.codecs.line import Line

SIZES = ((96, 64), (192, 128), (384, 256))
VP8 = Codec(96, "VP8", 90_000, "", 97, nack=True, pli=True)
MODE_0 = Codec(102, "H264", 90_000, "packetization-mode=0;profile-level-id=42001f", 103, nack=True, pli=True)
MODE_1 = Codec(104, "H264", 90_000, "packetization-mode=1;profile-level-id=42001f", 105, nack=True, pli=True)

STAP_A, FU_A = 24, 28

Cut = Callable[[bytes], list[bytes]]


class Camera:
    """Three encoders, which remember all that they made. They make key frames when asked to, and, as nobody may ask as often as
    layers are changed here, of themselves in the middle of every run."""

    def __init__(self, line: Line, codec: str, *, slice_bytes: int = 0) -> None:
        self.line = line
        self.encoders = [Encoder(codec, *size, slice_bytes=slice_bytes) for size in SIZES]
        self.made: list[list[Encoded]] = [[] for _ in SIZES]
        self._due = set(range(len(SIZES)))
        self._tl0 = [250, 100, 0]

    def run(self, pictures: int, cut: Callable[[int, Encoded], list[bytes]]) -> None:
        for number in range(pictures):
            self._due |= self.line.asked()
            if number == pictures // 2:
                self._due |= {0, 1, 2}
            for layer, encoder in enumerate(self.encoders):
                picture = encoder.next(keyframe=layer in self._due)
                if picture.keyframe:
                    self._due.discard(layer)
                self.made[layer].append(picture)
                self.line.send(layer, cut(layer, picture), len(self.made[layer]))
            self.line.pass_frame()

    def vp8(self, layer: int, picture: Encoded) -> list[bytes]:
        """Numbers wrap soon in all layers."""
        if picture.temporal == 0:
            self._tl0[layer] = (self._tl0[layer] + 1) & 0xFF
        return payloads.vp8(picture, (32_760 + 100 * layer + len(self.made[layer])) & 0x7FFF, self._tl0[layer])


def run_of(layers: list[tuple[int, int]]) -> list[int]:
    """The layers of (layer, picture) pairs, each named once in a row."""
    return [layer for index, (layer, _) in enumerate(layers) if index == 0 or layers[index - 1][0] != layer]


def moments(places: list[tuple[int, int]]) -> list[int]:
    """Of which moment each picture is. Fails where time goes back; over a change of layer a moment may be shown in both."""
    for (layer, one), (after, following) in pairwise(places):
        assert one < following or (one == following and layer != after)
    return [index for _, index in places]


def test_vp8_over_every_change_of_layer() -> None:
    line = Line(VP8, layers=3, receivers=2)
    camera = Camera(line, "VP8")
    # Runs that are no whole rounds: layers change in the midst of one too.
    steps = [(2, 2), (0, 2), (1, 0), (1, 2), (2, 1), (0, 0), (2, 2)]
    for spatial, temporal in steps:
        line.want(0, spatial, temporal)
        line.want(1, 2 - spatial, 2)
        camera.run(17, camera.vp8)
    reference = [decoded("VP8", [picture.data for picture in made]) for made in camera.made]
    place = {
        picture.data: (layer, index) for layer, made in enumerate(camera.made) for index, picture in enumerate(made)
    }
    assert len(place) == 3 * 17 * len(steps), "no two pictures are alike, so that each is known again"
    for receiver in range(2):
        pictures = [assembled.vp8([packet.payload for packet in each]) for each in whole(line.got(receiver))]
        places = [place[picture.data] for picture in pictures]
        assert decoded("VP8", [picture.data for picture in pictures]) == [reference[at][index] for at, index in places]
        for one, following in pairwise(pictures):
            assert following.picture_id == (one.picture_id + 1) & 0x7FFF
            assert following.tl0 == (one.tl0 + (following.temporal == 0)) & 0xFF
        shown = moments(places)
        if receiver == 1:
            assert set(shown) == set(range(17 * len(steps))), "all frames, over all changes"
            assert run_of(places)[-7:] == [0, 2, 1, 0, 2, 0]
        else:
            assert run_of(places)[-6:] == [2, 0, 1, 2, 0, 2]
            assert [index for index in shown if 44 < index < 51] == [48], "the lowest temporal layer alone"
            back = [index for index in shown if 51 <= index < 60]
            assert back == [52, 54, 56, 57, 58, 59], (
                "a layer more with each frame that needs none of those that were left out"
            )


@pytest.mark.parametrize(
    ("codec", "cut", "slice_bytes", "used"),
    [
        (MODE_0, payloads.single, 900, set()),
        (MODE_1, payloads.aggregated, 300, {STAP_A}),
        (MODE_1, payloads.fragmented, 0, {FU_A}),
        (MODE_1, payloads.as_browsers_do, 0, {STAP_A, FU_A}),
        (MODE_1, payloads.as_browsers_do, 600, {STAP_A, FU_A}),
    ],
    ids=["single units", "STAP-A", "FU-A", "as browsers do", "as browsers do, in slices"],
)
def test_h264_over_every_change_of_layer(codec: Codec, cut: Cut, slice_bytes: int, used: set[int]) -> None:
    line = Line(codec, layers=3, receivers=2)
    camera = Camera(line, "H264", slice_bytes=slice_bytes)
    kinds: set[int] = set()

    def cut_up(layer: int, picture: Encoded) -> list[bytes]:
        pieces = cut(picture.data)
        kinds.update(piece[0] & 0x1F for piece in pieces)
        return pieces

    steps = [2, 0, 1, 2, 1, 0]
    for spatial in steps:
        line.want(0, spatial, 7)
        line.want(1, 2 - spatial, 7)
        camera.run(8, cut_up)
    assert kinds & {STAP_A, FU_A} == used
    reference = [decoded("H264", [picture.data for picture in made]) for made in camera.made]
    place = {
        tuple(payloads.units(picture.data)): (layer, index)
        for layer, made in enumerate(camera.made)
        for index, picture in enumerate(made)
    }
    assert len(place) == 3 * 8 * len(steps)
    for receiver, expected in ((0, [2, 0, 1, 2, 1, 0]), (1, [0, 2, 1, 0, 1, 2])):
        pictures = [assembled.h264(packet.payload for packet in each) for each in whole(line.got(receiver))]
        places = [place[tuple(units)] for units in pictures]
        assert run_of(places)[-len(expected) :] == expected
        shown = moments(places)
        assert set(shown) == set(range(8 * len(steps))), "all frames, over all changes"
        stream = [b"".join(b"\0\0\0\1" + unit for unit in units) for units in pictures]
        assert decoded("H264", stream) == [reference[at][index] for at, index in places]
