"""Whatever the bytes of a header extension, what is found lies inside the block and has a size that its kind may have (F5), and what is
written from it can be read by anybody, carries nothing that is not to be carried, and stays inside its room."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp.extensions import (
    ABS_CAPTURE_TIME,
    AUDIO_LEVEL,
    CARRIED,
    KIND_OF_URI,
    KINDS,
    MAX_BLOCK,
    MID,
    ONE_BYTE,
    TRANSPORT_CC,
    TWO_BYTE,
    VIDEO_ORIENTATION,
    Elements,
    Reader,
    Writer,
)

URIS = sorted(KIND_OF_URI)
SENDER = tuple(enumerate(URIS, start=1))
RECEIVERS = [
    tuple(enumerate(reversed(URIS), start=3)),
    tuple(enumerate(URIS, start=12)),
    tuple(enumerate(URIS, start=200)),
    SENDER[:3],
    (),
]
READER = Reader(SENDER)
READERS_BACK = [Reader(ids) for ids in RECEIVERS]
WRITERS = [Writer(ids, "7") for ids in RECEIVERS]
SIZES = {AUDIO_LEVEL: (1, 1), VIDEO_ORIENTATION: (1, 1), ABS_CAPTURE_TIME: (8, 16)}
"""Smallest and largest element of those kinds that have narrow bounds."""
MORE = settings(max_examples=3 * settings().max_examples)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[int, bytes]:
    """Elements of right form with any ids and sizes, a few bytes changed, cut, with noise behind."""
    two_byte = draw(st.booleans())
    block = bytearray()
    for _ in range(draw(st.integers(0, 8))):
        if two_byte:
            value = draw(st.binary(max_size=40))
            block += bytes((draw(st.integers(0, 20)), len(value))) + value
        else:
            value = draw(st.binary(min_size=1, max_size=16))
            block += bytes((draw(st.integers(0, 15)) << 4 | (len(value) - 1),)) + value
        block += bytes(draw(st.integers(0, 3)))
    for _ in range(draw(st.integers(0, 3))):
        if block:
            block[draw(st.integers(0, len(block) - 1))] = draw(st.integers(0, 255))
    data = bytes(block[: draw(st.integers(0, len(block)))]) + draw(st.binary(max_size=12))
    profile = (TWO_BYTE | draw(st.integers(0, 15))) if two_byte else ONE_BYTE
    return draw(st.sampled_from([profile, profile, profile, 0xABCD])), data


def check(profile: int, block: bytes) -> None:
    view = memoryview(b"\xa5" * 9 + block + b"\x5a" * 300)
    elements = Elements()
    READER.read(view, profile, 9, len(block), elements)
    assert elements.present >> KINDS == 0
    assert not elements.has(0)
    for kind in range(1, KINDS):
        if elements.has(kind):
            assert elements.offsets[kind] > 9
            assert elements.offsets[kind] + elements.lengths[kind] <= 9 + len(block)
            least, most = SIZES.get(kind, (1, 255))
            assert least <= elements.lengths[kind] <= most
    for ids, writer, reader in zip(RECEIVERS, WRITERS, READERS_BACK, strict=True):
        out = bytearray(b"\xee" * (MAX_BLOCK + 8))
        length = writer.write(view, elements, out, 4)
        assert length % 4 == 0
        assert length <= MAX_BLOCK
        assert set(out[:4] + out[4 + MAX_BLOCK :]) == {0xEE}
        if not length:
            continue
        assert int.from_bytes(out[6:8], "big") == length // 4 - 1
        found = Elements()
        assert reader.read(out, int.from_bytes(out[4:6], "big"), 8, length - 4, found)
        negotiated = {KIND_OF_URI[uri] for identifier, uri in ids if identifier != 15}
        for kind in range(1, KINDS):
            if kind == MID:
                assert found.value(out, MID) == (b"7" if MID in negotiated else b"")
            elif kind == TRANSPORT_CC:
                assert found.value(out, kind) == (bytes(2) if kind in negotiated else b"")
            elif kind in CARRIED and kind in negotiated:
                assert found.value(out, kind) == elements.value(view, kind)
            else:
                assert not found.has(kind)


@MORE
@given(blocks())
def test_blocks_of_elements(case: tuple[int, bytes]) -> None:
    check(*case)


@given(st.sampled_from([ONE_BYTE, TWO_BYTE, 0x1007]), st.binary(max_size=120))
def test_noise(profile: int, block: bytes) -> None:
    check(profile, block)


def test_every_length_of_every_element_at_the_end_of_a_block() -> None:
    """F5 the long way: each id, each announced size, each number of bytes that are really there."""
    for identifier in range(16):
        for size in range(16):
            for there in range(18):
                check(ONE_BYTE, bytes((identifier << 4 | size,)) + bytes(there))
        for size in range(0, 256, 17):
            for there in (0, 1, 7, 8, size, size + 1):
                check(TWO_BYTE, bytes((identifier, size)) + bytes(there))
