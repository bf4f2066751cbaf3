"""What every answer bears, and who may show the page in a frame."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDictProxy

from sfu.web.headers import SecurityHeaders

URL = "https://evisit.example"
PORTALS = ("https://portal.example", "https://record.example:8443")


async def headers(path: str, *, embedders: tuple[str, ...] = ()) -> CIMultiDictProxy[str]:
    response = web.Response()
    await SecurityHeaders(URL, embedders).on_prepare(make_mocked_request("GET", path), response)
    return CIMultiDictProxy(response.headers)


@pytest.mark.parametrize("path", ["/join", "/test", "/static/js/main.js", "/api/v1/visits", "/nowhere"])
async def test_without_embedders_nothing_is_framed(path: str) -> None:
    found = await headers(path)
    assert found["X-Frame-Options"] == "DENY"
    assert found["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert "connect-src 'self' wss://evisit.example;" in found["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_named_portals_may_frame_the_page_and_the_test_of_equipment(path: str) -> None:
    found = await headers(path, embedders=PORTALS)
    assert "X-Frame-Options" not in found
    policy = found["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors https://portal.example https://record.example:8443")
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert found["Permissions-Policy"].startswith("camera=(self), microphone=(self), display-capture=(self)")


@pytest.mark.parametrize(
    "path", ["/join/", "/Join", "/test/", "/static/join.html", "/static/test.html", "/api/v1/signal", "/healthz"]
)
async def test_nothing_but_the_page_is_framed(path: str) -> None:
    found = await headers(path, embedders=PORTALS)
    assert found["X-Frame-Options"] == "DENY"
    assert found["Content-Security-Policy"].endswith("frame-ancestors 'none'")
