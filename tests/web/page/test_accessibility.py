"""axe-core finds nothing to object to in any state, and the whole visit can be walked with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.web.page.visitor import CLINICIAN, LINK, Visitor, admitted, me, track, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (Path(__file__).parents[2] / "vendor" / "axe-core" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
FULL = [
    track("a-p1", "microphone"),
    track("v-p1", "camera"),
    {"track": "s-p1", "kind": "video", "source": "screen", "muted": False, "paused": False},
]


async def objections(visitor: Visitor) -> list[str]:
    """What axe finds, each as its rule and where."""
    if not await visitor.page.evaluate("'axe' in window"):
        await visitor.page.evaluate(AXE + "; undefined")
    found = await visitor.page.evaluate(
        "(values) => axe.run(document, { runOnly: { type: 'tag', values } })"
        ".then(({ violations }) => violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`)))",
        RULES,
    )
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_nothing_to_object_to_in_any_state(visitor: Visitor, language: str, size: tuple[int, int]) -> None:
    await visitor.page.set_viewport_size({"width": size[0], "height": size[1]})
    await visitor.open(LINK)
    await visitor.speak(language)
    assert await objections(visitor) == [], "before"
    await visitor.see("try").click()
    echo = await visitor.server.channel()
    await echo.error(await echo.heard("test"), "rate_limited")
    await expect(visitor.see("check-again")).to_be_visible()
    assert await objections(visitor) == [], "trying"
    channel = await visitor.knock(LINK, may_admit=True)
    await channel.event("lobby_status", staff_present=True)
    await channel.event("notice", text="Vi är snart hos dig.")
    await expect(visitor.see("notice")).to_be_visible()
    assert await objections(visitor) == [], "waiting"
    await channel.event("state", state="admitted", reason="")
    people = [
        me(),
        admitted("p1", tracks=FULL, pinned=True),
        admitted("p2", "Per Persson", verified=False, connected=False),
        admitted("p3", "Maria Persson"),
    ]
    await channel.event("roster", version=1, locked=True, participants=people)
    knocking = [
        waiting("w1", "Åsa Berg"),
        waiting("w2", "Kim", role="external", verified=False, booked=False, second_device=True),
    ]
    away = [{"participant": "t1", "name": "Okänd", "role": "external", "state": "denied"}]
    await channel.event("lobby", version=1, waiting=knocking, turned_away=away)
    await channel.event("speaker", participant="p1")
    await channel.event("quality", participants=[{"participant": "p1", "score": 1.5, "reason": "uplink"}])
    await channel.event("track_paused", track="v-p3", paused=True, reason="bandwidth")
    await channel.event("text", participant="p1", text="Hej på dig", final=True)
    await channel.event("text", participant="p2", text="Jag sk", final=False)
    await expect(visitor.see("text-writing").get_by_test_id("text-line")).to_have_count(1)
    assert await objections(visitor) == [], "meeting"
    if size[0] < 960:
        await visitor.see("people-toggle").click()
        assert await objections(visitor) == [], "people"
    for opener, dialog in (
        (visitor.see("admit", "w2"), "agreement-dialog"),
        (visitor.see("notify", "w1"), "notice-dialog"),
        (visitor.see("deny", "w1"), "deny-dialog"),
        (visitor.see("change-devices"), "devices-dialog"),
        (visitor.see("remove", "p1"), "remove-dialog"),
        (visitor.see("shortcuts"), "shortcuts-dialog"),
        (visitor.see("end"), "end-dialog"),
        (visitor.see("leave"), "leave-dialog"),
    ):
        await opener.click()
        await expect(visitor.see(dialog)).to_be_visible()
        assert await objections(visitor) == [], dialog
        await visitor.page.keyboard.press("Escape")
        await expect(visitor.see(dialog)).to_have_count(0)
    await visitor.see("hold", "p1").click()
    await channel.ok(await channel.heard("hold"))
    await expect(visitor.see("undo")).to_be_visible()
    assert await objections(visitor) == [], "undo"
    channel.abort()
    await expect(visitor.see("trouble")).to_be_visible()
    assert await objections(visitor) == [], "reconnecting"
    channel = await visitor.answered(**{**CLINICIAN, "state": "admitted"})
    await channel.event("state", state="ended", reason="")
    await visitor.final("ended")
    assert await objections(visitor) == [], "final"


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_a_screen_reader_is_told_what_each_button_does_and_to_whom(visitor: Visitor, language: str) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await visitor.speak(language)
    people = [me(), admitted("p1", "Nora Falk"), admitted("p2", "Per Persson", tracks=FULL)]
    await channel.event("roster", version=1, locked=False, participants=people)
    knocking = [waiting("w1", "Johan Persson"), waiting("w2", "Kim Ek", booked=False)]
    await channel.event("lobby", version=1, waiting=knocking)
    await expect(visitor.page.get_by_test_id("lobby-entry")).to_have_count(2)
    spoken = await visitor.page.locator("body").aria_snapshot()
    pressed = re.findall(r"- '?button(?: \"([^\"]*)\")?", spoken)
    assert len(pressed) > 25
    assert all(pressed), spoken
    assert [name for name in pressed if pressed.count(name) > 1] == []
    for person in ("Nora Falk", "Per Persson"):
        assert sum(person in name for name in pressed) >= 5, f"each thing that is done to {person} names them"
    for person in ("Johan Persson", "Kim Ek"):
        assert sum(person in name for name in pressed) == 3
    # Names aside, an English page has no Swedish word in it.
    assert not (
        language == "en" and re.search("[åäö]", spoken.replace("Återbesök", "").replace("Ögonmottagningen", ""))
    )


async def test_without_the_pages_own_colours_everything_can_still_be_told_apart(visitor: Visitor) -> None:
    await visitor.page.emulate_media(forced_colors="active")
    channel = await visitor.enter(admitted("p1"))
    await channel.event("speaker", participant="p1")
    tile = visitor.page.locator("[data-testid='tile'][data-participant='p1']")
    await expect(tile.locator("[data-mark='speaking']")).to_have_text("Talar")
    ring = "(tile) => getComputedStyle(tile, '::after').borderTopStyle"
    assert await tile.evaluate(ring) == "solid"
    await visitor.see("microphone").focus()
    await visitor.page.keyboard.press("Tab")
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert await visitor.page.evaluate(outline) == "solid"
    for testid in ("microphone", "leave", "text-toggle"):
        border = await visitor.see(testid).evaluate("(button) => getComputedStyle(button).borderTopStyle")
        assert border == "solid"
    assert await objections(visitor) == []


async def reach(visitor: Visitor, testid: str) -> None:
    """Go on with Tab until this has the focus; nothing on the way may hold it."""
    for _ in range(60):
        if await visitor.focused() == testid:
            return
        await visitor.page.keyboard.press("Tab")
    raise AssertionError(f"{testid} is not reached with Tab")


async def test_the_whole_visit_with_the_keyboard_alone(visitor: Visitor) -> None:
    keyboard = visitor.page.keyboard
    await visitor.open(LINK)
    await expect(visitor.see("join")).to_be_visible()
    await reach(visitor, "name")
    await keyboard.type("Amina Tolk")
    await reach(visitor, "role")
    await keyboard.press("ArrowDown")
    await reach(visitor, "join")
    await keyboard.press("Enter")
    channel = await visitor.answered(may_admit=True)
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    await reach(visitor, "microphone")
    await keyboard.press("Space")
    await channel.event("state", state="admitted", reason="")
    await expect(visitor.see("meeting")).to_be_visible()
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await expect(visitor.see("admit", "w1")).to_be_visible()
    for testid in ("pin", "admit", "deny", "notify", "silence", "hold", "remove", "lock", "end", "shortcuts", "leave"):
        await reach(visitor, testid)
    await reach(visitor, "text-toggle")
    await keyboard.press("Enter")
    await expect(visitor.see("text-input")).to_be_focused()
    channel.answers["text"] = lambda _: {}
    await keyboard.type("Hej")
    await keyboard.press("Enter")
    await keyboard.press("Escape")
    await expect(visitor.see("text-toggle")).to_be_focused()
    await reach(visitor, "leave")
    await keyboard.press("Enter")
    await expect(visitor.see("leave-no")).to_be_focused()
    await reach(visitor, "leave-yes")
    await keyboard.press("Enter")
    await visitor.final("left")


@pytest.mark.parametrize(("width", "height"), [(320, 256), (640, 400), (360, 740), (740, 360)])
async def test_zoomed_in_or_turned_the_meeting_reflows_and_everything_is_reached(
    visitor: Visitor, width: int, height: int
) -> None:
    """1280 by 1024 at 400 %, 1280 by 800 at 200 %, and a phone both ways."""
    await visitor.page.set_viewport_size({"width": width, "height": height})
    channel = await visitor.knock(**CLINICIAN)
    await channel.event(
        "roster", version=1, locked=True, participants=[me(), *[admitted(f"p{n}", tracks=FULL) for n in range(3)]]
    )
    await channel.event("text", participant="p1", text="Ett långt ord: " + "å" * 200, final=True)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await expect(visitor.see("text-pane")).to_be_visible()
    assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    for testid in ("text-input", "leave", "microphone", "people-toggle"):
        await visitor.see(testid).click(trial=True)


async def test_a_line_of_news_covers_nobodys_name(visitor: Visitor) -> None:
    await visitor.page.set_viewport_size({"width": 360, "height": 740})
    channel = await visitor.enter(admitted("p1"))
    await channel.event("roster", version=2, locked=False, participants=[me(), admitted("p1"), admitted("p2", "Per")])
    line = visitor.see("status")
    await expect(line).to_have_text("Per är med i besöket.")
    news = await line.bounding_box()
    assert news
    for caption in await visitor.page.locator(".caption .who").all():
        box = await caption.bounding_box()
        assert box
        assert box["y"] + box["height"] <= news["y"] or news["y"] + news["height"] <= box["y"]
