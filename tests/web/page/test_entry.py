"""How one comes in: links, names, reloads, languages, refusals."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.web.page.server import PageServer
from tests.web.page.visitor import CLINICIAN, LINK, TICKET, Visitor, new_context

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

REFUSALS = {
    "ticket_invalid": "ticket_invalid",
    "ticket_expired": "ticket_expired",
    "visit_unknown": "visit_unknown",
    "visit_not_open": "visit_not_open",
    "visit_ended": "unmet",
    "link_revoked": "link_revoked",
    "denied": "denied",
    "removed": "removed",
    "locked": "locked",
    "full": "full",
    "rate_limited": "rate_limited",
    "draining": "draining",
    "internal": "internal",
}
"""Error code of a join → what the page calls it."""


async def test_a_ticket_joins_with_nothing_but_the_ticket(visitor: Visitor) -> None:
    await visitor.open(TICKET)
    await expect(visitor.see("name")).to_have_count(0)
    await visitor.see("join").click()
    channel = await visitor.server.channel()
    assert await channel.heard("join") == {"type": "join", "id": 1, "ticket": "the-ticket"}


async def test_a_guest_says_name_and_role(visitor: Visitor) -> None:
    await visitor.open(LINK)
    await visitor.see("name").fill("  Amina   Tolk ")
    await visitor.see("role").select_option("interpreter")
    await visitor.see("join").click()
    channel = await visitor.server.channel()
    assert await channel.heard("join") == {
        "type": "join",
        "id": 1,
        "visit": "v_1",
        "key": "the-key",
        "name": "Amina Tolk",
        "role": "interpreter",
    }


async def test_a_guest_without_a_name_is_told_so_and_led_there(visitor: Visitor) -> None:
    await visitor.open(LINK)
    await visitor.see("join").click()
    await expect(visitor.see("name-fault")).to_have_text("Skriv ditt namn.")
    await expect(visitor.see("role-fault")).to_have_text("Välj vem du är i besöket.")
    await expect(visitor.see("name")).to_have_attribute("aria-invalid", "true")
    await expect(visitor.see("name")).to_be_focused()
    assert visitor.server.channels.empty()


async def test_the_secret_leaves_the_address_bar_and_reaches_no_url(visitor: Visitor) -> None:
    await visitor.knock(LINK)
    await expect(visitor.see("waiting")).to_be_visible()
    assert visitor.page.url == f"{visitor.server.base_url}/join"
    assert not [path for path in visitor.server.paths if "key" in path]


async def test_the_keyboard_alone_is_enough_to_come_in(visitor: Visitor) -> None:
    await visitor.open(LINK)
    await expect(visitor.see("before")).to_be_visible()
    keys = visitor.page.keyboard
    seen = []
    for _ in range(6):
        await keys.press("Tab")
        seen.append(await visitor.focused())
        if seen[-1] == "name":
            await keys.type("Amina")
        elif seen[-1] == "role":
            await keys.type("Tolk")
    assert seen == ["language-sv", "language-en", "try", "name", "role", "join"]
    await keys.press("Enter")
    channel = await visitor.answered()
    assert channel.log[0]["role"] == "interpreter"
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()


async def test_devices_are_asked_for_after_the_click_and_together(visitor: Visitor) -> None:
    await visitor.open()
    await expect(visitor.see("join")).to_be_visible()
    assert await visitor.page.evaluate("probe.asked") == []
    await visitor.see("join").click()
    await visitor.answered()
    await expect(visitor.see("preview")).to_be_visible()
    assert await visitor.page.evaluate("probe.asked") == ["audio+video"]


async def test_a_refused_join_turns_no_camera_on(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.see("join").click()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("join"), "ticket_expired")
    await visitor.final("ticket_expired")
    assert await visitor.page.evaluate("probe.asked") == []


async def test_each_refusal_has_its_own_plain_words(visitor: Visitor) -> None:
    await visitor.open()
    texts = await visitor.page.evaluate("import('/static/js/texts/sv.js').then(({ sv }) => sv)")
    said = set()
    for code, reason in REFUSALS.items():
        await visitor.see("join").click()
        channel = await visitor.server.channel()
        await channel.error(await channel.heard("join"), code)
        await visitor.final(reason)
        heading = visitor.page.get_by_role("heading", level=1)
        await expect(heading).to_be_focused()
        await expect(heading).to_have_text(texts[f"final.{reason}.title"])
        await expect(visitor.see("final")).to_contain_text(texts[f"final.{reason}.text"])
        said.add(await heading.text_content())
        await visitor.page.reload()
    assert len(said) == len(REFUSALS)


async def test_an_unopened_visit_says_when_it_opens(browser: Browser, server: PageServer) -> None:
    context = await new_context(browser, timezone_id="Europe/Stockholm")
    visitor = await Visitor.arrive(context, server)
    await visitor.open()
    await visitor.see("join").click()
    channel = await server.channel()
    await channel.error(await channel.heard("join"), "visit_not_open", opens_at="2031-11-24T08:30:00Z")
    await expect(visitor.see("final")).to_contain_text("Du kan gå med från måndag 24 november kl. 09:30.")
    await visitor.see("again").click()
    assert (await (await server.channel()).heard("join"))["ticket"] == "the-ticket"
    await context.close()


async def test_a_page_without_a_link_says_so(visitor: Visitor) -> None:
    await visitor.page.goto(f"{visitor.server.base_url}/join")
    await visitor.final("no_link")


async def test_a_reload_comes_back_by_itself_with_the_resume_token(visitor: Visitor) -> None:
    await visitor.knock(**CLINICIAN)
    await expect(visitor.see("meeting")).to_be_visible()
    await visitor.page.reload()
    channel = await visitor.answered(**CLINICIAN, resume="resume-2")
    assert channel.log[0] == {"type": "join", "id": 1, "resume": "resume-1"}
    await expect(visitor.see("meeting")).to_be_visible()
    await visitor.page.reload()
    assert (await (await visitor.server.channel()).heard("join"))["resume"] == "resume-2"


async def test_a_reload_keeps_a_camera_off_that_was_off(visitor: Visitor) -> None:
    await visitor.knock()
    await expect(visitor.see("camera")).to_have_attribute("data-state", "on")
    await visitor.see("camera").click()
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
    await visitor.page.reload()
    await visitor.answered()
    await expect(visitor.see("microphone")).to_have_attribute("data-state", "on")
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
    assert await visitor.page.evaluate("probe.asked") == ["audio"]


async def test_a_resume_that_came_too_late_leads_back_to_the_beginning(visitor: Visitor) -> None:
    await visitor.knock(LINK)
    await expect(visitor.see("waiting")).to_be_visible()
    await visitor.page.reload()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("join"), "ticket_expired")
    await visitor.final("away_too_long")
    await visitor.see("again").click()
    await expect(visitor.see("name")).to_have_value("Amina Tolk")


async def test_whoever_was_removed_begins_anew_with_the_link_after_a_reload(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await channel.event("state", state="removed", reason="")
    await channel.close(4403)
    await visitor.final("removed")
    await visitor.page.reload()
    await visitor.see("join").click()
    assert (await (await visitor.server.channel()).heard("join"))["ticket"] == "the-ticket"


async def test_another_link_opened_in_the_same_tab_leaves_and_begins_anew(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    await visitor.page.evaluate("location.hash = 'visit=v_2&key=other'")
    await channel.heard("leave")
    await expect(visitor.see("name")).to_be_visible()
    assert visitor.page.url.endswith("/join")


async def test_the_same_link_opened_again_in_a_tab_that_waits_changes_nothing(visitor: Visitor) -> None:
    await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    await visitor.page.evaluate(f"location.hash = '{TICKET}'")
    await visitor.page.wait_for_function("() => !location.hash")
    await expect(visitor.see("waiting")).to_be_visible()
    assert visitor.server.channels.empty()


async def test_half_a_link_pasted_into_a_visit_changes_nothing(visitor: Visitor) -> None:
    await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    for half in ("x", "visit=v_2"):
        await visitor.page.evaluate(f"location.hash = '{half}'")
        await visitor.page.wait_for_function("() => !location.hash")
    await visitor.page.reload()
    assert (await (await visitor.server.channel()).heard("join"))["resume"] == "resume-1"


async def test_the_language_follows_the_switch_at_once_and_after_a_reload(visitor: Visitor) -> None:
    await visitor.open(LINK)
    await visitor.see("name").fill("Amina")
    await visitor.see("language-en").click()
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Welcome to your video visit")
    await expect(visitor.page).to_have_title("Welcome to your video visit – Video visit")
    await expect(visitor.see("name")).to_have_value("Amina")
    await expect(visitor.see("language-en")).to_have_attribute("aria-pressed", "true")
    await visitor.page.reload()
    await expect(visitor.see("join")).to_have_text("Join")


@pytest.mark.parametrize(
    ("query", "locale", "told", "expected"),
    [
        ("?lang=en", "sv-SE", "sv", "en"),
        ("", "en-GB", "sv", "en"),
        ("", "fi-FI", "en", "en"),
        ("?lang=fi", "fi-FI", "en", "en"),
    ],
)
async def test_the_language_is_the_links_else_the_browsers_else_the_visits(
    browser: Browser, server: PageServer, query: str, locale: str, told: str, expected: str
) -> None:
    context = await new_context(browser, locale=locale)
    visitor = await Visitor.arrive(context, server)
    await visitor.open(query=query)
    await visitor.see("join").click()
    await visitor.answered(language=told)
    await expect(visitor.see("waiting")).to_be_visible()
    await expect(visitor.page.locator("html")).to_have_attribute("lang", expected)
    await context.close()
