"""A sender that follows our REMB over a network in virtual time, and says nothing of when it sent what."""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.bandwidth.unnumbered import QUIET, UnnumberedEstimator
from tests.net import Net

LEAST, MOST = 50_000, 2_000_000
SPREAD = (0.8, 1.25, 0.95, 1.1, 0.9)


class Sender:
    """Pictures of `streams` sizes at thirty a second, of the bit rate that REMB allows, paced; REMB once a second, and when it falls."""

    def __init__(
        self, *, streams: int = 1, seed: int = 1, first: int = 0, ppm: float = 0.0, **conditions: object
    ) -> None:
        self.net = Net(seed)
        self.way = self.net.way(delay=0.03, **conditions)
        self.estimator = UnnumberedEstimator(LEAST, MOST)
        self.allowed = float(MOST)
        self.waits: list[tuple[float, float]] = []
        self.silent = False
        self._streams = streams
        self._frame = 0
        self._first = first
        self._clock = 3_000 * (1 + ppm / 1e6)
        self._paced = 0.0
        self._coming: dict[int, tuple[int, int, float]] = {}
        self._pictures: list[float] = []
        self._sent: dict[int, int] = {}
        self._arrived: dict[int, int] = {}
        self.net.every(1 / 30, self._picture, 1e9)
        self.net.every(0.1, self._measure, 1e9)
        self.net.every(1.0, self._tell, 1e9)

    def _picture(self) -> None:
        self._frame += 1
        if self.silent:
            return
        now = self.net.now
        for stream in range(self._streams):
            size = int(self.allowed / 8 / 30 / self._streams * SPREAD[self._frame % 5])
            timestamp = (self._first + 1_000_000 * stream + round(self._frame * self._clock)) & 0xFFFFFFFF
            moment = max(now, self._paced)
            while size > 0:
                packet = min(size, 1_200)
                self.net.at(moment, partial(self._send, stream, timestamp, packet))
                moment += 8 * packet / (2.5 * self.allowed)
                size -= packet
            self._paced = moment

    def _send(self, stream: int, timestamp: int, size: int) -> None:
        self.waits.append((self.net.now, self.way.queued(self.net.now)))
        self._sent[stream] = self._sent.get(stream, 0) + 1
        self.net.send(self.way, size, lambda _: self._came(stream, timestamp, size))

    def _came(self, stream: int, timestamp: int, size: int) -> None:
        """As the plane does: with the first packet of a picture, the one before is here."""
        before, octets, arrived = self._coming.get(stream, (-1, 0, 0.0))
        if timestamp != before:
            self._pictures.extend((stream, before, octets, arrived))
            octets = 0
        self._coming[stream] = (timestamp, octets + size, self.net.now)
        self._arrived[stream] = self._arrived.get(stream, 0) + 1

    def _measure(self) -> None:
        counts = [(stream, sent, sent - self._arrived.get(stream, 0)) for stream, sent in self._sent.items()]
        if self.estimator.take(self._pictures, counts, 0.06, self.net.now):
            self.net.after(0.05, self._tell)
        self._pictures.clear()

    def _tell(self) -> None:
        self.net.after(0.03, partial(setattr, self, "allowed", self.estimator.rate))

    def waited(self, begin: float, end: float) -> float:
        """The mean wait before the bottleneck, in seconds."""
        waits = [wait for moment, wait in self.waits if begin < moment < end]
        return sum(waits) / len(waits)


def test_what_was_never_seen_to_be_full_may_be_filled_to_the_cap() -> None:
    sender = Sender(jitter=0.01)
    sender.net.run(60.0)
    assert sender.allowed == MOST


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("first", [0, 0xFFFFFFFF - 500_000])
def test_a_narrow_way_is_used_and_its_queue_kept_short(streams: int, first: int) -> None:
    sender = Sender(streams=streams, first=first, rate=6e5, queue=0.5, jitter=0.005)
    sender.net.run(60.0)
    assert 3e5 < sender.allowed < 7.5e5
    assert sender.waited(10.0, 60.0) < 0.15


