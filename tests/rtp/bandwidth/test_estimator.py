from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.bandwidth.estimator import LEAST, MOST, REMB_LASTS, SETTLING, SILENCE, START, Estimator
from sfu.rtp.bandwidth.overuse import Usage
from sfu.rtp.bandwidth.probing import Probe
from sfu.rtp.bandwidth.sent import SentPackets
from sfu.rtp.transport_feedback import DELTA_UNIT, REFERENCE_UNIT, TransportFeedback


class Way:
    """Packets of 1,000 bytes over a link without delay of its own, told of every tenth of a second."""

    def __init__(self, *, first: int = 0, clock: float = 77.0) -> None:
        self.sent = SentPackets(first)
        self.estimator = Estimator(self.sent, now=0.0)
        self.now = 0.0
        self.clock = clock
        """What the receiver's clock says at our 0."""
        self._free = 0.0

    def send(self, seconds: float, sending: float, link: float, lost: float = 0.0, probe: Probe | None = None) -> None:
        chance = random.Random(3)
        end = self.now + seconds
        gap = 8_000 / sending
        arrivals: list[tuple[int, float | None]] = []
        tell = self.now + 0.1
        while self.now < end:
            number = self.sent.note(1_000, self.now)
            if probe is not None:
                probe.note(self.sent.total, self.sent.next)
            self._free = max(self._free, self.now) + 8_000 / link
            arrivals.append((number, None if chance.random() < lost else self._free))
            self.now += gap
            if self.now >= tell:
                self.tell(arrivals)
                arrivals.clear()
                tell += 0.1

    def tell(self, arrivals: list[tuple[int, float | None]]) -> None:
        came = [arrival for _, arrival in arrivals if arrival is not None]
        if not came:
            return
        reference = int((self.clock + came[0]) / REFERENCE_UNIT)
        units = round(reference * REFERENCE_UNIT / DELTA_UNIT)
        deltas: list[int | None] = []
        for _, arrival in arrivals:
            if arrival is None:
                deltas.append(None)
                continue
            now = round((self.clock + arrival) / DELTA_UNIT)
            deltas.append(now - units)
            units = now
        feedback = TransportFeedback(1, 2, arrivals[0][0], reference & 0xFFFFFF, 0, tuple(deltas))
        self.estimator.feedback(feedback, self.now)

    @property
    def rate(self) -> float:
        return self.estimator.rate(self.now)


def test_the_start_rate_holds_until_something_is_told() -> None:
    way = Way()
    assert (way.rate, way.estimator.known(0.0)) == (START, False)


def test_it_is_known_when_the_first_probes_had_their_time() -> None:
    way = Way()
    way.send(SETTLING, 2.5e5, 1e9)
    assert not way.estimator.known(way.now)
    way.send(0.2, 2.5e5, 1e9)
    assert way.estimator.known(way.now)


def test_probes_that_come_back_slowly_leave_time_for_what_arrives_to_tell_better() -> None:
    """A busy server sends its own probes late, and a picture that fits would be held back for seconds."""
    way = Way()
    way.send(0.2, 3e5, 1e9)
    found = 0
    while way.now < SETTLING - 0.2:
        probe = way.estimator.begin_probe(5e6, way.now)
        if probe is not None:
            way.send(0.15, 0.6 * probe.rate, 1e9, probe=probe)
            found += probe.result() > 0
        else:
            way.send(0.1, 1e6, 1e9)
    assert found >= 2, "both of the first ones have come back, slower than they were meant to"
    assert not way.estimator.known(way.now)
    way.send(0.4, 1e6, 1e9)
    assert way.estimator.known(way.now)
    assert way.rate > 0.9e6


def test_it_is_known_at_once_where_it_falls() -> None:
    way = Way()
    way.send(0.8, 1e6, 2e5)
    assert way.estimator.known(way.now)


def test_what_arrives_is_known_to_be_carried() -> None:
    way = Way()
    way.send(2.0, 1e6, 1e9)
    assert 0.95e6 < way.rate < 1.6e6
    assert not way.estimator.congested(way.now)


def test_a_growing_queue_takes_the_estimate_below_the_link() -> None:
    way = Way()
    way.send(2.0, 1e6, 1e9)
    way.send(1.0, 1e6, 5e5)
    assert 3e5 < way.rate < 5e5
    assert way.estimator.congested(way.now)


def sound_alone() -> Way:
    """Pictures have shown what the way carries, and only sound goes on."""
    way = Way()
    way.send(2.0, 1e6, 1e9)
    way.send(3.0, 1e5, 1e9)
    assert way.rate > 9e5
    return way


def test_a_moments_delay_of_sound_alone_does_not_tell_that_pictures_have_no_room() -> None:
    way = sound_alone()
    way.send(0.6, 1e5, 8e4)
    assert way.estimator.usage is Usage.OVERUSED
    assert way.rate > 5e5


def test_a_way_too_narrow_for_sound_alone_is_found_all_the_same() -> None:
    way = sound_alone()
    way.send(8.0, 1e5, 4e4)
    assert way.rate < 1e5


def test_loss_takes_it_down_too() -> None:
    way = Way()
    way.send(2.0, 1e6, 1e9)
    way.send(2.0, 1e6, 1e9, lost=0.5)
    assert way.rate < 5e5
    assert way.estimator.loss > 0.3


def test_numbers_and_the_receivers_clock_may_wrap() -> None:
    plain, wrapping = Way(), Way(first=65_500, clock=((1 << 24) - 20) * REFERENCE_UNIT)
    for way in (plain, wrapping):
        way.send(3.0, 1e6, 1e9)
    assert abs(plain.rate - wrapping.rate) < 1_000


