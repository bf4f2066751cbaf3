"""The network that other tests stand on does what it says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.net import Bursts, Conditions, Net, Way


def arrivals(way: Way, count: int = 2_000, gap: float = 0.01, size: int = 1_000) -> list[tuple[float, ...]]:
    return [way.transit(size, index * gap) for index in range(count)]


def test_without_conditions_everything_arrives_at_once() -> None:
    assert arrivals(Way(Conditions(), 1), 3) == [(0.0,), (0.01,), (0.02,)]


def test_the_same_seed_does_the_same() -> None:
    conditions = Conditions(loss=0.1, jitter=0.05, reorder=0.1, duplicate=0.1, bursts=Bursts(0.01, 0.2))
    assert arrivals(Way(conditions, 5)) == arrivals(Way(conditions, 5)) != arrivals(Way(conditions, 6))


def test_a_bottleneck_spaces_packets_and_its_queue_is_bounded() -> None:
    way = Way(Conditions(rate=400_000, queue=0.2, delay=0.05), 1)
    came = [moments[0] for moments in arrivals(way, 200) if moments]
    assert came[0] == pytest.approx(0.07)
    assert all(later - earlier == pytest.approx(0.02) for earlier, later in pairwise(came))
    assert way.dropped == 200 - len(came)
    assert way.queued(2.0) <= 0.22
    assert way.queued(9.0) == 0.0


@pytest.mark.parametrize("rate", [None, 8_000_000])
def test_what_is_held_back_comes_at_once_and_in_order(rate: float | None) -> None:
    way = Way(Conditions(rate=rate, queue=10.0), 1)
    way.stall(0.5)
    came = [moments[0] for moments in arrivals(way, 100)]
    assert came == sorted(came)
    assert came[0] == pytest.approx(0.5, abs=0.002)
    assert came[49] == pytest.approx(0.5, abs=0.06)
    assert came[-1] == pytest.approx(0.99, abs=0.002)


def test_a_changed_rate_holds_for_what_waits() -> None:
    way = Way(Conditions(rate=800_000, queue=1.0), 1)
    for _ in range(50):
        way.transit(1_000, 0.0)
    assert way.queued(0.0) == pytest.approx(0.5)
    way.change(0.0, rate=1_600_000)
    assert way.queued(0.0) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("conditions", "lost"), [(Conditions(loss=0.05), 0.05), (Conditions(bursts=Bursts(0.01, 0.19)), 0.05)]
)
def test_the_share_that_is_lost(conditions: Conditions, lost: float) -> None:
    way = Way(conditions, 1)
    assert sum(not moments for moments in arrivals(way, 20_000)) / 20_000 == pytest.approx(lost, abs=0.006)


def test_bursts_are_bursts() -> None:
    lost = [not moments for moments in arrivals(Way(Conditions(bursts=Bursts(0.01, 0.2)), 1), 20_000)]
    begins = sum(after and not before for before, after in pairwise(lost))
    assert sum(lost) / begins == pytest.approx(5.0, rel=0.2)


def test_jitter_keeps_the_order_and_reordering_does_not() -> None:
    jittery = [moments[0] for moments in arrivals(Way(Conditions(jitter=0.05), 1))]
    assert jittery == sorted(jittery)
    mixed = [moments[0] for moments in arrivals(Way(Conditions(reorder=0.1), 1))]
    assert 0.05 < sum(later < earlier for earlier, later in pairwise(mixed)) / len(mixed) < 0.12


def test_copies_arrive_twice() -> None:
    assert sum(len(moments) == 2 for moments in arrivals(Way(Conditions(duplicate=0.2), 1))) == pytest.approx(
        400, abs=60
    )


def test_time_passes_by_events_alone_and_a_changed_address_is_seen() -> None:
    net = Net(seed=1)
    way = net.way(delay=0.05)
    way.source = "home"
    seen: list[tuple[float, object]] = []
    net.every(0.1, lambda: net.send(way, 100, lambda source: seen.append((round(net.now, 3), source))), until=0.35)
    net.at(0.15, lambda: setattr(way, "source", "car"))
    net.run(1.0)
    assert seen == [(0.05, "home"), (0.15, "home"), (0.25, "car"), (0.35, "car")]
    assert net.now == 1.0
