"""The OpenAPI document says what the server does: checked against its structure, and against real answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfu.web.portal import Present
from sfu.web.problems import STATUS, TITLE, ProblemCode
from tests.visits.sample import body, participant
from tests.web.portal_stage import Stage, staged


@pytest.fixture
async def told(tmp_path: Path) -> dict[str, Any]:
    async with staged(tmp_path) as stage:
        answer = await stage.call("GET", "/openapi.json", portal=None)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    whole: dict[str, Any] = answer.json
    return whole


def nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def described(told: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, what) for path, methods in told["paths"].items() for method, what in methods.items()]


def test_it_is_an_openapi_3_1_document(told: dict[str, Any]) -> None:
    assert told["openapi"].startswith("3.1.")
    assert set(told) == {"openapi", "info", "servers", "security", "paths", "components"}
    assert {"title", "version"} <= set(told["info"])
    assert told["security"] == [{name: []} for name in told["components"]["securitySchemes"]]
    for _, path, what in described(told):
        assert set(what) <= {"operationId", "summary", "description", "parameters", "requestBody", "responses"}
        in_path = [each["name"] for each in what["parameters"] if each["in"] == "path"]
        assert in_path == re.findall(r"\{(\w+)\}", path)
        assert all(each["required"] is (each["in"] == "path") for each in what["parameters"])
        assert all("description" in response for response in what["responses"].values())
    names = [what["operationId"] for _, _, what in described(told)]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere_and_every_schema_is_used(told: dict[str, Any]) -> None:
    used = {node["$ref"] for node in nodes(told) if "$ref" in node}
    assert used == {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}


def test_it_lists_exactly_the_calls_that_are_served(told: dict[str, Any]) -> None:
    assert {(method, path) for method, path, _ in described(told)} == {
        ("post", "/api/v1/visits"),
        ("get", "/api/v1/visits"),
        ("patch", "/api/v1/visits/{visit}"),
        ("get", "/api/v1/visits/{visit}"),
        ("delete", "/api/v1/visits/{visit}"),
        ("post", "/api/v1/visits/{visit}/end"),
        ("get", "/api/v1/visits/{visit}/participants"),
        ("get", "/api/v1/visits/{visit}/audit"),
        ("post", "/api/v1/visits/{visit}/tickets"),
        ("delete", "/api/v1/visits/{visit}/tickets/{ticket}"),
        ("get", "/api/v1/visits/{visit}/link"),
        ("post", "/api/v1/visits/{visit}/link"),
        ("post", "/api/v1/visits/{visit}/invitations"),
        ("get", "/api/v1/visits/{visit}/invitations"),
        ("get", "/api/v1/invitations/signature"),
    }


def test_bodies_are_closed_and_their_rules_are_told(told: dict[str, Any]) -> None:
    schemas = told["components"]["schemas"]
    booking, wanted = schemas["Booking"], schemas["TicketWanted"]
    for closed in (booking, wanted, schemas["BookedPerson"], schemas["BookedPatient"]):
        assert closed["additionalProperties"] is False
    assert set(booking["required"]) == {
        *("booking", "unit", "unit_name", "title", "starts_at", "ends_at", "patient"),
    }
    assert booking["properties"]["starts_at"]["format"] == "date-time"
    assert booking["properties"]["title"]["maxLength"] == 120
    assert wanted["properties"]["role"]["enum"] == ["clinician", "patient", "guardian", "interpreter", "external"]


def test_every_problem_has_a_status_and_a_title() -> None:
    assert set(STATUS) == set(TITLE) == set(ProblemCode)


async def test_every_answer_of_a_whole_visit_is_described(told: dict[str, Any], tmp_path: Path) -> None:
    """Plays every call, well and wrongly; each status has to stand in the document, and each good body in its schema."""
    by_call = {(method.upper(), path): what for method, path, what in described(told)}
    seen = set()
    (tmp_path / "second").mkdir()
    async with staged(tmp_path / "second") as stage:

        async def play(method: str, template: str, sent: object = None, **options: Any) -> Any:
            path = template.format(**options.pop("names", {}))
            answer = await stage.call(method, path, sent, **options)
            responses = by_call[method, "/api/v1" + template]["responses"]
            assert str(answer.status) in responses, (method, template, answer.status)
            content = responses[str(answer.status)].get("content")
            assert (content is None) is (answer.raw == b"")
            if content is not None:
                (kind,) = content
                assert answer.headers["Content-Type"].startswith(kind)
                reference = content[kind]["schema"]["$ref"].rpartition("/")[2]
                schema = told["components"]["schemas"][reference]
                assert set(schema["required"]) <= set(answer.json) <= set(schema["properties"])
            for link in responses[str(answer.status)].get("links", {}).values():
                # What a link reads from the body is there.
                read = [each for each in link["parameters"].values() if each.startswith("$response.body#/")]
                assert {each.partition("#/")[2] for each in read} <= set(answer.json)
            if answer.status >= 400:
                assert f"`{answer.code}`" in responses[str(answer.status)]["description"]
            seen.add((method, template, answer.status))
            return answer.json if answer.raw else None

        await exercise(stage, play)
    good = {(method, path) for method, path, status in seen if status < 300}
    assert {(method, "/api/v1" + path) for method, path in good} == set(by_call)


async def exercise(stage: Stage, play: Any) -> None:
    v, t = "/visits/{visit}", "/visits/{visit}/tickets"
    patient = {"person": "1177:7f3", "role": "patient"}
    visit = (await play("POST", "/visits", body(), headers={"Idempotency-Key": "a"}))["visit"]
    names = {"visit": visit}
    await play("POST", "/visits", body(title="x"), headers={"Idempotency-Key": "a"})
    await play("POST", "/visits", body(), headers={"Idempotency-Key": "å"})
    await play("POST", "/visits", {})
    await play("POST", "/visits", b"{")
    await play("POST", "/visits", b" " * 70_000)
    await play("POST", "/visits", b"", headers={"Content-Type": "text/plain"})
    await play("POST", "/visits", body(patient={"person": "a", "name": "b", "birth_date": "1980-01-01"}))
    stage.live.there = [Present(participant(), connected=True)]
    for path in (v, v + "/participants", v + "/audit", v + "/link"):
        await play("GET", path, names=names)
        await play("GET", path, names={"visit": "v_none"})
        await play("GET", path, names=names, portal=None)
        await play("GET", path, names=names, portal="invitations")
    await play("GET", v + "/audit", names=names, params={"limit": "0"})
    await play("POST", v + "/link", names=names)
    id_ = (await play("POST", t, patient, names=names))["id"]
    await play("POST", t, {**patient, "role": "guardian"}, names=names)
    await play("POST", t, {}, names=names)
    await play("DELETE", t + "/{ticket}", names={**names, "ticket": id_})
    await play("DELETE", t + "/{ticket}", names={**names, "ticket": "k_none"})
    await play("GET", "/visits", params={"unit": "SE2321000016-1HZ3", "from": "2026-11-23T00:00:00Z"})
    await play("GET", "/visits", params={"person": "1177:a01", "limit": "1"})
    await play("GET", "/visits")
    await play("PATCH", v, {"title": "Nybesök"}, names=names)
    await play("PATCH", v, {"title": None}, names=names)
    await play("PATCH", v, {"patient": {"person": "1177:other", "name": "x"}}, names=names)
    await play("PATCH", v, {"starts_at": "2036-11-23T09:00:00Z", "ends_at": "2036-11-23T09:30:00Z"}, names=names)
    await play("PATCH", v, {}, names={"visit": "v_none"})
    for _ in range(300):
        await stage.call("GET", "/visits?unit=x", portal="1177")
    await play("GET", "/visits", portal="1177")
    await play("POST", v + "/invitations", {"to": ["tolk@example.se"]}, names=names)
    await play("POST", v + "/invitations", {"to": []}, names=names)
    await play("POST", v + "/invitations", {"to": ["tolk@example.se"]}, names={"visit": "v_none"})
    await play("POST", v + "/invitations", {"to": ["tolk@example.se"]}, names=names, params={"format": "pdf"})
    await play("GET", v + "/invitations", names=names)
    await play("GET", "/invitations/signature")
    await play("GET", "/invitations/signature", params={"language": "de"})
    await play("POST", v + "/end", names=names)
    await play("PATCH", v, {}, names=names)
    await play("DELETE", v, names=names)
    stage.live.store_lost = True
    await play("POST", v + "/end", names=names)
    await play("POST", v + "/link", names=names)
    stage.later(days=1)
    for method, path, sent in (("POST", t, patient), ("GET", v + "/link", None), ("POST", v + "/link", None)):
        await play(method, path, sent, names=names)
    stage.live.ending = True
    await play("POST", "/visits", body())
