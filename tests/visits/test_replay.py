"""`webhooks replay` from outside the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfu.admission.records import Action
from sfu.errors import StoreUnavailable
from sfu.visits import webhook_rows
from sfu.visits.replay import replay
from sfu.visits.store import Store
from sfu.visits.webhooks import Endpoint, Outcome
from tests.visits.sample import WALL, booked, entry


async def test_what_was_settled_waits_again(url: str) -> None:
    store = await Store.open(
        url, webhooks=[Endpoint(id="care", events=frozenset({"visit.ended"}), portals=frozenset())]
    )
    await store.create_visit(booked(), entry(Action.CREATED))
    await store.write(entries=[entry(Action.ENDED)])
    assert replay(url, WALL) == 0
    (due,), _ = await store.look(lambda c: webhook_rows.take(c, "care", WALL, 9, ()))
    await store.change(lambda c: webhook_rows.settle(c, due.number, Outcome.DELIVERED, WALL))
    assert replay(url, WALL, failed=True) == 0
    assert replay(url, WALL, endpoint="care") == 1
    (again,), _ = await store.look(lambda c: webhook_rows.take(c, "care", WALL, 9, ()))
    assert (again.message, again.attempts) == (due.message, 0)
    await store.close()


def test_without_a_database_nothing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "evisit.db"
    with pytest.raises(StoreUnavailable, match="no webhook events"):
        replay(f"sqlite:///{file}", WALL)
    assert not file.exists()
