"""The portals' client of the portal API: what it gives where the server does not answer as it should."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sfu.demo.api import PAGES, ApiProblem, PortalApi
from tests.demo.conftest import Demo


async def asked(base_url: str) -> ApiProblem:
    api = PortalApi(base_url, "key")
    await api.open()
    try:
        with pytest.raises(ApiProblem) as raised:
            await api.visit("v_1")
        return raised.value
    finally:
        await api.close()


async def test_a_server_that_does_not_answer_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    assert (await asked(f"http://127.0.0.1:{port}")).code == "unreachable"


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "[]", "{}", '{"code": 1, "errors": 2}', ""])
async def test_an_answer_of_something_in_between_is_no_problem_document(body: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=502, text=body)

    app = web.Application()
    app.router.add_get("/api/v1/visits/v_1", answer)
    async with TestServer(app) as server:
        problem = await asked(str(server.make_url("")).rstrip("/"))
    assert (problem.status, problem.code) == (502, "unreachable")


async def test_a_list_is_read_to_its_end(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    cursors = []
    api = PortalApi("http://127.0.0.1", "key-cosmic")

    async def page(method: str, path: str, *, query: dict[str, str]) -> dict[str, object]:
        cursors.append(query.get("cursor"))
        answer = (await demo.stage.call(method, f"/{path}", params={**query, "limit": "1"})).json
        assert isinstance(answer, dict)
        return answer

    monkeypatch.setattr(api, "_json", page)
    visits = await api.schedule(
        "SE2321000016-1HZ3", datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
    )
    assert len({visit.visit for visit in visits}) == len(visits) == 5
    assert len(set(cursors)) == len(cursors) == 5 < PAGES
