"""The pages ask nobody else for anything, and show name, logo, colours and number as the operator wrote them."""

from __future__ import annotations

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sfu.web.branding import Brand
from sfu.web.pages import Pages


async def page(path: str, brand: Brand | None = None) -> str:
    app = web.Application()
    Pages(brand).set_up(app.router)
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        return await response.text()


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_what_is_the_operators_own_is_in_the_page(path: str) -> None:
    brand = Brand(name="Region X", help_phone="08-123 45 67", logo=b"<svg/>", logo_kind="svg", style=":root{}")
    told = await page(path, brand)
    assert '<body data-help-phone="08-123 45 67" data-brand="Region X" data-logo="/static/brand/logo.svg">' in told, (
        told
    )
    assert '<link rel="stylesheet" href="/static/brand/colours.css">\n  </head>' in told
    # After the sheets that it sets anew.
    assert told.index("tokens.css") < told.index("colours.css")


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_without_a_brand_the_page_is_as_it_comes(path: str) -> None:
    told = await page(path)
    assert "<body>" in told
    assert "/brand/" not in told


async def test_what_an_operator_writes_is_never_markup() -> None:
    told = await page("/join", Brand(name='"><b>', help_phone='"><i>'))
    assert '<body data-help-phone="&quot;&gt;&lt;i&gt;" data-brand="&quot;&gt;&lt;b&gt;">' in told


async def test_logo_and_colours_are_files_of_the_page_only_where_there_are_any() -> None:
    async def status(brand: Brand, name: str) -> tuple[int, str]:
        app = web.Application()
        Pages(brand).set_up(app.router)
        async with TestClient(TestServer(app)) as client, client.get(f"/static/brand/{name}") as response:
            return response.status, response.content_type

    brand = Brand(logo=b"\x89PNG", logo_kind="png", style=":root{}")
    assert await status(brand, "logo.png") == (200, "image/png")
    assert await status(brand, "colours.css") == (200, "text/css")
    assert (await status(Brand(), "logo.png"))[0] == (await status(Brand(), "colours.css"))[0] == 404


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_a_page_loads_from_its_own_server_alone(path: str) -> None:
    addresses = re.findall(
        r'(?:src|href)="([^"]*)"', await page(path, Brand(logo=b"", logo_kind="svg", style=":root{}"))
    )
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)
