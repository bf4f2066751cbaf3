"""A home whose store cannot be written: nobody is let in by it, nobody is kept in by it, and what was done is written when it can be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import pytest

from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.waiting_room import State
from sfu.errors import Refused, StoreUnavailable
from sfu.rooms.events import LinkRenewed
from sfu.rooms.requests import Admit, Allow, Deny, Hold, Lock, Remove
from sfu.visits import audit
from sfu.visits.store import Store
from sfu.visits.transaction import Unsure
from tests.app.crash_visit import VISIT, Script
from tests.databases import Database
from tests.visits.sample import UNIT, entry


class Stage:
    """A visit with a clinician who is in, a guardian who is in, and a patient and a guest who wait."""

    def __init__(self, store: Store, script: Script, database: Database) -> None:
        self.store = store
        self.script = script
        self._database = database
        self._held = ExitStack()

    def lose(self) -> None:
        self._held.enter_context(self._database.hold())

    def find(self) -> None:
        self._held.close()

    async def states(self) -> dict[str, State]:
        """Where everybody stands in the running room."""
        by_id = {each.participant: each.state for each in (await self.script.home()).room.participants}
        return {name: by_id[id_] for name, id_ in self.script.ids.items() if id_ in by_id}

    async def actions(self) -> list[str]:
        return [row.action for row in await self.store.log(VISIT)]


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    store = await Store.open(database.url, busy_seconds=0.01)
    script = Script(store)
    await script.steps()[0]()
    await script.ticket("eva", Role.CLINICIAN, (UNIT,))
    await script.ticket("maria", Role.GUARDIAN)
    await script.ask(Admit(script.ids["maria"]))
    await script.ticket("per", Role.PATIENT)
    await script.link("tolk")
    stage = Stage(store, script, database)
    yield stage
    stage.find()
    (await script.home()).close()
    await store.close()
    assert audit.verify(database.url).fault is None


async def test_nobody_is_let_in_unwritten(stage: Stage) -> None:
    before = await stage.states()
    assert before == {"eva": "admitted", "maria": "admitted", "per": "waiting", "tolk": "waiting"}
    logged = await stage.actions()
    stage.lose()
    for request in (Admit(stage.script.ids["per"]), Admit(stage.script.ids["tolk"], agreed=True)):
        with pytest.raises(StoreUnavailable):
            await stage.script.ask(request)
    with pytest.raises(StoreUnavailable):
        await stage.script.link("stranger")
    assert await stage.states() == before
    stage.find()
    assert await stage.actions() == logged
    # The refusals have left nothing behind: the same is possible now.
    await stage.script.ask(Admit(stage.script.ids["per"]))
    await stage.script.link("stranger")
    assert (await stage.states())["per"] is State.ADMITTED


async def test_what_takes_away_is_done_at_once_and_written_before_anybody_is_let_in(stage: Stage) -> None:
    ids = stage.script.ids
    logged = await stage.actions()
    stage.lose()
    await stage.script.ask(Hold(ids["maria"]))
    await stage.script.ask(Deny(ids["tolk"]))
    await stage.script.ask(Remove(ids["per"]))
    await stage.script.ask(Lock(True))
    assert await stage.states() == {"eva": "admitted", "maria": "waiting", "per": "removed", "tolk": "denied"}
    # Lifting any of it is letting in.
    for request in (Allow(ids["tolk"]), Lock(False), Admit(ids["maria"])):
        with pytest.raises(StoreUnavailable):
            await stage.script.ask(request)
    assert (await stage.script.home()).busy
    stage.find()
    await stage.script.ask(Admit(ids["maria"]))
    assert (await stage.actions())[len(logged) :] == ["held", "denied", "removed", "locked", "admitted"]
    assert not (await stage.script.home()).busy


async def test_what_could_not_be_written_is_written_though_nothing_happens_any_more(stage: Stage) -> None:
    stage.lose()
    await stage.script.ask(Remove(stage.script.ids["maria"]))
    stage.find()
    home = await stage.script.home()
    for _ in range(200):
        if home.busy:
            await asyncio.sleep(0.05)
    assert not home.busy
    assert (await stage.actions())[-1] == "removed"
    with pytest.raises(Refused):
        await stage.script.ask(Admit(stage.script.ids["maria"]))


def unanswered_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, written: bool, how: BaseException | None = None
) -> None:
    """The next step's commit is never answered: it has happened, or not."""
    write = stage.store.write

    async def unanswered(**step: Any) -> None:
        monkeypatch.setattr(stage.store, "write", write)
        if written:
            await write(**step)
        raise how or Unsure("lost at a commit")

    monkeypatch.setattr(stage.store, "write", unanswered)


