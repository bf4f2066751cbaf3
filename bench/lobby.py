"""Scenario `lobby`: a storm of knocks on the waiting rooms; what a join costs, and what somebody costs who only waits."""

from __future__ import annotations

from bench.orders import Order, Shape
from bench.report import Row, Watcher
from bench.run import KIBIBYTE, generate
from bench.server import Server

COLUMNS = {
    "waiting": "waiting",
    "joins_per_second": "joins/s",
    "join_ms_p50": "join\nms",
    "join_ms_p99": "p99",
    "cpu_ms_per_join": "CPU ms\na join",
    "memory_kib_per_waiting": "KiB a\nwaiting",
    "cpu_us_per_waiting_second": "CPU µs a\nwaiting, s",
    "loop_lag_ms_p99": "loop lag\np99 ms",
    "descriptors_left": "descriptors\nleft",
}
IDLE = 3.0  # seconds of each look at an idle server


def lobby(visits: int, waiting: int, watcher: Watcher) -> list[Row]:
    """One row: `waiting` people at each of so many visits. Raises `ScenarioFailed` or `ServerFailed`."""
    name = f"{visits} visits with {waiting} waiting"
    watcher.tell(name, "start the server", 0, 1)
    with Server() as server:
        order = Order("lobby", server.target, (Shape(1, 0),) * visits, IDLE, waiting=waiting)
        told = generate(server, order, name, watcher)
    count = told["waiting"]
    return [
        {
            "scenario": "lobby",
            "server": "sfu",
            "visits": visits,
            "waiting": count,
            "joins_per_second": round(count / told["seconds"], 1),
            "join_ms_p50": round(told["join_ms_p50"], 3),
            "join_ms_p99": round(told["join_ms_p99"], 3),
            "cpu_ms_per_join": round(1000 * told["cpu_seconds"] / count, 3),
            "memory_kib_per_waiting": round(told["memory_waiting"] / KIBIBYTE / count, 1),
            "memory_kib_left": told["memory_left"] // KIBIBYTE,
            "descriptors_per_waiting": round(told["descriptors_waiting"] / count, 2),
            "descriptors_left": told["descriptors_left"],
            "idle_load_before": round(told["idle_load_before"], 4),
            "idle_load_waiting": round(told["idle_load_waiting"], 4),
            "cpu_us_per_waiting_second": round(1e6 * (told["idle_load_waiting"] - told["idle_load_before"]) / count, 1),
            "loop_lag_ms_p99": told["loop_lag_ms_p99"],
        }
    ]
