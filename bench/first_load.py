"""What the first view of the page weighs, and how long it takes until somebody can press join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.browser import Speed, devtools, slow_down

if TYPE_CHECKING:
    from playwright.async_api import Browser

WATCH = """
window.seen = {};
new MutationObserver(() => {
  const button = document.querySelector("[data-testid=join]");
  if (button && !button.disabled && seen.join === undefined) seen.join = performance.now();
  if (document.querySelector("[data-testid=meeting]") && seen.meeting === undefined) seen.meeting = performance.now();
}).observe(document, { childList: true, subtree: true, attributeFilter: ["disabled"] });
"""
"""Notes when the button can be pressed. The page makes it so with its listener: from then on a press does something."""

HURRY = """
new MutationObserver((_, observer) => {
  if (seen.join === undefined) return;
  observer.disconnect();
  document.querySelector("[data-testid=join]").click();
}).observe(document, { childList: true, subtree: true, attributeFilter: ["disabled"] });
"""
"""Presses the button at once."""

WEIGHED = """() => {
  const files = performance.getEntriesByType("resource");
  const [page] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    octets: [page, ...files].reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
    files: files.length + 1,
    files_first: files.filter(({ responseEnd }) => responseEnd <= seen.join).length + 1,
    paint: paint?.startTime ?? null,
    interactive: seen.join,
  };
}"""


@dataclass(frozen=True, slots=True)
class FirstLoad:
    octets: int
    """Bodies as they stand, uncompressed."""
    files: int
    """Requests, the page's own included."""
    files_first: int
    """Those of them that had come when somebody could press join."""
    paint_ms: float
    """From the navigation to the first text."""
    interactive_ms: float
    """… to the button that joins."""
    octets_in_visit: int
    """With what the meeting needs, which is fetched when somebody joins."""
    in_visit_ms: float
    """… to the meeting, for whoever presses join as soon as that does something."""


async def first_load(browser: Browser, links: tuple[str, str], speed: Speed) -> FirstLoad:
    """Open a link in a browser that has never seen it, at this speed, and join: once in peace, once in a hurry."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await slow_down(await devtools(page), speed)
        await page.goto(links[0], wait_until="load")
        await page.wait_for_function("() => seen.join !== undefined")
        await page.wait_for_load_state("networkidle")
        first: dict[str, Any] = await page.evaluate(WEIGHED)
        await page.get_by_test_id("join").click()
        await page.get_by_test_id("meeting").wait_for()
        then: dict[str, Any] = await page.evaluate(WEIGHED)
    finally:
        await context.close()
    return FirstLoad(
        first["octets"],
        first["files"],
        first["files_first"],
        first["paint"],
        first["interactive"],
        then["octets"],
        await _hurried(browser, links[1], speed),
    )


async def _hurried(browser: Browser, link: str, speed: Speed) -> float:
    """Milliseconds until somebody is in the meeting who presses join as soon as that does something."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await page.add_init_script(HURRY)
        await slow_down(await devtools(page), speed)
        await page.goto(link, wait_until="commit")
        await page.wait_for_function("() => seen.meeting !== undefined")
        return float(await page.evaluate("() => seen.meeting"))
    finally:
        await context.close()
