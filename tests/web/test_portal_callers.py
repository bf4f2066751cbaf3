"""Who may call the portal API for what; everybody else learns nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.visits.sample import body
from tests.web.portal_stage import CLINICIAN, EVERYTHING, PATIENT, WALL, Stage, staged

CALLS = [
    ("GET", "", None),
    ("PATCH", "", {"title": "Nybesök"}),
    ("DELETE", "", None),
    ("POST", "/end", None),
    ("GET", "/participants", None),
    ("GET", "/audit", None),
    ("POST", "/tickets", CLINICIAN),
    ("POST", "/tickets", PATIENT),
    ("DELETE", "/tickets/k_1", None),
    ("GET", "/link", None),
    ("POST", "/link", None),
]
"""Every call that names a visit."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
        yield stage
        assert stage.bugs == []


# Callers


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer key-cosmic x",
        "Basic key-cosmic",
        "key-cosmic",
        "Bearer " + "x" * 129,
        "Bearer å",
    ],
)
async def test_without_a_key_of_ours_every_call_is_one_and_the_same_401(
    stage: Stage, authorization: str | None
) -> None:
    visit = await stage.book(body())
    headers = {} if authorization is None else {"Authorization": authorization}
    answers = [
        await stage.call(method, f"/visits/{visit}{path}", sent, portal=None, headers=headers)
        for method, path, sent in CALLS
    ]
    answers.append(await stage.call("POST", "/visits", b"nonsense", portal=None, headers=headers))
    assert {(answer.status, answer.raw) for answer in answers} == {(401, answers[0].raw)}
    assert answers[0].code == "unauthorized"
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="evisit"'


async def test_two_keys_at_once_are_none(stage: Stage) -> None:
    keys = [("Authorization", "Bearer key-cosmic"), ("Authorization", "Bearer key-1177")]
    async with stage.http.get("/api/v1/visits/v_1", headers=keys) as response:
        assert response.status == 401


NEEDS: dict[tuple[str, str, str | None], set[str]] = {
    ("POST", "", None): {"visits:write"},
    ("GET", "?unit=x", None): {"visits:read"},
    ("GET", "/v", None): {"visits:read"},
    ("PATCH", "/v", None): {"visits:write"},
    ("DELETE", "/v", None): {"visits:write"},
    ("POST", "/v/end", None): {"visits:write"},
    ("GET", "/v/participants", None): {"visits:read"},
    ("GET", "/v/audit", None): {"audit:read"},
    ("POST", "/v/tickets", "clinician"): {"tickets:staff"},
    ("POST", "/v/tickets", "patient"): {"tickets:citizen"},
    ("POST", "/v/tickets", "interpreter"): {"tickets:citizen"},
    ("DELETE", "/v/tickets/k_1", None): {"tickets:staff", "tickets:citizen"},
    ("GET", "/v/link", None): {"visits:read"},
    ("POST", "/v/link", None): {"visits:write"},
}


@pytest.mark.parametrize("call", NEEDS, ids=str)
async def test_each_call_needs_its_scope(stage: Stage, call: tuple[str, str, str | None]) -> None:
    method, path, role = call
    sent = {"person": "x", "role": role, "name": "x"} if role else None
    for scope in EVERYTHING:
        answer = await stage.call(method, "/visits" + path, sent, portal=scope.replace(":", "-"))
        assert (answer.status == 403) is (scope not in NEEDS[call]), scope


@pytest.mark.parametrize("role", ["clinician", "patient"])
async def test_a_ticket_is_revoked_by_whom_could_have_minted_it(stage: Stage, role: str) -> None:
    wanted = CLINICIAN if role == "clinician" else PATIENT
    visit = await stage.book(body())
    id_ = (await stage.call("POST", f"/visits/{visit}/tickets", wanted)).json["id"]
    with closing(sqlite3.connect(stage.file)) as database:
        database.execute("UPDATE visits SET portal = 'tickets-citizen'")
        database.commit()
    answer = await stage.call("DELETE", f"/visits/{visit}/tickets/{id_}", portal="tickets-citizen")
    assert answer.status == (403 if role == "clinician" else 204)


@pytest.mark.parametrize(("method", "path", "sent"), CALLS)
async def test_unknown_foreign_and_malformed_visits_are_one_and_the_same_404(
    stage: Stage, method: str, path: str, sent: object
) -> None:
    visit = await stage.book(body())
    names = ["v_none", visit, "v_", "V_1", "1", "v_%00", "%ff", "v_" + "0" * 99, "..%2fx", "v_1%20or%201=1"]
    answers = [await stage.call(method, f"/visits/{name}{path}", sent, portal="stranger") for name in names]
    assert {(answer.status, answer.raw) for answer in answers} == {(404, answers[0].raw)}
    different = {tuple(sorted((k, v) for k, v in answer.headers.items() if k != "Date")) for answer in answers}
    assert len(different) == 1
    assert answers[0].code == "not_found"
    assert await stage.actions(visit) == ["created"]
    assert stage.live.told == []


async def test_a_portal_sees_what_a_portal_made_that_it_names_and_not_the_other_way_round(stage: Stage) -> None:
    of_cosmic, of_1177 = await stage.book(body()), await stage.book(body(), portal="1177")
    assert (await stage.call("GET", f"/visits/{of_cosmic}", portal="1177")).status == 200
    assert (await stage.call("GET", f"/visits/{of_1177}", portal="cosmic")).status == 404
    minted = await stage.call("POST", f"/visits/{of_cosmic}/tickets", PATIENT, portal="1177")
    assert stage.verifier.verify(minted.json["ticket"], WALL).issuer == "1177"
