from __future__ import annotations

import pytest

from sfu.rtp.red import MAX_REDUNDANT, NOTHING, primary


def block(payload_type: int, offset: int, length: int) -> bytes:
    return bytes((0x80 | payload_type,)) + (offset << 10 | length).to_bytes(3, "big")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x6f" + b"opus", (1, 4, 111)),
        (block(111, 960, 3) + b"\x6f" + b"old" + b"new!", (8, 4, 111)),
        (block(111, 1920, 3) + block(111, 960, 2) + b"\x6f" + b"old" + b"er" + b"now", (14, 3, 111)),
        (block(111, 16383, 1023) + b"\x6f" + bytes(1023) + b"x", (1028, 1, 111)),
        (block(111, 960, 0) + b"\x6f" + b"new", (5, 3, 111)),
        (b"", NOTHING),
        (b"\x6f", NOTHING),
        (block(111, 960, 3), NOTHING),
        (block(111, 960, 3)[:3], NOTHING),
        (block(111, 960, 3) + b"\x6f" + b"old", NOTHING),
        (block(111, 960, 1023) + b"\x6f" + b"short", NOTHING),
    ],
)
def test_the_primary_is_what_is_left_behind_the_redundant_blocks(
    payload: bytes, expected: tuple[int, int, int]
) -> None:
    assert primary(payload, 0, len(payload)) == expected
    offset, length, payload_type = primary(memoryview(b"....." + payload + b"....."), 5, len(payload))
    assert (offset, length, payload_type) == ((expected[0] + 5, *expected[1:]) if expected != NOTHING else NOTHING)


def test_more_blocks_than_anybody_sends_are_garbage() -> None:
    assert primary(block(111, 0, 0) * MAX_REDUNDANT + b"\x6fx", 0, MAX_REDUNDANT * 4 + 2) != NOTHING
    assert primary(block(111, 0, 0) * (MAX_REDUNDANT + 1) + b"\x6fx", 0, MAX_REDUNDANT * 4 + 6) == NOTHING
