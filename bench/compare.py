"""Scenario `compare`: the same rooms on our server and on others, in turn, A B A B, on the same core of the same machine.

Servers stand in a network namespace behind a veth pair, ours too, because Janus' ICE passes loopback over. The machine's speed drifts
by a factor of two, so only runs in turn compare: figures are medians of the rounds, and ratios are of runs of the same round.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench import limit
from bench.forward import FIGURES
from bench.network import Namespace
from bench.orders import Measured, Order, Shape
from bench.report import Row, Watcher
from bench.run import ScenarioFailed, figures, generate, measured_limit
from bench.server import JanusServer, Server

MEDIANS = (
    "packets_in_per_second",
    "packets_out_per_second",
    "packets_out_per_second_per_core",
    "cpu_us_per_packet_out",
    "cpu_user_us_per_packet_out",
    "cpu_system_us_per_packet_out",
    "limit_us_per_packet_out",
    "limit_ratio",
    "server_load",
    "loss",
    "latency_ms_p50",
    "latency_ms_p99",
    "latency_ms_p999",
    "memory_kib_per_participant",
    "generator_load",
    "generator_late_ms_p99",
    "generator_socket_drops",
)

COLUMNS = {
    "server": "server",
    "rounds": "rounds",
    **{key: heading for key, heading in FIGURES.items() if key != "latency_ms_p999"},
    "cpu_ratio_to_sfu": "CPU, times\nours",
}

Start = Callable[[Namespace, int], Server | JanusServer]
"""A server on a core of a namespace, to be entered."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another kind of server, and the ways it is run."""

    missing: Callable[[], str | None]
    """What to say where it is not installed; None where it is."""
    variants: Mapping[str, Start]
    """By the name in the column `server`."""


OURS: Start = Server
PEERS: Mapping[str, Peer] = {
    "janus": Peer(
        JanusServer.missing,
        {"janus": JanusServer, "janus event_loops=1": partial(JanusServer, event_loops=True)},
    )
}


def compare(peers: Sequence[str], shape: Shape, rooms: int, seconds: float, rounds: int, watcher: Watcher) -> list[Row]:
    """A row for each server, its rounds within. A peer that is not installed has a row that says so.

    Raises `ScenarioFailed`, `NetworkFailed` or `ServerFailed`.
    """
    servers: dict[str, Start] = {"sfu": OURS}
    absent: list[Row] = []
    for name in peers:
        missing = PEERS[name].missing()
        if missing is None:
            servers |= PEERS[name].variants
        else:
            absent.append({"scenario": "compare", "server": name, "missing": missing})
    server_core, generator_core = cores()
    runs: dict[str, list[Row]] = {name: [] for name in servers}
    with Namespace() as namespace:
        at = limit.Order(server=namespace.server, client=namespace.client, namespace=namespace.name, core=server_core)
        watcher.tell("the machine", "measure the limit", 0, 1)
        floor = measured_limit(at)
        for number in range(rounds):
            for name, start in servers.items():
                label = f"round {number + 1} of {rounds}, {name}"
                watcher.tell(label, "start the server", 0, 1)
                with start(namespace, server_core) as server:
                    order = Order("hold", server.target, (shape,) * rooms, seconds, core=generator_core)
                    measured = Measured(**generate(server, order, label, watcher))
                before, floor = floor, measured_limit(at)
                runs[name].append(figures(measured, limit.mean([before, floor]), label))
    return [summary(name, shape, rooms, runs) for name in servers] + absent


def summary(name: str, shape: Shape, rooms: int, runs: dict[str, list[Row]]) -> Row:
    """One server's medians, and the median over the rounds of its CPU time a packet over ours."""
    own = runs[name]
    ratios = [_number(row, "cpu_us_per_packet_out") / _ours(ours) for row, ours in zip(own, runs["sfu"], strict=True)]
    row: dict[str, object] = {
        "scenario": "compare",
        "server": name,
        "rooms": rooms,
        "receivers": shape.people - 1,
        "people": shape.people,
        "senders": shape.senders,
        "rounds": len(own),
    }
    for key in MEDIANS:
        values = [float(value) for each in own if isinstance(value := each[key], int | float)]
        row[key] = median(values) if values else None
    row["cpu_ratio_to_sfu"] = round(median(ratios), 3)
    row["srtp_profile"] = own[0]["srtp_profile"]
    row["metrics_agree"] = None if own[0]["metrics_agree"] is None else all(each["metrics_agree"] for each in own)
    row["runs"] = own
    return row


def cores() -> tuple[int, int]:
    """One core for the server, one for the generator. Raises `ScenarioFailed` where there are not two."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise ScenarioFailed("comparing needs two cores: one for the server, one for the generator")
    return allowed[0], allowed[1]


def _ours(row: Row) -> float:
    # A short run on an idle server may stay below the kernel's tick of 10 ms.
    return max(_number(row, "cpu_us_per_packet_out"), 1e-3)


def _number(row: Row, key: str) -> float:
    value = row[key]
    assert isinstance(value, int | float)
    return float(value)
