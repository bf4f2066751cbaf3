from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.transport.framing import PREFIX, framed, frames


def on_the_wire(*datagrams: bytes) -> bytes:
    return b"".join(len(datagram).to_bytes(2, "big") + datagram for datagram in datagrams)


def read(data: bytes, longest: int = 1500) -> tuple[list[bytes], bytes]:
    """What the frames carry, and what is left over."""
    view = memoryview(data)
    found, rest = frames(view, 0, len(data), longest)
    return [bytes(view[offset : offset + length]) for offset, length in found], data[rest:]


@pytest.mark.parametrize(
    ("data", "carried", "rest"),
    [
        (b"", [], b""),
        (b"\0", [], b"\0"),
        (b"\0\3ab", [], b"\0\3ab"),
        (b"\0\3abc", [b"abc"], b""),
        (b"\0\3abc\0\1d\0", [b"abc", b"d"], b"\0"),
        (b"\0\0\0\0\0\1x", [b"", b"", b"x"], b""),
    ],
)
def test_frames_are_taken_when_they_are_whole(data: bytes, carried: list[bytes], rest: bytes) -> None:
    assert read(data) == (carried, rest)


@pytest.mark.parametrize("announced", [1501, 65_535])
def test_a_frame_that_is_too_long_is_refused_by_its_first_two_bytes(announced: int) -> None:
    with pytest.raises(MalformedPacket):
        read(announced.to_bytes(2, "big"))
    with pytest.raises(MalformedPacket):
        read(on_the_wire(b"one") + announced.to_bytes(2, "big"))


def test_the_longest_that_is_allowed_is_taken() -> None:
    assert read(on_the_wire(bytes(1500))) == ([bytes(1500)], b"")


def test_what_lies_around_the_given_bytes_is_not_read() -> None:
    data = b"\0\1?" + on_the_wire(b"abc", b"d") + b"\0\1?"
    assert frames(memoryview(data), 3, 11, 1500) == ([(5, 3), (10, 1)], 11)


@given(st.lists(st.binary(max_size=40), max_size=8), st.data())
def test_however_a_stream_is_cut_the_datagrams_come_out_as_they_went_in(
    datagrams: list[bytes], data: st.DataObject
) -> None:
    stream, carried, rest = on_the_wire(*datagrams), [], b""
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        more, rest = read(rest + stream[:cut])
        carried += more
        stream = stream[cut:]
    assert (carried, rest) == (datagrams, b"")


@given(st.integers(1, 60), st.integers(1, 64), st.data())
def test_a_run_becomes_frames_that_read_as_its_datagrams(segment: int, count: int, data: st.DataObject) -> None:
    last = data.draw(st.integers(1, segment))
    datagrams = [bytes([index]) * segment for index in range(count - 1)] + [b"!" * last]
    buffers = framed(memoryview(b"".join(datagrams)), segment)
    assert len(buffers) == 2 * count
    assert all(len(prefix) == PREFIX for prefix in buffers[::2])
    assert read(b"".join(bytes(each) for each in buffers)) == (datagrams, b"")
