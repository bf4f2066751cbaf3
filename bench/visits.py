"""Scenarios `visits` and `steady`: a clinic's morning, for what it costs, and for what it leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from bench import limit
from bench.forward import FIGURES
from bench.orders import Measured, Order, Shape
from bench.report import Row, Watcher
from bench.run import KIBIBYTE, figures, generate, measured_limit
from bench.server import Server

SIZES = (2, 3, 5)  # people of a visit: with a patient; with an interpreter; with guardians and a colleague

COLUMNS = {
    "visits": "visits",
    "visits_begun": "begun",
    **FIGURES,
    "admit_to_media_ms_p50": "admit to\nmedia ms",
    "admit_to_media_ms_p99": "p99",
}
STEADY_COLUMNS = {
    "visits": "visits",
    "visits_begun": "begun",
    "seconds": "seconds",
    "memory_kib_first": "memory\nKiB",
    "memory_kib_last": "at the\nend",
    "memory_kib_a_visit_begun": "growth a\nvisit",
    "descriptors_left": "descriptors\nleft",
    "tasks_left": "tasks\nleft",
    "loss": "loss",
    "latency_ms_p99": "p99\nms",
}


def visits(count: int, seconds: float, stay: float, watcher: Watcher, *, scenario: str = "visits") -> list[Row]:
    """One row. `stay` is how long a visit lasts; 0 keeps all from start to end. Raises `ScenarioFailed` or `ServerFailed`."""
    shapes = shapes_of(count)
    name = f"{count} visits of {', '.join(map(str, SIZES))}"
    watcher.tell(name, "measure the limit", 0, 1)
    before = measured_limit(limit.Order())
    watcher.tell(name, "start the server", 0, 1)
    with Server() as server:
        order = Order("visits", server.target, shapes, seconds, stay=stay, samples=1.0 if scenario == "steady" else 0.0)
        told = generate(server, order, name, watcher)
    watcher.tell(name, "measure the limit again", 0, 1)
    floor = limit.mean([before, measured_limit(limit.Order())])
    measured = Measured(**told["measured"])
    return [
        {
            "scenario": scenario,
            "server": "sfu",
            "visits": count,
            "people": sum(shape.people for shape in shapes),
            "visits_begun": told["visits_begun"],
            "knocks_gone": told["strangers"],
            "admit_to_media_ms_p50": percentile(told["admit_to_media_ms"], 0.5),
            "admit_to_media_ms_p99": percentile(told["admit_to_media_ms"], 0.99),
            "join_ms_p50": percentile(told["join_ms"], 0.5),
            "join_ms_p99": percentile(told["join_ms"], 0.99),
            "memory_kib_per_visit": round((measured.memory_after - measured.memory_before) / KIBIBYTE / count, 1),
            **figures(measured, floor, name),
            **held(told["samples"], told["visits_begun"]),
        }
    ]


def steady(count: int, seconds: float, stay: float, watcher: Watcher) -> list[Row]:
    """As `visits`, looked at every second; `samples` of the row has them."""
    return visits(count, seconds, stay, watcher, scenario="steady")


def held(samples: Sequence[dict[str, Any]], begun: int) -> Row:
    """What the server held in the course of it: at first, before anybody came; full; and when all had gone."""
    empty, full, last, gone = samples[0], samples[1], samples[-2], samples[-1]
    return {
        "memory_kib_first": full["memory"] // KIBIBYTE,
        "memory_kib_last": last["memory"] // KIBIBYTE,
        "memory_kib_a_visit_begun": round((last["memory"] - full["memory"]) / KIBIBYTE / begun, 1) if begun else None,
        "descriptors_left": gone["descriptors"] - empty["descriptors"],
        "tasks_left": gone["tasks"] - empty["tasks"],
        "samples": list(samples),
    }


def shapes_of(count: int) -> tuple[Shape, ...]:
    """So many visits, of the usual sizes in turn."""
    return tuple(Shape(size, size) for size in islice(cycle(SIZES), count))


def percentile(values: Sequence[float], share: float) -> float | None:
    """Of sorted values, the one within which `share` of all are; None where there are none."""
    if not values:
        return None
    return round(values[max(0, -int(-len(values) * share // 1) - 1)], 3)
