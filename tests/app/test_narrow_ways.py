"""The estimator and the allocation together, over networks in virtual time: what somebody sees behind a narrow way."""

from __future__ import annotations

import pytest

from sfu.ids import TrackId
from sfu.rooms.ladders import Demand, Layer, Wish
from tests.app.narrow import Receiver
from tests.rooms.simulcast import SIMULCAST

A, B, C = TrackId("t_a"), TrackId("t_b"), TrackId("t_c")
CAMERA = Demand(A, SIMULCAST)
ONE_SIZE = (Layer(0, 0, 1_200_000, 1280, 720, 30.0),)
DELAY = 0.025
"""Seconds each way."""


def receiver(rate: float, *demands: Demand, loss: float = 0.0) -> Receiver:
    return Receiver(demands or (CAMERA,), voices=max(1, len(demands)), rate=rate, delay=DELAY, loss=loss)


def test_a_way_that_takes_everything_is_given_everything() -> None:
    way = receiver(2e6)
    way.run(60.0)
    assert way.now_gets(A) == (2, 2)
    assert not [since for since, _ in way.seen[A].course if since > 15.0], "it is steady"


def test_a_drop_takes_resolution_within_two_seconds_and_gives_it_back_within_fifteen() -> None:
    way = receiver(2e6)
    way.run(30.0)
    way.down.change(30.0, rate=3e5)
    way.run(60.0)
    assert way.seen[A].at(32.0) == (0, 2)
    assert way.now_gets(A) == (0, 2)
    assert way.seen[A].freeze(32.0, 60.0) < 0.2
    assert max(delay for moment, delay in way.delays if 35.0 < moment < 60.0) < 0.2, "the queue has drained"
    way.down.change(60.0, rate=2e6)
    way.run(100.0)
    assert way.seen[A].at(75.0) == (2, 2)
    assert way.now_gets(A) == (2, 2)
    assert way.seen[A].freeze(60.0, 100.0) < 0.3
    assert len([since for since, _ in way.seen[A].course if since > 30.0]) <= 4, "each step once"


TWO_SIZES = tuple(
    Layer(spatial, temporal, bits, width, width * 3 // 4, 7.5 * 2**temporal)
    for spatial, width, rates in ((0, 320, (60_000, 100_000, 200_000)), (1, 640, (500_000, 800_000, 1_200_000)))
    for temporal, bits in enumerate(rates)
)
"""A camera as browsers send it in two sizes."""


@pytest.mark.parametrize("queue", [0.15, 0.3, 1.0])
@pytest.mark.parametrize("rate", [3e5, 4e5, 6e5])
@pytest.mark.parametrize("phase", [0.0, 0.014, 0.027])
def test_a_way_that_suddenly_takes_a_quarter_costs_less_than_half_a_second_of_picture(
    rate: float, queue: float, phase: float
) -> None:
    way = Receiver([Demand(A, TWO_SIZES)], rate=2e6, delay=0.02, queue=queue, feedback=0.05)
    way.run(20.0 + phase)
    assert way.now_gets(A) == (1, 2)
    way.down.change(way.net.now, rate=rate)
    way.run(30.0)
    assert {layer and layer[0] for since, layer in way.seen[A].course if since > 20.0 + phase} == {0}, "never paused"
    assert way.seen[A].at(20.0 + phase + 0.35) == (0, 2)
    assert way.seen[A].frozen(19.0, 30.0) < 0.5


def test_a_picture_that_the_way_cannot_take_is_paused_and_comes_back() -> None:
    way = receiver(2e6)
    way.run(30.0)
    way.down.change(30.0, rate=7e4)
    way.run(60.0)
    assert way.now_gets(A) is None
    assert max(delay for moment, delay in way.delays if 45.0 < moment < 60.0) < 0.2, "sound is not late for a picture"
    way.down.change(60.0, rate=2e6)
    way.run(90.0)
    assert way.seen[A].at(70.0) is not None
    assert way.now_gets(A) == (2, 2)


@pytest.mark.parametrize("stall", [0.2, 0.35, 0.5, 1.0, 3.0])
def test_a_way_that_stalls_for_a_moment_costs_that_moment_and_no_more(stall: float) -> None:
    """TCP that waits for a packet. A camera in one size cannot get smaller: what fell to what had come meanwhile paused it for seconds."""
    way = Receiver([Demand(A, ONE_SIZE)], rate=5e6, delay=DELAY, queue=30.0)
    way.run(30.0)
    for begin in (30.0, 40.0, 45.0, 50.0):
        way.run(begin)
        way.down.stall(begin + stall)
    way.run(80.0)
    assert [layer for since, layer in way.seen[A].course if since > 10.0] == []
    assert way.seen[A].freeze(25.0, 80.0) < stall + 0.15


def test_a_pinned_signer_is_fluent_all_the_time_on_a_way_that_is_too_narrow_for_all() -> None:
    signer, screen = Demand(B, SIMULCAST, Wish(pinned=True)), Demand(C, SIMULCAST, Wish(screen=True))
    way = receiver(5e5, CAMERA, signer, screen)
    way.run(90.0)
    layers = {layer for since, layer in way.seen[B].course}
    assert all(layer is not None and layer[1] == 2 for layer in layers), "thirty frames a second"
    assert way.seen[B].freeze(5.0, 90.0) < 0.5
    assert way.now_gets(C) is not None
    changes = [since for track in (A, B, C) for since, _ in way.seen[track].course if since > 10.0]
    assert len(changes) <= 16, "it does not flap"


@pytest.mark.parametrize("loss", [0.02, 0.05])
def test_loss_that_is_not_congestion_takes_nothing(loss: float) -> None:
    way = receiver(2e6, loss=loss)
    way.run(60.0)
    assert way.now_gets(A) == (2, 2)
    assert not [since for since, _ in way.seen[A].course if since > 20.0]


def test_bandwidth_that_comes_and_goes_does_not_flap() -> None:
    way = receiver(2e6)
    for half_minute in range(8):
        way.down.change(way.net.now, rate=6e5 if half_minute % 2 else 2e6)
        way.run(way.net.now + 15.0)
    assert None not in {layer for _, layer in way.seen[A].course}
    assert len(way.seen[A].course) <= 20
