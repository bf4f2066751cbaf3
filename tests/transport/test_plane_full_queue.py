"""A way whose queue is suddenly full: a smaller layer is gone over to without another packet of the larger one."""

from __future__ import annotations

import pytest

from sfu.rtp import rtcp
from sfu.rtp.keyframes import ASKS_INTERVAL
from sfu.transport.plane import ROOM
from tests.transport.simulcast import FRAME, Camera, Viewer, continuous, layers, pictures, world_of
from tests.transport.watched import Watched


def narrowed(camera: Camera, viewer: Viewer) -> None:
    """As its estimator says it for a second (`Estimator.draining`)."""
    camera.world.plane._peers[viewer.client.number].downlink.draining = True


@pytest.mark.parametrize("suddenly", [True, False])
def test_nothing_more_of_the_larger_layer_goes_out_and_the_smaller_ones_keyframe_is_asked_for_when_there_is_room(
    suddenly: bool,
) -> None:
    _, camera, (viewer,) = world_of()
    camera.run(1.0)
    before = viewer.take()
    camera.asked.clear()
    if suddenly:
        narrowed(camera, viewer)
    viewer.want(0)
    asked_after = 0.0
    while not camera.asked and asked_after < 1.0:
        camera.read_feedback()
        if not camera.asked:
            camera.frame()
            asked_after += FRAME
    assert camera.asked == [0]
    if suddenly:
        assert ROOM <= asked_after <= ROOM + 2 * FRAME
        assert viewer.take() == []
    else:
        assert asked_after == 0
    camera.frame()
    camera.run(1.0)
    after = viewer.take()
    assert layers(pictures(before + after)) == [0, 1, 2, 0], "up at first; then down, with a keyframe"
    assert continuous(before + after)


def test_others_who_get_the_larger_layer_go_on_with_it() -> None:
    _, camera, viewers = world_of(2)
    camera.run(1.0)
    for viewer in viewers:
        viewer.take()
    narrowed(camera, viewers[0])
    viewers[0].want(0)
    camera.run(ROOM / 2)
    assert viewers[0].take() == []
    assert viewers[1].take() != []


@pytest.mark.parametrize("wanted", [2, 1])
def test_who_wants_what_it_gets_or_more_loses_nothing(wanted: int) -> None:
    _, camera, (viewer,) = world_of()
    viewer.want(1)
    camera.run(1.0)
    viewer.take()
    narrowed(camera, viewer)
    viewer.want(wanted, 1)
    camera.run(ROOM / 2)
    assert viewer.take() != []


def test_who_may_ask_for_no_keyframe_just_now_keeps_the_larger_layer_for_so_long() -> None:
    """Nothing at all would be worse than what comes late."""
    world, camera, (viewer,) = world_of()
    camera.run(1.0)
    viewer.take()
    asks = world.plane._peers[camera.client.number].feeds["0"].asks(viewer.client.number)
    while asks.is_open(world.now):
        asks.allow(world.now)
    narrowed(camera, viewer)
    viewer.want(0)
    camera.run(1.0)
    assert layers(viewer.pictures()) == [2]
    camera.run(ASKS_INTERVAL)
    assert layers(viewer.pictures())[-1] == 0


@pytest.mark.parametrize("gone", ["route", "paused", "back", "closed"])
def test_what_happens_while_it_waits_is_what_holds(gone: str) -> None:
    world, camera, (viewer,) = world_of()
    camera.run(1.0)
    viewer.take()
    narrowed(camera, viewer)
    viewer.want(0)
    if gone == "route":
        world.plane.drop_route(viewer.client.number, "v")
    elif gone == "paused":
        viewer.want(-1)
    elif gone == "back":
        viewer.want(2)
    else:
        world.plane.close_peer(viewer.client.number)
    camera.run(1.0)
    assert world.plane.bugs == 0
    if gone == "back":
        assert layers(viewer.pictures())[-1] == 2
    elif gone != "closed":
        assert viewer.take() == []
        viewer.want(0)
        if gone == "route":
            world.route(camera.client, "0", viewer.client, "v")
        camera.run(1.0)
        assert viewer.take() != []


def test_what_is_asked_for_again_of_the_larger_layer_does_not_go_out_either() -> None:
    """It would fill the queue that is to drain."""
    _, camera, (viewer,) = world_of()
    camera.run(1.0)
    last = viewer.take()[-1]
    narrowed(camera, viewer)
    viewer.want(0)
    viewer.client.send_control(rtcp.Nack(9, last.ssrc, (last.sequence,)))
    assert viewer.client.take_rtp() == []


def test_the_plane_sees_it_in_what_its_receiver_tells() -> None:
    watched = Watched()
    downlink = watched.world.plane._peers[watched.receiver.number].downlink

    def drains(seconds: float, bits_per_second: float) -> bool:
        """Whether it was seen while this was sent."""
        seen = False
        for _ in range(round(30 * seconds)):
            watched.show(1 / 30, bits_per_second, keyframes=False)
            seen = seen or downlink.draining
        return seen

    assert not drains(4.0, 1.2e6)
    watched.link = 2.4e5
    assert drains(0.4, 1.2e6)
    assert watched.estimates[-1] < 2.6e5
    drains(3.0, 1e5)
    assert not drains(1.0, 1e5)
