from __future__ import annotations

import random

import pytest

from sfu.rtp.arrival_log import MAX_STATUSES, MAX_WAITING, MISSING_EACH, ArrivalLog
from sfu.rtp.rtcp import MAX_COMPOUND, build, parse
from sfu.rtp.transport_feedback import DELTA_UNIT, REFERENCE_UNIT, TransportFeedback


def told(log: ArrivalLog) -> list[tuple[int, float | None]]:
    """(number, when it arrived or None) of all that the log tells, over the wire."""
    statuses: list[tuple[int, float | None]] = []
    for made in log.feedback(1, 2):
        datagram = build(made)
        assert len(datagram) <= MAX_COMPOUND
        (packet,) = parse(datagram)
        assert packet == made
        assert isinstance(packet, TransportFeedback)
        arrival = packet.reference_time * REFERENCE_UNIT
        for index, delta in enumerate(packet.arrivals):
            if delta is not None:
                arrival += delta * DELTA_UNIT
            statuses.append(((packet.base_sequence + index) & 0xFFFF, None if delta is None else round(arrival, 4)))
    return statuses


def test_arrivals_are_told_once() -> None:
    log = ArrivalLog()
    assert [log.note(number, 100.0 + number / 50) for number in range(3)] == [True, False, False]
    assert log.waiting == 3
    assert told(log) == [(0, 100.0), (1, 100.02), (2, 100.04)]
    assert (told(log), log.waiting) == ([], 0)
    log.note(3, 100.1)
    assert told(log) == [(3, 100.1)]


def test_what_is_missing_is_told_as_missing_also_between_two_feedbacks() -> None:
    log = ArrivalLog()
    log.note(65_534, 5.0)
    assert told(log) == [(65_534, 5.0)]
    log.note(1, 5.1)
    log.note(3, 5.15)
    assert told(log) == [(65_535, None), (0, None), (1, 5.1), (2, None), (3, 5.15)]


def test_what_was_reordered_is_told_in_order() -> None:
    log = ArrivalLog()
    for number, arrival in ((10, 5.0), (12, 5.01), (11, 5.02)):
        log.note(number, arrival)
    assert told(log) == [(10, 5.0), (11, 5.02), (12, 5.01)]


def test_what_comes_late_is_told_after_all_and_nothing_else_again() -> None:
    log = ArrivalLog()
    for number in (10, 13, 15):
        log.note(number, 5.0)
    told(log)
    for number in (11, 14, 16):
        log.note(number, 5.1)
    assert told(log) == [(11, 5.1), (14, 5.1), (16, 5.1)]


def test_the_first_arrival_of_two_copies_counts() -> None:
    log = ArrivalLog()
    log.note(7, 5.0)
    log.note(7, 5.5)
    assert told(log) == [(7, 5.0)]


def test_each_feedback_is_counted() -> None:
    log = ArrivalLog()
    counts = []
    for number in range(300):
        log.note(number, float(number))
        counts += [packet.feedback_count for packet in log.feedback(1, 2)]
    assert counts == [number & 0xFF for number in range(300)]


@pytest.mark.parametrize("step", [1, 2, 60, 900])
def test_much_at_once_goes_in_several(step: int) -> None:
    log = ArrivalLog()
    for index in range(1_000):
        log.note(index * step & 0xFFFF, 5.0 + index / 1_000)
    packets = log.feedback(1, 2)
    assert all(len(packet.arrivals) <= MAX_STATUSES for packet in packets)
    assert sum(arrival is not None for packet in packets for arrival in packet.arrivals) == 1_000 if step < 60 else True


def test_numbers_that_jump_do_not_have_a_page_written_for_each() -> None:
    log = ArrivalLog()
    for index in range(500):
        log.note(index * (MAX_STATUSES - 1) & 0xFFFF, 5.0 + index / 10_000)
    packets = log.feedback(1, 2)
    statuses = [arrival for packet in packets for arrival in packet.arrivals]
    assert sum(arrival is not None for arrival in statuses) == 500
    assert len(statuses) < (1 + MISSING_EACH) * 500 + 2 * MAX_STATUSES


def test_a_long_pause_fits_no_delta_and_begins_another() -> None:
    log = ArrivalLog()
    log.note(1, 5.0)
    log.note(2, 5.0 + 60.0)
    assert told(log) == [(1, 5.0), (2, 65.0)]


def test_what_waits_is_bounded() -> None:
    log = ArrivalLog()
    for number in range(3 * MAX_WAITING):
        log.note(number & 0xFFFF, 5.0)
    assert log.waiting == MAX_WAITING


def test_random_ways_are_told_truly() -> None:
    """Whatever is lost, late or twice: every arrival is told, once, within the unit of the format."""
    chance = random.Random(4)
    for _ in range(30):
        log = ArrivalLog()
        arrivals: dict[int, float] = {}
        found: dict[int, float] = {}
        waiting = [
            (number * 0.005 + chance.random() * chance.choice((0.001, 0.05)), number)
            for number in range(65_400, 65_400 + 400)
            if chance.random() < 0.8
        ]
        for index, (arrival, number) in enumerate(sorted(waiting)):
            arrivals[number & 0xFFFF] = arrival
            log.note(number & 0xFFFF, arrival)
            if index % 23 == 0:
                found |= {number: at for number, at in told(log) if at is not None}
        found |= {number: at for number, at in told(log) if at is not None}
        assert found.keys() == arrivals.keys()
        assert all(abs(found[number] - arrivals[number]) <= DELTA_UNIT for number in found)
