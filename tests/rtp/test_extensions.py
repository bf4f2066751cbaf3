from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.extensions import (
    ABS_CAPTURE_TIME,
    AUDIO_LEVEL,
    CARRIED,
    DEPENDENCY_DESCRIPTOR,
    KIND_OF_URI,
    MAX_BLOCK,
    MAX_STEPS,
    MID,
    ONE_BYTE,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    TWO_BYTE,
    URI_ABS_CAPTURE_TIME,
    URI_ABS_SEND_TIME,
    URI_AUDIO_LEVEL,
    URI_DEPENDENCY_DESCRIPTOR,
    URI_MID,
    URI_REPAIRED_RID,
    URI_RID,
    URI_TRANSPORT_CC,
    URI_VIDEO_ORIENTATION,
    VIDEO_ORIENTATION,
    Elements,
    Reader,
    Writer,
)
from sfu.rtp.packet import write_fixed

CHROMIUM = (
    (1, URI_AUDIO_LEVEL),
    (2, URI_ABS_SEND_TIME),
    (4, URI_MID),
    (5, URI_VIDEO_ORIENTATION),
    (6, URI_ABS_CAPTURE_TIME),
    (9, URI_DEPENDENCY_DESCRIPTOR),
    (10, URI_RID),
    (11, URI_REPAIRED_RID),
)
FIREFOX = ((3, URI_MID), (1, URI_AUDIO_LEVEL), (7, URI_VIDEO_ORIENTATION), (8, URI_ABS_CAPTURE_TIME))
URI_OF_KIND = {kind: uri for uri, kind in KIND_OF_URI.items()}


def one_byte(*elements: tuple[int, bytes]) -> bytes:
    block = b"".join(bytes((identifier << 4 | (len(value) - 1),)) + value for identifier, value in elements)
    return block + bytes(-len(block) % 4)


def two_byte(*elements: tuple[int, bytes]) -> bytes:
    block = b"".join(bytes((identifier, len(value))) + value for identifier, value in elements)
    return block + bytes(-len(block) % 4)


def read(ids: tuple[tuple[int, str], ...], profile: int, block: bytes) -> tuple[bool, dict[int, bytes]]:
    elements = Elements()
    elements.present = 0xFF
    whole = Reader(ids).read(b"\xee" * 7 + block, profile, 7, len(block), elements)
    return whole, {
        kind: elements.value(b"\xee" * 7 + block, kind) for kind in range(32) if elements.present >> kind & 1
    }


def written(
    ids: tuple[tuple[int, str], ...], mid: str, incoming: dict[int, bytes]
) -> tuple[int, dict[int, bytes], bytes]:
    """What a receiver finds that reads with its own ids: profile, elements, the raw block."""
    source = b"".join(incoming.values())
    elements = Elements()
    at = 0
    for kind, value in incoming.items():
        elements.present |= 1 << kind
        elements.offsets[kind] = at
        elements.lengths[kind] = len(value)
        at += len(value)
    out = bytearray(b"\xee" * (MAX_BLOCK + 20))
    length = Writer(ids, mid).write(source, elements, out, 10)
    assert length % 4 == 0
    assert length <= MAX_BLOCK
    assert set(out[:10] + out[10 + MAX_BLOCK :]) == {0xEE}
    block = bytes(out[10 : 10 + length])
    if not block:
        return 0, {}, block
    profile = int.from_bytes(block[:2], "big")
    assert int.from_bytes(block[2:4], "big") * 4 == length - 4
    whole, found = read(ids, profile, block[4:])
    assert whole
    return profile, found, block


def test_elements_are_found_by_the_senders_ids() -> None:
    block = one_byte((4, b"0"), (1, b"\x85"), (2, b"abc"), (10, b"hi"), (11, b"lo"))
    assert read(CHROMIUM, ONE_BYTE, block) == (True, {MID: b"0", AUDIO_LEVEL: b"\x85", RID: b"hi", REPAIRED_RID: b"lo"})


