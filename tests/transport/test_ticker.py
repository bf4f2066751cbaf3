"""The clock that the loop waits for."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from sfu.transport.ticker import Ticker, has_ticker


@pytest.fixture
def ticker() -> Iterator[Ticker]:
    assert has_ticker(), "the tests run on Linux"
    ticker = Ticker()
    yield ticker
    ticker.close()


def readable(ticker: Ticker, seconds: float) -> bool:
    return bool(select.select([ticker], [], [], seconds)[0])


def test_it_ticks_until_it_is_stopped_and_again(ticker: Ticker) -> None:
    assert not readable(ticker, 0)
    for _ in range(2):
        ticker.run(0.001)
        for _ in range(3):
            assert readable(ticker, 60)
            ticker.take()
        assert readable(ticker, 60)
        ticker.stop()
        assert not readable(ticker, 0), "what had ticked is forgotten"


def test_one_take_is_for_all_ticks_so_far(ticker: Ticker) -> None:
    ticker.run(3600.0)
    assert not readable(ticker, 0)
    ticker.take()  # nothing to take is no error
    ticker.run(1e-6)
    assert readable(ticker, 60)
    ticker.stop()
    ticker.take()
    assert not readable(ticker, 0)


def test_a_closed_one_has_no_descriptor(ticker: Ticker) -> None:
    other = Ticker()
    descriptor = other.fileno()
    other.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
