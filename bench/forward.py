"""Scenario `forward`: rooms of one sender and N receivers each; what a forwarded packet costs the server, and how late it comes.

Each point has a server, a generator and visits of its own, so that none inherits what an earlier one left behind.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bench.generator import Measured, Order
from bench.report import Row, Watcher
from bench.server import Server, stop

COLUMNS = {
    "receivers": "receivers",
    "packets_out_per_second": "packets\nout/s",
    "cpu_us_per_packet_out": "CPU µs a\npacket",
    "cpu_user_us_per_packet_out": "user",
    "cpu_system_us_per_packet_out": "system",
    "server_load": "server\nload",
    "loss": "loss",
    "latency_ms_p50": "p50\nms",
    "latency_ms_p99": "p99\nms",
}
"""What the table shows of a row, and its headings."""


class ScenarioFailed(Exception):
    """A point could not be measured, or what arrived was not what was sent."""


def forward(rooms: int, receivers: Sequence[int], seconds: float, watcher: Watcher) -> list[Row]:
    """A row for each number of receivers. Raises `ScenarioFailed` or `ServerFailed`."""
    return [_point(rooms, count, seconds, watcher) for count in receivers]


def _point(rooms: int, receivers: int, seconds: float, watcher: Watcher) -> Row:
    name = f"{rooms} rooms of 1 + {receivers}"
    watcher.tell(name, "start the server", 0, 1)
    with Server() as server:
        order = Order(server.base_url, server.portal_key, server.pid, rooms, receivers, seconds)
        try:
            measured = _generate(order, name, watcher)
        except ScenarioFailed as error:
            server.check()
            raise ScenarioFailed(f"{error}\nthe server's last words:\n{server.last_words()}") from None
    return row(order, measured)


def _generate(order: Order, name: str, watcher: Watcher) -> Measured:
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
                watcher.tell(name, **told["progress"])
            elif "failed" in told:
                raise ScenarioFailed(f"{name}: {told['failed']}")
            else:
                return Measured(**told["measured"])
    finally:
        stop(process)
    raise ScenarioFailed(f"{name}: the generator ended without a result")


def row(order: Order, measured: Measured) -> Row:
    """The figures of a point. Raises `ScenarioFailed` where they would be worthless."""
    point = f"{order.rooms} rooms of 1 + {order.receivers}"
    if measured.received == 0:
        raise ScenarioFailed(f"{point}: not one packet arrived")
    if measured.corrupt or measured.unexpected:
        raise ScenarioFailed(
            f"{point}: {measured.corrupt} packets differ from what was sent, {measured.unexpected} were of no known stream"
        )
    per_packet = 1e6 / measured.received
    return {
        "scenario": "forward",
        "server": "sfu",
        "rooms": order.rooms,
        "receivers": order.receivers,
        "seconds": round(measured.seconds, 3),
        "packets_in_per_second": round(measured.sent / measured.seconds, 1),
        "packets_out_per_second": round(measured.received / measured.seconds, 1),
        "cpu_us_per_packet_out": round((measured.server_user + measured.server_system) * per_packet, 3),
        "cpu_user_us_per_packet_out": round(measured.server_user * per_packet, 3),
        "cpu_system_us_per_packet_out": round(measured.server_system * per_packet, 3),
        "server_load": round((measured.server_user + measured.server_system) / measured.seconds, 3),
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
        "join_seconds": round(measured.join_seconds, 3),
        "srtp_profile": measured.srtp_profile,
        "generator_cpu_us_per_packet": round(measured.generator_cpu * per_packet, 3),
        "generator_load": round(measured.generator_cpu / measured.seconds, 3),
        "generator_late_ms_p99": measured.late_ms_p99,
        "generator_socket_drops": measured.socket_drops,
    }
