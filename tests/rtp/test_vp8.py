"""Descriptors written out bit by bit from RFC 7741's figure."""

from __future__ import annotations

import pytest

from sfu.rtp.frame import NO_NUMBER, Frame
from sfu.rtp.vp8 import parse, write_numbers
from tests.rtp.descriptors_made import vp8

# payload; start, keyframe, temporal, sync, picture id, TL0PICIDX
TABLE = [
    ("10 02 00", True, True, 0, False, NO_NUMBER, NO_NUMBER, "no extension"),
    ("00 02 00", False, False, 0, False, NO_NUMBER, NO_NUMBER, "the middle of a frame"),
    ("11 02 00", False, False, 0, False, NO_NUMBER, NO_NUMBER, "the start of the second partition"),
    ("90 80 12 01", True, False, 0, False, 0x12, NO_NUMBER, "a picture id of 7 bits"),
    ("90 80 92 34 00", True, True, 0, False, 0x1234, NO_NUMBER, "one of 15 bits"),
    ("90 40 07 01", True, False, 0, False, NO_NUMBER, 7, "TL0PICIDX alone"),
    ("90 20 a3 01", True, False, 2, True, NO_NUMBER, NO_NUMBER, "TID and Y"),
    ("90 10 a3 01", True, False, 0, False, NO_NUMBER, NO_NUMBER, "KEYIDX, whose byte tells no TID then"),
    ("90 e0 92 34 05 60 01", True, False, 1, True, 0x1234, 5, "all, as browsers send it"),
    ("80 f0 92 34 05 83 55", False, False, 2, False, 0x1234, 5, "the same in a frame's middle"),
    ("90 e0 12 05 60 01", True, False, 1, True, 0x12, 5, "all, with 7 bits"),
    ("b0 e0 92 34 05 00 00", True, True, 0, False, 0x1234, 5, "N does not matter"),
    ("90 e0 92 34 05 60", True, False, 1, True, 0x1234, 5, "nothing after the descriptor"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[row[-1] for row in TABLE])
def test_what_a_descriptor_tells(row: tuple[str, bool, bool, int, bool, int, int, str]) -> None:
    data = bytes.fromhex(row[0])
    frame = Frame()
    for around in (b"", b"\xff\xff\xff"):
        assert parse(memoryview(around + data + around), len(around), len(data), frame)
        told = (frame.start, frame.keyframe, frame.temporal, frame.sync, frame.picture_id, frame.tl0)
        assert told == row[1:7]
        assert frame.spatial == 0
        assert frame.closes


@pytest.mark.parametrize("payload", ["", "90", "90 80", "90 80 92", "90 c0 92 34", "90 e0 12 05", "90 20"])
def test_one_that_is_cut_short_tells_nothing(payload: str) -> None:
    data = bytes.fromhex(payload)
    frame = Frame()
    assert not parse(data, 0, len(data), frame)
    assert (frame.temporal, frame.picture_id, frame.tl0, frame.keyframe) == (0, NO_NUMBER, NO_NUMBER, False)


def test_a_keyframe_tells_its_size() -> None:
    frame = Frame()
    data = vp8(5, 6, 0, keyframe=True, width=1280, height=720 | 0x4000)
    assert parse(data, 0, len(data), frame)
    assert frame.sizes == ((1280, 720),)
    cut = Frame()
    assert parse(data, 0, len(data) - 1, cut)
    assert cut.keyframe
    assert cut.sizes == ()


@pytest.mark.parametrize(("picture_id", "tl0"), [(0x7FFF, 0), (0, 255), (NO_NUMBER, 9), (300, NO_NUMBER)])
def test_numbers_are_written_where_they_were_read(picture_id: int, tl0: int) -> None:
    frame = Frame()
    data = bytearray(b"\xaa" * 3 + vp8(0x1234, 77, 1, body=b"media"))
    parse(data, 3, len(data) - 3, frame)
    write_numbers(data, 3, frame, picture_id, tl0)
    wanted = vp8(0x1234 if picture_id < 0 else picture_id, 77 if tl0 < 0 else tl0, 1, body=b"media")
    assert bytes(data) == b"\xaa" * 3 + wanted


def test_a_picture_id_of_7_bits_keeps_its_width() -> None:
    frame = Frame()
    data = bytearray.fromhex("90 80 12 01")
    parse(data, 0, 4, frame)
    write_numbers(data, 0, frame, 0x91, NO_NUMBER)
    assert data.hex(" ") == "90 80 11 01"
