"""Scenario `forward`: rooms of one sender and N receivers each; what a forwarded packet costs the server, and how late it comes.

Each point has a server, a generator and visits of its own, so that none inherits what an earlier one left behind. The limit is
measured before and after it, because the machine's own speed drifts.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench import limit
from bench.limit import Limit
from bench.orders import Measured, Order, Shape
from bench.report import Row, Watcher
from bench.run import figures, generate, measured_limit
from bench.server import Server

FIGURES = {
    "packets_out_per_second": "packets\nout/s",
    "cpu_us_per_packet_out": "CPU µs a\npacket",
    "cpu_user_us_per_packet_out": "user",
    "cpu_system_us_per_packet_out": "system",
    "limit_us_per_packet_out": "limit\nµs",
    "limit_ratio": "times\nlimit",
    "server_load": "server\nload",
    "loss": "loss",
    "latency_ms_p50": "p50\nms",
    "latency_ms_p99": "p99\nms",
    "latency_ms_p999": "p99.9\nms",
}
"""What tables show of every row of media, and the headings."""

COLUMNS = {"receivers": "receivers", **FIGURES}


def forward(
    rooms: int, receivers: Sequence[int], seconds: float, watcher: Watcher, *, simulcast: bool = False
) -> list[Row]:
    """A row for each number of receivers. Raises `ScenarioFailed` or `ServerFailed`."""
    return [point("forward", Shape(1 + count, 1), rooms, seconds, watcher, simulcast=simulcast) for count in receivers]


def conference(
    rooms: int, people: Sequence[int], seconds: float, watcher: Watcher, *, simulcast: bool = False
) -> list[Row]:
    """Scenario `conference`: everybody sends to everybody; a row for each number of people."""
    return [point("conference", Shape(count, count), rooms, seconds, watcher, simulcast=simulcast) for count in people]


def point(scenario: str, shape: Shape, rooms: int, seconds: float, watcher: Watcher, *, simulcast: bool = False) -> Row:
    """One row: so many rooms of one shape on a server of their own."""
    silent = shape.people - shape.senders
    name = f"{rooms} rooms of {shape.senders} + {silent}" if silent else f"{rooms} rooms of {shape.people}"
    watcher.tell(name, "measure the limit", 0, 1)
    before = measured_limit(limit.Order())
    watcher.tell(name, "start the server", 0, 1)
    with Server() as server:
        order = Order("hold", server.target, (shape,) * rooms, seconds, simulcast=simulcast)
        measured = Measured(**generate(server, order, name, watcher))
    watcher.tell(name, "measure the limit again", 0, 1)
    floor = limit.mean([before, measured_limit(limit.Order())])
    return {**row(scenario, shape, rooms, measured, floor), "simulcast": simulcast}


def row(scenario: str, shape: Shape, rooms: int, measured: Measured, floor: Limit) -> Row:
    """The figures of a point. Raises `ScenarioFailed` where they would be worthless."""
    return {
        "scenario": scenario,
        "server": "sfu",
        "rooms": rooms,
        "receivers": shape.people - 1,
        "people": shape.people,
        "senders": shape.senders,
        **figures(measured, floor, f"{rooms} rooms of {shape.people}"),
    }
