"""A crowd at one visit's door does not stand before its staff."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest

from sfu import clock, tasks
from sfu.admission.links import link_key
from sfu.admission.records import Action
from sfu.admission.relays import Relays
from sfu.admission.roles import Role
from sfu.admission.tickets import TicketKeys
from sfu.admission.visit import VisitState
from sfu.app import restoring
from sfu.app.counters import Counters
from sfu.app.homes import KNOCKS_AT_ONCE, Homes
from sfu.app.media import Media
from sfu.errors import Refused
from sfu.rooms.events import LinkRenewed
from sfu.rooms.room import Limits
from sfu.signaling.messages import JoinByLink
from sfu.visits.store import Store
from sfu.web.channel import Channel
from tests.app.crash_visit import VISIT, Silent
from tests.databases import in_file
from tests.visits.sample import booked, entry

SECRET = bytes(range(32))


@pytest.fixture
async def store(tmp_path: Any) -> AsyncIterator[Store]:
    store = await Store.open(in_file(tmp_path / "evisit.db").url)
    now = clock.wall()
    today = booked(starts_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", ends_at=f"{now + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
    await store.create_visit(today, entry(Action.CREATED))
    yield store
    await store.close()


class Door:
    """A visit's door: who was answered in which order, over a store that writes when it is told to."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
        self.homes = Homes(
            store,
            cast(Media, Silent()),
            Counters(),
            limits,
            TicketKeys(()),
            SECRET,
            lambda visit, generation: "",
            0,
            cast(Relays, None),
        )
        self.answered: list[object] = []
        self.may_write = asyncio.Event()
        self.writes = 0
        self._write = store.write
        monkeypatch.setattr(store, "write", self._slow)

    async def _slow(self, **step: Any) -> None:
        self.writes += 1
        await self.may_write.wait()
        await self._write(**step)

    async def knock(self, number: int) -> None:
        join = JoinByLink(VISIT, link_key(SECRET, VISIT, 1), f"Guest {number}", Role.EXTERNAL)
        await self.homes.join(cast(Channel, Silent(number)), join, lambda fields: self.answered.append(number))


@pytest.fixture
async def door(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    door = Door(store, monkeypatch, Limits(lobby_capacity=20))
    await door.homes.participants(VISIT)  # read, so that all of them come to a visit that runs
    yield door
    door.may_write.set()
    await door.homes.stop()


async def test_few_knocks_wait_for_their_turn_and_the_rest_is_told_to_come_again(door: Door) -> None:
    waiting = [tasks.spawn(door.knock(number), name="knock") for number in range(KNOCKS_AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="rate_limited"):
        await door.knock(99)
    door.may_write.set()
    await asyncio.gather(*waiting)
    assert door.answered == list(range(KNOCKS_AT_ONCE))
    await door.knock(100)
    assert door.answered[-1] == 100


async def test_what_is_asked_within_the_visit_goes_before_all_who_knock(door: Door) -> None:
    waiting = [tasks.spawn(door.knock(number), name="knock") for number in range(5)]
    await asyncio.sleep(0)
    home = door.homes.live()[0]
    changed = tasks.spawn(home.change(LinkRenewed(1)), name="change")
    changed.add_done_callback(lambda _: door.answered.append("change"))
    await asyncio.sleep(0)
    door.may_write.set()
    await asyncio.gather(changed, *waiting)
    assert door.answered == [0, "change", 1, 2, 3, 4]


async def test_while_draining_a_visit_can_be_ended_and_nobody_joins_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(store, monkeypatch, Limits())
    door.may_write.set()
    door.homes.drain()
    with pytest.raises(Refused, match="draining"):
        await door.knock(1)
    await door.homes.close(VISIT, VisitState.CANCELLED, "portal:cosmic")
    assert door.homes.live()[0].room.visit.closed is VisitState.CANCELLED
    await door.homes.stop()


async def test_a_portal_ends_a_visit_while_strangers_have_others_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "MAX_READINGS", 0)
    door = Door(store, monkeypatch, Limits())
    door.may_write.set()
    with pytest.raises(Refused, match="rate_limited"):
        await door.knock(1)
    await door.homes.close(VISIT, VisitState.ENDED, "portal:cosmic")
    assert door.homes.live()[0].room.visit.closed is VisitState.ENDED
    await door.homes.stop()


async def test_a_knock_that_is_refused_waits_for_nobody_and_writes_nothing(door: Door) -> None:
    door.may_write.set()
    for number in range(20):
        await door.knock(number)
    with pytest.raises(Refused, match="full"):
        await door.knock(20)
    assert door.writes == 20
    door.may_write.clear()
    close = tasks.spawn(door.homes.close(VISIT, VisitState.ENDED, "portal:test"), name="close")
    await asyncio.sleep(0)
    assert door.writes == 21
    with pytest.raises(Refused, match="visit_ended"):
        await door.knock(21)
    assert door.writes == 21
    assert not close.done()
    door.may_write.set()
    await close
