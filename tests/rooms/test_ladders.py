"""What a receiver wants of a picture, and in which steps it gets better."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfu.ids import TrackId
from sfu.rooms.ladders import Demand, Wish, enough, ladder
from tests.rooms.simulcast import SIMULCAST, layers

A = TrackId("t_a")
SCREEN = Wish(screen=True)


def camera(track: TrackId, wish: Wish | None = None) -> Demand:
    return Demand(track, SIMULCAST, wish or Wish())


def places(demand: Demand) -> list[tuple[int, int]]:
    return [(layer.spatial, layer.temporal) for layer in ladder(demand)]


def test_a_picture_loses_resolution_then_frame_rate() -> None:
    assert places(camera(A)) == [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2)]


def test_a_screen_loses_frame_rate_then_resolution() -> None:
    assert places(camera(A, SCREEN)) == [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]


@pytest.mark.parametrize(
    ("wish", "best"),
    [
        (Wish(), (2, 2)),
        (Wish(1280, 720), (2, 2)),
        (Wish(640, 360), (1, 2)),
        (Wish(800, 450), (1, 2)),
        (Wish(810, 456), (2, 2)),
        (Wish(320, 180), (0, 2)),
        (Wish(180, 320), (0, 2)),
        (Wish(1200, 160), (0, 2)),
        (Wish(0, 0), (0, 2)),
        (Wish(4000, 3000), (2, 2)),
        (Wish(640, 360, frame_rate=30), (1, 2)),
        (Wish(640, 360, frame_rate=16), (1, 1)),
        (Wish(640, 360, frame_rate=1), (1, 0)),
        (Wish(640, 360, frame_rate=1, pinned=True), (1, 2)),
        (Wish(640, 360, frame_rate=120), (1, 2)),
    ],
)
def test_nobody_gets_more_than_they_can_see(wish: Wish, best: tuple[int, int]) -> None:
    assert places(camera(A, wish))[-1] == best


def test_a_size_that_is_not_known_is_not_enough() -> None:
    sizeless = tuple(replace(layer, width=0, height=0) for layer in SIMULCAST)
    assert places(Demand(A, sizeless, Wish(320, 180)))[-1] == (2, 2)
    assert not enough(0, 0, Wish(0, 0))


def test_a_step_that_costs_more_than_a_better_one_is_none() -> None:
    odd = layers([(60, 100, 150), (200, 350, 2000), (600, 1000, 1500)])
    assert places(Demand(A, odd)) == [(0, 0), (0, 1), (0, 2), (2, 2)]
