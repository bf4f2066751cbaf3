"""What both portals hold to: who somebody is, forms of their own alone, nothing from or to others, plain words for what fails."""

from __future__ import annotations

import re

import pytest

from sfu.demo.api import ApiProblem
from sfu.demo.site import problem_key, problem_status
from sfu.demo.texts import TEXTS
from sfu.web.problems import STATUS
from tests.demo.conftest import EVISIT, Demo, Window

PAGES = ("/", "/list", "/web", "/book")


async def test_nobody_sees_a_page_who_has_not_said_who_they_are(demo: Demo) -> None:
    stranger = await demo.at_care_record()
    for path in (*PAGES, f"/visits/{demo.visit}", "/nothing"):
        shown = await stranger.get(path)
        assert (shown.status, shown.headers["Location"]) == (303, "/login")
        assert (await stranger.post(path)).headers["Location"] == "/login"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "127.0.0.2", "", "[::1", "a b"]
)
async def test_a_name_of_another_site_that_leads_here_shows_nothing(demo: Demo, host: str) -> None:
    """DNS rebinding: a page of that site would otherwise be of one origin with ours, and log in."""
    stranger = await demo.at_care_record()
    for path in ("/", "/login", "/static/demo.js", "/nothing"):
        assert (await stranger.get(path, Host=host)).status in (400, 421)
    refused = await stranger.post("/login", {"person": "demo:eva"}, Host=host)
    assert (refused.status in (400, 421), refused.headers.get("Set-Cookie")) == (True, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8081", "localhost:80", "LocalHost", "[::1]:65535"])
async def test_this_machine_has_several_names(demo: Demo, host: str) -> None:
    stranger = await demo.at_care_record()
    assert (await stranger.get("/login", Host=host)).status == 200


async def test_one_can_only_be_somebody_of_this_portal(demo: Demo) -> None:
    stranger = await demo.at_care_record()
    for person in ("demo:maria", "demo:nobody", ""):
        assert (await stranger.post("/login", {"person": person})).headers["Location"] == "/login"
        assert (await stranger.get("/")).status == 303


async def test_a_changed_or_foreign_cookie_is_none(demo: Demo) -> None:
    eva = await demo.clinician()
    (cookie,) = [each for each in eva.client.session.cookie_jar if not each.key.endswith("language")]
    person, nonce, signature = cookie.value.split(".")
    other = "ZGVtbzpvbWFy"  # demo:omar
    patient = await demo.citizen("demo:per")
    (foreign,) = [each.value for each in patient.client.session.cookie_jar]
    for value in (f"{other}.{nonce}.{signature}", f"{person}.{nonce}", f"{person}.{nonce}.", "", "...", "å", foreign):
        eva.client.session.cookie_jar.clear()
        shown = await eva.get("/", Cookie=f"{cookie.key}={value}")
        assert shown.status == 303, value


async def test_a_form_of_another_site_changes_nothing(demo: Demo) -> None:
    eva = await demo.clinician()
    for token in ("", "0" * 64, "å"):
        for path in ("join", "link", "renew", "cancel", "move", "invite", "draft"):
            shown = await eva.post(f"/visits/{demo.visit}/{path}", {"form_token": token})
            assert (shown.status, shown.problem) == (403, "form")
        assert (await eva.post("/logout", {"form_token": token})).status == 403
    assert await demo.stage.actions(demo.visit) == ["created"]


async def test_what_is_no_form_is_refused_and_not_read(demo: Demo) -> None:
    eva = await demo.clinician()
    for path in ("/login", "/language", "/logout", f"/visits/{demo.visit}/cancel"):
        for kind, body, status in (
            ("multipart/form-data; boundary=x", b"--x\r\nbroken", 415),
            ("application/json", b"{}", 415),
            ("application/x-www-form-urlencoded; charset=nonsense", b"person=x", 400),
            ("application/x-www-form-urlencoded; charset=ascii", b"person=\xff", 400),
        ):
            async with eva.client.post(path, data=body, headers={"Content-Type": kind}) as response:
                assert response.status == status, (path, kind)
    async with eva.client.post("/login", data={"person": "x" * 70_000}) as response:
        assert response.status == 413
    assert demo.stage.live.told == []


async def test_a_token_is_good_for_its_session_alone(demo: Demo) -> None:
    eva, sara = await demo.clinician(), await demo.clinician("demo:sara")
    shown = await eva.post(f"/visits/{demo.visit}/cancel", {"form_token": sara.hidden["form_token"]})
    assert shown.problem == "form"


async def test_being_somebody_ends(demo: Demo) -> None:
    eva = await demo.clinician()
    assert (await eva.post("/logout")).headers["Location"] == "/login"
    assert (await eva.get("/")).status == 303


async def everything(demo: Demo) -> list[tuple[Window, str]]:
    eva, maria = await demo.clinician(), await demo.citizen("demo:maria")
    visit = f"/visits/{demo.visit}"
    pages = [
        *PAGES,
        visit,
        *(f"{visit}/{page}" for page in ("invite", "draft", "move", "cancel")),
        "/login",
        "/nothing",
    ]
    return [*((eva, page) for page in pages), (maria, "/"), (maria, "/login")]


async def test_every_page_keeps_to_its_own_server_and_leaves_nothing_behind(demo: Demo) -> None:
    for window, path in await everything(demo):
        shown = await window.get(path)
        policy = shown.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert f"form-action 'self' {EVISIT};" in policy
        assert policy.endswith("frame-ancestors 'none'")
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["Cache-Control"] == "no-store"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        for address in re.findall(r'(?:src|href|action|formaction)="([^"]*)"', shown.text):
            assert address.startswith(("/", "#main")), (path, address)
            assert not address.startswith("//")
        for secret in ("ticket=", "&amp;key=", "key-cosmic", "key-1177"):
            assert secret not in shown.text, (path, secret)


async def test_every_page_is_in_both_languages(demo: Demo) -> None:
    for window, path in await everything(demo):
        await window.post("/language", {"language": "sv", "to": "/"})
        swedish = (await window.get(path)).text
        assert '<html lang="sv">' in swedish
        await window.post("/language", {"language": "en", "to": "/"})
        english = (await window.get(path)).text
        assert '<html lang="en">' in english
        assert (
            re.search("[åäö]", re.sub(r"<[^>]*>|Ögon\w+|Återbesök|Norén|Uppföljning|Nybesök", " ", english)) is None
        ), path
        assert swedish != english


async def test_a_change_of_language_comes_back_to_a_page_of_ours(demo: Demo) -> None:
    eva = await demo.clinician()
    for to in ("/list?day=2026-11-23", "/"):
        assert (await eva.post("/language", {"language": "en", "to": to})).headers["Location"] == to
    for to in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example/", "/a\r\nb", ""):
        assert (await eva.post("/language", {"language": "en", "to": to})).headers["Location"] == "/"


async def test_the_language_is_the_browsers_until_one_is_chosen(demo: Demo) -> None:
    stranger = await demo.at_care_record()
    english = {"Accept-Language": "en-GB,sv;q=0.5"}
    assert "Who are you?" in (await stranger.get("/login", **english)).text
    assert "Vem är du?" in (await stranger.get("/login")).text
    await stranger.post("/language", {"language": "sv"})
    assert "Vem är du?" in (await stranger.get("/login", **english)).text


async def test_the_files_of_the_pages_are_there_and_no_other_is(demo: Demo) -> None:
    eva = await demo.clinician()
    for name in ("demo.css", "demo.js", "menu.js", "copy.js", "icon.svg"):
        assert (await eva.get(f"/static/{name}")).status == 200
    for name in ("nothing", "..%2f__init__.py", "%2e%2e%2fsite.py"):
        assert (await eva.get(f"/static/{name}")).status == 404


async def test_a_database_that_is_lost_is_told_in_plain_words(demo: Demo) -> None:
    eva = await demo.clinician()
    demo.stage.live.store_lost = True
    shown = await eva.post(f"/visits/{demo.visit}/cancel")
    assert (shown.status, shown.problem) == (503, "store_unavailable")


@pytest.mark.parametrize("code", [*(code.value for code in STATUS), "unreachable", "something new"])
def test_every_problem_of_the_api_has_words(code: str) -> None:
    assert problem_key(ApiProblem(400, code)) in TEXTS


@pytest.mark.parametrize(
    ("status", "shown"),
    [(404, 404), (409, 409), (422, 422), (429, 429), (503, 503), (0, 502), (400, 502), (401, 502), (500, 502)],
)
def test_what_is_ours_to_mend_is_not_put_on_whoever_asked(status: int, shown: int) -> None:
    assert problem_status(ApiProblem(status, "internal")) == shown