@pytest.mark.parametrize("profile", [TWO_BYTE, 0x100F])
def test_the_two_byte_form_is_read_whatever_its_application_bits(profile: int) -> None:
    descriptor = bytes(range(40))
    block = two_byte((9, descriptor), (1, b"\x05"))
    assert read(CHROMIUM, profile, block) == (True, {DEPENDENCY_DESCRIPTOR: descriptor, AUDIO_LEVEL: b"\x05"})


@pytest.mark.parametrize("profile", [0, 0xBEDF, 0x1010, 0xABAC])
def test_another_profile_has_no_elements(profile: int) -> None:
    assert read(CHROMIUM, profile, one_byte((1, b"\x05"))) == (True, {})


@pytest.mark.parametrize("identifier", range(1, 15))
def test_all_fourteen_ids_of_the_one_byte_form_are_read(identifier: int) -> None:
    found = read(((identifier, URI_MID),), ONE_BYTE, one_byte((identifier, b"12")))
    assert found == (True, {MID: b"12"})


def test_padding_stands_anywhere_in_both_forms() -> None:
    assert read(CHROMIUM, ONE_BYTE, b"\x00\x00\x10\x05\x00\x40\x31\x00") == (True, {AUDIO_LEVEL: b"\x05", MID: b"1"})
    assert read(CHROMIUM, TWO_BYTE, b"\x00\x01\x01\x05\x00\x04\x01\x31") == (True, {AUDIO_LEVEL: b"\x05", MID: b"1"})


@pytest.mark.parametrize("stop", [b"\xf0\x99", b"\x01\x99"])
def test_id_15_and_a_long_id_0_end_the_reading(stop: bytes) -> None:
    """RFC 8285 4.2."""
    assert read(CHROMIUM, ONE_BYTE, b"\x10\x05" + stop + b"\x40\x31") == (True, {AUDIO_LEVEL: b"\x05"})


def test_an_empty_element_of_the_two_byte_form_is_not_seen() -> None:
    assert read(CHROMIUM, TWO_BYTE, b"\x04\x00\x01\x01\x05\x00\x00\x00") == (True, {AUDIO_LEVEL: b"\x05"})


@pytest.mark.parametrize("kind", sorted(URI_OF_KIND))
def test_an_element_of_a_wrong_size_is_not_seen(kind: int) -> None:
    """The class of F5: a parser that trusts the id reads past the element. Every kind, every size the forms can say."""
    sizes = {
        MID: range(1, 33),
        RID: range(1, 256),
        REPAIRED_RID: range(1, 256),
        AUDIO_LEVEL: range(1, 2),
        VIDEO_ORIENTATION: range(1, 2),
        ABS_CAPTURE_TIME: range(8, 17),
        DEPENDENCY_DESCRIPTOR: range(3, 256),
        TRANSPORT_CC: range(2, 3),
    }[kind]
    for size in range(256):
        value = bytes(size)
        seen = {kind: value} if size in sizes else {}
        assert read(((5, URI_OF_KIND[kind]),), TWO_BYTE, two_byte((5, value))) == (True, seen)
        if 1 <= size <= 16:
            assert read(((5, URI_OF_KIND[kind]),), ONE_BYTE, one_byte((5, value))) == (True, seen)


@pytest.mark.parametrize(
    ("profile", "block"),
    [
        (ONE_BYTE, b"\x10\x05\x52\x01"),
        (ONE_BYTE, b"\x10\x05\x00\x4f"),
        (TWO_BYTE, b"\x01\x01\x05\x04"),
        (TWO_BYTE, b"\x01\x01\x05\x04\xff\x31\x31\x31"),
    ],
)
def test_an_element_past_the_end_is_told_and_what_came_before_stands(profile: int, block: bytes) -> None:
    assert read(CHROMIUM, profile, block) == (False, {AUDIO_LEVEL: b"\x05"})


