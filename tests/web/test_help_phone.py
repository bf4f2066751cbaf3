"""The number to call stands in the pages as the operator wrote it, and as text."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sfu.web.pages import Pages


async def page(path: str, help_phone: str) -> str:
    app = web.Application()
    Pages(help_phone).set_up(app.router)
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        return await response.text()


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_the_number_is_in_the_page(path: str) -> None:
    assert '<body data-help-phone="08-123 45 67">' in await page(path, "08-123 45 67")
    assert "<body>" in await page(path, "")


async def test_what_an_operator_writes_is_never_markup() -> None:
    assert '<body data-help-phone="&quot;&gt;&lt;b&gt;">' in await page("/join", '"><b>')
