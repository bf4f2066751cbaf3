"""What every test shares: deterministic hypothesis profiles, and a log that may hold nothing private."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from sfu.log import PRIVATE

settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class _Watch(logging.Handler):
    """Keeps every line of our own that an address, a token, a personal number or SDP stands in, at every level."""

    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.msg} {record.args}"
        if PRIVATE.search(line):
            self.found.append(f"{record.name}: {line}")


@pytest.fixture(autouse=True)
def nothing_private_is_logged() -> Iterator[None]:
    """Fails the test in which our own code logged what identifies somebody."""
    watch = _Watch()
    ours = logging.getLogger("sfu")
    before = ours.level
    ours.setLevel(logging.DEBUG)
    ours.addHandler(watch)
    yield
    ours.removeHandler(watch)
    ours.setLevel(before)
    assert not watch.found
