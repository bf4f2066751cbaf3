"""The published test cases for congestion control, and networks as patients have them, against our estimator, in virtual time.

RFC 8867 says what is tried, RFC 8868 what is looked at: how much of the link is used, how soon a change is answered, how long packets
wait, what is lost, and whether flows share. Every run of a case is the same: there is no clock in it, and its chances have a seed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bench.flows import PAUSED, Downloads, MediaFlow, TcpFlow
from bench.report import Row, Watcher
from tests.net import Bursts, Net, Way

INTERVAL = 0.5  # seconds of a sample
SETTLED = 5.0  # seconds at the start that the share of the link is not counted of
LOW, HIGH = 0.7, 1.15
"""Of the link: where what arrives, and the estimate, has converged."""

Rates = Sequence[tuple[float, float]]
"""(from this second on, bits per second) of the bottleneck."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what it is from, how long it lasts, and what the link carries when."""

    source: str
    seconds: float
    rates: Rates
    run: Callable[[Net, Way, Way, float], list[MediaFlow]]
    conditions: Mapping[str, object]
    rival: bool = False
    """Whether somebody else takes what we do not: then nothing says how much of the link is ours."""
    back: Rates = ()
    """What the way back carries; of the rest it is like the way there. Without: everything, at once."""


def one(net: Net, forward: Way, back: Way, end: float) -> list[MediaFlow]:
    return [MediaFlow(net, forward, back, end=end)]


def starting(*starts: float) -> Callable[[Net, Way, Way, float], list[MediaFlow]]:
    """A flow at each of these seconds."""
    return lambda net, forward, back, end: [MediaFlow(net, forward, back, start=start, end=end) for start in starts]


def apart(net: Net, forward: Way, back: Way, end: float) -> list[MediaFlow]:
    """Five flows with different round trips."""
    delays = (0.01, 0.025, 0.05, 0.1, 0.15)
    return [
        MediaFlow(net, forward, back, start=10.0 * index, end=end, delay=delay) for index, delay in enumerate(delays)
    ]


def beside_tcp(begin: float) -> Callable[[Net, Way, Way, float], list[MediaFlow]]:
    def run(net: Net, forward: Way, back: Way, end: float) -> list[MediaFlow]:
        flow = MediaFlow(net, forward, back, end=end)
        net.at(begin, TcpFlow(net, forward, back, end=end).begin)
        return [flow]

    return run


def both_ways(net: Net, forward: Way, back: Way, end: float) -> list[MediaFlow]:
    """A flow each way, each beside the feedback of the other. What is looked at is the one that goes forward."""
    flow = MediaFlow(net, forward, back, end=end)
    MediaFlow(net, back, forward, end=end)
    return [flow]


READERS, LOADING = 10, 2
"""Who load page after page beside the flows, and how many of them at the start."""


def beside_readers(net: Net, forward: Way, back: Way, end: float) -> list[MediaFlow]:
    flows = [MediaFlow(net, forward, back, start=5.0, end=end) for _ in range(2)]
    for index in range(READERS):
        Downloads(net, forward, back, end, Random(100 + index)).begin(reading=index >= LOADING)
    return flows


def pausing(net: Net, forward: Way, back: Way, end: float) -> list[MediaFlow]:
    flows = [MediaFlow(net, forward, back, end=end) for _ in range(3)]
    most = flows[0].most

    def show(rate: float) -> Callable[[], None]:
        return lambda: setattr(flows[0], "most", rate)

    net.at(40.0, show(PAUSED))
    net.at(60.0, show(most))
    return flows


RFC: Mapping[str, object] = {"delay": 0.05, "queue": 0.3, "jitter": 0.01}
"""What RFC 8867 has its paths be: 50 ms one way, 300 ms of queue, and jitter."""

THERE: Rates = [(0, 2e6), (20, 1e6), (40, 5e5), (60, 2e6)]
BACK: Rates = [(0, 2e6), (35, 8e5), (70, 2e6)]

CASES: Mapping[str, Case] = {
    "steady": Case("a home", 60.0, [(0, 2e6)], one, {"delay": 0.03}),
    "drop and back": Case("a car", 80.0, [(0, 2e6), (20, 3e5), (45, 2e6)], one, {"delay": 0.05}),
    "loss 5 %": Case("a far room", 60.0, [(0, 2e6)], one, {"delay": 0.03, "loss": 0.05}),
    "loss 10 %": Case("a far room", 60.0, [(0, 2e6)], one, {"delay": 0.03, "loss": 0.1}),
    "loss 20 %": Case("a far room", 60.0, [(0, 2e6)], one, {"delay": 0.03, "loss": 0.2}),
    "bursts": Case("a lift", 60.0, [(0, 2e6)], one, {"delay": 0.03, "bursts": Bursts(0.005, 0.2)}),
    "variable": Case("RFC 8867 5.1", 100.0, [(0, 1e6), (40, 2.5e6), (60, 6e5), (80, 1e6)], one, RFC),
    "variable shared": Case(
        "RFC 8867 5.2", 125.0, [(0, 4e6), (25, 2e6), (50, 3.5e6), (75, 1e6), (100, 2e6)], starting(0, 0), RFC
    ),
    "both ways": Case("RFC 8867 5.3", 100.0, THERE, both_ways, RFC, back=BACK),
    "both ways back": Case("RFC 8867 5.3", 100.0, BACK, both_ways, RFC, back=THERE),
    "three alike": Case("RFC 8867 5.4", 120.0, [(0, 3.5e6)], starting(0, 20, 40), RFC),
    "round trips": Case("RFC 8867 5.5", 110.0, [(0, 4e6)], apart, {**RFC, "delay": 0.0}),
    "beside TCP": Case("RFC 8867 5.6", 120.0, [(0, 2e6)], beside_tcp(0.0), RFC, rival=True),
    "beside short TCPs": Case("RFC 8867 5.7", 300.0, [(0, 2e6)], beside_readers, RFC, rival=True),
    "pause": Case("RFC 8867 5.8", 100.0, [(0, 3.5e6)], pausing, RFC),
}

