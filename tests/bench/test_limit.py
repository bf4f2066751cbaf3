from __future__ import annotations

import os

import pytest

from bench.limit import Limit, LimitFailed, Order, mean, measure


def test_the_limit_is_measured_in_every_part_and_is_some_microseconds() -> None:
    limit = measure(Order())
    for part in (limit.receive_us, limit.unprotect_us, limit.protect_us, limit.send_us):
        assert 0.05 < part < 200


def test_more_is_asked_for_each_packet_out_where_fewer_share_what_comes_in() -> None:
    limit = Limit(1.0, 2.0, 3.0, 4.0)
    assert limit.per_packet_out(100, 100) == pytest.approx(10.0)
    assert limit.per_packet_out(100, 300) == pytest.approx(8.0)


def test_the_mean_is_part_by_part() -> None:
    assert mean([Limit(1.0, 2.0, 3.0, 4.0), Limit(3.0, 4.0, 5.0, 6.0)]) == Limit(2.0, 3.0, 4.0, 5.0)


def test_a_namespace_that_is_not_there_is_told() -> None:
    with pytest.raises(LimitFailed, match=f"bench-none-{os.getpid()}"):
        measure(Order(namespace=f"bench-none-{os.getpid()}"))
