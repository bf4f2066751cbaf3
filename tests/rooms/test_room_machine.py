"""The rules of a visit as properties, over random visits on the real room: the lobby cannot be bypassed."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.rooms.machine import Visits
from tests.rooms.walk import walk

TestVisits = Visits.TestCase
TestVisits.settings = settings(max_examples=60, stateful_step_count=50)


@pytest.mark.parametrize("seed", range(1000, 1010))
def test_the_rules_hold_over_long_random_visits(seed: int) -> None:
    visits = walk(seed, 400)
    assert len(visits.stage.store.log) > 20
