from __future__ import annotations

import pytest

from sfu.rtp.bandwidth.probing import FURTHER_INTERVAL, TIMEOUT, Probe, ProbePlan

SIZE = 1_000


def probed(rate: float, link: float, lost: int = 0, delay: float = 0.05) -> float:
    """The result of a probe at `rate` on a link of `link` bits per second that loses the last `lost` packets."""
    probe = Probe(rate, 0, 10, 1.0)
    now, total, number = 1.0, 0, 10
    packets: list[tuple[int, float]] = []
    while not probe.sent:
        while probe.due(total, now) > 0:
            packets.append((number, now))
            total += SIZE
            number += 1
            probe.note(total, number)
        now = probe.wake(SIZE, now)
    free = 0.0
    for number, sent in packets[: len(packets) - lost]:
        free = max(free, sent) + SIZE * 8 / link
        probe.arrived(number, sent, free + delay, SIZE)
    return probe.result()


@pytest.mark.parametrize("rate", [9e5, 1.8e6, 5e6])
def test_a_probe_that_gets_through_finds_its_own_rate(rate: float) -> None:
    assert probed(rate, 1e9) == pytest.approx(rate, rel=0.15)


@pytest.mark.parametrize("rate", [2e6, 5e6])
def test_a_probe_on_a_slower_link_finds_the_link(rate: float) -> None:
    assert probed(rate, 1e6) == pytest.approx(0.95e6, rel=0.1)


def test_too_much_lost_tells_nothing() -> None:
    assert probed(1.8e6, 1e9, lost=2) == 0.0


def test_arriving_faster_than_sent_is_not_believed() -> None:
    probe = Probe(1e6, 0, 0, 1.0)
    for number in range(5):
        probe.arrived(number, 1.0 + number * 0.008, 2.0 + number * 0.001, SIZE)
    probe.note(100_000, 5)
    assert probe.result() == 0.0


def test_media_that_is_sent_meanwhile_is_part_of_it() -> None:
    probe = Probe(8e5, 50_000, 0, 1.0)
    assert probe.due(50_000, 1.05) == 5_001
    assert probe.due(54_000, 1.05) == 1_001
    assert probe.due(60_000, 1.05) == 0


def test_a_probe_that_nothing_can_be_sent_for_ends() -> None:
    probe = Probe(8e5, 0, 0, 1.0)
    probe.give_up(2)
    assert (probe.sent, probe.due(0, 9.0), probe.result()) == (True, 0, 0.0)
    assert not probe.expired(1.0 + TIMEOUT)
    assert probe.expired(1.1 + TIMEOUT)


def rates(plan: ProbePlan, estimate: float, limited: bool, seconds: float, wanted: float = 5e6) -> list[float]:
    found = (plan.next(estimate, wanted, limited, step / 10) for step in range(int(seconds * 10)))
    return [rate for rate in found if rate]


def test_at_the_start_three_and_six_times_and_on_while_it_gets_through() -> None:
    plan = ProbePlan(3e5)
    assert [plan.next(3e5, 9e6, False, 0.0), plan.next(9e5, 9e6, False, 0.1)] == [9e5, 1.8e6]
    plan.found(1.8e6, 1.7e6)
    assert plan.next(1.7e6, 9e6, False, 0.2) == 3.4e6
    plan.found(3.4e6, 2e6)
    assert plan.next(2e6, 9e6, False, 0.3) == 0.0


def test_nobody_probes_beyond_what_is_wanted() -> None:
    plan = ProbePlan(3e5)
    assert rates(plan, 3e5, True, 30, wanted=5e5)[0] == 5e5
    assert rates(plan, 6e5, True, 30, wanted=5e5) == []


def test_a_probe_at_all_that_is_wanted_is_followed_by_none() -> None:
    """It is sent a little slower than asked, so that what it finds is always a little less: without this it went on for ever."""
    plan = ProbePlan(3e5)
    probes = []
    estimate = 3e5
    for step in range(600):
        rate = plan.next(estimate, 3e6, False, step / 10)
        if rate:
            probes.append(step)
            estimate = max(estimate, 0.9 * rate)
            plan.found(rate, 0.9 * rate)
    at_most = [step for step in probes if step > 10]
    assert len(at_most) <= 60 / FURTHER_INTERVAL
    assert estimate == 2.7e6


def test_while_less_is_sent_than_allowed_now_and_then() -> None:
    plan = ProbePlan(3e5)
    plan.fell(3e5, 2.9e5, 0.0)
    assert len(rates(plan, 1e6, True, 21)) == 1 + int(20 / FURTHER_INTERVAL)


def test_a_full_link_is_not_probed() -> None:
    plan = ProbePlan(3e5)
    found = []
    for step in range(300):
        if step % 30 == 0:
            plan.fell(1e6, 0.85e6, step / 10)
        found.append(plan.next(1e6, 5e6, False, step / 10))
    assert not any(found)


def test_after_a_drop_the_rate_before_is_tried_once() -> None:
    plan = ProbePlan(3e5)
    plan.fell(2e6, 4e5, 0.0)
    found = [(step / 10, rate) for step in range(40) if (rate := plan.next(4e5, 5e6, False, step / 10))]
    assert found == [(2.0, 1.7e6)]