@pytest.mark.parametrize("profile", [ONE_BYTE, TWO_BYTE])
def test_a_block_stuffed_with_padding_is_not_read_to_its_end(profile: int) -> None:
    assert read(CHROMIUM, profile, bytes(MAX_STEPS)) == (True, {})
    assert read(CHROMIUM, profile, bytes(1400)) == (False, {})


def test_ids_are_renumbered_and_the_mid_is_the_receivers() -> None:
    incoming = {MID: b"0", AUDIO_LEVEL: b"\x85"}
    profile, found, block = written(FIREFOX, "17", incoming)
    assert profile == ONE_BYTE
    assert found == {MID: b"17", AUDIO_LEVEL: b"\x85"}
    assert block == b"\xbe\xde\x00\x02" + b"\x31" + b"17" + b"\x10\x85" + bytes(3)


def test_rid_and_repaired_rid_never_reach_a_receiver() -> None:
    incoming = {RID: b"hi", REPAIRED_RID: b"lo", VIDEO_ORIENTATION: b"\x01"}
    assert written(CHROMIUM, "2", incoming)[1] == {MID: b"2", VIDEO_ORIENTATION: b"\x01"}


def test_what_the_receiver_has_not_negotiated_is_left_out() -> None:
    assert written(((3, URI_MID),), "2", {AUDIO_LEVEL: b"\x05"})[1] == {MID: b"2"}
    assert written((), "2", {AUDIO_LEVEL: b"\x05"})[2] == b""


def test_without_anything_to_carry_the_mid_stands_alone() -> None:
    assert written(FIREFOX, "0", {})[2] == b"\xbe\xde\x00\x01\x30\x30\x00\x00"


def test_a_receiver_without_mid_gets_what_is_carried() -> None:
    assert written(((1, URI_AUDIO_LEVEL),), "2", {AUDIO_LEVEL: b"\x05"})[2] == b"\xbe\xde\x00\x01\x10\x05\x00\x00"


def test_a_short_dependency_descriptor_takes_the_one_byte_form_and_a_long_one_the_other() -> None:
    for size in range(3, 256):
        descriptor = bytes(range(size))
        profile, found, _ = written(CHROMIUM, "1", {DEPENDENCY_DESCRIPTOR: descriptor, VIDEO_ORIENTATION: b"\x02"})
        assert profile == (ONE_BYTE if size <= 16 else TWO_BYTE)
        assert found == {MID: b"1", DEPENDENCY_DESCRIPTOR: descriptor, VIDEO_ORIENTATION: b"\x02"}


@pytest.mark.parametrize("ids", [((15, URI_MID), (1, URI_AUDIO_LEVEL)), ((0, URI_MID), (1, URI_AUDIO_LEVEL))])
def test_ids_that_are_none_are_not_used(ids: tuple[tuple[int, str], ...]) -> None:
    assert written(ids, "1", {AUDIO_LEVEL: b"\x01"})[1] == {AUDIO_LEVEL: b"\x01"}


@pytest.mark.parametrize("ids", [((16, URI_MID), (1, URI_AUDIO_LEVEL)), ((1, URI_MID), (255, URI_AUDIO_LEVEL))])
def test_an_id_above_14_takes_the_two_byte_form_always(ids: tuple[tuple[int, str], ...]) -> None:
    assert written(ids, "1", {AUDIO_LEVEL: b"\x01"})[:2] == (TWO_BYTE, {MID: b"1", AUDIO_LEVEL: b"\x01"})
    assert written(ids, "1", {})[:2] == (TWO_BYTE, {MID: b"1"})


