from __future__ import annotations

import pytest

from bench.__main__ import leaks
from bench.visits import held, percentile, shapes_of


def test_visits_are_of_the_usual_sizes_in_turn_and_everybody_sends() -> None:
    shapes = shapes_of(5)
    assert [shape.people for shape in shapes] == [2, 3, 5, 2, 3]
    assert all(shape.senders == shape.people for shape in shapes)


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_a_percentile_is_the_value_of_that_rank(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == value


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile([], 0.5) is None


def test_what_is_left_is_counted_against_the_empty_server() -> None:
    samples = [
        {"memory": 100 << 10, "descriptors": 20, "tasks": 1},
        {"memory": 200 << 10, "descriptors": 60, "tasks": 9},
        {"memory": 240 << 10, "descriptors": 61, "tasks": 9},
        {"memory": 230 << 10, "descriptors": 23, "tasks": 1},
    ]
    row = held(samples, begun=10)
    assert (row["memory_kib_first"], row["memory_kib_last"], row["memory_kib_a_visit_begun"]) == (200, 240, 4.0)
    assert (row["descriptors_left"], row["tasks_left"]) == (3, 0)
    assert leaks(row) == []
    assert leaks({**row, "descriptors_left": 40, "tasks_left": 1}) == [
        "40 descriptors were left open",
        "1 tasks were left running",
    ]
