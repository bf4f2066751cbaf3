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
    assert '<body data-help-phone="08-123 45 67" data-brand="Region X">' in told, told
    assert re.search(
        r'data-testid="brand"><img class="logo" src="/static/v-[0-9a-f]{16}/brand/logo.svg" alt=""><span>Region X</span>',
        told,
    )
    assert " – Region X</title>" in told


async def test_the_number_to_call_can_be_read_before_any_script_has_come() -> None:
    told = await page("/join", Brand(help_phone="08-123 45 67"))
    assert 'data-text="help.call">Behöver du hjälp? Ring</span> <a href="tel:081234567">08-123 45 67</a>' in told
    assert "tel:" not in await page("/join")


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_without_a_brand_the_page_is_as_it_comes(path: str) -> None:
    told = await page(path)
    assert "<body>" in told
    assert "/brand/" not in told
    assert "<!--" not in told
    assert " – Videobesök</title>" in told


async def test_what_an_operator_writes_is_never_markup() -> None:
    told = await page("/join", Brand(name='"><b>', help_phone='"><i>'))
    assert '<body data-help-phone="&quot;&gt;&lt;i&gt;" data-brand="&quot;&gt;&lt;b&gt;">' in told
    assert not {"<b>", "<i>"} & set(re.findall(r"<\w+>", told))


async def test_the_logo_is_a_file_of_the_page_only_where_there_is_one() -> None:
    assert (await answered("/static/brand/logo.png", brand=Brand(logo=b"\x89PNG", logo_kind="png")))[::2] == (
        200,
        b"\x89PNG",
    )
    assert (await answered("/static/brand/logo.png"))[0] == 404


async def test_the_operators_colours_come_after_those_that_they_set_anew() -> None:
    style = ":root{--color-accent: #123456}"
    for sheet in ("tokens", "first"):
        _, _, body = await answered(f"/static/css/{sheet}.css", brand=Brand(style=style))
        assert body.count(style.encode()) == 1
        assert body.index(b"--color-accent:") < body.index(style.encode())


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_a_page_loads_from_its_own_server_alone(path: str) -> None:
    told = await page(path, Brand(logo=b"", logo_kind="svg", style=":root{}"))
    addresses = re.findall(r'(?:src|href)="([^"]*)"', told)
    assert addresses
    assert all(address.startswith("/static/v-") or address == "/join" for address in addresses)


async def answered(
    path: str, headers: Mapping[str, str] | None = None, brand: Brand | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """As it comes over the wire."""
    app = web.Application()
    Pages(brand).set_up(app.router)
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
    _, headers, body = await answered("/static/js/visit.js", {"Accept-Encoding": accepted})
    assert ("Content-Encoding" in headers) is packed
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert (gzip.decompress(body) if packed else body) == plain
    assert (len(body) < len(plain) / 2) is packed
    assert (headers["ETag"] != plain_headers["ETag"]) is packed, "another body has another validator"
    status, _, nothing = await answered(
        "/static/js/visit.js", {"Accept-Encoding": accepted, "If-None-Match": headers["ETag"]}
    )
    assert (status, nothing) == (304, b"")


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "sv"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "ar, en;q=0.3, sv;q=0.5", "sv"),
        ("", "EN ; q=0.30 ,*;q=0.1", "en"),
        ("", "en;q=0, fi", "sv"),
        ("", "en;q=nonsense", "sv"),
        ("?lang=en", "sv-SE", "en"),
        ("?lang=fi", "en", "en"),
        ("?lang=%22%3E%3Cb%3E", "", "sv"),
    ],
)
async def test_a_page_is_written_in_what_its_reader_asks_for(query: str, accepted: str, language: str) -> None:
    _, headers, body = await answered(f"/join{query}", {"Accept-Language": accepted})
    told = body.decode()
    assert f'<html lang="{language}">' in told
    title = {"sv": "Välkommen till ditt videobesök", "en": "Welcome to your video visit"}[language]
    assert f'<h1 tabindex="-1" data-text="before.title">{title}</h1>' in told
    assert f'lang="{language}" aria-pressed="true"' in told
    assert told.count('aria-pressed="true"') == 1
    assert headers["Vary"] == "Accept-Language, Accept-Encoding"
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_nothing_that_a_page_says_is_left_out(path: str) -> None:
    told = await page(path)
    assert not re.findall(r'data-text="[^"]+"[^>]*></', told)
    assert 'data-label="language.choose" aria-label="Språk"' in told


