"""When a visit can be joined, and a clock that does not jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from sfu.admission.windows import Anchor, iso, window
from tests.rooms.sample import START, VISIT


def test_a_window_reaches_from_before_the_start_to_after_the_end() -> None:
    times = window(VISIT, opens_before_minutes=30, closes_after_minutes=120)
    assert times.opens_at == START - timedelta(minutes=30)
    assert times.closes_at == START + timedelta(minutes=30 + 120)


def test_an_anchor_counts_on_from_one_reading() -> None:
    anchor = Anchor(100.0, START)
    assert anchor.wall_at(160.5) == START + timedelta(seconds=60.5)
    assert anchor.now_at(START + timedelta(seconds=60.5)) == 160.5
    assert anchor.now_at(START - timedelta(seconds=200)) == -100.0


def test_moments_are_spelt_in_utc_with_z() -> None:
    assert iso(datetime(2026, 11, 23, 8, 58, 10, 999_999, tzinfo=UTC)) == "2026-11-23T08:58:10Z"
    assert iso(datetime(2026, 11, 23, 9, 58, 10, tzinfo=timezone(timedelta(hours=1)))) == "2026-11-23T08:58:10Z"
