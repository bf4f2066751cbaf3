"""Scenario `crowd`: strangers with a link knock by the thousand while visits run; what staff's click costs meanwhile."""

from __future__ import annotations

from bench.orders import Order, Shape
from bench.report import Row, Watcher
from bench.run import KIBIBYTE, generate
from bench.server import CONFIG, DEFAULTS, Server
from bench.visits import percentile

COLUMNS = {
    "visits": "visits",
    "doors": "visits\nknocked at",
    "knocks": "knocks",
    "knocks_per_second": "knocks/s",
    "waiting": "wait",
    "cpu_ms_per_knock": "CPU ms\na knock",
    "admit_ms_p50": "admit\nms",
    "admit_ms_p99": "p99",
    "calm_admit_ms_p99": "p99 before\nthe crowd",
    "memory_kib_per_waiting": "KiB a\nwaiting",
    "loss": "loss",
    "loop_lag_ms_p99": "loop lag\np99 ms",
}
ENOUGH = 100  # people who wait, from which on the server's growth says something of each


def crowd(visits: int, people: int, joins: int, rate: float, at: int, wide: bool, watcher: Watcher) -> list[Row]:
    """One row. `wide` raises the limits that keep crowds small. Raises `ScenarioFailed` or `ServerFailed`."""
    name = f"{joins} knocks at {at} of {visits} visits"
    watcher.tell(name, "start the server", 0, 1)
    with Server(config=CONFIG if wide else DEFAULTS) as server:
        order = Order(
            "crowd", server.target, (Shape(people, people),) * visits, 0.0, joins=joins, rate=rate, at=min(at, visits)
        )
        told = generate(server, order, name, watcher)
    outcomes = told["outcomes"]
    waiting = outcomes.get("waiting", 0)
    return [
        {
            "scenario": "crowd",
            "server": "sfu",
            "visits": visits,
            "people": people,
            "doors": order.at,
            "limits": "wide" if wide else "default",
            "knocks": joins,
            "asked_per_second": rate,
            "knocks_per_second": round(joins / told["seconds"], 1),
            "outcomes": outcomes,
            "waiting": waiting,
            "cpu_ms_per_knock": round(1000 * told["cpu_seconds"] / joins, 3),
            "server_load": round(told["cpu_seconds"] / told["seconds"], 3),
            "clicks": len(told["crowded_ms"]),
            "admit_ms_p50": percentile(told["crowded_ms"], 0.5),
            "admit_ms_p99": percentile(told["crowded_ms"], 0.99),
            "admit_ms_max": percentile(told["crowded_ms"], 1.0),
            "calm_admit_ms_p50": percentile(told["calm_ms"], 0.5),
            "calm_admit_ms_p99": percentile(told["calm_ms"], 0.99),
            "memory_kib_per_waiting": round(told["memory_more"] / KIBIBYTE / waiting, 1) if waiting >= ENOUGH else None,
            "loss": told["loss"],
            "latency_ms_p99": told["latency_ms_p99"],
            "loop_lag_ms_p99": told["loop_lag_ms_p99"],
            "generator_load": round(told["generator_cpu"] / told["seconds"], 3),
        }
    ]
