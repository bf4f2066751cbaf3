from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.packet import Header, build, parse
from sfu.rtp.rtx import NOTHING, OSN_LENGTH, original_sequence, unwrap, write_original


def parsed(packet: bytes | bytearray | memoryview, offset: int, length: int) -> Header:
    header = Header()
    assert parse(packet, offset, length, header)
    return header


@given(
    st.integers(0, 0xFFFF),
    st.binary(min_size=1, max_size=60),
    st.booleans(),
    st.integers(0, 40),
    st.none() | st.binary(max_size=20),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=3),
)
def test_a_retransmission_becomes_the_original_again(
    sequence: int, payload: bytes, marker: bool, padding: int, extension: bytes | None, csrcs: list[int]
) -> None:
    block = None if extension is None else (0xBEDE, extension)
    wrapped = bytearray(OSN_LENGTH) + payload
    assert write_original(wrapped, 0, sequence) == OSN_LENGTH
    retransmission = build(
        97, 4, 77, 0xAAAA, bytes(wrapped), marker=marker, csrcs=tuple(csrcs), extension=block, padding=padding
    )
    original = build(
        96, sequence, 77, 0xBBBB, payload, marker=marker, csrcs=tuple(csrcs), extension=block, padding=padding
    )
    slab = memoryview(bytearray(b"\xee" * 10 + retransmission + b"\xee" * 10))
    header = parsed(slab, 10, len(retransmission))
    assert original_sequence(slab, 10, header) == sequence
    offset = unwrap(slab, 10, header, 96, 0xBBBB)
    assert offset == 10 + OSN_LENGTH
    assert bytes(slab[offset : 10 + len(retransmission)]) == original
    assert set(slab[10 + len(retransmission) :]) == {0xEE}


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x01\x02"])
@pytest.mark.parametrize("padding", [0, 1, 255])
def test_a_probe_has_nothing_in_it_and_is_left_as_it_was(payload: bytes, padding: int) -> None:
    """facts.md: forwarded on the media SSRC, a probe breaks decoding; and an empty one once closed a call (aiortc #129)."""
    probe = bytearray(build(97, 1, 2, 3, payload, padding=padding))
    before = bytes(probe)
    header = parsed(probe, 0, len(probe))
    assert original_sequence(probe, 0, header) == NOTHING
    assert unwrap(probe, 0, header, 96, 5) == NOTHING
    assert probe == before
