"""Invariant: a request is read or `MalformedPacket` is raised, and only what the sender wrote is authentic."""

from __future__ import annotations

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.transport.parameters import LocalParameters
from sfu.transport.stun import local_ufrag, parse_request
from tests.transport.client import check

LOCAL = LocalParameters("serverufrag", "server-password", ("sha-256", ""), ())
REAL = check(LOCAL, transaction=bytes(12))
WHOLE = parse_request(REAL)


@given(st.binary(max_size=200))
@example(b"")
@example(REAL[:20])
def test_any_bytes(data: bytes) -> None:
    local_ufrag(data, 0, len(data))
    with contextlib.suppress(MalformedPacket):
        assert not parse_request(data).is_authentic(b"server-password")


@given(st.lists(st.tuples(st.integers(0, len(REAL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_request_with_bytes_changed(changes: list[tuple[int, int]]) -> None:
    changed = bytearray(REAL)
    for at, value in changes:
        changed[at] = value
    data = bytes(changed)
    local_ufrag(data, 0, len(data))
    with contextlib.suppress(MalformedPacket):
        parsed = parse_request(data)
        assert parsed == WHOLE or not parsed.is_authentic(b"server-password")


@given(st.integers(20, len(REAL)), st.binary(max_size=100))
def test_a_request_cut_and_continued_with_a_length_that_fits(cut: int, tail: bytes) -> None:
    data = REAL[:cut] + tail
    data = data[:2] + (len(data) - 20).to_bytes(2, "big") + data[4:]
    local_ufrag(data, 0, len(data))
    with contextlib.suppress(MalformedPacket):
        parsed = parse_request(data)
        assert parsed == WHOLE or not parsed.is_authentic(b"server-password")
