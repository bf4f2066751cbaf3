"""What every test shares: deterministic hypothesis profiles, a log that may hold nothing private, and databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from sfu import log
from tests import one_way_in
from tests.databases import KINDS, Database, in_file, on_server
from tests.postgresql import Cluster
from tests.watched_log import Watch
from tests.workers import Scheduler, place

settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order in which two workers end together."""
    items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    config.option.loadscopereorder = False
    return Scheduler(config, log)


@pytest.fixture(autouse=True)
def nothing_private_is_logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Fails the test in which our own code logged what identifies somebody, at whatever level."""
    watch = Watch(log.redact)
    # By its name, so that it stands in every chain that is set up while the test runs, a server's own too.
    monkeypatch.setattr(log, "redact", watch)
    log.send_through_logging()
    yield watch
    structlog.reset_defaults()
    watch.check()


@pytest.fixture(autouse=True)
def nobody_is_admitted_another_way(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, ...]]]:
    """Fails the test in which the server admitted somebody other than by the ways that are known."""
    others = one_way_in.watched(monkeypatch)
    yield others
    assert not others


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