def test_packets_that_nobody_tells_of_halve_it_each_second() -> None:
    way = Way()
    way.send(2.0, 1e6, 1e9)
    before = way.rate
    halved = []
    way.now += SILENCE - 2.5
    for _ in range(5):
        way.now += 1.0
        way.sent.note(1_000, way.now)
        halved.append(way.estimator.silence(way.now))
    assert halved == [False, False, True, True, True]
    assert before / 9 < way.rate < before / 7


def test_a_peer_that_is_sent_nothing_may_be_silent() -> None:
    way = Way()
    way.send(2.0, 1e6, 1e9)
    before = way.rate
    assert not any(way.estimator.silence(way.now + second) for second in range(60))
    assert way.rate == before


def test_without_transport_wide_feedback_remb_is_the_estimate_while_it_is_repeated() -> None:
    estimator = Estimator(SentPackets(), now=0.0)
    assert not estimator.known(0.0)
    estimator.remb(4e5, 1.0)
    assert (estimator.known(1.0), estimator.rate(1.0)) == (True, 4e5)
    assert not estimator.known(1.1 + REMB_LASTS)


def test_without_either_reports_of_loss_limit_it() -> None:
    sent = SentPackets()
    estimator = Estimator(sent, now=0.0)
    for second in range(1, 6):
        for index in range(100):
            sent.note(1_000, second + index / 100)
        estimator.report(100, 0.5 if second > 2 else 0.0, second + 1.0)
        assert estimator.known(9.0) == (second > 2)
    assert estimator.rate(9.0) < 8e5


def test_a_probe_raises_it_at_once() -> None:
    way = Way()
    way.send(0.2, 2.5e5, 1e9)
    probe = way.estimator.begin_probe(5e6, way.now)
    assert probe is not None
    assert way.estimator.begin_probe(5e6, way.now) is None, "one at a time"
    arrivals: list[tuple[int, float | None]] = []
    while not probe.sent:
        arrivals.append((way.sent.note(1_000, way.now), way.now + 0.01))
        probe.note(way.sent.total, way.sent.next)
        way.now = probe.wake(1_000, way.now)
    way.now += 0.1
    way.tell(arrivals)
    assert probe.rate * 0.8 < way.rate < probe.rate * 1.01
    assert way.estimator.probe is None


def test_where_nothing_has_been_told_for_long_a_way_that_was_full_is_tried_again() -> None:
    way = Way()
    way.send(3.0, 1e6, 3e5)
    assert way.estimator.usage is not Usage.NORMAL
    assert way.estimator.begin_probe(5e6, way.now) is None
    # All pictures are held back: nothing is sent any more, so nothing is told.
    lost = None
    for _ in range(30):
        way.now += 1.0
        lost = lost or way.estimator.begin_probe(5e6, way.now)
    assert lost is not None
    way.now += 10.0
    assert way.estimator.begin_probe(5e6, way.now) is not None, "a probe that was lost is not waited for"


def test_on_another_way_nothing_of_the_last_one_counts() -> None:
    way = Way()
    way.send(2.0, 1e6, 1e9)
    way.send(2.0, 1e6, 5e5, lost=0.3)
    before = way.rate
    assert way.estimator.congested(way.now)
    way.estimator.moved(way.now)
    assert not way.estimator.congested(way.now)
    assert way.estimator.loss == 0
    way.send(0.2, 2.5e5, 1e9)
    probe = way.estimator.begin_probe(5e6, way.now)
    assert probe is not None
    assert probe.rate > before


def test_nothing_is_probed_before_feedback() -> None:
    assert Way().estimator.begin_probe(5e6, 0.0) is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 65_535),
            st.integers(0, (1 << 24) - 1),
            st.lists(st.none() | st.integers(-32_768, 32_767), max_size=40),
            st.floats(0.0, 3.0),
        ),
        max_size=20,
    )
)
def test_whatever_a_receiver_tells_the_estimate_keeps_its_limits(
    feedbacks: list[tuple[int, int, list[int | None], float]],
) -> None:
    sent = SentPackets()
    estimator = Estimator(sent, now=0.0)
    now = 0.0
    for base, reference, deltas, passed in feedbacks:
        for _ in range(30):
            sent.note(1_200, now)
        now += passed
        estimator.feedback(TransportFeedback(1, 2, base, reference, 0, tuple(deltas)), now)
        estimator.begin_probe(5e6, now)
        assert LEAST <= estimator.rate(now) <= MOST
        assert estimator.acknowledged >= 0
        assert 0 <= estimator.loss <= 1


def test_a_packet_that_is_told_lost_again_and_again_is_lost_once() -> None:
    """As Chromium tells everything from a late packet on once more: 4 % of loss with reordering must not count as 20."""
    sent = SentPackets()
    estimator = Estimator(sent, now=0.0)
    for number in range(400):
        sent.note(1_000, number * 0.01)
    lost = {number for number in range(400) if number % 25 == 0}
    for end in range(50, 401, 10):
        window = range(end - 50, end)
        arrivals = tuple(None if number in lost else 40 for number in window)
        estimator.feedback(
            TransportFeedback(1, 2, window.start, int(window.start * 0.01 / REFERENCE_UNIT), 0, arrivals), end * 0.01
        )
    assert estimator.loss == pytest.approx(0.04, abs=0.015)
    for end in range(50, 401, 50):
        arrivals = tuple(40 for _ in range(50))
        estimator.feedback(TransportFeedback(1, 2, end - 50, 62, 0, arrivals), 4.0 + end * 0.001)
    assert estimator.loss < 0.04, "what comes after all is taken back"
