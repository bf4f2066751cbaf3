"""Work `saturate`: the most visits that the server carries well, found by doubling and then halving the gap.

Visits come in once; a trial with fewer than are in leaves the others silent, which costs next to nothing.
"""

from __future__ import annotations

from dataclasses import asdict

from bench.adapter import Person
from bench.orders import Measured, Progress
from bench.stage import Stage

FIRST = 4  # visits of the first trial
TRIALS = 10  # at most
NEAR = 0.06  # of the result; a smaller gap than this is not worth a trial
LOSS = 0.001  # that a trial may have
LATENCY_MS = 20.0  # p99 that a trial may have
WARM_UP = 0.5  # seconds of each trial
IDLE = 0.6  # of a core; a server that needs less than this did not fail for want of it: the trial is repeated, once
BUSY = 0.9  # of a core: a generator that needs more is what the trial has found the limit of


async def search(ready: Stage) -> dict[str, object]:
    """Find it. `visits` is 0 where even one is too much; `limited_by` says what gave way first."""
    most = len(ready.order.shapes)
    trials: list[dict[str, object]] = []
    best: Measured | None = None
    low, high, limited_by = 0, most + 1, "ceiling"
    count, join_seconds = min(FIRST, most), 0.0
    while len(trials) < TRIALS and low < count < high:
        missing = ready.order.shapes[len(ready.groups) : count]
        join_seconds += await ready.fill(missing) if missing else 0.0
        measured = await _trial(ready, count, join_seconds, len(trials))
        if not well(measured) and at_fault(measured) == "machine":
            measured = await _trial(ready, count, join_seconds, len(trials))
        carried = well(measured)
        trials.append({"visits": count, "well": carried, "loss": loss(measured), "p99": measured.latency_ms_p99})
        if carried:
            low, best = count, measured
        else:
            high, limited_by = count, at_fault(measured)
        count = following(low, high, most)
    return {"visits": low, "limited_by": limited_by, "trials": trials, "measured": asdict(best) if best else None}


def following(low: int, high: int, most: int) -> int:
    """How many visits to try next; outside of `low` to `high` where the search is over."""
    if high > most:
        return min(2 * low, most) if low < most else high
    if high - low <= max(1, round(NEAR * low)):
        return high
    return (low + high) // 2


def loss(measured: Measured) -> float:
    """The share of what was sent that did not arrive."""
    return 1 - measured.received / measured.expected if measured.expected else 1.0


def well(measured: Measured) -> bool:
    """Whether a trial was carried well."""
    late = measured.latency_ms_p99
    return loss(measured) < LOSS and late is not None and late < LATENCY_MS


def at_fault(measured: Measured) -> str:
    """What gave way in a trial that was not carried well; the machine, where neither server nor generator was busy."""
    server = (measured.server_user + measured.server_system) / measured.seconds
    busy = measured.generator_cpu / measured.seconds > BUSY
    late = measured.late_ms_p99 is not None and measured.late_ms_p99 > LATENCY_MS
    if busy or (late and server < BUSY) or measured.socket_drops:
        return "generator" if busy or measured.socket_drops else "machine"
    return "server" if server > IDLE else "machine"


async def _trial(ready: Stage, visits: int, join_seconds: float, number: int) -> Measured:
    people: list[Person] = [person for group in ready.groups[:visits] for person in group.people]

    def tell(progress: Progress) -> None:
        ready.tell(Progress(f"trial {number + 1}, {visits} visits: {progress.phase}", progress.done, progress.of))

    return await ready.window.static(ready.pacer, people, ready.order.seconds, join_seconds, WARM_UP, tell)
