"""What a packet may not cost: more with every silent room, or garbage. Counted in calls and objects, for time tells nothing in a test."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType

import pytest

from sfu import build
from sfu.transport.counters import Kind
from tests.transport.plane_world import INTERFRAME, KEYFRAME, Client, Stream, World, element, receives, sends


def call(world: World) -> tuple[Client, Stream]:
    """One who sends video to one who sees it, both warm."""
    sender = world.client(sends("0", "video", ssrcs=(1,)))
    receiver = world.client(receives("0", "video"))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME, elements=element(4, b"0"))
    world.run(0.1)
    world.plane.take_reports()
    return sender, stream


def silent(world: World, rooms: int) -> None:
    """Rooms in which two are connected and nobody has sent anything for long."""
    for _ in range(rooms):
        one = world.client(sends("0", "video"), receives("1", "video"))
        other = world.client(sends("0", "video"), receives("1", "video"))
        world.route(one, "0", other, "1")
        world.route(other, "0", one, "1")
    world.run(5.0)


def wake_ups(world: World, sender: Client, stream: Stream, count: int, *, frames: int = 5) -> Callable[[], None]:
    """What the socket does `count` times: five packets of so many frames, one or five; a flush; a look at reports and timers."""
    datagrams = [
        sender.uplink.protect(
            stream.packet(
                INTERFRAME + bytes(900),
                marker=frames == 5 or index % 5 == 4,
                elements=element(4, b"0"),
            )
        )
        for index in range(5 * count)
    ]
    plane, slab, now = world.plane, world.slab, world.now
    length = len(datagrams[0])

    def all_of_them() -> None:
        for number in range(count):
            for datagram in datagrams[5 * number : 5 * number + 5]:
                slab.view[:length] = datagram
                plane.receive(sender.number, slab, 0, length, now)
            plane.flush(now)
            plane.take_reports()
            plane.next_timer()
            world.sender.sent.clear()
            world.sender.runs.clear()

    return all_of_them


def calls(work: Callable[[], None]) -> Counter[str]:
    """How often each function was called."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            counted[frame.f_code.co_qualname] += 1

    # What other tests have left behind is not to be finalized meanwhile, which takes calls too.
    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counted


def test_silent_rooms_add_nothing_to_a_wake_up() -> None:
    counted = []
    for rooms in (0, 100):
        world = World()
        silent(world, rooms)
        counted.append(calls(wake_ups(world, *call(world), 4)))
    assert counted[0] == counted[1]
    assert counted[0]["FakeSender.send_runs"] == 4
    # What is compiled is not seen to be called; what is left of Python is.
    assert counted[0]["OutgoingStream.forward"] == (20 if build.PLANE == build.PYTHON else 0)


def test_silent_rooms_ask_for_no_wake_up_of_their_own() -> None:
    world = World()
    silent(world, 1)
    few = calls(lambda: world.run(10.0))
    world = World()
    silent(world, 50)
    many = calls(lambda: world.run(10.0))
    # A report to each about every second, which finds nothing to say.
    assert many["Control._report"] < 60 * max(few["Control._report"], 1)
    assert world.plane.counters.packets_out[Kind.RTCP] == 0


@pytest.mark.parametrize(("frames", "budget"), [(1, 23), (5, 28)])
def test_a_packet_takes_few_calls(frames: int, budget: int) -> None:
    """A budget, the flush and the fakes among it: whoever needs more has measured what it costs (docs/performance.md).

    The first packet of each frame is asked what the frame is; where five packets are five frames, every one is. Of the compiled
    build these are the calls that still go through the interpreter: six a wake-up of five packets, the most of them the fakes'.
    """
    budget = budget if build.PLANE == build.PYTHON else 2
    world = World()
    counted = calls(wake_ups(world, *call(world), 10, frames=frames))
    per_packet = sum(counted.values()) / 50
    assert per_packet <= budget


def test_a_packet_leaves_no_garbage() -> None:
    world = World()
    sender, stream = call(world)
    wake_ups(world, sender, stream, 300)()  # until the history has all the memory it takes
    work = wake_ups(world, sender, stream, 200)
    gc.collect()
    before = [generation["collections"] for generation in gc.get_stats()]
    objects = len(gc.get_objects())
    work()
    assert len(gc.get_objects()) <= objects + 2
    assert [generation["collections"] for generation in gc.get_stats()] == before, "the collector never had to run"