@pytest.mark.parametrize("written", [True, False])
async def test_what_takes_away_and_may_have_been_written_is_logged_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    logged = len(await stage.actions())
    unanswered_once(stage, monkeypatch, written=written)
    await stage.script.ask(Remove(stage.script.ids["maria"]))
    await stage.script.ask(Remove(stage.script.ids["per"]))
    rows = (await stage.store.log(VISIT))[logged:]
    removed = [stage.script.ids[name] for name in ("maria", "per")]
    assert [(row.action, row.subject) for row in rows] == [("removed", id_) for id_ in removed]
    told = await stage.store.participants(VISIT)
    assert {each.participant for each in told if each.state is State.REMOVED} == set(removed)


@pytest.mark.parametrize("written", [True, False])
async def test_a_link_that_may_have_been_renewed_is_renewed(stage: Stage, written: bool) -> None:
    """In the room at once, in the store as soon as it can be; nothing has to ask again."""
    if written:
        await stage.store.renew_link(VISIT, entry(Action.LINK_RENEWED))
    logged = len(await stage.actions())
    stage.lose()
    home = await stage.script.home()
    await home.change(LinkRenewed(2, unsure=True))
    with pytest.raises(Refused, match="link_revoked"):
        await stage.script.link("stranger")
    stage.find()
    await home.flush()
    assert await stage.store.link_generation(VISIT) == 2
    rows = (await stage.store.log(VISIT))[logged:]
    assert [(row.action, row.actor, row.detail) for row in rows] == [("link_renewed", "server", "unsure")]


async def test_what_takes_away_is_logged_once_though_nobody_waited_for_its_writing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked was cancelled, as at the end of the process: what stood in the store's queue is written all the same."""
    logged = len(await stage.actions())
    unanswered_once(stage, monkeypatch, written=True, how=asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await stage.script.ask(Remove(stage.script.ids["maria"]))
    await (await stage.script.home()).flush()
    assert (await stage.actions())[logged:] == ["removed"]


async def test_a_link_that_was_renewed_meanwhile_is_not_taken_back(stage: Stage) -> None:
    """The room does not know of it yet, and writes about something else."""
    await stage.store.renew_link(VISIT, entry(Action.LINK_RENEWED))
    await stage.script.ask(Lock(True))
    assert await stage.store.link_generation(VISIT) == 2


@pytest.mark.parametrize("how", [Unsure("lost at a commit"), asyncio.CancelledError()], ids=["unanswered", "cancelled"])
@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("step", ["admit", "join", "staff", "allow", "unlock"])
async def test_what_may_have_been_written_is_set_back_before_anything_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, step: str, written: bool, how: BaseException
) -> None:
    """A commit whose answer was lost, or not waited for: in the room it has not happened, and then the store says so too."""
    script, ids = stage.script, stage.script.ids
    await script.ask(Deny(ids["tolk"]))
    if step == "unlock":
        await script.ask(Lock(True))
    before = await stage.states()
    steps = {
        "admit": lambda: script.ask(Admit(ids["per"])),
        "join": lambda: script.link("stranger"),
        "staff": lambda: script.ticket("bo", Role.CLINICIAN, (UNIT,)),
        "allow": lambda: script.ask(Allow(ids["tolk"])),
        "unlock": lambda: script.ask(Lock(False)),
    }
    logged = len(await stage.actions())
    with monkeypatch.context() as lost:
        write = stage.store.write

        async def unanswered(**step: Any) -> None:
            if written:
                await write(**step)
            raise how

        lost.setattr(stage.store, "write", unanswered)
        with pytest.raises(type(how)):
            await steps[step]()
        assert await stage.states() == before
    await (await script.home()).flush()
    room = await stage.store.load_room(VISIT)
    assert room is not None
    stored = {each.participant: each.state for each in room.participants}
    for name, state in (await stage.states()).items():
        assert stored[ids[name]] == state
    strangers = [state for id_, state in stored.items() if id_ not in ids.values()]
    assert set(strangers) <= {State.EXPIRED}
    assert room.visit.locked is (step == "unlock")
    rows = (await stage.store.log(VISIT))[logged:]
    back = {"admit": "held", "join": "expired", "staff": "expired", "allow": "denied", "unlock": "locked"}[step]
    assert [(row.action, row.actor, row.detail) for row in rows][-1:] == [(back, "server", "unsure")]
