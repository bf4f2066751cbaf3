"""A way that suddenly takes far less is seen within some tenths of a second, and what only looks like it is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfu.rtp.arrival_log import ArrivalLog
from sfu.rtp.bandwidth.estimator import Estimator
from sfu.rtp.bandwidth.onset import Onset
from sfu.rtp.bandwidth.overuse import Usage
from sfu.rtp.bandwidth.rate_control import BETA
from sfu.rtp.bandwidth.sent import SentPackets
from sfu.rtp.transport_feedback import TransportFeedback
from tests.net import Bursts, Net

FRAMES = 30
PACKET = 1_100  # bytes
FEEDBACK = 0.05  # seconds, as Chromium's
SETTLED = 10.0
"""Seconds after which the way is changed."""


class Sender:
    """Frames sent at once, as they come to a server, a voice beside them, and feedback of what has arrived."""

    def __init__(self, bits_per_second: float, *, seed: int = 1, **conditions: object) -> None:
        self.net = Net(seed)
        self.down = self.net.way(**{"delay": 0.02, **conditions})
        self.sent = SentPackets()
        self.estimator = Estimator(self.sent, now=0.0)
        self.drained: list[float] = []
        """When the way was found to take far less."""
        self.found = 0.0
        """The estimate then, in bits per second."""
        self._bits = bits_per_second
        self._arrivals = ArrivalLog()
        self._chance = random.Random(seed)
        self.keyframes: Callable[[int], float] = lambda frame: 1.0
        """How many times a mean frame it is."""
        self._frame = 0
        self.net.every(1 / FRAMES, self._picture, 1e9)
        self.net.every(0.02, lambda: self._send(100), 1e9)
        self.net.every(FEEDBACK, self._feedback, 1e9)

    def run_until_seen(self) -> None:
        end = self.net.now + 5.0
        while not self.drained and self.net.now < end:
            self.net.run(self.net.now + 0.005)
        assert self.drained

    def show(self, bits_per_second: float) -> None:
        self._bits = bits_per_second

    def _picture(self) -> None:
        self._frame += 1
        size = self._bits / 8 / FRAMES * self._chance.uniform(0.7, 1.3) * self.keyframes(self._frame)
        for _ in range(max(1, round(size / PACKET))):
            self._send(PACKET)

    def _send(self, size: int) -> None:
        number = self.sent.note(size, self.net.now)

        def arrived(_: object) -> None:
            self._arrivals.note(number, self.net.now)

        self.net.send(self.down, size, arrived)

    def _feedback(self) -> None:
        for packet in self._arrivals.feedback(1, 2):
            self.net.after(0.02, partial(self._told, packet))

    def _told(self, packet: TransportFeedback) -> None:
        now = self.net.now
        before = self.estimator.draining(now)
        self.estimator.feedback(packet, now)
        if self.estimator.draining(now) and not before:
            self.drained.append(now)
            self.found = self.estimator.rate(now)


@pytest.mark.parametrize("queue", [0.15, 0.3, 1.0])
@pytest.mark.parametrize("link", [1.5e5, 3e5, 6e5])
@pytest.mark.parametrize("phase", [0.0, 0.011, 0.023])
def test_a_way_that_takes_far_less_is_seen_while_its_queue_fills(link: float, queue: float, phase: float) -> None:
    way = Sender(1.5e6, queue=queue)
    way.net.run(SETTLED + phase)
    assert way.drained == []
    way.down.change(way.net.now, rate=link)
    way.net.run(SETTLED + phase + 2.0)
    assert way.drained
    assert way.drained[0] - SETTLED - phase < 0.3
    assert way.found == pytest.approx(BETA * link, rel=0.2)


def test_it_is_known_before_the_trend_of_the_delay_can_tell_it() -> None:
    way = Sender(1.5e6)
    way.net.run(SETTLED)
    way.down.change(SETTLED, rate=3e5)
    way.run_until_seen()
    assert way.estimator.usage is Usage.NORMAL
    assert way.estimator.congested(way.net.now)
    assert way.estimator.acknowledged == pytest.approx(3e5, rel=0.2)


def test_the_estimate_does_not_rise_while_what_was_sent_before_still_waits() -> None:
    way = Sender(1.5e6)
    way.net.run(SETTLED)
    way.down.change(SETTLED, rate=3e5)
    way.run_until_seen()
    estimates = []
    way.show(1.5e5)
    for _ in range(100):
        way.net.run(way.net.now + 0.01)
        estimates.append(way.estimator.rate(way.net.now))
    assert max(estimates) <= 3e5


def test_a_smaller_change_is_left_to_the_trend() -> None:
    way = Sender(1.5e6)
    way.net.run(SETTLED)
    way.down.change(SETTLED, rate=1.2e6)
    way.net.run(SETTLED + 5.0)
    assert way.drained == []
    assert way.estimator.rate(way.net.now) < 1.2e6, "which answers it"


@pytest.mark.parametrize(
    "conditions",
    [
        {"jitter": 0.02},
        {"jitter": 0.15},
        {"loss": 0.2},
        {"bursts": Bursts(0.01, 0.2)},
        {"reorder": 0.1, "reorder_by": 0.15},
        {"jitter": 0.05, "loss": 0.05, "reorder": 0.05, "duplicate": 0.05},
        {"rate": 2e6},
        {"rate": 2e6, "jitter": 0.05},
    ],
)
def test_a_bad_way_that_takes_what_is_sent_is_no_narrow_one(conditions: dict[str, object]) -> None:
    for seed in range(3):
        way = Sender(1.2e6, seed=seed, **conditions)
        way.net.run(30.0)
        assert way.drained == []


@pytest.mark.parametrize("stall", [0.05, 0.1, 0.2, 0.35, 1.0])
def test_what_is_held_back_for_a_moment_and_then_comes_at_once_is_no_narrow_way(stall: float) -> None:
    """Wi-Fi that scans, TCP that waits for a packet."""
    way = Sender(1.2e6, rate=20e6, queue=30.0)
    for begin in (10.0, 10.7, 12.0, 12.3, 15.0):
        way.net.run(begin)
        way.down.stall(begin + stall)
    way.net.run(20.0)
    assert way.drained == []


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.5])
def test_another_route_that_takes_longer_is_no_narrow_one(delay: float) -> None:
    way = Sender(1.2e6)
    for begin in range(10, 20, 2):
        way.net.run(begin)
        way.down.change(begin, delay=delay if begin % 4 == 2 else 0.02)
    way.net.run(20.0)
    assert way.drained == []


def test_a_keyframe_that_takes_long_is_no_narrow_way() -> None:
    """It waits for itself: the way takes what is sent on average."""
    way = Sender(6e5, rate=1.5e6, queue=1.0)
    way.keyframes = lambda frame: 15.0 if frame % 150 == 0 else 1.0
    way.net.run(60.0)
    assert way.drained == []


@settings(max_examples=25, deadline=None)
@example(180, 0.04296875, 0.005859375, 0.0, [(5.70703125, 0.33203125)])
@example(180, 0.046875, 0.005859375, 0.0625, [(5.7109375, 0.375)])
@given(
    st.integers(0, 1000),
    st.floats(0, 0.05),
    st.floats(0, 0.2),
    st.floats(0, 0.2),
    st.lists(st.tuples(st.floats(5, 15), st.floats(0.02, 0.6)), max_size=5),
)
def test_nothing_but_congestion_is_taken_for_it(
    seed: int, jitter: float, loss: float, reorder: float, stalls: list[tuple[float, float]]
) -> None:
    way = Sender(1.2e6, seed=seed, rate=10e6, queue=30.0, jitter=jitter, loss=loss, reorder=reorder)
    for begin, stall in sorted(stalls):
        way.net.run(begin)
        way.down.stall(begin + stall)
    way.net.run(16.0)
    assert way.drained == []


def test_what_has_waited_for_long_says_nothing_of_what_is_sent_now() -> None:
    """A queue that others keep full: the delay has risen once, and packets come as they are sent."""
    onset = Onset()
    for index in range(2_000):
        sent = index * 0.01
        onset.add(sent, sent + min(0.2, 0.01 * index), 500)
    assert onset.rate(1e6) == 0.0
