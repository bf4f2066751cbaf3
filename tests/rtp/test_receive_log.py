from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp import ntp
from sfu.rtp.receive_log import (
    DUPLICATE,
    JUMPED,
    MAX_DROPOUT,
    MAX_MISSING,
    NEW,
    RECOVERED,
    RESTARTED,
    TOO_OLD,
    WINDOW,
    ReceiveLog,
)

ROUND_TRIP = 0.1


def log_of(*sequences: int, now: float = 0.0) -> ReceiveLog:
    log = ReceiveLog(0x1234, 90_000)
    for sequence in sequences:
        log.received(sequence & 0xFFFF, 0, now)
    return log


@pytest.mark.parametrize(
    ("before", "sequence", "verdict"),
    [
        ((), 7, NEW),
        ((7,), 8, NEW),
        ((7,), 20, NEW),
        ((65535,), 0, NEW),
        ((7,), 7, DUPLICATE),
        ((7, 8, 9), 8, DUPLICATE),
        ((7, 9), 8, RECOVERED),
        ((7, 9, 8), 8, DUPLICATE),
        ((65535, 1), 0, RECOVERED),
        ((7,), 6, RECOVERED),
        ((7,), 7 - WINDOW + 1, RECOVERED),
        ((7,), 7 - WINDOW, TOO_OLD),
        ((7,), 7 + MAX_DROPOUT - 1, NEW),
        ((7,), 7 + MAX_DROPOUT, JUMPED),
        ((7, 9007), 9008, RESTARTED),
        ((7, 9007), 8, NEW),
        ((7, 9007, 8), 9008, JUMPED),
        ((7, 9007, 9008), 9009, NEW),
        ((7, 9007, 9008), 8, TOO_OLD),
        ((40000, 7), 8, RESTARTED),
    ],
)
def test_verdicts(before: tuple[int, ...], sequence: int, verdict: int) -> None:
    assert log_of(*before).received(sequence & 0xFFFF, 0, 0.0) == verdict


def test_slots_of_an_older_round_are_not_taken_for_duplicates() -> None:
    log = log_of(*range(WINDOW))
    log.received(2 * WINDOW + 5, 0, 0.0)
    assert log.received(WINDOW + 10, 0, 0.0) == RECOVERED
    assert log.received(WINDOW + 10, 0, 0.0) == DUPLICATE


def test_two_overtaking_packets_are_reordering_and_a_third_is_loss() -> None:
    log = log_of(1)
    log.received(3, 0, 0.0)
    log.received(4, 0, 0.001)
    assert log.nacks_due(0.001, ROUND_TRIP) == []
    log.received(5, 0, 0.002)
    assert log.next_timer() == 0.002
    assert log.nacks_due(0.002, ROUND_TRIP) == [2]


def test_of_a_burst_each_is_asked_for_when_three_have_overtaken_it() -> None:
    log = log_of(1, 4)
    log.received(5, 0, 0.001)
    assert log.nacks_due(0.001, ROUND_TRIP) == [2]
    log.received(6, 0, 0.002)
    assert log.nacks_due(0.002, ROUND_TRIP) == [3]


def test_without_more_packets_loss_is_told_after_twenty_milliseconds() -> None:
    log = log_of(1, 3, now=1.0)
    assert log.next_timer() == pytest.approx(1.02)
    assert log.nacks_due(1.0199, ROUND_TRIP) == []
    assert log.nacks_due(1.0201, ROUND_TRIP) == [2]


def test_a_packet_is_asked_for_again_when_an_answer_would_be_here_and_ten_times_at_most() -> None:
    log = log_of(1, 3)
    asked_at = []
    for tick in range(2000):
        now = tick / 1000
        if log.nacks_due(now, ROUND_TRIP):
            asked_at.append(tick)
    assert len(asked_at) == 10
    assert all(125 <= second - first <= 126 for first, second in itertools.pairwise(asked_at))
    assert log.next_timer() is None
    assert log.given_up == 1


def test_what_was_asked_for_already_is_not_hurried_again() -> None:
    log = log_of(1, 3)
    assert log.nacks_due(0.03, ROUND_TRIP) == [2]
    for sequence in (4, 5, 6, 7):
        log.received(sequence, 0, 0.04)
    assert log.nacks_due(0.05, ROUND_TRIP) == []


def test_what_has_come_is_not_asked_for() -> None:
    log = log_of(1, 4)
    log.received(2, 0, 0.01)
    log.received(3, 0, 0.01, repaired=True)
    assert log.nacks_due(1.0, ROUND_TRIP) == []
    assert log.next_timer() is None
    assert (log.recovered, log.given_up) == (2, 0)


def test_missing_numbers_are_asked_for_oldest_first_over_the_wrap() -> None:
    log = log_of(65533, 2)
    assert log.nacks_due(1.0, ROUND_TRIP) == [65534, 65535, 0, 1]


def test_too_much_lost_is_given_up_at_once() -> None:
    log = log_of(1)
    log.received(2 + MAX_MISSING, 0, 0.0)
    assert len(log.nacks_due(1.0, ROUND_TRIP)) == MAX_MISSING
    log.received(4 + MAX_MISSING, 0, 1.0)
    assert log.given_up == MAX_MISSING + 1
    assert log.next_timer() == 1.0, "whoever waits for the timer learns of it"
    assert log.nacks_due(1.0, ROUND_TRIP) == []
    assert log.next_timer() is None
    log.received(6 + MAX_MISSING, 0, 2.0)
    assert log.nacks_due(3.0, ROUND_TRIP) == [5 + MAX_MISSING]


