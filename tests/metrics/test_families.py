"""Families are made at the moment of a scrape, and what Prometheus reads back is what was counted."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sfu.histogram import Histogram
from sfu.metrics.families import Families, Read, counter, gauge, histogram


def scraped(*parts: Read) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    registry = CollectorRegistry()
    registry.register(Families(parts))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def test_a_counter_and_a_gauge_carry_their_labels() -> None:
    samples = scraped(
        lambda: [
            counter("evisit_x_total", "x", {("in", "audio"): 3}, ("direction", "kind")),
            gauge("evisit_y", "y", 7),
        ]
    )
    assert samples["evisit_x_total", (("direction", "in"), ("kind", "audio"))] == 3
    assert samples["evisit_y", ()] == 7


def test_a_histogram_is_cumulative_and_ends_in_infinity() -> None:
    counted = Histogram((0.1, 1.0))
    for value in (0.05, 0.5, 0.5, 5.0):
        counted.observe(value)
    samples = scraped(lambda: [histogram("evisit_z_seconds", "z", counted)])
    buckets = [samples["evisit_z_seconds_bucket", (("le", bound),)] for bound in ("0.1", "1.0", "+Inf")]
    assert buckets == [1, 3, 4]
    assert samples["evisit_z_seconds_count", ()] == 4
    assert samples["evisit_z_seconds_sum", ()] == pytest.approx(6.05)


def test_a_scrape_reads_the_counters_as_they_are_then() -> None:
    now = {"value": 1}
    read: Read = lambda: [gauge("evisit_y", "y", now["value"])]  # noqa: E731
    assert scraped(read)["evisit_y", ()] == 1
    now["value"] = 2
    assert scraped(read)["evisit_y", ()] == 2


def test_a_label_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(AssertionError):
        gauge("evisit_y", "y", {("v_1",): 1}, ("visit",))
