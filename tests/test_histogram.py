"""A histogram counts a value under the first bound that is not below it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.histogram import Histogram

BOUNDS = (0.1, 1.0, 10.0)


def test_a_value_on_a_bound_counts_as_less_or_equal() -> None:
    histogram = Histogram(BOUNDS)
    for value in (0.1, 0.11, 1.0, 10.0, 10.1):
        histogram.observe(value)
    assert histogram.counts == [1, 2, 1, 1]


@given(st.lists(st.floats(0, 100)))
def test_every_value_is_counted_once_and_summed(values: list[float]) -> None:
    histogram = Histogram(BOUNDS)
    for value in values:
        histogram.observe(value)
    assert sum(histogram.counts) == len(values)
    assert abs(histogram.total - sum(values)) < 1e-6
    assert histogram.counts[0] == sum(value <= 0.1 for value in values)
