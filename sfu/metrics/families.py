"""Metric families for Prometheus, made from plain counters at the moment of a scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sfu.histogram import Histogram

Read = Callable[[], Iterable[Metric]]
"""Gives the families of one part of the server, as they are now."""

Values = TypeVar("Values", bound=tuple[str, ...])
"""Label values, in the order of the labels."""

LABELS = frozenset("version plane python state role outcome direction kind reason spatial stage type protocol".split())
"""Every label name there is. Each has a small, fixed set of values: never a visit, person, address or token."""


def gauge(
    name: str, documentation: str, samples: Mapping[Values, float] | float, labels: tuple[str, ...] = ()
) -> Metric:
    """A gauge; `samples` is one number where there are no labels."""
    family = GaugeMetricFamily(name, documentation, labels=_checked(labels))
    for values, value in _each(samples):
        family.add_metric(values, value)
    return family


def counter(
    name: str, documentation: str, samples: Mapping[Values, float] | float, labels: tuple[str, ...] = ()
) -> Metric:
    """A counter. `name` ends in `_total`."""
    assert name.endswith("_total"), name
    family = CounterMetricFamily(name, documentation, labels=_checked(labels))
    for values, value in _each(samples):
        family.add_metric(values, value)
    return family


def histogram(
    name: str,
    documentation: str,
    samples: Mapping[Values, Histogram] | Histogram,
    labels: tuple[str, ...] = (),
) -> Metric:
    """A histogram, cumulative as Prometheus has it."""
    family = HistogramMetricFamily(name, documentation, labels=_checked(labels))
    for values, value in {(): samples}.items() if isinstance(samples, Histogram) else samples.items():
        cumulative = 0
        buckets = []
        for bound, count in zip((*value.bounds, float("inf")), value.counts, strict=True):
            cumulative += count
            buckets.append(("+Inf" if bound == float("inf") else str(bound), float(cumulative)))
        family.add_metric(list(values), buckets, sum_value=value.total)
    return family


class Families(Collector):
    """Reads every part when Prometheus asks, and never in between."""

    def __init__(self, parts: Iterable[Read]) -> None:
        self._parts = tuple(parts)

    def collect(self) -> Iterable[Metric]:
        for read in self._parts:
            yield from read()

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read counters that are not there yet."""
        return []


def _each(samples: Mapping[Values, float] | float) -> Iterable[tuple[list[str], float]]:
    if isinstance(samples, (int, float)):
        return [([], float(samples))]
    return [(list(values), float(value)) for values, value in samples.items()]


def _checked(labels: tuple[str, ...]) -> tuple[str, ...]:
    assert set(labels) <= LABELS, labels
    return labels
