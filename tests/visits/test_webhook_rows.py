"""Events in the database: stored with their step or not at all, taken in turn by visit, replayed in order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sfu.admission.records import Action
from sfu.errors import StoreUnavailable
from sfu.ids import VisitId
from sfu.visits import webhook_rows
from sfu.visits.outbox_schema import webhook_events
from sfu.visits.store import Store
from sfu.visits.webhook_rows import Due
from sfu.visits.webhooks import KEPT, Endpoint, Outcome
from tests.visits.sample import WALL, booked, entry, participant

ALL = frozenset({"visit.opened", "participant.waiting", "participant.admitted", "participant.left", "visit.ended"})
LATER = WALL + timedelta(hours=1)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    endpoints = (
        Endpoint(id="care", events=ALL, portals=frozenset()),
        Endpoint(id="ended", events=frozenset({"visit.ended"}), portals=frozenset({"cosmic"})),
    )
    store = await Store.open(url, busy_seconds=0.01, webhooks=endpoints)
    for visit in ("v_1", "v_2"):
        await store.create_visit(booked(visit), entry(Action.CREATED, visit))
    await store.create_visit(booked("v_3", portal="1177"), entry(Action.CREATED, "v_3"))
    yield store
    await store.close()


async def join(store: Store, visit: str, id_: str = "p_1") -> None:
    await store.write(
        entries=[entry(Action.JOINED, visit, subject=id_)], participants=[participant(id_, visit, ticket=None)]
    )


async def take(store: Store, endpoint: str = "care", busy: tuple[str, ...] = (), limit: int = 10) -> list[Due]:
    visits = [VisitId(visit) for visit in busy]
    return (await store.look(lambda c: webhook_rows.take(c, endpoint, LATER, limit, visits)))[0]


async def settle(store: Store, due: Due, outcome: Outcome = Outcome.DELIVERED) -> None:
    await store.change(lambda c: webhook_rows.settle(c, due.number, outcome, WALL))


async def drained(store: Store, endpoint: str = "care") -> list[tuple[str, str]]:
    """Everything that waits, in the order in which it is taken."""
    order = []
    while due := await take(store, endpoint):
        for each in due:
            order.append((str(each.visit), json.loads(each.body)["type"]))
            await settle(store, each)
    return order


async def test_a_step_is_stored_for_each_endpoint_that_hears_it(store: Store) -> None:
    told = 0

    def tell() -> None:
        nonlocal told
        told += 1

    store.told = tell
    await join(store, "v_1")
    await store.write(entries=[entry(Action.LOCKED, subject="p_1")])
    await store.write(entries=[entry(Action.ENDED, actor="portal:cosmic")])
    await store.write(entries=[entry(Action.ENDED, "v_3", actor="portal:1177")])
    assert told == 3
    assert await drained(store, "ended") == [("v_1", "visit.ended")]
    assert await drained(store) == [
        ("v_1", "visit.opened"),
        ("v_3", "visit.ended"),
        ("v_1", "participant.waiting"),
        ("v_1", "visit.ended"),
    ]


async def test_a_visit_is_opened_once(store: Store) -> None:
    for id_ in ("p_1", "p_2"):
        await join(store, "v_1", id_)
    assert [kind for _, kind in await drained(store)] == ["visit.opened", *["participant.waiting"] * 2]


async def test_a_step_that_fails_is_not_told(store: Store) -> None:
    with pytest.raises(StoreUnavailable):
        await store.write(
            entries=[entry(Action.JOINED, "v_1", subject="p_1")],
            participants=[participant("p_1", "v_1"), participant("p_2", "v_1", name=None)],
        )
    assert await take(store) == []


async def test_one_event_of_a_visit_at_a_time_and_the_oldest_first(store: Store) -> None:
    await join(store, "v_1")
    await join(store, "v_2")
    first = await take(store)
    assert [each.visit for each in first] == ["v_1", "v_2"]
    assert [json.loads(each.body)["type"] for each in first] == ["visit.opened"] * 2
    assert [each.visit for each in await take(store, busy=("v_1",))] == ["v_2"]
    assert [each.visit for each in await take(store, limit=1)] == ["v_1"]
    # What failed holds up its own visit, and no other.
    await store.change(lambda c: webhook_rows.postpone(c, first[0].number, LATER + timedelta(seconds=9)))
    due, next_due = await store.look(lambda c: webhook_rows.take(c, "care", LATER, 10, ()))
    assert [each.visit for each in due] == ["v_2"]
    assert next_due == LATER + timedelta(seconds=9)
    assert first[0].attempts == 0


async def test_what_was_given_up_lets_the_next_one_go(store: Store) -> None:
    await join(store, "v_1")
    await settle(store, (await take(store))[0], Outcome.FAILED)
    assert [json.loads(each.body)["type"] for each in await take(store)] == ["participant.waiting"]


async def test_a_replay_comes_in_the_old_order_under_the_old_ids(store: Store) -> None:
    await join(store, "v_1")
    await join(store, "v_2")
    first = await take(store)
    before = await drained(store)
    assert await store.change(lambda c: webhook_rows.replay(c, LATER, failed=True)) == 0
    assert await store.change(lambda c: webhook_rows.replay(c, LATER, endpoint="ended")) == 0
    assert await store.change(lambda c: webhook_rows.replay(c, LATER, since=LATER)) == 0
    assert await store.change(lambda c: webhook_rows.replay(c, LATER, visit=VisitId("v_1"))) == 2
    assert await store.change(lambda c: webhook_rows.replay(c, LATER)) == 2
    again = await take(store)
    assert [(each.message, each.body) for each in again] == [(each.message, each.body) for each in first]
    assert [each.at for each in again] == [LATER, LATER]
    assert await drained(store) == before


async def test_what_was_settled_long_ago_is_forgotten_and_what_waits_is_not(store: Store) -> None:
    await join(store, "v_1")
    await settle(store, (await take(store))[0])
    later = WALL + KEPT + timedelta(days=1)
    assert await store.change(lambda c: webhook_rows.forget(c, WALL + KEPT, ["care"])) == 0
    assert await store.change(lambda c: webhook_rows.forget(c, later, ["care"])) == 1
    assert await store.look(lambda c: webhook_rows.backlog(c, ["care"])) == 1
    assert await store.look(lambda c: webhook_rows.backlog(c, ["ended"])) == 0
    # Nobody comes for the events of an endpoint that was taken out of the configuration.
    assert await store.change(lambda c: webhook_rows.forget(c, WALL + KEPT, ["ended"])) == 0
    assert await store.change(lambda c: webhook_rows.forget(c, later, ["ended"])) == 1


async def test_events_go_with_their_visit(store: Store) -> None:
    await join(store, "v_1")
    await store.change(lambda c: c.exec_driver_sql("DELETE FROM visits WHERE visit = 'v_1'"))
    assert await store.look(lambda c: c.execute(webhook_events.select()).all()) == []
