from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.rtp.transport_feedback import TransportFeedback, build_transport_feedback, parse_transport_feedback

arrivals = st.lists(st.none() | st.integers(0, 255) | st.integers(-0x8000, 0x7FFF), max_size=100).map(tuple)


@given(arrivals)
def test_what_is_built_is_read_back_and_no_shorter(told: tuple[int | None, ...]) -> None:
    packet = TransportFeedback(1, 2, 65535, 0xFFFFFF, 255, told)
    body = build_transport_feedback(packet)
    assert parse_transport_feedback(body, 100) == packet
    assert parse_transport_feedback(body + bytes(3), 100) == packet
    for length in range(len(body)):
        with pytest.raises(MalformedPacket):
            parse_transport_feedback(body[:length], 100)


def test_the_limit_is_what_is_still_read() -> None:
    packet = TransportFeedback(1, 2, 3, 4, 5, (1, None, 300))
    body = build_transport_feedback(packet)
    assert parse_transport_feedback(body, 3) == packet
    assert parse_transport_feedback(body, 2) is None


def test_a_small_delta_takes_one_byte_and_a_large_one_two() -> None:
    sizes = [len(build_transport_feedback(TransportFeedback(1, 2, 3, 4, 5, (delta,)))) for delta in (0, 255, 256, -1)]
    assert sizes == [19, 19, 20, 20]
