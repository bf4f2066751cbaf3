"""Scores of connections: by the formula, with the right one to blame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rooms.quality import GOOD, WITH_GAPS, Connection, Reason, Way, opinion, rating, score

CLEAN = Way(0.0, 0.002)


@pytest.mark.parametrize(
    ("round_trip", "up", "down", "expected"),
    [
        (0.0, Way(0.0, 0.0), Way(0.0, 0.0), (5.0, None)),
        (0.03, CLEAN, CLEAN, (5.0, None)),
        (0.1, CLEAN, CLEAN, (4.9, None)),
        (0.05, Way(0.05, 0.005), CLEAN, (4.4, None)),
        (0.05, Way(0.1, 0.005), CLEAN, (3.7, Reason.UPLINK)),
        (0.05, CLEAN, Way(0.2, 0.005), (2.8, Reason.DOWNLINK)),
        (0.05, Way(0.1, 0.005), Way(0.2, 0.005), (2.8, Reason.DOWNLINK)),
        (0.05, CLEAN, Way(0.0, 0.2), (3.0, Reason.DOWNLINK)),
        (0.4, CLEAN, CLEAN, (3.4, Reason.DELAY)),
        (0.4, CLEAN, Way(0.01, 0.005), (3.1, Reason.DELAY)),
        (3.0, CLEAN, CLEAN, (1.0, Reason.DELAY)),
        (0.05, Way(1.0, 0.0), CLEAN, (1.2, Reason.UPLINK)),
        (None, None, Way(0.2, 0.0), (2.9, Reason.DOWNLINK)),
        (0.03, None, None, (5.0, None)),
    ],
)
def test_the_score_and_who_is_to_blame(
    round_trip: float | None, up: Way | None, down: Way | None, expected: tuple[float, Reason | None]
) -> None:
    scored = score(Connection(round_trip, up, down))
    assert scored is not None
    assert (scored.value, scored.reason) == expected


def test_of_what_nothing_is_known_there_is_no_score() -> None:
    assert score(Connection(None, None, None)) is None


def test_a_picture_that_is_held_back_caps_the_score() -> None:
    scored = score(Connection(0.03, CLEAN, CLEAN), held_back=True)
    assert scored is not None
    assert (scored.value, scored.reason) == (WITH_GAPS, Reason.DOWNLINK)
    worse = score(Connection(0.03, Way(0.4, 0.0), CLEAN), held_back=True)
    assert worse is not None
    assert worse.value < WITH_GAPS
    assert worse.reason is Reason.UPLINK


def test_the_formula_gives_what_its_sources_give() -> None:
    """G.107 annex B: R of 50, 60, 70, 80, 90 is a MOS of 2.58, 3.10, 3.60, 4.03, 4.34."""
    for r, mos in ((50, 2.58), (60, 3.10), (70, 3.60), (80, 4.03), (90, 4.34)):
        assert 1 + (opinion(r) - 1) * 3.41 / 4 == pytest.approx(mos, abs=0.01)
    assert rating(0.0, Way(0.0, 0.0)) == 93.2
    assert rating(0.1, Way(0.0, 0.0)) == pytest.approx(93.2 - 2.4)
    assert rating(0.2, Way(0.0, 0.0)) == pytest.approx(93.2 - 4.8 - 0.11 * 22.7)
    assert rating(0.0, Way(0.251, 0.0)) == pytest.approx(93.2 - 47.5)


ways = st.none() | st.builds(Way, st.floats(0.0, 1.0), st.floats(0.0, 5.0))
connections = st.builds(Connection, st.none() | st.floats(0.0, 60.0), ways, ways)


@given(connections, st.booleans())
def test_every_score_is_from_one_to_five_with_a_reason_where_it_is_bad(connection: Connection, held: bool) -> None:
    scored = score(connection, held_back=held)
    if scored is not None:
        assert 1.0 <= scored.value <= 5.0
        assert (scored.reason is not None) == (scored.value < GOOD)
        if scored.reason is Reason.UPLINK:
            assert connection.up is not None


@given(st.floats(0.0, 2.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_loss_is_never_better(round_trip: float, one: float, other: float) -> None:
    less = score(Connection(round_trip, Way(min(one, other), 0.0), CLEAN))
    more = score(Connection(round_trip, Way(max(one, other), 0.0), CLEAN))
    assert less is not None
    assert more is not None
    assert more.value <= less.value
