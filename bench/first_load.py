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
  if (button && seen.join === undefined) seen.join = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
"""Notes when the button is there. The page puts it up with its listener: from then on a press does something."""

WEIGHED = """() => {
  const files = performance.getEntriesByType("resource");
  const [page] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    octets: [page, ...files].reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
    files: files.length + 1,
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
    paint_ms: float
    """From the navigation to the first text."""
    interactive_ms: float
    """… to the button that joins."""
    octets_in_visit: int
    """With what the meeting needs, which is fetched when somebody joins."""


async def first_load(browser: Browser, link: str, speed: Speed) -> FirstLoad:
    """Open a link in a browser that has never seen it, at this speed, and join."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await slow_down(await devtools(page), speed)
        await page.goto(link, wait_until="load")
        await page.wait_for_function("() => seen.join !== undefined")
        await page.wait_for_load_state("networkidle")
        first: dict[str, Any] = await page.evaluate(WEIGHED)
        await page.get_by_test_id("join").click()
        await page.get_by_test_id("meeting").wait_for()
        then: dict[str, Any] = await page.evaluate(WEIGHED)
    finally:
        await context.close()
    return FirstLoad(first["octets"], first["files"], first["paint"], first["interactive"], then["octets"])
