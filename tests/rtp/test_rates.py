"""Bytes and frames by layer become rates of the layers as receivers get them."""

from __future__ import annotations

from sfu.rtp.rates import LEAST, Meter


def test_what_a_layer_takes_includes_those_that_it_stands_on() -> None:
    meter = Meter(10.0)
    for spatial, temporal, octets, frames in ((0, 0, 1000, 8), (0, 1, 500, 8), (1, 0, 4000, 8), (1, 1, 2000, 8)):
        meter.octets[spatial << 3 | temporal] = octets
        meter.frames[spatial << 3 | temporal] = frames
    assert meter.roll(12.0)
    assert meter.cumulative() == [
        (0, 0, 4_000, 4.0),
        (0, 1, 6_000, 8.0),
        (1, 0, 20_000, 4.0),
        (1, 1, 30_000, 8.0),
    ]


def test_each_window_stands_for_itself() -> None:
    meter = Meter(0.0)
    meter.octets[0] = 1000
    assert not meter.roll(LEAST / 2)
    assert meter.roll(1.0)
    assert meter.rates == ((0, 8000, 0.0),)
    meter.octets[2] = 100
    meter.frames[2] = 3
    assert meter.roll(1.5)
    assert meter.cumulative() == [(0, 2, 1600, 6.0)]
    assert meter.roll(2.5)
    assert meter.cumulative() == []
