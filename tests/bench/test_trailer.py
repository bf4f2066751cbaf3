from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from bench.trailer import TRAILER, opened, sealed

NUMBERS = st.integers(0, 0xFFFFFFFF)
TIMES = st.integers(0, 2**63)


@given(st.binary(max_size=200), NUMBERS, NUMBERS, TIMES)
def test_what_is_sealed_opens(media: bytes, source: int, number: int, sent_ns: int) -> None:
    content = sealed(media, zlib.crc32(media), source, number, sent_ns)
    assert len(content) == len(media) + TRAILER
    assert opened(content) == (source, number, sent_ns)


@given(st.binary(max_size=40), st.data())
def test_any_flipped_bit_is_seen(media: bytes, data: st.DataObject) -> None:
    content = bytearray(sealed(media, zlib.crc32(media), 1, 2, 3))
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    assert opened(bytes(content)) is None


@given(st.binary(max_size=TRAILER - 1))
def test_what_is_too_short_does_not_open(content: bytes) -> None:
    assert opened(content) is None
