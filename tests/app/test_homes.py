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
from sfu.app.counters import Counters
from sfu.app.homes import KNOCKS_AT_ONCE, Homes
from sfu.app.media import Media
from sfu.errors import Refused
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


async def test_few_knocks_wait_for_their_turn_and_the_rest_is_told_to_come_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = Homes(
        store,
        cast(Media, Silent()),
        Counters(),
        Limits(),
        TicketKeys(()),
        SECRET,
        lambda visit, generation: "",
        0,
        cast(Relays, None),
    )
    key = link_key(SECRET, VISIT, 1)
    answered: list[int] = []
    written, write = asyncio.Event(), store.write

    async def slow(**step: Any) -> None:
        await written.wait()
        await write(**step)

    monkeypatch.setattr(store, "write", slow)

    async def knock(number: int) -> None:
        join = JoinByLink(VISIT, key, f"Guest {number}", Role.EXTERNAL)
        await homes.join(cast(Channel, Silent(number)), join, lambda fields: answered.append(number))

    await homes.participants(VISIT)  # read, so that all of them come to a visit that runs
    waiting = [tasks.spawn(knock(number), name="knock") for number in range(KNOCKS_AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="rate_limited"):
        await knock(99)
    written.set()
    await asyncio.gather(*waiting)
    assert answered == list(range(KNOCKS_AT_ONCE))
    await knock(100)
    assert answered[-1] == 100
    await homes.stop()
