"""Whatever the bytes, reading an RTP packet gives True or False, and what it gives lies inside the packet.

Holds for all that is read from a packet on its way: header, retransmission, redundant audio.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp.packet import Header, build, is_rtcp, parse
from sfu.rtp.red import NOTHING as NO_PRIMARY
from sfu.rtp.red import primary
from sfu.rtp.rtx import NOTHING, OSN_LENGTH, original_sequence, unwrap

REAL = [
    build(111, 4711, 960, 0x1234, bytes(80), extension=(0xBEDE, b"\x40\x30\x10\x85\x22abc\x31\x00\x01")),
    build(96, 65535, 90_000, 0x5678, b"\x90\x80\x92\x34" + bytes(200), marker=True, extension=(0xBEDE, b"\x40\x31")),
    build(97, 1, 90_000, 0x5679, b"\xff\xff\x90\x80\x92\x34" + bytes(50)),
    build(97, 2, 90_000, 0x5679, padding=224),
    build(45, 9, 3000, 0x9ABC, b"\x18\x0a\x0b", csrcs=(1, 2, 3), extension=(0x1000, b"\x09\x14" + bytes(20)), padding=8),
    build(63, 9, 960, 0x9ABC, b"\xef\x0f\x00\x10\x6f" + bytes(16) + bytes(40)),
]  # fmt: skip
MORE = settings(max_examples=3 * settings().max_examples)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A real packet with a few bytes changed, cut short, with noise behind it."""
    data = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(0, 6))):
        # Mostly in the header: that is where lengths stand.
        at = draw(st.integers(0, min(len(data), 32) - 1) | st.integers(0, len(data) - 1))
        data[at] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) + draw(st.binary(max_size=20))


def check(data: bytes) -> None:
    before, after = b"\xa5" * 16, b"\x5a" * 16
    slab = bytearray(before + data + after)
    view = memoryview(slab)
    header = Header()
    if not parse(view, 16, len(data), header):
        return
    assert data[0] >> 6 == 2
    assert header.header_length >= 12
    assert header.payload_length >= 0
    assert 0 <= header.padding <= 255
    assert header.header_length + header.payload_length + header.padding == len(data)
    assert header.extension_length >= 0
    if header.extension_length:
        assert header.extension_offset > 16 + 12
        assert header.extension_offset + header.extension_length <= 16 + header.header_length
    start = 16 + header.header_length
    found = primary(view, start, header.payload_length)
    if found != NO_PRIMARY:
        offset, length, payload_type = found
        assert start < offset
        assert offset + length == start + header.payload_length
        assert 0 <= payload_type <= 127
    sequence = original_sequence(view, 16, header)
    assert (sequence == NOTHING) == (header.payload_length <= OSN_LENGTH)
    offset = unwrap(view, 16, header, 96, 0xCAFE)
    if offset != NOTHING:
        again = Header()
        assert parse(view, offset, 16 + len(data) - offset, again)
        assert (again.sequence, again.ssrc, again.payload_type) == (sequence, 0xCAFE, 96)
        assert again.payload_length == header.payload_length - OSN_LENGTH
    assert bytes(slab[:16]) == before
    assert bytes(slab[-16:]) == after


@MORE
@given(mutants())
def test_mutated_packets(data: bytes) -> None:
    check(data)


@given(st.binary(max_size=80))
def test_noise(data: bytes) -> None:
    check(data)


@given(st.binary(min_size=1, max_size=80))
def test_noise_that_calls_itself_rtp(data: bytes) -> None:
    check(bytes((0x80 | data[0] & 0x3F,)) + data[1:])


def test_every_truncation_of_every_real_packet() -> None:
    for data in REAL:
        for length in range(len(data) + 1):
            check(data[:length])


def test_every_first_and_second_byte() -> None:
    for first in range(256):
        for second in range(0, 256, 5):
            check(bytes((first, second)) + bytes(70))
            assert is_rtcp(second) == (192 <= second < 224)
