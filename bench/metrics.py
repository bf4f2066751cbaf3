"""The server's own metrics, read along: what it says it forwarded, how late its loop ran, how many tasks it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

MEDIA = ("audio", "video")


@dataclass(frozen=True, slots=True)
class Scrape:
    """What the scenarios look at of one reading; counters since the server's start."""

    packets_in: int
    """RTP packets of media that arrived."""
    packets_out: int
    bytes_out: int
    """UDP payload of `packets_out`."""
    lag: Mapping[float, float]
    """Timers that ran at most so many seconds late, cumulative."""
    tasks: int | None
    """Tasks under way; None where the server does not tell."""

    def lag_ms_p99(self, earlier: Scrape) -> float | None:
        """The bound in milliseconds within which 99 of 100 timers ran since `earlier`; None where no bound holds them."""
        counts = {bound: count - earlier.lag.get(bound, 0.0) for bound, count in self.lag.items()}
        wanted = 0.99 * max(counts.values(), default=0.0)
        if wanted <= 0:
            return None
        bound = min(bound for bound, count in counts.items() if count >= wanted)
        return None if bound == float("inf") else bound * 1000


async def scrape(http: aiohttp.ClientSession, url: str) -> Scrape:
    """Read `/metrics`. Raises `aiohttp.ClientError`."""
    async with http.get(url) as response:
        response.raise_for_status()
        return read(await response.text())


def read(text: str) -> Scrape:
    """What matters of an exposition in Prometheus' text format."""
    packets: dict[str, float] = {"in": 0.0, "out": 0.0}
    octets = 0.0
    lag: dict[float, float] = {}
    tasks: int | None = None
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            if sample.name == "evisit_rtp_packets_total" and labels["kind"] in MEDIA:
                packets[labels["direction"]] += sample.value
            elif sample.name == "evisit_rtp_bytes_total" and labels["kind"] in MEDIA and labels["direction"] == "out":
                octets += sample.value
            elif sample.name == "evisit_event_loop_lag_seconds_bucket":
                lag[float(labels["le"])] = sample.value
            elif sample.name == "evisit_tasks":
                tasks = int(sample.value)
    return Scrape(int(packets["in"]), int(packets["out"]), int(octets), lag, tasks)
