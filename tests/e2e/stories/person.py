"""Somebody in a browser of their own: at the care record or the patient portal, and from there in the meeting."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.browsers import STATS, WATCH

LOOKS = 400  # a tenth of a second apart; what flows shows in one second, but two cores carry three browsers


@dataclass
class Person:
    """A window. `meeting` is the tab of the visit, which a care record opens beside its own."""

    page: Page
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    """Requests to anybody but this machine."""
    meeting: Page | None = None

    @classmethod
    async def arrive(cls, browser: Browser) -> Person:
        context = await browser.new_context(
            permissions=["camera", "microphone", "clipboard-read", "clipboard-write"],
            locale="sv-SE",
            accept_downloads=True,
        )
        await context.add_init_script(WATCH)
        person = cls(await context.new_page())
        context.on("page", person._watch)
        person._watch(person.page)
        return person

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("request", lambda sent: None if "//127.0.0.1:" in sent.url else self.strangers.append(sent.url))

    @property
    def there(self) -> Page:
        """Where they meet."""
        return self.meeting or self.page

    async def log_in(self, portal: str, person: str) -> None:
        await self.page.goto(portal)
        await self.page.locator(f"[data-person='{person}']").click()
        await expect(self.page.get_by_test_id("logout")).to_be_visible()

    def booking(self, visit: str) -> Locator:
        return self.page.locator(f"[data-visit='{visit}']")

    async def menu_of(self, visit: str) -> Locator:
        """The menu of a booking, by the right mouse button."""
        await self.booking(visit).click(button="right", position={"x": 120, "y": 12})
        menu = self.booking(visit).get_by_test_id("menu")
        await expect(menu).to_be_visible()
        return menu

    async def follow(self, item: Locator) -> None:
        """Press what leads into the meeting, in a tab beside."""
        async with self.page.context.expect_page() as opened:
            await item.click()
        self.meeting = await opened.value

    async def join(self, *, name: str = "", role: str = "") -> None:
        """Past the first view of the visit's page, which nobody has pressed anything on yet."""
        if name:
            await self.there.get_by_test_id("name").fill(name)
            await self.there.get_by_test_id("role").select_option(role)
        await self.there.get_by_test_id("join").click()

    async def waits(self) -> None:
        await expect(self.there.get_by_test_id("waiting")).to_be_visible()

    async def is_in(self) -> None:
        await expect(self.there.get_by_test_id("meeting")).to_be_visible()

    async def admit(self, name: str, *, agreed: bool = False) -> None:
        """Let in whoever waits by this name, with the agreement where it is asked for."""
        await self.there.get_by_test_id("lobby-entry").filter(has_text=name).get_by_test_id("admit").click()
        if agreed:
            await self.there.get_by_test_id("agreement-yes").click()

    async def sees_and_hears(self, others: int) -> None:
        """Frames are decoded and sound comes from so many others."""
        await expect(self.there.get_by_test_id("roster-entry")).to_have_count(others + 1)
        first: dict[str, float] = {}
        for _ in range(LOOKS):
            stats = await self.there.evaluate(STATS)
            now = {f"{each['kind']} {each['mid']}": each["frames"] or each["energy"] for each in stats["inbound"]}
            first = now | first
            if sum(value > first[key] for key, value in now.items()) >= 2 * others:
                return
            await self.there.wait_for_timeout(100)
        raise AssertionError(f"of {others} others this is what came: {await self.there.evaluate(STATS)}")
