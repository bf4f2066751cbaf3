"""How a scenario is carried out: a server, a generator in a process of its own, the limit before and after, a row of figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bench import limit
from bench.limit import Limit
from bench.orders import Measured, Order, Progress
from bench.report import Row, Watcher
from bench.server import UnderTest, stop

KIBIBYTE = 1024


class ScenarioFailed(Exception):
    """A point could not be measured, or what arrived was not what was sent."""


def generate(server: UnderTest, order: Order, name: str, watcher: Watcher) -> dict[str, Any]:
    """Have the generator carry an order out. Raises `ScenarioFailed` or `ServerFailed`."""
    try:
        return _generate(order, name, watcher)
    except ScenarioFailed as error:
        server.check()
        raise ScenarioFailed(f"{error}\nthe server's last words:\n{server.last_words()}") from None


def measured_limit(order: limit.Order) -> Limit:
    """The limit here and now. Raises `ScenarioFailed`."""
    try:
        return limit.measure(order)
    except (limit.LimitFailed, subprocess.SubprocessError) as error:
        raise ScenarioFailed(str(error)) from None


def figures(measured: Measured, floor: Limit, point: str) -> Row:
    """What every row of media has. Raises `ScenarioFailed` where its figures would be worthless."""
    if measured.received == 0:
        raise ScenarioFailed(f"{point}: not one packet arrived")
    if measured.corrupt or measured.unexpected:
        raise ScenarioFailed(
            f"{point}: {measured.corrupt} packets differ from what was sent, {measured.unexpected} were of no known stream"
        )
    per_packet = 1e6 / measured.received
    server = measured.server_user + measured.server_system
    least = floor.per_packet_out(measured.sent, measured.received)
    row: dict[str, object] = {
        "seconds": round(measured.seconds, 3),
        "packets_in_per_second": round(measured.sent / measured.seconds, 1),
        "packets_out_per_second": round(measured.received / measured.seconds, 1),
        "packets_out_per_second_per_core": round(measured.received / server) if server else None,
        "cpu_us_per_packet_out": round(server * per_packet, 3),
        "cpu_user_us_per_packet_out": round(measured.server_user * per_packet, 3),
        "cpu_system_us_per_packet_out": round(measured.server_system * per_packet, 3),
        "cpu_us_per_packet_in": round(server * 1e6 / measured.sent, 3) if measured.sent else None,
        "limit_us_per_packet_out": round(least, 3),
        "limit_ratio": round(server * per_packet / least, 3),
        "limit_parts_us": asdict(floor),
        "server_load": round(server / measured.seconds, 3),
        "loss": 1 - measured.received / measured.expected,
        "lost": measured.expected - measured.received,
        "content_checked": round(measured.checked / measured.received, 3),
        "reordered": measured.reordered,
        "refused": measured.refused,
        "nacks": measured.nacks,
        "keyframes_asked": measured.keyframes_asked,
        "latency_ms_p50": measured.latency_ms_p50,
        "latency_ms_p99": measured.latency_ms_p99,
        "latency_ms_p999": measured.latency_ms_p999,
        "loop_lag_ms_p99": measured.loop_lag_ms_p99,
        "join_seconds": round(measured.join_seconds, 3),
        "memory_kib": measured.memory_after // KIBIBYTE,
        "memory_kib_per_participant": round(
            (measured.memory_after - measured.memory_before) / KIBIBYTE / measured.people, 1
        ),
        "srtp_profile": measured.srtp_profile,
        "generator_cpu_us_per_packet": round(measured.generator_cpu * per_packet, 3),
        "generator_load": round(measured.generator_cpu / measured.seconds, 3),
        "generator_late_ms_p99": measured.late_ms_p99,
        "generator_socket_drops": measured.socket_drops,
    }
    return {**row, **agreement(measured)}


def agreement(measured: Measured) -> Mapping[str, object]:
    """What the server's metrics say beside what the clients counted; nothing where it has none.

    Between the server's count and the clients' only losses may lie: it cannot have received more than was sent, nor sent less
    than arrived, nor other bytes where all packets arrived. Where people come and go, it may have sent to some who had gone.
    """
    told_in, told_out = measured.server_packets_in, measured.server_packets_out
    if told_in is None or told_out is None:
        return {"metrics_agree": None, "withheld": None}
    agree = measured.sent >= told_in and told_out >= measured.received
    agree = agree and (measured.by_gaps or measured.expected >= told_out)
    if told_out == measured.received:
        agree = agree and measured.server_bytes_out == measured.octets
    # What came in, for each receiver; where people come and go nobody can say how many that were.
    due = round(measured.expected * told_in / measured.sent) if measured.sent and not measured.by_gaps else None
    return {
        "withheld": None if due is None else due - told_out,
        "server_packets_in": told_in,
        "server_packets_out": told_out,
        "server_bytes_out": measured.server_bytes_out,
        "clients_packets_out": measured.received,
        "clients_bytes_out": measured.octets,
        "metrics_agree": agree,
    }


def _generate(order: Order, name: str, watcher: Watcher) -> dict[str, Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.generator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin as order_line:
            order_line.write(json.dumps(asdict(order)) + "\n")
        for line in process.stdout:
            told = json.loads(line)
            if "progress" in told:
                progress = Progress(**told["progress"])
                watcher.tell(name, progress.phase, progress.done, progress.of)
            elif "failed" in told:
                raise ScenarioFailed(f"{name}: {told['failed']}")
            else:
                measured: dict[str, Any] = told["measured"]
                return measured
    finally:
        stop(process)
    raise ScenarioFailed(f"{name}: the generator ended without a result")
