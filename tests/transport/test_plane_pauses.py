"""Pictures and layers that stop: because a receiver does not show them, or their sender does not send them."""

from __future__ import annotations

import random
from itertools import pairwise

from tests.transport.simulcast import continuous, layers, pictures, rates_of, world_of


def test_a_paused_receiver_gets_nothing_and_goes_on_continuously() -> None:
    _, camera, (viewer,) = world_of()
    camera.run(0.5)
    before = viewer.take()
    viewer.want(-1)
    camera.run(2)
    assert viewer.take() == []
    viewer.want(1)
    camera.run(0.5)
    after = viewer.take()
    found = pictures(before[-30:] + after)
    assert layers(found)[-1] == 1
    assert continuous(before + after)
    assert all((b.picture_id - a.picture_id) % 32_768 == 1 for a, b in pairwise(found))


def test_a_pause_that_comes_with_the_route_holds() -> None:
    world, camera, (viewer,) = world_of()
    viewer.want(-1)
    camera.run(0.5)
    assert viewer.take() == []
    camera.read_feedback()
    assert camera.asked == []
    assert world.plane.bugs == 0


def test_a_layer_that_its_sender_pauses_gives_way_within_half_a_second_and_comes_back() -> None:
    world, camera, (viewer,) = world_of()
    camera.run(1)
    viewer.take()
    rates_of(world)
    camera.paused.add(2)
    camera.asked.clear()
    camera.run(0.5)
    camera.read_feedback()
    assert camera.asked[:1] == [1]
    assert viewer.pictures()[-1].source == 1
    told = rates_of(world)
    assert {rate.spatial for rate in told[-1].layers} == {0, 1}
    camera.paused.clear()
    camera.due.add(2)
    camera.run(0.5)
    packets = viewer.take()
    assert layers(pictures(packets)) == [1, 2]
    assert continuous(packets)
    assert {rate.spatial for rate in rates_of(world)[-1].layers} == {0, 1, 2}


def test_where_all_layers_stop_nobody_is_asked_for_anything() -> None:
    _, camera, _ = world_of()
    camera.run(1)
    camera.paused = {0, 1, 2}
    camera.asked.clear()
    camera.run(3)
    camera.read_feedback()
    assert camera.asked == []


def test_layers_that_nobody_gets_are_not_asked_for_again() -> None:
    _, camera, (viewer,) = world_of()
    viewer.want(1)
    camera.run(1)
    camera.nacked.clear()
    rng = random.Random(5)
    camera.lose = lambda layer: rng.random() < 0.1
    camera.run(2)
    assert set(camera.nacked) == {1}
    # What was missing before is not asked for when somebody comes.
    camera.lose = lambda layer: False
    camera.run(1)
    camera.nacked.clear()
    viewer.want(2)
    camera.run(0.5)
    assert 2 not in camera.nacked
