from __future__ import annotations

from collections import Counter

import pytest

from bench.schedule import REPORT_INTERVAL, STALL, Schedule


def run(schedule: Schedule, until: float) -> list[tuple[float, int]]:
    """(when, stream) of every frame, by a timer that is never late."""
    sent = []
    while (now := schedule.next_due) < until:
        sent += [(now, number) for number, _ in schedule.take_due(now)]
    return sent


def test_every_stream_has_its_own_rate() -> None:
    sent = run(Schedule([1 / 64, 1 / 32, 1 / 64], now=0.0), until=10.0)  # exact in binary
    assert Counter(number for _, number in sent) == {0: 640, 1: 320, 2: 640}


def test_streams_are_spread_over_a_frame_s_time() -> None:
    first = dict((number, when) for when, number in reversed(run(Schedule([0.04] * 4, now=0.0), until=0.04)))
    assert first == pytest.approx({0: 0.0, 1: 0.01, 2: 0.02, 3: 0.03})


def test_a_timer_that_is_late_leaves_no_frame_out_and_lateness_does_not_add_up() -> None:
    schedule = Schedule([0.02], now=0.0)
    frames = [number for now in (0.03, 0.07, 0.5e-9 + 0.08) for number, _ in schedule.take_due(now)]
    assert len(frames) == 5
    assert schedule.next_due == pytest.approx(0.1)


def test_after_a_stall_a_stream_goes_on_from_now() -> None:
    schedule = Schedule([0.02], now=0.0)
    assert len(list(schedule.take_due(10.0))) <= STALL / 0.02 + 2
    assert schedule.next_due > 10.0


def test_lateness_is_counted_for_every_frame() -> None:
    schedule = Schedule([0.02], now=0.0)
    list(schedule.take_due(0.005))
    assert schedule.lateness.count == 1
    assert schedule.lateness.percentile_ms(1.0) == pytest.approx(5.01)


def test_a_report_is_due_once_an_interval() -> None:
    schedule = Schedule([0.02, 0.02], now=0.0)
    reports = [
        number for step in range(1, 101) for number, report in schedule.take_due(step * 0.1 * REPORT_INTERVAL) if report
    ]
    assert Counter(reports) == {0: 10, 1: 10}


def test_who_comes_later_is_sent_and_who_leaves_is_not() -> None:
    schedule = Schedule([1 / 32], now=0.0)
    number = schedule.add(1 / 64, now=1.0)
    sent = run(schedule, until=2.0)
    assert Counter(stream for _, stream in sent)[number] == pytest.approx(64, abs=1)
    assert min(when for when, stream in sent if stream == number) >= 1.0
    schedule.remove(number)
    assert {stream for _, stream in run(schedule, until=3.0)} == {0}


def test_a_schedule_without_streams_is_never_due() -> None:
    assert Schedule([], now=0.0).next_due == float("inf")