def test_what_has_left_the_window_is_given_up() -> None:
    log = log_of(1, 3)
    for sequence in range(4, WINDOW + 3):
        log.received(sequence, 0, 0.0)
    assert log.nacks_due(1.0, ROUND_TRIP) == []
    assert log.given_up == 1


def test_a_restart_forgets_what_was_missing() -> None:
    log = log_of(1, 3, 20000, 20001)
    assert log.nacks_due(1.0, ROUND_TRIP) == []
    assert log.expected == 1
    assert log.lost == 0


def test_a_retransmission_from_afar_restarts_nothing() -> None:
    log = log_of(1)
    assert log.received(20000, 0, 0.0, repaired=True) == TOO_OLD
    assert log.received(20001, 0, 0.0, repaired=True) == TOO_OLD
    assert log.received(2, 0, 0.0) == NEW


def test_the_report_is_that_of_rfc_3550() -> None:
    log = log_of(*range(65530, 65536), 0, 1, 4, 5)
    first = log.report_block(1.0)
    assert (first.ssrc, first.highest_sequence, first.cumulative_lost) == (0x1234, 0x10005, 2)
    assert first.fraction_lost == 2 * 256 // 12
    assert (first.last_sr, first.delay_since_last_sr) == (0, 0)
    for sequence in (6, 8, 9, 10):
        log.received(sequence, 0, 0.0)
    second = log.report_block(2.0)
    assert (second.fraction_lost, second.cumulative_lost) == (256 // 5, 3)
    third = log.report_block(3.0)
    assert (third.fraction_lost, third.cumulative_lost) == (0, 3)


def test_a_repaired_packet_stays_lost_in_the_report_and_a_late_one_does_not() -> None:
    log = log_of(1, 4)
    log.received(2, 0, 0.0, repaired=True)
    log.received(3, 0, 0.0)
    assert log.report_block(1.0).cumulative_lost == 1


def test_a_duplicate_makes_nothing_better() -> None:
    log = log_of(1, 3, 3, 3, 3)
    assert log.report_block(1.0).cumulative_lost == 1
    assert log.duplicates == 3


def test_what_comes_before_the_first_is_expected_too() -> None:
    log = log_of(10, 8)
    assert (log.expected, log.lost) == (3, 1)


def test_the_sender_report_is_echoed_with_its_age() -> None:
    log = log_of(1)
    log.sender_report(0x0123456789ABCDEF, 10.0)
    block = log.report_block(10.5)
    assert block.last_sr == 0x456789AB == ntp.middle(0x0123456789ABCDEF)
    assert block.delay_since_last_sr == 32768


def test_jitter_is_the_smoothed_change_of_transit() -> None:
    log = ReceiveLog(1, 1000)
    for index, late in enumerate((0.0, 0.016, 0.016, 0.0)):
        log.received(index, index * 20, index * 0.02 + late)
    assert log.jitter == pytest.approx((16 / 16) * (15 / 16) ** 2 + 1.0)


def test_jitter_is_not_made_of_one_frames_packets_nor_of_a_moved_clock() -> None:
    log = ReceiveLog(1, 1000)
    for index in range(10):
        log.received(index, 500, index * 0.01)
    log.received(10, 500_000, 0.1)
    log.received(11, 500_020, 0.12)
    assert log.jitter == pytest.approx(0.0)


@given(st.integers(0, 0xFFFF), st.integers(0, 2**32))
def test_every_packet_is_forwarded_once_whatever_the_network_does(start: int, seed: int) -> None:
    """Loss 10 %, reordering inside the window, duplicates; the log knows exactly what is missing."""
    chance = random.Random(seed)
    arrivals = sorted(
        (number + chance.random() * chance.choice((1, 1, 30)), number)
        for number in range(300)
        if chance.random() > 0.1
        for _ in range(chance.choice((1, 1, 1, 2)))
    )
    log = ReceiveLog(1, 90_000)
    forwarded: set[int] = set()
    for _, number in arrivals:
        verdict = log.received((start + number) & 0xFFFF, 0, 0.0)
        assert verdict == (DUPLICATE if number in forwarded else verdict)
        assert verdict in (NEW, RECOVERED, DUPLICATE)
        if verdict != DUPLICATE:
            assert number not in forwarded
            forwarded.add(number)
    first = arrivals[0][1]
    missing = [number for number in range(first, max(forwarded)) if number not in forwarded]
    asked = {(number - start) & 0xFFFF for number in log.nacks_due(1.0, ROUND_TRIP)}
    assert asked == set(missing)
    assert log.lost == log.expected - len(forwarded)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.booleans(), st.floats(0, 0.1)), max_size=200))
def test_anything_at_all_is_survived_in_bounded_memory(packets: list[tuple[int, bool, float]]) -> None:
    log = ReceiveLog(1, 48_000)
    now = 0.0
    for sequence, repaired, step in packets:
        now += step
        assert NEW <= log.received(sequence, sequence * 7, now, repaired) <= RESTARTED
        due = log.nacks_due(now, 0.0)
        assert len(due) <= MAX_MISSING
        timer = log.next_timer()
        assert timer is None or timer > now
        block = log.report_block(now)
        assert 0 <= block.fraction_lost <= 255
        assert 0 <= block.highest_sequence <= 0xFFFFFFFF
