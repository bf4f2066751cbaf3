from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.packet import FIXED_LENGTH, Header, build, is_rtcp, parse, write_fixed


def test_every_field_is_read() -> None:
    packet = build(
        96,
        65535,
        0xFFFFFFFF,
        0x01020304,
        b"payload",
        marker=True,
        csrcs=(7, 8),
        extension=(0xBEDE, b"\x10\x55"),
        padding=4,
    )
    header = Header()
    assert parse(packet, 0, len(packet), header)
    assert (header.payload_type, header.marker, header.sequence) == (96, 1, 65535)
    assert (header.timestamp, header.ssrc, header.csrc_count) == (0xFFFFFFFF, 0x01020304, 2)
    assert (header.extension_profile, header.extension_offset, header.extension_length) == (0xBEDE, 24, 4)
    assert (header.header_length, header.payload_length, header.padding) == (28, 7, 4)
    assert packet[28:35] == b"payload"


def test_a_packet_is_read_where_it_lies() -> None:
    packet = build(111, 3, 4, 5, b"opus", extension=(0xBEDE, b"\x10\x55"))
    slab = memoryview(bytearray(b"\xff" * 100 + packet + b"\xff" * 100))
    header = Header()
    assert parse(slab, 100, len(packet), header)
    assert bytes(slab[header.extension_offset : header.extension_offset + 2]) == b"\x10\x55"
    assert header.payload_length == 4


def test_nothing_of_the_packet_before_is_left() -> None:
    header = Header()
    first = build(96, 1, 1, 1, b"x", marker=True, csrcs=(1,), extension=(0xBEDE, b"\x10\x55"), padding=2)
    assert parse(first, 0, len(first), header)
    second = build(97, 2, 2, 2, b"yz")
    assert parse(second, 0, len(second), header)
    found = {name: getattr(header, name) for name in Header.__slots__}
    assert found == {
        "payload_type": 97,
        "marker": 0,
        "sequence": 2,
        "timestamp": 2,
        "ssrc": 2,
        "csrc_count": 0,
        "header_length": 12,
        "payload_length": 2,
        "padding": 0,
        "extension_profile": 0,
        "extension_offset": 0,
        "extension_length": 0,
    }


def test_a_probe_of_padding_alone_has_no_payload() -> None:
    packet = build(97, 1, 2, 3, padding=224)
    header = Header()
    assert parse(packet, 0, len(packet), header)
    assert (header.payload_length, header.padding) == (0, 224)


@pytest.mark.parametrize("version", [0, 1, 3])
def test_only_version_2_is_rtp(version: int) -> None:
    packet = bytearray(build(96, 1, 2, 3, b"x"))
    packet[0] = packet[0] & 0x3F | version << 6
    assert not parse(packet, 0, len(packet), Header())


def test_padding_length_csrcs_and_extension_in_every_combination() -> None:
    """Against the arithmetic written the long way: every CSRC count, extension length and padding byte for every short length."""
    header = Header()
    accepted = 0
    for length in range(0, 49):
        for csrc_count in range(16):
            for words in (None, 0, 1, 2, 7, 0xFFFF):
                for padding in (None, 0, 1, 2, 3, 4, 5, 12, 33, 255):
                    packet = bytearray(length)
                    if length:
                        has_extension = 0x10 if words is not None else 0
                        has_padding = 0x20 if padding is not None else 0
                        packet[0] = 0x80 | has_padding | has_extension | csrc_count
                    at = 12 + 4 * csrc_count
                    if words is not None and at + 4 <= length:
                        packet[at : at + 4] = b"\xbe\xde" + words.to_bytes(2, "big")
                    if padding is not None and length:
                        packet[-1] = padding
                    # The last byte may be the extension's own length, or the version: what counts is what is there.
                    there_words = int.from_bytes(packet[at + 2 : at + 4], "big") if at + 4 <= length else 0
                    needed = at + (0 if words is None else 4 + 4 * there_words)
                    there_padding = 0 if padding is None or not length else packet[-1]
                    right = length >= 12 and packet[0] >> 6 == 2 and needed <= length
                    right = right and (padding is None or 1 <= there_padding <= length - needed)
                    assert parse(packet, 0, length, header) is right
                    if right:
                        accepted += 1
                        assert header.header_length == needed
                        assert header.payload_length == length - needed - there_padding >= 0
    assert accepted > 1000


def test_every_padding_count_against_every_payload_length() -> None:
    """All 65,536: a padding count is believed where it counts itself and takes no byte of the header."""
    header = Header()
    for payload in range(256):
        packet = bytearray(build(96, 1, 2, 3, bytes(payload)))
        packet[0] |= 0x20
        for count in range(256):
            if payload:
                packet[-1] = count
            believed = 1 <= packet[-1] <= payload
            assert parse(packet, 0, len(packet), header) is believed
            if believed:
                assert header.payload_length == payload - packet[-1]


@given(
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=40),
    st.booleans(),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    st.none() | st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=20)),
    st.integers(0, 255),
)
def test_what_is_built_is_read_back(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool,
    csrcs: list[int],
    extension: tuple[int, bytes] | None,
    padding: int,
) -> None:
    packet = build(
        payload_type,
        sequence,
        timestamp,
        ssrc,
        payload,
        marker=marker,
        csrcs=tuple(csrcs),
        extension=extension,
        padding=padding,
    )
    header = Header()
    assert parse(packet, 0, len(packet), header)
    assert (header.payload_type, header.sequence, header.timestamp) == (payload_type, sequence, timestamp)
    assert (header.ssrc, header.marker, header.csrc_count) == (ssrc, marker, len(csrcs))
    assert packet[header.header_length :][: header.payload_length] == payload
    assert header.header_length + header.payload_length + header.padding == len(packet)


def test_the_fixed_part_is_written_as_it_is_read() -> None:
    out = bytearray(FIXED_LENGTH + 4)
    write_fixed(out, 4, False, 1, 45, 65000, 0xFFFFFFF0, 0xDEADBEEF)
    assert bytes(out[4:]) == build(45, 65000, 0xFFFFFFF0, 0xDEADBEEF, marker=True)
    write_fixed(out, 4, True, 0, 127, 1, 2, 3)
    assert out[4] == 0x90
    assert out[5] == 127


def test_rtcp_is_told_by_the_second_byte() -> None:
    assert [byte for byte in range(256) if is_rtcp(byte)] == list(range(192, 224))
