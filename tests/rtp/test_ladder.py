"""Which layer a receiver gets, and which is higher."""

from __future__ import annotations

import pytest

from sfu.rtp.frame import ALL
from sfu.rtp.ladder import CONTRADICTIONS, Ladder, choose


@pytest.mark.parametrize(
    ("wanted", "coming", "chosen"),
    [
        (0, "qhf", 0),
        (1, "qhf", 1),
        (2, "qhf", 2),
        (ALL, "qhf", 2),
        (2, "qh-", 1),
        (2, "q--", 0),
        (0, "-hf", 1),
        (0, "--f", 2),
        (1, "q-f", 0),
        (1, "--f", 2),
        (1, "---", -1),
        (ALL, "", -1),
        (0, "q", 0),
    ],
)
def test_the_wanted_layer_or_the_nearest_below_or_above(wanted: int, coming: str, chosen: int) -> None:
    assert choose(wanted, [letter != "-" for letter in coming]) == chosen


def test_the_order_of_the_offer_stands_while_the_rates_agree_or_hardly_differ() -> None:
    ladder = Ladder(("q", "h", "f"))
    for rates in ([100, 300, 900], [120, 100, 900], [0, 0, 0], [100, 0, 900], [0, 50, 0]) * 3:
        assert not ladder.measured(rates)
    assert ladder.rids == ("q", "h", "f")


def test_rates_that_contradict_it_for_long_are_believed() -> None:
    ladder = Ladder(("f", "h", "q"))
    for _ in range(CONTRADICTIONS - 1):
        assert not ladder.measured([900, 300, 100])
    assert not ladder.measured([100, 200, 300])
    for _ in range(CONTRADICTIONS - 1):
        assert not ladder.measured([900, 300, 100])
    assert ladder.measured([900, 300, 100])
    assert ladder.rids == ("q", "h", "f")


def test_a_layer_that_does_not_come_keeps_its_place() -> None:
    ladder = Ladder(("f", "h", "q"))
    assert [ladder.measured([900, 0, 100]) for _ in range(CONTRADICTIONS)] == [False] * (CONTRADICTIONS - 1) + [True]
    assert ladder.rids == ("q", "h", "f")
