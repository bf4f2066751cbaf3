"""What every test shares: deterministic hypothesis profiles, a log that may hold nothing private, and databases."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sfu.log import PRIVATE
from tests.databases import KINDS, Database, in_file, on_server
from tests.postgresql import Cluster
from tests.workers import Scheduler, needs_a_browser

settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with browsers first: they take longest, and one worker alone runs them."""
    items.sort(key=lambda item: not needs_a_browser(item.nodeid.partition("::")[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    config.option.loadscopereorder = False
    return Scheduler(config, log)


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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server, started with the first test that asks for it."""
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.remove()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield in_file(tmp_path / "data" / "evisit.db")
    else:
        with on_server(request.getfixturevalue("cluster")) as database:
            yield database
