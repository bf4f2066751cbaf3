"""Descriptors written out bit by bit from RFC 9628's figures."""

from __future__ import annotations

import pytest

from sfu.rtp.frame import NO_NUMBER, Frame
from sfu.rtp.vp9 import parse
from tests.rtp.descriptors_made import vp9

# payload; start, end, keyframe, spatial, temporal, up, picture id, TL0PICIDX, sizes
TABLE = [
    ("08 ff", True, False, True, 0, 0, False, NO_NUMBER, NO_NUMBER, (), "a keyframe without numbers"),
    ("8c 12 ff", True, True, True, 0, 0, False, 0x12, NO_NUMBER, (), "a picture id of 7 bits"),
    ("cc 92 34 ff", True, True, False, 0, 0, False, 0x1234, NO_NUMBER, (), "15 bits, predicted"),
    ("ac 92 34 53 07 ff", True, True, False, 1, 2, True, 0x1234, 7, (), "an upper layer of a keyframe, U and D"),
    ("bc 92 34 40 ff", True, True, True, 0, 2, False, 0x1234, NO_NUMBER, (), "flexible mode has no TL0PICIDX"),
    ("aa 92 34 00 07 30 01 40 00 b4 02 80 01 68 ff", True, False, True, 0, 0, False, 0x1234, 7,
     ((320, 180), (640, 360)), "a scalability structure with sizes"),
    ("fa 92 34 00 03 02 30 01 40 00 b4 02 80 01 68 ff", True, False, False, 0, 0, False, 0x1234, NO_NUMBER,
     ((320, 180), (640, 360)), "the same behind two references"),
    ("aa 92 34 00 07 20 ff", True, False, True, 0, 0, False, 0x1234, 7, (), "one without sizes"),
    ("aa 92 34 00 07 30 01 40 00", True, False, True, 0, 0, False, 0x1234, 7, (), "one cut short"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[str(row[-1]) for row in TABLE])
def test_what_a_descriptor_tells(row: tuple[object, ...]) -> None:
    data = bytes.fromhex(str(row[0]))
    frame = Frame()
    assert parse(memoryview(b"\xff" + data + b"\xff"), 1, len(data), frame)
    told = (frame.start, frame.end, frame.keyframe, frame.spatial, frame.temporal, frame.up)
    assert (*told, frame.picture_id, frame.tl0, frame.sizes) == row[1:10]
    assert not frame.closes


@pytest.mark.parametrize("payload", ["", "88", "88 92", "a8 92 34", "a8 92 34 40", "28 40"])
def test_one_that_is_cut_short_tells_nothing(payload: str) -> None:
    data = bytes.fromhex(payload)
    frame = Frame()
    assert not parse(data, 0, len(data), frame)
    assert (frame.spatial, frame.temporal, frame.picture_id, frame.start) == (0, 0, NO_NUMBER, False)


def test_a_descriptor_as_it_is_made_for_tests_is_read_back() -> None:
    frame = Frame()
    data = vp9(700, 8, 2, 1, start=False, up=True, sizes=[(9, 8), (7, 6), (5, 4)])
    assert parse(data, 0, len(data), frame)
    assert (frame.picture_id, frame.tl0, frame.spatial, frame.temporal, frame.up) == (700, 8, 2, 1, True)
    assert (frame.start, frame.end, frame.sizes) == (False, True, ((9, 8), (7, 6), (5, 4)))
