from __future__ import annotations

from sfu.rtp.bandwidth.overuse import MAX_THRESHOLD, MIN_THRESHOLD, OveruseDetector, Usage
from sfu.rtp.bandwidth.trendline import WINDOW, Trendline

GAP = 0.02


def slopes(detector: OveruseDetector, *values: float, now: float = 100.0) -> list[Usage]:
    return [detector.update(value, 60, GAP, now + index * GAP) for index, value in enumerate(values)]


def test_a_slope_that_stays_and_rises_is_overuse() -> None:
    assert slopes(OveruseDetector(), 0.0, 0.1, 0.1, 0.1) == [Usage.NORMAL, Usage.NORMAL, Usage.OVERUSED, Usage.OVERUSED]


def test_a_slope_that_falls_again_is_none() -> None:
    assert set(slopes(OveruseDetector(), 0.0, 0.2, 0.15, 0.1, 0.06)) == {Usage.NORMAL}


def test_a_draining_queue_is_told_from_an_empty_one() -> None:
    assert slopes(OveruseDetector(), 0.0, -0.2, -0.2, 0.0) == [
        Usage.NORMAL,
        Usage.UNDERUSED,
        Usage.UNDERUSED,
        Usage.NORMAL,
    ]


def test_the_first_groups_say_nothing() -> None:
    detector = OveruseDetector()
    assert [detector.update(9.0, count, GAP, 1.0 + count) for count in (0, 1)] == [Usage.NORMAL, Usage.NORMAL]


def test_the_threshold_follows_a_steady_noise_and_no_spike() -> None:
    detector = OveruseDetector()
    slopes(detector, *[0.0] * 50)
    assert detector.threshold == MIN_THRESHOLD
    slopes(detector, 5.0, now=200.0)
    assert detector.threshold == MIN_THRESHOLD, "a spike"
    slopes(detector, *[0.08, -0.08] * 100, now=300.0)
    assert 0.015 < detector.threshold < 0.03
    slopes(detector, *[step / 20 for step in range(200)], now=400.0)
    assert detector.threshold <= MAX_THRESHOLD


def line(gain: float, groups: int = 3 * WINDOW) -> float:
    """The slope found where every group takes `gain` times its gap longer than the one before."""
    trend = Trendline()
    for index in range(groups):
        trend.add(GAP, GAP * (1 + gain), 7.0 + index * GAP * (1 + gain))
    return trend.slope


def test_the_slope_is_that_of_the_delay() -> None:
    assert line(0.0) == 0.0
    assert abs(line(0.1) - 0.1 / 1.1) < 0.02
    assert line(-0.1) < -0.08
    assert line(0.5, WINDOW - 1) == 0.0, "too few groups"