def test_a_drop_is_answered_and_the_way_back_found() -> None:
    sender = Sender(rate=3e6, queue=0.5)
    sender.net.run(20.0)
    assert sender.allowed == MOST
    sender.way.change(20.0, rate=3e5)
    sender.net.run(50.0)
    assert sender.allowed < 4e5
    assert sender.waited(25.0, 50.0) < 0.25
    sender.way.change(50.0, rate=3e6)
    sender.net.run(90.0)
    assert sender.allowed > 1.2e6


@pytest.mark.parametrize("queue", [0.02, 0.05, 0.15])
def test_a_queue_too_short_to_wait_in_is_seen_by_what_it_loses(queue: float) -> None:
    sender = Sender(rate=6e5, queue=queue, jitter=0.005)
    sender.net.run(60.0)
    assert 3e5 < sender.allowed < 9e5
    sender.way.change(60.0, rate=3e6)
    sender.net.run(120.0)
    assert sender.allowed > 1.2e6


@pytest.mark.parametrize("loss", [0.05, 0.2, 0.3])
def test_a_way_that_loses_whatever_is_sent_on_it_is_used_all_the_same(loss: float) -> None:
    sender = Sender(loss=loss, jitter=0.005)
    sender.net.run(90.0)
    assert sender.allowed > 0.9 * MOST


def test_a_camera_that_was_off_goes_on_where_it_was() -> None:
    sender = Sender(rate=3e6)
    sender.net.run(10.0)
    sender.silent = True
    sender.net.run(30.0)
    sender.silent = False
    sender.net.run(60.0)
    assert sender.allowed == MOST


def test_a_stream_that_has_ended_says_nothing_any_more() -> None:
    sender = Sender(streams=2, rate=6e5, queue=0.5)
    sender.net.run(5.0)
    sender.estimator.forget(1)
    assert set(sender.estimator._streams) == {0}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(-1, 0xFFFFFFFF),
            st.integers(0, 100_000),
            st.integers(0, 10_000),
            st.integers(-100, 10_000),
            st.floats(0.0, 2 * QUIET),
        ),
        max_size=60,
    )
)
def test_whatever_comes_the_estimate_keeps_its_limits(packets: list[tuple[int, int, int, int, int, float]]) -> None:
    estimator = UnnumberedEstimator(LEAST, MOST)
    now = 0.0
    for ssrc, timestamp, size, expected, lost, passed in packets:
        now += passed
        estimator.take((ssrc, timestamp, size, now), [(ssrc, expected, lost)], 0.1, now)
        assert LEAST <= estimator.rate <= MOST


def hour(ppm: float, rng: random.Random) -> UnnumberedEstimator:
    """An hour of pictures, fifteen a second, over a way with room, by a sender whose clock goes wrong by so many millionths."""
    estimator = UnnumberedEstimator(LEAST, MOST)
    pictures: list[float] = []
    for index in range(3_600 * 15):
        moment = index / 15
        timestamp = round(moment * 90_000 * (1 + ppm / 1e6)) & 0xFFFFFFFF
        pictures += 7, timestamp, 8_000, moment + 0.03 + rng.uniform(0, 0.004)
        if index % 2:
            assert not estimator.take(pictures, (), 0.1, moment)
            pictures.clear()
    return estimator


@pytest.mark.parametrize("ppm", [-1_000, -200, 200])
def test_a_clock_that_goes_wrong_is_no_queue_however_long_the_call(ppm: float) -> None:
    """At 200 millionths a picture is 0.7 s off its timestamp after an hour, and 13 µs off the one before it:
    the detector begins to mind at a hundred times that."""
    assert hour(ppm, random.Random(1)).rate == MOST


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_narrow_way_is_found_whatever_clock_its_sender_has(ppm: float) -> None:
    sender = Sender(rate=6e5, queue=0.5, jitter=0.005, ppm=ppm)
    sender.net.run(60.0)
    assert 3e5 < sender.allowed < 7.5e5
    assert sender.waited(10.0, 60.0) < 0.15