@given(
    st.permutations(range(1, 15)),
    st.permutations([*range(1, 15), *range(16, 256)]),
    st.text("abc0123456789", min_size=1, max_size=32),
    st.fixed_dictionaries(
        {},
        optional={
            AUDIO_LEVEL: st.binary(min_size=1, max_size=1),
            VIDEO_ORIENTATION: st.binary(min_size=1, max_size=1),
            ABS_CAPTURE_TIME: st.sampled_from([bytes(8), bytes(range(16))]),
            DEPENDENCY_DESCRIPTOR: st.binary(min_size=3, max_size=255),
            RID: st.binary(min_size=1, max_size=16),
        },
    ),
)
def test_every_carried_element_arrives_whatever_the_ids(
    sender: list[int], receiver: list[int], mid: str, incoming: dict[int, bytes]
) -> None:
    uris = sorted(KIND_OF_URI)
    sender_ids = tuple(zip(sender, uris, strict=False))
    receiver_ids = tuple(zip(receiver, uris, strict=False))
    id_of_kind = {KIND_OF_URI[uri]: identifier for identifier, uri in sender_ids}
    block = two_byte(*((id_of_kind[kind], value) for kind, value in incoming.items()))
    whole, read_in = read(sender_ids, TWO_BYTE, block)
    assert whole
    assert read_in == incoming
    carried = {kind: value for kind, value in incoming.items() if kind in CARRIED}
    numbered = {TRANSPORT_CC: bytes(2)}  # to be filled in
    assert written(receiver_ids, mid, read_in)[1] == {MID: mid.encode()} | carried | numbered


NUMBERED = (*CHROMIUM, (3, URI_TRANSPORT_CC))


@pytest.mark.parametrize(
    ("ids", "mid", "incoming"),
    [
        (NUMBERED, "0", {}),
        (NUMBERED, "", {}),
        (NUMBERED, "0", {AUDIO_LEVEL: b"\x85"}),
        (NUMBERED, "0", {AUDIO_LEVEL: b"\x85", ABS_CAPTURE_TIME: b"\x01" * 8}),
        (NUMBERED, "0", {DEPENDENCY_DESCRIPTOR: b"\x01" * 40}),
        (((15 + 1, URI_TRANSPORT_CC), (4, URI_MID)), "0", {}),
        (NUMBERED, "a-mid-of-seventeen", {AUDIO_LEVEL: b"\x85"}),
    ],
)
def test_a_packet_has_the_number_of_its_own_transport(
    ids: tuple[tuple[int, str], ...], mid: str, incoming: dict[int, bytes]
) -> None:
    writer = Writer(ids, mid)
    assert writer.number_at
    source = b"".join(incoming.values())
    elements = Elements()
    at = 0
    for kind, value in (incoming | {TRANSPORT_CC: b""}).items():
        elements.present |= 1 << kind
        elements.offsets[kind], elements.lengths[kind] = at, len(value)
        at += len(value)
    view = memoryview(bytearray(b"\xee" * (MAX_BLOCK + 5)))
    length = writer.write(source, elements, view, 5)
    writer.write_number(view, 5, 0xABCD)
    _, found = read(ids, int.from_bytes(view[5:7], "big"), bytes(view[9 : 5 + length]))
    assert found == ({MID: mid.encode()} if mid else {}) | incoming | {TRANSPORT_CC: b"\xab\xcd"}


def test_without_the_extension_there_is_no_number() -> None:
    assert Writer(CHROMIUM, "0").number_at == 0


@given(
    ids=st.lists(st.tuples(st.integers(1, 255), st.sampled_from(list(KIND_OF_URI))), max_size=9).map(tuple),
    mid=st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=40),
    fixed=st.tuples(st.integers(0, 1), st.integers(0, 127), st.integers(0, 0xFFFF), *[st.integers(0, 2**32 - 1)] * 2),
    number=st.integers(0, 0xFFFF),
)
def test_a_header_written_in_one_go_is_the_one_written_in_three(
    ids: tuple[tuple[int, str], ...], mid: str, fixed: tuple[int, int, int, int, int], number: int
) -> None:
    writer = Writer(ids, mid)
    steps, at_once = (memoryview(bytearray(b"\xee" * (MAX_BLOCK + 20))) for _ in range(2))
    length = writer.write(b"", Elements(), steps, 15)
    write_fixed(steps, 3, length, *fixed)
    if writer.number_at:
        writer.write_number(steps, 15, number)
    writer.write_plain(at_once, 3, *fixed, number)
    assert writer.plain_length == 12 + length
    assert at_once == steps
