"""Whatever the payload, the peeks say yes or no, by the first bytes of the payload alone."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp.descriptors import AV1, CODEC_OF_NAME, H264, PEEK, VP8, VP9, is_keyframe_start

CODECS = sorted(CODEC_OF_NAME.values())
REAL = [
    bytes.fromhex("90e092340520 1002009d012a"),
    bytes.fromhex("aa9234 00 00 4982"),
    bytes.fromhex("78 0004 6742e01f 0004 68ce3c80 0003 658884"),
    bytes.fromhex("7c85 888400"),
    bytes.fromhex("18 0a0b00000024cf7f0d"),
]
MORE = settings(max_examples=3 * settings().max_examples)


def check(data: bytes) -> None:
    for codec in CODECS:
        verdict = is_keyframe_start(codec, data, 0, len(data))
        # What lies around the payload, and what lies behind the peek, has no say.
        for noise in (b"\x00" * 20, b"\xff" * 20, b"\x78" * 20):
            assert is_keyframe_start(codec, memoryview(noise + data + noise), 20, len(data)) is verdict
        assert is_keyframe_start(codec, data[:PEEK], 0, min(len(data), PEEK)) is verdict


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) + draw(st.binary(max_size=20))


@MORE
@given(mutants())
def test_mutated_payloads(data: bytes) -> None:
    check(data)


@given(st.binary(max_size=40))
def test_noise(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("codec", [VP8, VP9, H264, AV1])
def test_every_first_byte_with_every_kind_of_second_at_every_length(codec: int) -> None:
    seconds = (0x00, 0x05, 0x07, 0x0F, 0x10, 0x78, 0x7F, 0x80, 0x85, 0xF0, 0xFF)
    verdicts = set()
    for first, second, length in product(range(256), seconds, range(PEEK + 4)):
        data = (bytes((first, second)) + bytes(20))[:length]
        verdict = is_keyframe_start(codec, data, 0, length)
        assert not (verdict and length < 2)
        verdicts.add(verdict)
    assert verdicts == {True, False}
