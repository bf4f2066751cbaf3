"""The portal API: what each call does, for whom, and that nothing else happens."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfu.admission.links import generation_of
from sfu.admission.records import VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.ids import VisitId
from sfu.visits import audit
from sfu.visits.transaction import Unsure
from sfu.web import portal_routes
from sfu.web.portal import Present
from sfu.web.portal_routes import MAX_BODY_BYTES
from tests.visits.sample import body, participant
from tests.web.portal_stage import EVERYTHING, WALL, Stage, staged

PATIENT = {"person": "1177:7f3", "role": "patient"}
CLINICIAN = {"person": "hsa:SE-A1", "role": "clinician", "units": ["SE2321000016-1HZ3"]}
GUARDIAN = {"person": "1177:a01", "role": "guardian", "name": "Maria P"}

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


# Visits


async def test_a_visit_is_booked_and_read(stage: Stage) -> None:
    made = await stage.call("POST", "/visits", body())
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/visits/{made.json['visit']}"
    assert made.headers["Cache-Control"] == "no-store"
    assert made.json == {
        **body(),
        "visit": made.json["visit"],
        "patient": {"person": "1177:7f3", "name": "Per P"},
        "state": "open",
        "opens_at": "2026-11-23T08:30:00Z",
        "closes_at": "2026-11-23T11:30:00Z",
    }
    assert (await stage.call("GET", f"/visits/{made.json['visit']}")).json == made.json
    assert await stage.actions(made.json["visit"]) == ["created"]


async def test_a_birth_date_is_nowhere_in_the_database(stage: Stage) -> None:
    await stage.book(body())
    with closing(sqlite3.connect(stage.file)) as database:
        assert "2018-03-02" not in "\n".join(database.iterdump())


@pytest.mark.parametrize(
    ("hours", "busy", "closed", "state"),
    [
        (-1, False, None, "booked"),
        (0, False, None, "open"),
        (0, True, None, "active"),
        (2.7, False, None, "open"),
        (2.8, False, None, "ended"),
        (0, True, VisitState.ENDED, "ended"),
        (0, False, VisitState.CANCELLED, "cancelled"),
    ],
)
async def test_a_visit_tells_how_far_it_has_come(
    stage: Stage, hours: float, busy: bool, closed: VisitState | None, state: str
) -> None:
    visit = await stage.book(body())
    await stage.store.write(visit=VisitRecord(visit=VisitId(visit), locked=False, closed=closed))
    stage.live.busy = busy
    stage.later(hours=hours)
    assert (await stage.call("GET", f"/visits/{visit}")).json["state"] == state


async def test_a_patient_of_13_comes_without_guardians(stage: Stage) -> None:
    of_age = {"person": "1177:7f3", "name": "Per P", "birth_date": "2013-11-23"}
    refused = await stage.call("POST", "/visits", body(patient=of_age))
    assert (refused.status, refused.code) == (422, "guardian_age")
    assert await stage.book(body(patient=of_age, guardians=[]))


async def test_a_bad_body_is_told_where_and_nothing_of_what_it_held(stage: Stage) -> None:
    bad = body(patient={"person": "1177:811218-9876", "name": "Per P"}, guardians=[], canary="canary")
    refused = await stage.call("POST", "/visits", bad)
    assert (refused.status, refused.code) == (422, "invalid")
    assert refused.json["errors"] == [
        {"pointer": "/patient/person", "message": "must not be a personal identity number"},
        {"pointer": "", "message": "holds a field that is not known here"},
    ]
    assert b"811218" not in refused.raw
    assert b"canary" not in refused.raw


async def test_ending_and_cancelling_tell_the_live_side(stage: Stage) -> None:
    first, second = await stage.book(body()), await stage.book(body())
    ended = await stage.call("POST", f"/visits/{first}/end")
    cancelled = await stage.call("DELETE", f"/visits/{second}")
    assert (ended.status, ended.json["state"]) == (200, "ended")
    assert (cancelled.status, cancelled.raw) == (204, b"")
    assert stage.live.told == [
        ("close", first, VisitState.ENDED, "portal:cosmic"),
        ("close", second, VisitState.CANCELLED, "portal:cosmic"),
    ]


@pytest.mark.parametrize("closed", [VisitState.ENDED, VisitState.CANCELLED])
async def test_a_closed_visit_stays_as_it_was_closed(stage: Stage, closed: VisitState) -> None:
    visit = await stage.book(body())
    await stage.store.write(visit=VisitRecord(visit=VisitId(visit), locked=False, closed=closed))
    end, cancel = await stage.call("POST", f"/visits/{visit}/end"), await stage.call("DELETE", f"/visits/{visit}")
    assert (end.status, cancel.status) == ((200, 409) if closed is VisitState.ENDED else (409, 204))
    for method, path, sent in (("POST", "/tickets", PATIENT), ("GET", "/link", None), ("POST", "/link", None)):
        refused = await stage.call(method, f"/visits/{visit}{path}", sent)
        assert (refused.status, refused.code) == (409, "visit_ended")


async def test_a_draining_server_takes_no_new_visit(stage: Stage) -> None:
    stage.live.ending = True
    refused = await stage.call("POST", "/visits", body())
    assert (refused.status, refused.code) == (503, "draining")


# Tickets


@pytest.mark.parametrize(
    ("wanted", "name", "units"),
    [
        (PATIENT, "Per P", ()),
        ({**PATIENT, "name": "Per Persson"}, "Per Persson", ()),
        (GUARDIAN, "Maria P", ()),
        (CLINICIAN, "Dr Eva Ek", ("SE2321000016-1HZ3",)),
        ({"person": "hsa:SE-A2", "role": "clinician", "name": "Dr Bo"}, "Dr Bo", ()),
        ({"person": "hsa:SE-A1", "role": "external"}, "Dr Eva Ek", ()),
    ],
)
async def test_a_ticket_says_what_was_asked_for(
    stage: Stage, wanted: dict[str, Any], name: str, units: tuple[str, ...]
) -> None:
    visit = await stage.book(body())
    minted = await stage.call("POST", f"/visits/{visit}/tickets", wanted)
    assert minted.status == 201
    assert minted.json["expires_at"] == "2026-11-23T09:00:00Z"
    assert minted.json["join_url"] == f"http://localhost:8080/join#ticket={minted.json['ticket']}"
    ticket = stage.verifier.verify(minted.json["ticket"], WALL)
    assert (ticket.jti, ticket.issuer, ticket.visit) == (minted.json["id"], "cosmic", visit)
    assert (ticket.person, ticket.role, ticket.name, ticket.units) == (wanted["person"], wanted["role"], name, units)
    assert await stage.actions(visit) == ["created", "ticket_minted"]
    row = (await stage.store.log(VisitId(visit)))[-1]
    assert (row.actor, row.subject_person, row.detail) == ("portal:cosmic", wanted["person"], wanted["role"])


async def test_a_ticket_never_outlives_its_visit(stage: Stage) -> None:
    visit = await stage.book(body())
    stage.later(hours=2, minutes=40, seconds=0.5)
    minted = await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)
    assert minted.json["expires_at"] == "2026-11-23T11:30:00Z"
    stage.wall = WALL + timedelta(hours=2, minutes=45) - timedelta(milliseconds=1)
    assert (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).status == 201
    stage.later(seconds=0.001)
    assert (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).code == "visit_ended"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"person": "1177:other", "role": "patient", "name": "x"}, "not_booked"),
        ({"person": "1177:a01", "role": "patient"}, "not_booked"),
        ({"person": "1177:7f3", "role": "guardian"}, "not_booked"),
        ({"person": "hsa:SE-A1", "role": "guardian"}, "not_booked"),
        ({"person": "tolk:1", "role": "interpreter", "name": "x"}, "not_booked"),
        ({"person": "hsa:SE-A2", "role": "clinician"}, "invalid"),
        ({**CLINICIAN, "units": [f"unit-{n:059}" for n in range(250)]}, "invalid"),
    ],
)
async def test_a_ticket_that_the_booking_does_not_allow_is_not_minted(
    stage: Stage, wanted: dict[str, Any], code: str
) -> None:
    visit = await stage.book(body())
    refused = await stage.call("POST", f"/visits/{visit}/tickets", wanted)
    assert (refused.status, refused.code) == (422, code)
    assert await stage.actions(visit) == ["created"]


async def test_guardianship_is_asked_anew_at_every_ticket(stage: Stage) -> None:
    visit = await stage.book(body())
    assert (await stage.call("POST", f"/visits/{visit}/tickets", GUARDIAN)).status == 201
    with closing(sqlite3.connect(stage.file)) as database:
        database.execute("UPDATE visits SET guardianship_ends = '2026-11-23'")
        database.commit()
    refused = await stage.call("POST", f"/visits/{visit}/tickets", GUARDIAN)
    assert (refused.status, refused.code) == (422, "guardian_age")


async def test_a_revoked_ticket_is_told_to_the_live_side_every_time(stage: Stage) -> None:
    visit = await stage.book(body())
    id_ = (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).json["id"]
    stage.live.store_lost = True
    assert (await stage.call("DELETE", f"/visits/{visit}/tickets/{id_}")).status == 503
    stage.live.store_lost = False
    assert (await stage.call("DELETE", f"/visits/{visit}/tickets/{id_}")).status == 204
    assert stage.live.told == [("revoked", visit, id_)]
    assert await stage.actions(visit) == ["created", "ticket_minted", "ticket_revoked"]
    room = await stage.store.load_room(VisitId(visit))
    assert room is not None
    assert room.tickets_revoked == (id_,)


async def test_a_ticket_whose_revocation_may_have_been_written_is_revoked_here_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await stage.book(body())
    id_ = (await stage.call("POST", f"/visits/{visit}/tickets", PATIENT)).json["id"]

    async def unanswered(*_: object) -> None:
        raise Unsure("the database was lost at a commit")

    monkeypatch.setattr(stage.store, "ticket_revoked", unanswered)
    assert (await stage.call("DELETE", f"/visits/{visit}/tickets/{id_}")).status == 503
    assert stage.live.told == [("revoked", visit, id_)]


async def test_the_link_that_is_handed_out_is_the_one_that_works_where_the_visit_runs(stage: Stage) -> None:
    visit = await stage.book(body())
    await stage.call("GET", f"/visits/{visit}/link")
    assert stage.live.told == []
    stage.live.busy = True
    await stage.call("GET", f"/visits/{visit}/link")
    assert stage.live.told == [("link", visit, 1)]


async def test_a_ticket_of_another_visit_is_not_found(stage: Stage) -> None:
    first, second = await stage.book(body()), await stage.book(body())
    foreign = (await stage.call("POST", f"/visits/{first}/tickets", PATIENT)).json["id"]
    for id_ in (foreign, "k_none", "x", "%00", "%ff", "k_" + "0" * 99):
        assert (await stage.call("DELETE", f"/visits/{second}/tickets/{id_}")).status == 404
    assert stage.live.told == []


# The shared link


async def test_the_link_opens_its_visit_until_it_is_renewed(stage: Stage) -> None:
    visit = await stage.book(body())

    def generation(share_url: str) -> int:
        start, _, key = share_url.rpartition("&key=")
        assert start == f"http://localhost:8080/join#visit={visit}"
        return generation_of(stage.keys.link.reveal(), current.visit, 9, key)

    found = await stage.store.visit(VisitId(visit))
    assert found is not None
    current = found.visit
    read = [(await stage.call("GET", f"/visits/{visit}/link")).json["share_url"] for _ in range(2)]
    renewed = (await stage.call("POST", f"/visits/{visit}/link")).json["share_url"]
    assert [generation(url) for url in (*read, renewed)] == [1, 1, 2]
    assert (await stage.call("GET", f"/visits/{visit}/link")).json["share_url"] == renewed
    assert stage.live.told == [("link", visit, 2)]
    assert await stage.actions(visit) == ["created", "link_read", "link_read", "link_renewed", "link_read"]


# Who is there, and what has happened


async def test_who_is_in_and_who_waits_is_told_and_that_it_was_asked(stage: Stage) -> None:
    visit = await stage.book(body())
    stage.live.there = [
        Present(participant("p_1", visit, state=State.ADMITTED, admitted_at=WALL), connected=True),
        Present(participant("p_2", visit, person=None, name="Amina Tolk", role=Role.INTERPRETER), connected=False),
        Present(participant("p_3", visit, state=State.REMOVED), connected=False),
    ]
    told = (await stage.call("GET", f"/visits/{visit}/participants")).json["participants"]
    assert [(each["participant"], each["state"], each["connected"]) for each in told] == [
        ("p_1", "admitted", True),
        ("p_2", "waiting", False),
    ]
    assert told[1]["person"] is None
    assert set(told[0]) == {
        *("participant", "person", "name", "role", "verified", "booked", "second_device"),
        *("state", "connected", "waiting_since", "admitted_at"),
    }
    assert await stage.actions(visit) == ["created", "participants_read"]


async def test_the_access_log_is_read_in_pages_and_tells_its_own_reading(stage: Stage) -> None:
    visit, other = await stage.book(body()), await stage.book(body())
    await stage.call("GET", f"/visits/{other}/link")
    await stage.call("GET", f"/visits/{visit}/link")
    whole = (await stage.call("GET", f"/visits/{visit}/audit")).json
    assert [entry["action"] for entry in whole["entries"]] == ["created", "link_read", "audit_read"]
    assert whole["next"] is None
    assert {entry["actor"] for entry in whole["entries"]} == {"portal:cosmic"}
    first = (await stage.call("GET", f"/visits/{visit}/audit?limit=2")).json
    rest = (await stage.call("GET", f"/visits/{visit}/audit?after={first['next']}")).json
    assert first["entries"] == whole["entries"][:2]
    assert rest["entries"][0] == whole["entries"][2]
    assert audit.verify(f"sqlite:///{stage.file}").fault is None


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=1&after=2", "limit=0", "limit=1001", "after=²", "after=" + "9" * 17]
)
async def test_a_bad_page_is_refused(stage: Stage, query: str) -> None:
    visit = await stage.book(body())
    refused = await stage.call("GET", f"/visits/{visit}/audit?{query}")
    assert (refused.status, refused.code) == (400, "bad_request")


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


# Repeated calls


async def test_a_repeated_call_is_answered_alike_and_done_once(stage: Stage) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await stage.call("POST", "/visits", body(), headers=headers)
    stage.later(hours=1)
    spelt_otherwise = json.dumps(body(), indent=3, sort_keys=True).encode()
    again = await stage.call("POST", "/visits", spelt_otherwise, headers=headers)
    assert (again.status, again.raw, again.headers["Location"]) == (201, first.raw, first.headers["Location"])
    path = f"/visits/{first.json['visit']}/tickets"
    tickets = [await stage.call("POST", path, PATIENT, headers={"Idempotency-Key": "two"}) for _ in range(2)]
    assert tickets[0].raw == tickets[1].raw
    assert await stage.actions(first.json["visit"]) == ["created", "ticket_minted"]


async def test_repeated_calls_at_once_are_done_once(stage: Stage) -> None:
    calls = [stage.call("POST", "/visits", body(), headers={"Idempotency-Key": "one"}) for _ in range(8)]
    answers = await asyncio.gather(*calls)
    assert len({answer.raw for answer in answers}) == 1
    with closing(sqlite3.connect(stage.file)) as database:
        assert database.execute("SELECT count(*) FROM visits").fetchone() == (1,)


async def test_a_key_with_another_body_is_refused(stage: Stage) -> None:
    headers = {"Idempotency-Key": "one"}
    visit = await stage.book(body(), headers=headers)
    for path, sent in (("/visits", body(title="Annat")), (f"/visits/{visit}/tickets", PATIENT)):
        refused = await stage.call("POST", path, sent, headers=headers)
        assert (refused.status, refused.code) == (409, "idempotency_key_reused")
    assert await stage.book(body(), headers=headers, portal="1177") != visit


@pytest.mark.parametrize("key", ["", "a b", "å", "x" * 256])
async def test_a_key_that_is_none_is_refused(stage: Stage, key: str) -> None:
    refused = await stage.call("POST", "/visits", body(), headers={"Idempotency-Key": key})
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_no_ticket_and_no_link_key_is_in_the_database(stage: Stage) -> None:
    visit = await stage.book(body(), headers={"Idempotency-Key": "one"})
    minted = await stage.call("POST", f"/visits/{visit}/tickets", PATIENT, headers={"Idempotency-Key": "two"})
    link = (await stage.call("GET", f"/visits/{visit}/link")).json["share_url"]
    await stage.store.close()
    held = stage.file.read_bytes()
    for secret in (minted.json["ticket"], minted.json["ticket"].split(".")[2], link.split("key=")[1], "key-cosmic"):
        assert secret.encode() not in held


# What is not a call


@pytest.mark.parametrize(
    ("sent", "headers", "status", "code"),
    [
        (b"{", {}, 400, "bad_request"),
        (b"", {}, 400, "bad_request"),
        (b"\xff\xfe", {}, 400, "bad_request"),
        (b"[" * 10_000, {}, 400, "bad_request"),
        (b"NaN", {}, 422, "invalid"),
        (b"[]", {}, 422, "invalid"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Type": "nonsense"}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
        (b" " * (MAX_BODY_BYTES + 1), {}, 413, "too_large"),
    ],
)
async def test_a_body_that_is_none_is_refused(
    stage: Stage, sent: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    refused = await stage.call("POST", "/visits", sent, headers=headers)
    assert (refused.status, refused.code) == (status, code)


async def test_a_body_without_a_length_is_bounded_too(stage: Stage) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    refused = await stage.call("POST", "/visits", data=endless(), headers={"Content-Type": "application/json"})
    assert (refused.status, refused.code) == (413, "too_large")


async def test_a_body_that_does_not_come_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_routes, "BODY_SECONDS", 0.01)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    refused = await stage.call("POST", "/visits", data=never(), headers={"Content-Type": "application/json"})
    assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PUT", "/visits", 405, "method_not_allowed"),
        ("PUT", "/visits/v_1", 405, "method_not_allowed"),
        ("HEAD", "/visits/v_1", 405, None),
        ("OPTIONS", "/visits/v_1", 405, "method_not_allowed"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "", 404, "not_found"),
        ("GET", "/visits/v_1/audit/x", 404, "not_found"),
    ],
)
async def test_other_methods_and_paths_are_problems_too(
    stage: Stage, method: str, path: str, status: int, code: str | None
) -> None:
    answer = await stage.call(method, path)
    assert answer.status == status
    assert status != 405 or "Allow" in answer.headers
    if code is not None:
        assert answer.code == code


async def test_the_signalling_channel_stands_beside_the_portal_api(stage: Stage) -> None:
    assert (await stage.call("GET", "/signal")).raw == b"the signalling channel"


async def test_a_store_that_is_lost_is_said_and_nothing_is_done(stage: Stage) -> None:
    visit = await stage.book(body())
    with closing(sqlite3.connect(stage.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for method, path, sent in (
            ("POST", "/visits", body()),
            ("POST", f"/visits/{visit}/tickets", PATIENT),
            # What is only read is not told either where its reading cannot be written.
            ("GET", f"/visits/{visit}/link", None),
            ("GET", f"/visits/{visit}/participants", None),
            ("GET", f"/visits/{visit}/audit", None),
        ):
            refused = await stage.call(method, path, sent)
            assert (refused.status, refused.code) == (503, "store_unavailable")
            assert refused.headers["Retry-After"] == "2"
    assert await stage.actions(visit) == ["created"]


async def test_a_bug_is_told_to_us_and_not_to_the_caller(stage: Stage) -> None:
    visit = await stage.book(body())
    stage.live.there = [None]  # type: ignore[list-item]  # a bug
    answer = await stage.call("GET", f"/visits/{visit}/participants")
    assert (answer.status, answer.code) == (500, "internal")
    assert b"NoneType" not in answer.raw
    assert [type(bug) for bug in stage.bugs] == [AttributeError]
    stage.bugs.clear()
