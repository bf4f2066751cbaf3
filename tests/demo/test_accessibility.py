"""axe-core finds nothing to object to on any page of the portals, and everything is done with the keyboard alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.demo.conftest import Demo, Window
from tests.e2e.browsers import CHROMIUM, FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def at(browser: Browser, window: Window, person: str, size: dict[str, int], locale: str = "sv-SE") -> Page:
    context = await browser.new_context(viewport={"width": size["width"], "height": size["height"]}, locale=locale)
    page = await context.new_page()
    await page.goto(str(window.client.make_url("/")))
    assert await objections(page) == []
    await page.locator(f"[data-person='{person}']").click()
    return page


async def objections(page: Page) -> list[str]:
    """What axe finds, each as its rule and where; and a page that is wider than its window."""
    await page.evaluate(AXE)
    result = await page.evaluate(
        "(values) => axe.run(document, { runOnly: { type: 'tag', values } })"
        ".then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} ${target}`)))",
        RULES,
    )
    found = [str(each) for each in result]
    if not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("wider than the window")
    return found


@pytest.mark.parametrize(
    ("size", "locale"), [(PHONE, "sv-SE"), (DESK, "en-GB")], ids=["phone, Swedish", "desk, English"]
)
async def test_there_is_nothing_to_object_to(demo: Demo, browser: Browser, size: dict[str, int], locale: str) -> None:
    care = await demo.at_care_record(sends_mail=True)
    page = await at(browser, care, "demo:eva", size, locale)
    await page.locator(f"[data-visit='{demo.visit}']").get_by_test_id("actions").click()
    await expect(page.locator(f"[data-visit='{demo.visit}']").get_by_test_id("menu")).to_be_visible()
    assert await objections(page) == [], "menu"
    visit = f"/visits/{demo.visit}"
    pages = [
        "/",
        "/list",
        "/web",
        "/book",
        visit,
        *(f"{visit}/{each}" for each in ("invite", "draft", "move", "cancel")),
    ]
    for path in [*pages, "/?unit=SE2321000016-2KLM", "/nothing"]:
        await page.goto(str(care.client.make_url(path)))
        assert await objections(page) == [], path
    await page.goto(str(care.client.make_url("/book")))
    await page.locator("#patient").select_option("demo:alva")
    await page.locator("#guardians").check()
    await page.get_by_test_id("book").click()
    await expect(page.get_by_test_id("fault")).to_be_visible()
    assert await objections(page) == [], "a fault"
    await at(browser, await demo.at_patient_portal(), "demo:maria", size, locale)


async def focused(page: Page) -> str:
    """Test id of what has the focus, or its text."""
    return str(
        await page.evaluate("document.activeElement.dataset.testid ?? document.activeElement.textContent.trim()")
    )


async def reach(page: Page, what: Locator) -> None:
    """Go on with Tab until this has the focus."""
    for _ in range(60):
        if await what.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError("it is not reached with Tab")


async def test_the_menu_of_a_booking_is_one_for_the_keyboard(demo: Demo, browser: Browser) -> None:
    page = await at(browser, await demo.at_care_record(), "demo:eva", DESK)
    press = page.keyboard.press
    booking = page.locator(f"[data-visit='{demo.visit}']")
    patient, opener, menu = (
        booking.get_by_role("link", name="Per P"),
        booking.get_by_test_id("actions"),
        booking.get_by_test_id("menu"),
    )
    await reach(page, patient)
    for keys in ("Shift+F10", "ContextMenu"):
        await press(keys)
        await expect(menu).to_be_visible()
        await expect(opener).to_have_attribute("aria-expanded", "true")
        assert await focused(page) == "menu-join"
        await press("Escape")
        await expect(menu).to_be_hidden()
        assert await focused(page) == "Per P", "back where it was"
    await reach(page, opener)
    await press("Enter")
    for key, item in (
        ("ArrowDown", "menu-copy"),
        ("End", "menu-cancel"),
        ("ArrowDown", "menu-join"),
        ("ArrowUp", "menu-cancel"),
        ("Home", "menu-join"),
        ("f", "menu-move"),
        ("b", "menu-invite"),
    ):
        await press(key)
        assert await focused(page) == item, json.dumps(key)
    await press("Tab")
    await expect(menu).to_be_hidden()
    await reach(page, opener)
    await press("ArrowUp")
    assert await focused(page) == "menu-cancel"
    await press("Enter")
    await expect(page.get_by_test_id("cancel-yes")).to_be_visible()


async def test_a_menu_stays_within_the_window_and_there_is_one_at_a_time(demo: Demo, browser: Browser) -> None:
    page = await at(browser, await demo.at_care_record(), "demo:eva", {"width": 1280, "height": 520})
    last, first = page.get_by_test_id("booking").nth(3), page.get_by_test_id("booking").nth(1)
    await last.scroll_into_view_if_needed()
    box = await last.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4, button="right")
    menu = await last.get_by_test_id("menu").bounding_box()
    assert menu is not None
    assert menu["y"] >= 0
    assert menu["y"] + menu["height"] <= 520
    assert menu["x"] + menu["width"] <= 1280
    await first.click(button="right", position={"x": 300, "y": 10})
    await expect(page.get_by_test_id("menu").locator("visible=true")).to_have_count(1)
    await page.locator("h1").click()
    await expect(page.get_by_test_id("menu").locator("visible=true")).to_have_count(0)


async def test_without_a_clipboard_the_link_is_on_a_page(demo: Demo, browser: Browser) -> None:
    window = await demo.at_care_record()
    page = await at(browser, window, "demo:eva", DESK)
    await page.evaluate("navigator.clipboard.write = () => Promise.reject(new Error('no')); undefined")
    await page.locator(f"[data-visit='{demo.visit}']").get_by_test_id("actions").click()
    await page.locator(f"[data-visit='{demo.visit}']").get_by_test_id("menu-copy").click()
    link = (await demo.stage.call("GET", f"/visits/{demo.visit}/link")).json["share_url"]
    await expect(page.get_by_test_id("link")).to_have_value(link)
    assert await objections(page) == []
