"""kill -9 at every commit of a visit: each step is there whole or not at all, and nobody is in by accident."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from sfu.admission.waiting_room import State
from sfu.rooms.room import Limits, Room
from sfu.visits import audit
from sfu.visits.store import Store
from tests.app.crash_visit import VISIT, state
from tests.databases import KINDS, template
from tests.postgresql import Cluster

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(300)  # some forty processes, one after the other


@pytest.fixture(scope="module", params=KINDS)
def crashed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("crashes")
    run = [sys.executable, "-m", "tests.app.crash_visit", str(folder)]
    cluster: Cluster | None = None
    if request.param == "postgresql":
        cluster = request.getfixturevalue("cluster")
        run += [str(cluster.folder), template(cluster)]
    subprocess.run(run, cwd=ROOT, check=True, timeout=280, capture_output=True)
    yield folder
    if cluster is not None:
        for each in folder.glob("*/url"):
            cluster.drop(str(make_url(each.read_text()).database))


def runs(crashed: Path) -> list[Path]:
    return sorted(crashed.glob("*-*"))


def as_json(tree: object) -> Any:
    return json.loads(json.dumps(tree))


async def test_at_every_commit_the_store_is_as_before_the_step_or_after_it(crashed: Path) -> None:
    states = json.loads((crashed / "states").read_text())
    assert len(runs(crashed)) == 2 * (len(states) - 2)  # one step of them writes nothing
    for run in runs(crashed):
        answered = len((run / "told").read_text().split())
        url = (run / "url").read_text()
        store = await Store.open(url)
        found = as_json(await state(store))
        await store.close()
        step = 0 if run.name.startswith("before-") else 1
        assert found == states[answered + step], run.name
        assert audit.verify(url).fault is None


async def test_after_every_crash_whoever_is_in_was_let_in_by_the_log_and_an_unsure_admission_waits(
    crashed: Path,
) -> None:
    let_in = 0
    for run in runs(crashed):
        store = await Store.open((run / "url").read_text())
        stored, rows = await store.load_room(VISIT), await store.log(VISIT)
        await store.close()
        if stored is None:
            continue
        tokens = count(1)
        room = Room.restored(
            stored.visit,
            Limits(),
            lambda tokens=tokens: str(next(tokens)),  # type: ignore[misc]  # the default binds it
            stored.participants,
            stored.record,
            stored.tickets_used,
            stored.tickets_revoked,
            now=0.0,
        )
        last = {row.subject: row.action for row in rows if row.subject}
        for each in room.participants:
            assert not each.connected
            assert each.media is None
            if each.state is State.ADMITTED:
                assert last[each.participant] == "admitted", run.name
                let_in += 1
            elif each.state is State.WAITING:
                assert last[each.participant] in ("joined", "held"), run.name
    assert let_in > 0
