"""Scenario `saturate`: the most visits of three that the server carries with less than 0.1 % loss and p99 under 20 ms."""

from __future__ import annotations

import os

from bench import limit
from bench.forward import FIGURES
from bench.orders import Measured, Order, Shape
from bench.report import Row, Watcher
from bench.run import ScenarioFailed, figures, generate, measured_limit
from bench.server import Server

COLUMNS = {"visits": "visits", "limited_by": "limited\nby", **FIGURES}
PEOPLE = 3  # of a visit


def saturate(most: int, seconds: float, watcher: Watcher) -> list[Row]:
    """One row, its trials within. Raises `ScenarioFailed` or `ServerFailed`.

    With two cores the server has one and the generator the other, so that neither takes the other's time.
    """
    allowed = sorted(os.sched_getaffinity(0))
    cores: tuple[int | None, int | None] = (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)
    at = limit.Order(core=cores[0])
    name = f"at most {most} visits"
    watcher.tell(name, "measure the limit", 0, 1)
    before = measured_limit(at)
    watcher.tell(name, "start the server", 0, 1)
    with Server(core=cores[0]) as server:
        order = Order("saturate", server.target, (Shape(PEOPLE, PEOPLE),) * most, seconds, core=cores[1])
        told = generate(server, order, name, watcher)
    floor = limit.mean([before, measured_limit(at)])
    if told["measured"] is None:
        raise ScenarioFailed(f"not even one visit was carried well; the {told['limited_by']} gave way")
    return [
        {
            "scenario": "saturate",
            "server": "sfu",
            "visits": told["visits"],
            "people": PEOPLE,
            "limited_by": told["limited_by"],
            **figures(Measured(**told["measured"]), floor, name),
            "trials": told["trials"],
        }
    ]
