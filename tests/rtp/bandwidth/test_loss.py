from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from sfu.rtp.bandwidth.loss import LossControl

LEAST, MOST = 3e4, 5e6


def run(lost: Callable[[float], float], seconds: float, rate: float = 2e6, seed: int = 1) -> LossControl:
    """A sender that follows what loss allows, 100 packets a second, ten reports a second; `lost` is the share at its rate."""
    control = LossControl(LEAST, MOST)
    chance = random.Random(seed)
    for step in range(int(seconds * 10)):
        sending = min(rate, control.rate)
        share = lost(sending)
        gone = sum(chance.random() < share for _ in range(10))
        control.count(10, gone, step / 10, 0.1, sending, sending * (1 - share))
    return control


def test_without_loss_there_is_no_limit() -> None:
    assert run(lambda rate: 0.0, 10).rate == MOST


def test_loss_between_two_and_ten_per_cent_changes_next_to_nothing() -> None:
    """By chance there are more than ten of a hundred, now and then."""
    assert run(lambda rate: 0.05, 60).rate > 1.7e6


def test_loss_that_the_rate_brings_takes_the_rate_down_to_where_it_ends() -> None:
    """A link that drops what is above 1 Mbit/s, without a queue."""
    rate = run(lambda rate: max(0.0, 1 - 1e6 / rate), 20).rate
    assert 7e5 < rate < 1.2e6


@pytest.mark.parametrize("share", [0.15, 0.2, 0.3])
def test_loss_that_is_the_ways_own_does_not(share: float) -> None:
    """The draft's controller ends at the floor here."""
    control = run(lambda rate: share, 60)
    assert control.rate > 8e5
    assert control.ours == 0.0


def test_more_loss_than_the_ways_own_is_ours_again() -> None:
    assert run(lambda rate: 0.15 + max(0.0, 1 - 6e5 / rate), 120).rate < 9e5


def test_a_way_that_has_become_good_is_taken_as_good() -> None:
    control = LossControl(LEAST, MOST)
    chance = random.Random(2)
    for step in range(900):
        share = 0.2 if step < 400 else 0.0
        gone = sum(chance.random() < share for _ in range(10))
        control.count(10, gone, step / 10, 0.1, min(1e6, control.rate), 0.0)
    assert control.loss < 0.01
    before = control.rate
    for step in range(900, 950):
        control.count(10, 3, step / 10, 0.1, min(1e6, control.rate), 0.0)
    assert control.rate < before, "new loss is answered"


def test_what_is_known_to_be_carried_is_allowed() -> None:
    control = LossControl(LEAST, MOST)
    for step in range(20):
        control.count(20, 10, step * 0.5, 0.1, min(1e6, control.rate), 3e5)
    low = control.rate
    control.allow(2e6)
    assert low < 6e5
    assert control.rate == 2e6
    control.allow(1e6)
    assert control.rate == 2e6


def test_a_handful_of_packets_says_nothing() -> None:
    control = LossControl(LEAST, MOST)
    control.count(19, 19, 1.0, 0.1, 1e6, 0.0)
    assert (control.loss, control.rate) == (0.0, MOST)


def test_loss_that_is_over_lowers_nothing_more() -> None:
    """A queue ran over, then next to nothing is sent for a while: the mean falls slowly, the rate not with it."""
    control = LossControl(LEAST, MOST)
    control.count(200, 100, 0.0, 0.1, 2e6, 1e6)
    after_the_burst = control.rate
    assert after_the_burst < 2e6
    for second in range(1, 4):
        control.count(50, 0, float(second), 0.1, 4e4, 4e4)
        assert control.rate >= after_the_burst


def test_a_way_that_carried_next_to_nothing_is_tried_from_the_least_when_it_carries_again() -> None:
    control = LossControl(LEAST, MOST)
    for step in range(300):
        control.count(20, 16, step * 0.1, 0.1, max(control.rate, 1e6), 1e3)
        assert control.rate >= LEAST
    for step in range(300, 700):
        control.count(20, 0, step * 0.1, 0.1, control.rate, control.rate)
    assert control.rate > LEAST * 2
