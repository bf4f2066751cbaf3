"""Whoever shows what is wrong learns nothing of which visits there are: one answer, after the same work."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event

from sfu.admission.links import link_key
from sfu.admission.records import Action, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.app import proofs as proofs_module
from sfu.app.proofs import Proofs
from sfu.errors import Refused, StoreUnavailable
from sfu.ids import VisitId
from sfu.visits.store import Store
from tests.app.crash_visit import VISIT, Script
from tests.databases import Database
from tests.visits.sample import UNIT, booked, entry, participant

SECRET = bytes(range(32))
KNOWN, ENDED, UNKNOWN = VisitId("v_known"), VisitId("v_ended"), VisitId("v_unknown")
VISITS = {"runs": VISIT, "is known": KNOWN, "is over": ENDED, "never was": UNKNOWN}


class Stage:
    """Proofs over a real store: one visit runs, one is known, one is over."""

    def __init__(self, store: Store, proofs: Proofs, token: str) -> None:
        self.store = store
        self.proofs = proofs
        self.token = token
        """A resume token that is good in the visit that runs."""
        self.statements = 0
        event.listen(store._read_engine, "after_cursor_execute", self._executed)

    def _executed(self, connection: object, cursor: object, statement: str, *_: object) -> None:
        self.statements += statement.startswith("SELECT visits.") or statement.startswith("SELECT participants.")


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    store = await Store.open(database.url, busy_seconds=0.01)
    script = Script(store)
    await script.steps()[0]()
    await script.ticket("eva", Role.CLINICIAN, (UNIT,))
    told: dict[str, object] = {}
    for visit in (KNOWN, ENDED):
        await store.create_visit(booked(visit), entry(Action.CREATED, visit))
        await store.write(participants=[participant("p_1", visit)])
    await store.write(visit=VisitRecord(visit=ENDED, locked=False, closed=VisitState.ENDED, turned_away=()))
    home = await script.home()
    # `Script` counts its tokens: the first is the participant's, the second the secret's.
    told["token"] = f"{VISIT}.{script.ids['eva']}.{2:032x}"
    yield Stage(store, Proofs(store, {VISIT: home}, SECRET), str(told["token"]))
    home.close()
    await store.close()


async def refused(stage: Stage, monkeypatch: pytest.MonkeyPatch, show: Callable[[], Awaitable[object]]) -> Any:
    """The answer to something wrong, and the work that it took."""
    work = {"digests": 0, "comparisons": 0}
    with monkeypatch.context() as counted:
        for name, kind in (("digest", "digests"), ("compare_digest", "comparisons")):
            original = getattr(hmac, name)

            def count(*arguments: Any, original: Any = original, kind: str = kind) -> Any:
                work[kind] += 1
                return original(*arguments)

            counted.setattr(hmac, name, count)
        stage.statements = 0
        with pytest.raises(Refused) as caught:
            await show()
    return caught.value.code, caught.value.message, caught.value.details, stage.statements, work


async def test_a_wrong_key_is_answered_after_the_same_work_wherever_it_was_shown(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [link_key(SECRET, VisitId("v_other"), 1), link_key(SECRET, KNOWN, 2), "x", "å" * 43, "\ud800"]
    answers = {
        name: [await refused(stage, monkeypatch, lambda v=visit, k=key: stage.proofs.link(v, k)) for key in keys]  # type: ignore[misc]  # defaults bind
        for name, visit in VISITS.items()
    }
    for odd in map(VisitId, ("\0", "v_\0", "v_" + "a" * 65, "V_KNOWN", "'", "\ud800")):
        # PostgreSQL refuses some of these by an error: no stranger may have the database counted as lost.
        answers[odd] = [await refused(stage, monkeypatch, lambda v=odd: stage.proofs.link(v, keys[0]))]  # type: ignore[misc]  # defaults bind
        assert stage.store.available
    # The key that is right, of a visit that never was.
    right = link_key(SECRET, UNKNOWN, 1)
    answers["right"] = [await refused(stage, monkeypatch, lambda: stage.proofs.link(UNKNOWN, right))] * len(keys)
    first = answers["never was"][0]
    assert first[0] == "visit_unknown"
    assert first[3] == 1
    assert first[4] == {"digests": 17, "comparisons": 17}
    assert all(answer == first for each in answers.values() for answer in each), answers


async def test_a_wrong_resume_token_is_answered_after_the_same_work_whatever_it_names(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = stage.token.rpartition(".")[0]
    tokens = [
        *(f"{visit}.{who}.{'0' * 32}" for visit in VISITS.values() for who in ("p_1", "p_nobody")),
        *(
            f"{runs}.{'0' * 32}",
            stage.token + "0",
            stage.token[:-1],
            "nothing like a token",
            "",
            "\ud800",
            "v_.p_.",
            "v_1",
        ),
    ]
    answers = [await refused(stage, monkeypatch, lambda t=token: stage.proofs.resume(t)) for token in tokens]  # type: ignore[misc]
    assert answers[0][0] == "ticket_invalid"
    assert answers[0][3:] == (1, {"digests": 0, "comparisons": 1})
    assert all(answer == answers[0] for answer in answers), dict(zip(tokens, answers, strict=True))


async def test_what_is_right_opens_its_visit(stage: Stage) -> None:
    assert await stage.proofs.link(KNOWN, link_key(SECRET, KNOWN, 1)) == 1
    assert stage.statements == 1
    stage.statements = 0
    assert await stage.proofs.link(VISIT, link_key(SECRET, VISIT, 1)) == 1
    assert (await stage.proofs.resume(stage.token))[0] == VISIT
    assert stage.statements == 0


async def test_what_is_right_of_a_visit_that_runs_needs_no_store(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object) -> None:
        raise StoreUnavailable("lost")

    monkeypatch.setattr(stage.store, "link_generation", lost)
    monkeypatch.setattr(stage.store, "resume_digest", lost)
    assert await stage.proofs.link(VISIT, link_key(SECRET, VISIT, 1)) == 1
    assert (await stage.proofs.resume(stage.token))[0] == VISIT
    for visit in (VISIT, KNOWN, UNKNOWN):
        with pytest.raises(StoreUnavailable):
            await stage.proofs.link(visit, "x")
        with pytest.raises(StoreUnavailable):
            await stage.proofs.resume(f"{visit}.p_1.0")


async def test_guesses_beyond_a_bound_are_not_looked_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs_module, "MAX_READINGS", 0)
    for visit in VISITS.values():
        with pytest.raises(Refused, match="rate_limited"):
            await stage.proofs.link(visit, "x")
    assert stage.statements == 0
