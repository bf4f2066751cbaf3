"""What is not a call, and what goes wrong with one: a problem each, which tells nothing of anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sfu.web import portal_routes
from sfu.web.portal_routes import MAX_BODY_BYTES
from tests.visits.sample import body
from tests.web.portal_stage import Stage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
        yield stage
        assert stage.bugs == []


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


async def test_a_bug_is_told_to_us_and_not_to_the_caller(stage: Stage) -> None:
    visit = await stage.book(body())
    stage.live.there = [None]  # type: ignore[list-item]  # a bug
    answer = await stage.call("GET", f"/visits/{visit}/participants")
    assert (answer.status, answer.code) == (500, "internal")
    assert b"NoneType" not in answer.raw
    assert [type(bug) for bug in stage.bugs] == [AttributeError]
    stage.bugs.clear()