COLUMNS = {
    "server": "case",
    "source": "from",
    "flows": "flows",
    "utilisation": "share of the link",
    "converged_s": "change answered, s",
    "queue_ms_p50": "queue ms p50",
    "queue_ms_p95": "p95",
    "lost": "lost",
    "fairness": "fairness",
}


def quality(names: Sequence[str], watcher: Watcher) -> list[Row]:
    """A row for each case."""
    rows = []
    for index, name in enumerate(names):
        watcher.tell(name, "virtual time", index, len(names))
        rows.append(row(name))
    return rows


def row(name: str) -> Row:
    """Run one case."""
    case = CASES[name]
    net = Net(seed=1)
    forward = net.way(rate=case.rates[0][1], **case.conditions)
    back = net.way(rate=case.back[0][1], **case.conditions) if case.back else net.way(delay=case.conditions["delay"])
    flows = case.run(net, forward, back, case.seconds)
    for way, rates in ((forward, case.rates), (back, case.back)):
        for moment, rate in rates[1:]:
            net.at(moment, _changing(net, way, rate))
    net.run(case.seconds)
    samples = _samples(case, flows)
    waits = sorted(wait for flow in flows for wait in flow.waits)
    sent = len(waits) + sum(sample.lost for flow in flows for sample in flow.samples)
    counted = [sample for sample in samples if sample["at"] >= SETTLED]
    return {
        "scenario": "quality",
        "server": name,
        "source": case.source,
        "flows": len(flows),
        "seconds": case.seconds,
        "utilisation": round(sum(each["arrived"] for each in counted) / sum(each["capacity"] for each in counted), 3),
        "converged_s": None if case.rival else max(_answered(case, samples)),
        "queue_ms_p50": round(waits[len(waits) // 2] * 1000, 1),
        "queue_ms_p95": round(waits[int(len(waits) * 0.95)] * 1000, 1),
        "lost": round(1 - len(waits) / sent, 4),
        "fairness": _fairness(case, flows),
        "samples": samples,
    }


def _changing(net: Net, way: Way, rate: float) -> Callable[[], None]:
    return lambda: way.change(net.now, rate=rate)


def capacity(rates: Rates, moment: float) -> float:
    """What the link carries at a moment."""
    return rates[bisect_right([begin for begin, _ in rates], moment) - 1][1]


def _samples(case: Case, flows: Sequence[MediaFlow]) -> list[dict[str, float]]:
    """All flows together, every half second."""
    samples = []
    for index in range(1, int(case.seconds / INTERVAL) + 1):
        moment = index * INTERVAL
        there = [each for flow in flows for each in flow.samples if abs(each.at - moment) < INTERVAL / 2]
        samples.append(
            {
                "at": moment,
                "capacity": capacity(case.rates, moment - INTERVAL),
                "estimate": sum(each.estimate for each in there),
                "arrived": sum(each.arrived for each in there),
                "queue_ms": round(1000 * max((each.delay for each in there), default=0.0), 1),
            }
        )
    return samples


def _answered(case: Case, samples: Sequence[dict[str, float]]) -> list[float]:
    """Seconds after the start, and after each change of the link, until what arrives and the estimate fit it."""
    found = []
    for index, (begin, rate) in enumerate(case.rates):
        end = case.rates[index + 1][0] if index + 1 < len(case.rates) else case.seconds
        fitting = (
            sample["at"] - begin
            for sample in samples
            if begin < sample["at"] <= end
            and LOW * rate <= sample["arrived"] <= HIGH * rate
            and sample["estimate"] <= HIGH * rate
        )
        found.append(next(fitting, end - begin))
    return found


def _fairness(case: Case, flows: Sequence[MediaFlow]) -> float | None:
    """Jain's index of what each flow got in the last third of the run: 1 is even."""
    if len(flows) == 1:
        return None
    got = [sum(each.arrived for each in flow.samples if each.at > case.seconds * 2 / 3) for flow in flows]
    return round(sum(got) ** 2 / (len(got) * sum(rate * rate for rate in got)), 3)