@pytest.mark.parametrize("path", ["/join", "/test"])
async def test_no_button_can_be_pressed_before_its_script_has_come(path: str) -> None:
    told = await page(path)
    buttons = re.findall(r"<button class=\"button[^>]*>", told)
    assert buttons
    assert all(" disabled " in button for button in buttons)


async def test_what_a_page_names_is_kept_for_good_and_all_else_asked_for_anew() -> None:
    (edition,) = set(re.findall(r"/static/(v-[0-9a-f]{16})/", await page("/join")))
    status, headers, body = await answered(f"/static/{edition}/js/visit.js")
    assert (status, headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    # A page that was opened before the server was renewed goes on with what there is.
    for other in ("v-0123456789abcdef/", ""):
        status, headers, same = await answered(f"/static/{other}js/visit.js")
        assert (status, headers["Cache-Control"], same) == (200, "no-cache", body)
    for nothing in (f"{edition}/{edition}/js/visit.js", f"{edition}/", "v-0123/js/visit.js", f"{edition}/js/none.js"):
        assert (await answered(f"/static/{nothing}"))[0] == 404


async def test_another_file_makes_another_edition() -> None:
    def edition(told: str) -> str:
        return str(re.findall(r"/static/(v-[0-9a-f]{16})/", told)[0])

    told = await page("/join")
    assert edition(told) == edition(await page("/join")) != edition(await page("/join", Brand(style=":root{}")))


def named(told: str) -> list[str]:
    """What the page has the browser fetch, without the edition."""
    return re.findall(r'(?:src|href)="/static/v-[0-9a-f]{16}/([^"]+)"', told)


async def test_the_page_to_try_equipment_names_every_module_that_its_script_needs_before_it() -> None:
    told = await page("/test")
    names = named(told)
    assert {"js/entry.js", "js/dom.js", "js/text.js", "js/views/equipment.js"} <= set(names)
    assert len(names) == len(set(names))
    assert told.rindex("modulepreload") < told.index("/js/test.js")


async def test_the_first_view_takes_few_files_and_names_what_comes_behind_it() -> None:
    """On a slow phone each file costs, and each step of the way a round trip: so much for first, the rest while somebody reads."""
    first, behind, meeting = (await page("/join")).split("<template")
    assert sorted(named(first)) == [
        "css/first.css",
        "icon.svg",
        "js/entry.js",
        "js/loading.js",
        "js/main.js",
        "js/text.js",
        "js/views/before.js",
        "js/views/languages.js",
    ]
    then = named(meeting)
    assert {"css/meeting.css", "js/views/meeting.js", "js/media.js", "js/staff.js", "js/texts/sv-meeting.js"} <= set(
        then
    )
    assert len(then) == len(set(then))
    assert not set(then) & {*named(first), *named(behind)}
    names = named(behind)
    assert {"css/visit.css", "js/start.js", "js/visit.js", "js/protocol.js", "js/texts/sv.js"} <= set(names)
    assert len(names) == len(set(names))
    assert not set(names) & set(named(first))
    assert not [name for name in names if "meeting" in name or "equipment" in name], "those come when they are needed"


async def test_the_first_view_weighs_little_and_less_on_the_wire() -> None:
    """What somebody waits for who opens a link; `python -m bench page` weighs the same in a browser."""
    told = await page("/join")
    first, behind, _ = told.split("<template")

    async def weight(names: list[str], headers: Mapping[str, str] | None = None) -> int:
        paths = ["/join", *(f"/static/{name}" for name in names)]
        return sum([len((await answered(path, headers))[2]) for path in paths])

    packed = {"Accept-Encoding": "gzip"}
    assert await weight(named(first)) <= 35_000
    assert await weight(named(first), packed) <= 12_000
    assert await weight(named(first + behind)) <= 150_000
    assert await weight(named(first + behind), packed) <= 50_000
