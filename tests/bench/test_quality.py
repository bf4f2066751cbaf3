"""What congestion control reaches, held to numbers (RFC 8867, 8868): a change of it that costs a patient something fails here."""

from __future__ import annotations

from random import Random

import pytest

from bench.flows import Downloads, TcpFlow
from bench.quality import CASES, capacity, row
from tests.net import Net

LEAST = {
    "steady": 0.9,
    "drop and back": 0.8,
    "loss 5 %": 0.8,
    "loss 10 %": 0.6,
    "loss 20 %": 0.45,
    "bursts": 0.85,
    "variable": 0.85,
    "variable shared": 0.85,
    "both ways": 0.85,
    "both ways back": 0.85,
    "three alike": 0.9,
    "round trips": 0.9,
    "beside TCP": 0.1,
    "beside short TCPs": 0.08,
    "pause": 0.9,
}
"""Of the link, that is used."""
SECONDS = {"drop and back": 8.0, "loss 20 %": 20.0}
"""In which a change is answered, where it takes longer than six."""
LOSSY = {"loss 5 %": 0.05, "loss 10 %": 0.1, "loss 20 %": 0.2, "bursts": 0.025, "beside short TCPs": 0.05}
"""The share that the link loses of itself, or because others keep its queue full."""


@pytest.mark.parametrize("name", CASES)
def test_a_case_keeps_what_it_has_reached(name: str) -> None:
    found = row(name)
    share, converged, waits = found["utilisation"], found["converged_s"], found["queue_ms_p95"]
    lost, fairness = found["lost"], found["fairness"]
    assert isinstance(share, float)
    assert isinstance(waits, float)
    assert isinstance(lost, float)
    assert LEAST[name] <= share <= 1.02
    assert lost <= LOSSY.get(name, 0.0) + 0.015
    if fairness is not None:
        assert isinstance(fairness, float)
        assert fairness >= 0.75
    if CASES[name].rival:
        assert converged is None, "whose the link is is not ours to say"
        return
    assert isinstance(converged, float)
    assert converged <= SECONDS.get(name, 6.0)
    assert waits <= 160


def test_a_run_is_the_same_each_time() -> None:
    assert row("steady") == row("steady")


def test_the_drop_is_answered_within_two_seconds_and_the_way_back_within_fifteen() -> None:
    samples = row("drop and back")["samples"]
    assert isinstance(samples, list)
    after_drop = [each["at"] for each in samples if each["at"] > 20 and each["estimate"] <= 3e5]
    after_rise = [each["at"] for each in samples if each["at"] > 45 and each["arrived"] >= 0.8 * 2e6]
    assert after_drop[0] - 20 <= 1.0
    assert after_rise[0] - 45 <= 15.0


def test_every_case_can_be_asked_for_by_name() -> None:
    assert not [name for name in CASES if "," in name], "the command line takes them with commas between"


def test_downloads_read_between_files_and_end_when_all_has_arrived() -> None:
    net = Net(seed=1)
    forward, back = net.way(rate=8e6, delay=0.02), net.way(delay=0.02)
    reader = Downloads(net, forward, back, 100.0, Random(1))
    reader.begin(reading=False)
    net.run(1.4)
    assert reader.loaded == 1
    net.run(100.0)
    assert 4 <= reader.loaded <= 16, "ten seconds of reading, and one of loading at most"


def test_a_transfer_that_loses_packets_still_brings_all_of_it() -> None:
    net = Net(seed=1)
    forward, back = net.way(rate=1e6, queue=0.05, delay=0.02, loss=0.02), net.way(delay=0.02, loss=0.02)
    ended: list[float] = []
    flow = TcpFlow(net, forward, back, end=60.0, left=300_000, done=lambda: ended.append(net.now))
    flow.begin()
    net.run(60.0)
    assert len(ended) == 1
    assert 300_000 <= flow.arrived < 301_500


def test_capacity_is_that_of_the_moment() -> None:
    assert [capacity([(0, 5.0), (10, 7.0)], moment) for moment in (0, 9.9, 10, 99)] == [5.0, 5.0, 7.0, 7.0]
