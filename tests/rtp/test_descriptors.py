"""Payloads written out bit by bit from the RFCs' figures."""

from __future__ import annotations

import pytest

from sfu.rtp.descriptors import AV1, CODEC_OF_NAME, H264, NOT_VIDEO, PEEK, VP8, VP9, is_keyframe_start

KEY = "10 02 00 9d 01 2a"  # VP8 payload header, P = 0
INTER = "11 02 00"  # P = 1

TABLE = [
    (VP8, "10 " + KEY, True, "no extension"),
    (VP8, "10 " + INTER, False, "an inter frame"),
    (VP8, "30 " + KEY, True, "N: not a reference"),
    (VP8, "90 80 12 " + KEY, True, "7 bits of picture id"),
    (VP8, "90 80 92 34 " + KEY, True, "15 bits of picture id"),
    (VP8, "90 e0 92 34 05 20 " + KEY, True, "picture id, TL0PICIDX, TID"),
    (VP8, "90 e0 92 34 05 20 " + INTER, False, "the same of an inter frame"),
    (VP8, "90 50 05 01 " + KEY, True, "TL0PICIDX and KEYIDX"),
    (VP8, "90 30 20 " + KEY, True, "TID and KEYIDX share a byte"),
    (VP8, "00 " + KEY, False, "not the start of a partition"),
    (VP8, "11 " + KEY, False, "the start of the second partition"),
    (VP8, "90 e0 92 34 05 20", False, "a descriptor and nothing after it"),
    (VP9, "88 12 ff", True, "picture id of 7 bits"),
    (VP9, "88 92 34 ff", True, "picture id of 15 bits"),
    (VP9, "08 ff", True, "no picture id"),
    (VP9, "c8 12 ff", False, "P: predicted from another picture"),
    (VP9, "84 12 ff", False, "not the beginning of a frame"),
    (VP9, "aa 92 34 00 00 ff", True, "lowest spatial layer, with a scalability structure"),
    (VP9, "a8 92 34 03 00 ff", False, "spatial layer 1 of a keyframe"),
    (VP9, "28 20 00 ff", True, "layers without picture id"),
    (VP9, "88", False, "cut after the first byte"),
    (H264, "67 42 e0 1f", True, "SPS alone"),
    (H264, "67 42", True, "the least of an SPS"),
    (H264, "68 ce 3c 80", False, "PPS alone"),
    (H264, "65 88 84", True, "first slice of an IDR picture"),
    (H264, "65 08 84", False, "a later slice of it"),
    (H264, "41 9a 24", False, "a slice of another picture"),
    (H264, "78 00 04 67 42 e0 1f 00 02 68 ce", True, "STAP-A of SPS and PPS"),
    (H264, "78 00 02 09 10 00 04 67 42 e0 1f", True, "STAP-A with a delimiter in front"),
    (H264, "78 00 02 68 ce 00 03 65 88 84", True, "STAP-A of PPS and IDR"),
    (H264, "78 00 02 06 05 00 02 41 9a", False, "STAP-A of SEI and a slice"),
    (H264, "78 00 00 00 00 00 00", False, "STAP-A of empty units"),
    (H264, "78 ff ff 09 10", False, "STAP-A that says more than it has"),
    (H264, "7c 85 88 84", True, "FU-A, start of an IDR slice"),
    (H264, "7c 05 88 84", False, "FU-A, middle of an IDR slice"),
    (H264, "7c 81 9a 24", False, "FU-A, start of another slice"),
    (H264, "7c", False, "FU-A cut short"),
    (AV1, "18 0a 0b", True, "N, one OBU"),
    (AV1, "18 0a", True, "N and the least of an OBU"),
    (AV1, "28 01 0a", True, "N, two OBUs"),
    (AV1, "10 32 00", False, "no new sequence"),
    (AV1, "98 32 00", False, "Z and N together are nothing"),
    (AV1, "18", False, "an aggregation header and nothing after it"),
]  # fmt: skip


@pytest.mark.parametrize(("codec", "payload", "expected", "what"), TABLE, ids=[f"{row[0]}-{row[3]}" for row in TABLE])
def test_keyframe_starts(codec: int, payload: str, expected: bool, what: str) -> None:
    data = bytes.fromhex(payload)
    assert is_keyframe_start(codec, data, 0, len(data)) is expected
    slab = memoryview(b"\x00\x10" + data + b"\x10\x00\x08")
    assert is_keyframe_start(codec, slab, 2, len(data)) is expected


@pytest.mark.parametrize("codec", sorted(CODEC_OF_NAME.values()))
def test_an_empty_payload_is_no_keyframe(codec: int) -> None:
    assert not is_keyframe_start(codec, b"\x10\x10\x10", 1, 0)


@pytest.mark.parametrize("codec", sorted(CODEC_OF_NAME.values()))
def test_nothing_is_read_past_the_length(codec: int) -> None:
    for row_codec, payload, _, _ in TABLE:
        data = bytes.fromhex(payload)
        for length in range(len(data)):
            alone = is_keyframe_start(codec, data[:length], 0, length)
            assert is_keyframe_start(codec, data, 0, length) is alone, (row_codec, payload, length)


def test_what_lies_beyond_the_peek_changes_nothing() -> None:
    behind = b"\x78" + b"\x00\x0d" + b"\x09" * 13
    assert len(behind) == PEEK
    assert not is_keyframe_start(H264, behind + b"\x00\x04\x67\x42\xe0\x1f", 0, PEEK + 6)


def test_audio_has_no_keyframes() -> None:
    assert not is_keyframe_start(NOT_VIDEO, bytes.fromhex("10" + KEY), 0, 7)
