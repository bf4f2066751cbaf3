"""The pages ask nobody else for anything, and show name, logo, colours and number as the operator wrote them."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping

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


async def answered(path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """As it comes over the wire."""
    app = web.Application()
    Pages().set_up(app.router)
    async with (
        TestClient(TestServer(app), auto_decompress=False) as client,
        client.get(path, headers=headers, skip_auto_headers=["Accept-Encoding"]) as response,
    ):
        return response.status, response.headers, await response.read()


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br", True),
        ("*", True),
        ("br;q=1, gzip;q=0.5", True),
        ("br", False),
        ("gzip;q=0.0", False),
        ("", False),
    ],
)
async def test_a_file_is_compressed_for_whoever_takes_that(accepted: str, packed: bool) -> None:
    _, plain_headers, plain = await answered("/static/js/visit.js")
    _, headers, body = await answered("/static/js/visit.js", **{"Accept-Encoding": accepted})
    assert ("Content-Encoding" in headers) is packed
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert (gzip.decompress(body) if packed else body) == plain
    assert (len(body) < len(plain) / 2) is packed
    assert (headers["ETag"] != plain_headers["ETag"]) is packed, "another body has another validator"
    status, _, nothing = await answered(
        "/static/js/visit.js", **{"Accept-Encoding": accepted, "If-None-Match": headers["ETag"]}
    )
    assert (status, nothing) == (304, b"")


@pytest.mark.parametrize(("path", "script"), [("/join", "main"), ("/test", "test")])
async def test_a_page_names_every_module_that_its_script_needs_before_it(path: str, script: str) -> None:
    told = await page(path)
    named = re.findall(r'<link rel="modulepreload" href="/static/(js/[^"]+)">', told)
    assert {"js/entry.js", "js/dom.js", "js/text.js"} <= set(named)
    assert len(named) == len(set(named))
    assert not [name for name in named if name.startswith("js/texts/") or "meeting" in name], (
        "those come when they are needed"
    )
    assert told.rindex("modulepreload") < told.index(f'src="/static/js/{script}.js"')


async def test_the_first_view_weighs_little_and_less_on_the_wire() -> None:
    """What somebody waits for who opens a link; `python -m bench page` weighs the same in a browser."""
    told = await page("/join")
    paths = {"/join", "/static/js/texts/sv.js", *re.findall(r'(?:src|href)="([^"]*)"', told)}
    plain = [len((await answered(path))[2]) for path in paths]
    packed = [len((await answered(path, **{"Accept-Encoding": "gzip"}))[2]) for path in paths]
    assert sum(plain) <= 150_000
    assert sum(packed) <= 50_000
