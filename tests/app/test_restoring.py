"""After a restart: whoever does not come back in time is out, by the clock of the start, whether anybody else comes or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from sfu import clock, tasks
from sfu.admission.records import Action
from sfu.admission.relays import Relays
from sfu.admission.roles import Role
from sfu.admission.tickets import TicketKeys
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.app import restoring
from sfu.app.counters import Counters
from sfu.app.homes import Homes
from sfu.app.media import Media
from sfu.errors import Refused, StoreUnavailable
from sfu.rooms.events import TimeHasCome, VisitClosed
from sfu.rooms.requests import Admit
from sfu.rooms.room import Limits
from sfu.signaling.messages import JoinByResume
from sfu.visits.store import Store
from sfu.web.channel import Channel
from tests.app.crash_visit import VISIT, Script, Silent
from tests.databases import in_file
from tests.visits.sample import UNIT

SECRET = bytes(range(32))


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return in_file(tmp_path / "evisit.db").url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = await Store.open(database_url)
    yield store
    await store.close()


@pytest.fixture
async def killed(store: Store) -> Script:
    """A visit with a clinician and a guest who are in, and a patient who waits; its process is no more."""
    script = Script(store)
    await script.steps()[0]()
    await script.ticket("eva", Role.CLINICIAN, (UNIT,))
    await script.ticket("per", Role.PATIENT)
    await script.link("tolk")
    await script.ask(Admit(script.ids["tolk"], agreed=True))
    (await script.home()).close()
    return script


def process(store: Store, resume_seconds: float) -> Homes:
    limits = Limits(resume_seconds=resume_seconds)
    media, keys, relays = cast(Media, Silent()), TicketKeys(()), cast(Relays, None)
    return Homes(store, media, Counters(), limits, keys, SECRET, lambda visit, generation: "", 0, relays)


@pytest.fixture
async def start(store: Store) -> AsyncIterator[Callable[[float], Homes]]:
    """Starts another process on the store, with this `resume_seconds`."""
    started: list[Homes] = []

    def start(resume_seconds: float) -> Homes:
        homes = process(store, resume_seconds)
        started.append(homes)
        homes.start()
        return homes

    yield start
    for homes in started:
        await homes.stop()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(6_000):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never was so")


async def expired(store: Store) -> list[str | None]:
    return [row.subject for row in await store.log(VISIT) if row.action == Action.EXPIRED]


async def test_who_does_not_come_back_expires_with_nobody_coming(
    killed: Script, store: Store, start: Callable[[float], Homes]
) -> None:
    start(0.05)

    async def all_are_out() -> bool:
        return len(await expired(store)) == 3

    await until(all_are_out)
    assert set(await expired(store)) == set(killed.ids.values())
    assert {each.state for each in await store.participants(VISIT)} == {State.EXPIRED}


async def test_the_time_to_come_back_counts_from_the_start_whenever_the_room_is_read(
    killed: Script, store: Store, start: Callable[[float], Homes], monkeypatch: pytest.MonkeyPatch
) -> None:
    listing, may_list = asyncio.Event(), asyncio.Event()
    listed = store.unended

    async def later() -> Any:
        listing.set()
        await may_list.wait()
        return await listed()

    monkeypatch.setattr(store, "unended", later)
    homes = start(120.0)
    await asyncio.wait_for(listing.wait(), 60)
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now + 6_000.0)
    guest = killed.ids["tolk"]
    with pytest.raises(Refused, match="ticket_expired"):
        await homes.join(cast(Channel, Silent(7)), JoinByResume(killed.resume[guest]), lambda fields: None)
    may_list.set()


async def test_a_database_that_is_lost_at_the_start_is_waited_for(
    killed: Script, store: Store, start: Callable[[float], Homes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "RETRY_SECONDS", 0.01)
    failures: list[str] = []
    monkeypatch.setattr(tasks, "_report", lambda task, error: failures.append(task))
    for name in ("unended", "load_room"):
        real, calls = getattr(store, name), iter([True, True, False])

        async def lost(*arguments: Any, real: Any = real, calls: Any = calls) -> Any:
            if next(calls, False):
                raise StoreUnavailable
            return await real(*arguments)

        monkeypatch.setattr(store, name, lost)
    homes = start(120.0)

    async def is_read() -> bool:
        return len(homes.live()) == 1

    await until(is_read)
    assert len(homes.live()[0].room.participants) == 3
    assert failures == [], "a lost database is no fault of the server's"


async def test_while_another_server_has_the_database_no_room_is_read_and_the_time_does_not_run(
    killed: Script, store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "RETRY_SECONDS", 0.01)
    await store.probe()
    other = await Store.open(database_url)
    homes = process(other, 120.0)
    homes.start()
    with pytest.raises(StoreUnavailable):
        await homes.participants(VISIT)
    assert homes.live() == []
    ended = clock.monotonic()
    await store.close()

    async def is_read() -> bool:
        return len(homes.live()) == 1

    await until(is_read)
    lost_at = [each.lost_at for each in homes.live()[0].room.participants]
    assert all(at is not None and at >= ended for at in lost_at)
    await homes.stop()
    await other.close()


async def test_what_is_over_is_not_read_at_the_start(killed: Script, store: Store) -> None:
    assert await store.unended() == [VISIT]
    await (await killed.home()).change(VisitClosed(VisitState.ENDED, "portal:cosmic"))
    assert await store.unended() == []


async def test_a_lost_database_is_told_to_whoever_asks_and_counts_as_no_bug(
    killed: Script, store: Store, start: Callable[[float], Homes], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[str] = []
    monkeypatch.setattr(tasks, "_report", lambda task, error: failures.append(task))

    async def lost(*arguments: Any) -> Any:
        raise StoreUnavailable

    for name in ("unended", "load_room"):
        monkeypatch.setattr(store, name, lost)
    homes = start(120.0)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await homes.participants(VISIT)
    await asyncio.sleep(0)
    assert failures == []


async def ends(store: Store) -> int:
    return [row.action for row in await store.log(VISIT)].count(Action.ENDED)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_visit_that_all_have_left_ends_when_its_window_closes(
    killed: Script, store: Store, start: Callable[[float], Homes], monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    """And its portal hears of it, though the room has been empty for long, or was emptied by a process that is no more."""
    homes = start(0.05)

    async def all_are_out() -> bool:
        return len(await expired(store)) == 3

    await until(all_are_out)
    if restarted:
        await homes.stop()
    hours = 3600.0 * 30
    now, wall = clock.monotonic(), clock.wall()
    monkeypatch.setattr(clock, "monotonic", lambda: now + hours)
    monkeypatch.setattr(clock, "wall", lambda: wall + timedelta(seconds=hours))
    assert await ends(store) == 0
    if restarted:
        homes = start(0.05)
    else:
        homes._sweep()
        (home,) = homes._homes.values()
        await home.tell(TimeHasCome())

    async def it_is_over() -> bool:
        # What is in the log is not yet known to be there by who wrote it.
        return await ends(store) == 1 and not any(home.busy for home in homes.live())

    await until(it_is_over)
    monkeypatch.setattr(clock, "monotonic", lambda: now + 2 * hours)
    homes._sweep()
    assert not homes._homes, "now it may be forgotten"
