"""The pages ask nobody else for anything, and say the number to call as the operator wrote it."""

from __future__ import annotations

import re

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


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_a_page_loads_from_its_own_server_alone(path: str) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]*)"', await page(path, ""))
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)
