"""An hour's visit at the page, sped up: a minute is a guest who comes, is seen, and goes, and some lines of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.adapter import Person
from bench.browser import Held, devtools, held
from bench.evisit import Evisit
from bench.stage import Stage

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page

LINES = ("Vi väntar på", "Vi väntar på provsvaret.", "Ta två", "Ta två om dagen.")
"""What is written in a minute, as it grows; each second one is final."""

SEEN = """count => {
  const shown = document.querySelectorAll("[data-testid=tile]:not(.own) video:not([hidden])").length;
  return shown === count && document.querySelectorAll("[data-testid=roster-entry]").length === count + 1;
}"""
"""Whether so many others are listed, and the picture of each is shown."""


@dataclass(frozen=True, slots=True)
class Hour:
    minutes: int
    samples: tuple[Held, ...]
    """After the first minute, then ten times in even steps, the last one after the last minute."""
    after: Held
    """When the visit has ended."""


async def hour(browser: Browser, stage: Stage, minutes: int, tell: Callable[[int], None]) -> Hour:
    """Staff at the page, a colleague by the generator. Raises what the generator's clients and the browser raise."""
    adapter = stage.adapter
    assert isinstance(adapter, Evisit)
    visit = adapter.meeting(0)
    colleague = Person(0, True)
    context = await browser.new_context(permissions=["camera", "microphone"])
    try:
        await visit.enter(colleague, [])
        stage.pacer.start([colleague])
        page = await context.new_page()
        page.set_default_timeout(60_000)
        tools = await devtools(page)
        await page.goto(f"{adapter.base_url}/join#ticket={await visit.staff_ticket()}")
        await page.get_by_test_id("join").click()
        await page.wait_for_function(SEEN, arg=1)
        samples = []
        looks = {1 + round(step * (minutes - 1) / 10) for step in range(11)}
        for minute in range(1, minutes + 1):
            guest = Person(minute, True)
            await visit.enter(guest, [])
            stage.pacer.add(guest)
            await page.wait_for_function(SEEN, arg=2)
            for number, text in enumerate(LINES):
                await visit.write(text, final=number % 2 == 1)
            stage.pacer.remove(guest)
            await visit.part(guest)
            await page.wait_for_function(SEEN, arg=1)
            if minute in looks:
                samples.append(await _settled(page, tools))
            tell(minute)
        await visit.end()
        await page.get_by_test_id("final").wait_for()
        return Hour(minutes, tuple(samples), await _settled(page, tools))
    finally:
        stage.pacer.pause()
        await context.close()
        await visit.close()


async def _settled(page: Page, tools: CDPSession) -> Held:
    """What is held when frames under way have been drawn."""
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")
    return await held(tools)
