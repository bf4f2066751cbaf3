"""A file of the page does not come: what is read meanwhile, and that it comes after all, in every engine, and costs nobody their place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Route, expect

from sfu.tasks import spawn
from tests.e2e.firefox import Firefox
from tests.web.page.server import Channel, PageServer, page_server
from tests.web.page.visitor import CLINICIAN, LINK, TICKET, Visitor, admitted, answer, me

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

TROUBLE = "Anslutningen bröts. Ansluter igen …"
EVERY_TIME = 1_000
TIMES = 2  # the list of what comes next asks for it once, and then whoever needs it
LOST = ["waiting.js", "meeting.js", "staff.js", "sv-meeting.js", "media.js", "sections.js", "mutes.js"]
"""Modules that a visit cannot do without, fetched once somebody has pressed join; among them some that only others import."""
NOT_FETCHED = "Det gick inte att hämta. Ladda om sidan för att försöka igen."
READ = """
new MutationObserver(() => {
  for (const line of document.querySelectorAll(".trouble")) {
    if (line.checkVisibility() && line.textContent) sessionStorage.read = line.textContent;
  }
}).observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
document.addEventListener("readystatechange", () => {
  if (document.readyState !== "interactive") return;
  window.disabledAtFirst = [...document.querySelectorAll("button:disabled")].map((button) => button.dataset.testid);
});
"""
"""JavaScript: keeps what has been read on the line for trouble, be it for a moment, or before a new document; and which buttons could not
be pressed when the document was there, and no script of its own had run."""


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[PageServer]:
    """At an address of its own: a browser keeps what another has given it."""
    async with page_server(before_scripts=READ) as served:
        yield served


async def in_trouble(visitor: Visitor) -> None:
    await visitor.page.wait_for_function("(read) => sessionStorage.read === read", arg=TROUBLE)


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(context: BrowserContext, server: PageServer) -> AsyncIterator[Visitor]:
    """As everywhere, but that the browser may say in its console which files have not come."""
    visitor = await Visitor.arrive(context, server)
    yield visitor
    await visitor.page.close()
    assert [line for line in visitor.errors if not re.search(r"status of 503|ERR_FAILED", line)] == []
    assert visitor.strangers == []


@pytest.mark.parametrize("name", LOST)
async def test_who_waits_reads_that_something_does_not_come_and_keeps_their_place(visitor: Visitor, name: str) -> None:
    visitor.server.lost[name] = TIMES
    channel = await visitor.knock()
    await in_trouble(visitor)
    await expect(visitor.see("trouble")).to_be_empty()
    await expect(visitor.see("waiting")).to_be_visible()
    await channel.event("state", state="admitted", reason="")
    await expect(visitor.see("meeting")).to_be_visible()
    await channel.heard("offer")
    assert visitor.server.channels.empty()


async def test_who_is_in_at_once_is_seen_and_heard_when_all_has_come(visitor: Visitor) -> None:
    for name in ("meeting.js", "media.js"):
        visitor.server.lost[name] = TIMES
    channel = await visitor.knock(**CLINICIAN)
    await in_trouble(visitor)
    await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
    await expect(visitor.see("meeting")).to_be_visible()
    await expect(visitor.see("trouble")).to_be_empty()
    await channel.heard("offer")


@pytest.mark.parametrize("name", ["start.js", "page.js", "sv.js"])
async def test_a_guest_reads_it_before_anything_else_has_come_and_joins_when_it_has(
    visitor: Visitor, name: str
) -> None:
    visitor.server.lost[name] = TIMES
    await visitor.open(LINK)
    await visitor.see("name").fill("Amina Tolk")
    await visitor.see("role").select_option("interpreter")
    await visitor.see("join").click()
    await in_trouble(visitor)
    await visitor.answered()
    await expect(visitor.see("waiting")).to_be_visible()
    await expect(visitor.see("trouble")).to_be_empty()


async def test_a_reloaded_tab_is_not_an_empty_page(visitor: Visitor) -> None:
    await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    # What is routed does not come out of the browser's own store.
    await visitor.page.route(re.compile("/page.js"), lambda route: route.abort(), times=TIMES)
    await visitor.page.reload()
    await in_trouble(visitor)
    await visitor.answered()
    await expect(visitor.see("waiting")).to_be_visible()


async def test_equipment_comes_after_all_and_is_tried_once(visitor: Visitor) -> None:
    visitor.server.lost["equipment.js"] = 1
    await visitor.open()
    await visitor.see("try").evaluate("(button) => (button.click(), button.click())")
    await in_trouble(visitor)
    await expect(visitor.see("equipment")).to_have_count(1)
    await expect(visitor.see("trouble")).to_be_empty()
    assert await visitor.page.evaluate("probe.asked.length") == 1


async def test_another_camera_is_chosen_once_however_often_it_was_pressed(visitor: Visitor) -> None:
    visitor.server.lost["choosing.js"] = TIMES
    await visitor.knock()
    await visitor.see("change-devices").evaluate("(button) => (button.click(), button.click())")
    await expect(visitor.see("devices-dialog")).to_be_visible()
    await expect(visitor.see("devices-dialog")).to_have_count(1)


async def test_a_language_whose_texts_do_not_come_is_spoken_when_they_have(visitor: Visitor) -> None:
    await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    visitor.server.lost["en.js"] = 1
    await visitor.see("language-en").click()
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    assert await visitor.page.evaluate("sessionStorage.read ?? null") is None, "the visit goes on in Swedish meanwhile"


async def test_a_language_that_cannot_be_had_leaves_the_other_and_says_so(visitor: Visitor) -> None:
    await visitor.enter(admitted("p1"))
    await visitor.page.evaluate("window.same = true")
    visitor.server.lost["en.js"] = 3
    await visitor.see("language-en").click()
    await expect(visitor.see("status")).to_have_text(NOT_FETCHED)
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "sv")
    await expect(visitor.see("trouble")).to_be_empty()
    assert await visitor.page.evaluate("JSON.parse(sessionStorage.evisit).language") == "sv", "after a reload too"
    await visitor.speak("en")
    assert await visitor.page.evaluate("[window.same, sessionStorage.read ?? null]") == [True, None]


async def test_the_page_for_equipment_says_that_a_language_cannot_be_had(visitor: Visitor) -> None:
    await visitor.page.goto(f"{visitor.server.base_url}/test")
    await expect(visitor.see("test-start")).to_be_enabled()
    visitor.server.lost["en.js"] = 3
    await visitor.see("language-en").click()
    await expect(visitor.see("trouble")).to_have_text(NOT_FETCHED)
    await visitor.speak("en")
    await expect(visitor.see("trouble")).to_be_hidden()


async def test_the_last_wish_for_a_language_counts_though_its_texts_came_first(visitor: Visitor) -> None:
    await visitor.open()
    await expect(visitor.see("language-sv")).to_have_attribute("aria-pressed", "true")
    chosen = asyncio.Event()
    asked: list[str] = []

    async def late(route: Route) -> None:
        asked.append(route.request.url)
        await chosen.wait()
        await route.continue_()

    await visitor.page.route(re.compile("/en.js"), late)
    async with visitor.page.expect_request(re.compile("/en.js")):
        await visitor.see("language-en").click()
    await visitor.see("language-sv").click()
    chosen.set()
    await visitor.page.evaluate("(url) => import(url).then(() => true)", asked[0])
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "sv")


async def test_a_sheet_that_does_not_come_holds_nobody_up_and_comes_later(visitor: Visitor) -> None:
    visitor.server.lost["meeting.css"] = TIMES
    await visitor.knock(**CLINICIAN)
    await expect(visitor.see("meeting")).to_be_visible()
    await visitor.page.wait_for_function(
        "() => getComputedStyle(document.querySelector('[data-testid=meeting]')).display === 'grid'"
    )
    sheets = "document.querySelectorAll('link[rel=stylesheet][href*=meeting]').length"
    assert await visitor.page.evaluate(sheets) == 1


async def test_the_page_for_equipment_says_so_too(visitor: Visitor) -> None:
    visitor.server.lost["sv-equipment.js"] = 1
    await visitor.page.goto(f"{visitor.server.base_url}/test")
    await in_trouble(visitor)
    await visitor.see("test-start").click()
    await expect(visitor.see("trouble")).to_be_hidden()


async def test_who_leaves_while_nothing_can_be_fetched_has_left(visitor: Visitor) -> None:
    """What it takes to tell the server later came with the media."""
    channel = await visitor.enter(admitted("p1"))
    await visitor.page.route(re.compile("/static/"), lambda route: route.abort())
    channel.abort()
    await expect(visitor.see("trouble")).not_to_be_empty()
    (await visitor.server.channel()).abort()
    await visitor.see("leave").click()
    await visitor.see("leave-yes").click()
    await visitor.final("left")
    told = await visitor.answered(**CLINICIAN)
    assert told.log[0]["resume"] == "resume-1"
    await told.heard("leave")
    await expect(visitor.see("trouble")).to_be_empty()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def firefox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    firefox = await Firefox(tmp_path_factory.mktemp("firefox")).start()
    yield firefox
    await firefox.close()


PRESS = """
const button = document.querySelector(`[data-testid=${arguments[0]}]`);
if (!button?.checkVisibility() || button.disabled) return false;
button.click();
return true;
"""
TYPE = """
for (const [id, value] of Object.entries(arguments[0])) document.querySelector(`[data-testid=${id}]`).value = value;
return true;
"""
TYPED = "return document.querySelector('[data-testid=name]')?.value === arguments[0]"
SAYS = "return document.querySelector(`[data-testid=${arguments[0]}]`)?.textContent === arguments[1]"
ENABLED = "return document.querySelector(`[data-testid=${arguments[0]}]`)?.disabled === false"
SHOWN = "return document.querySelector(`[data-testid=${arguments[0]}]`)?.checkVisibility() ?? false"


class Fox:
    """Somebody with Firefox: what has failed once there never comes to the same document."""

    state = "waiting"
    """What whoever joins or comes back is told."""

    def __init__(self, firefox: Firefox, server: PageServer) -> None:
        self.firefox = firefox
        self.server = server
        self.joined: list[tuple[Channel, dict[str, object]]] = []

    async def open(self, fragment: str) -> None:
        await self.firefox.open(f"{self.server.base_url}/join?lang=sv#{fragment}")
        await self.firefox.run("window.same = true")

    async def answer_all(self) -> None:
        """The document that is left may come back once more."""
        while True:
            channel = await self.server.channels.get()
            join = await channel.heard("join")
            await channel.ok(join, **answer(state=self.state))
            self.joined.append((channel, join))

    async def came_back(self) -> Channel:
        """The channel of the new document, which has come with the token of the old one."""
        await self.firefox.until("return window.same === undefined && document.readyState === 'complete'")
        await self.firefox.until(SHOWN, "waiting")
        assert {str(join.get("resume")) for _, join in self.joined[1:]} == {"resume-1"}
        return self.joined[-1][0]


@pytest_asyncio.fixture(loop_scope="session")
async def fox(firefox: Firefox, server: PageServer) -> AsyncIterator[Fox]:
    fox = Fox(firefox, server)
    answering = spawn(fox.answer_all(), name="answers whoever comes")
    yield fox
    answering.cancel()


@pytest.mark.parametrize("name", ["waiting.js", "sv-meeting.js", "media.js", "sections.js"])
async def test_in_firefox_a_new_document_takes_the_place_of_the_old_one(fox: Fox, name: str) -> None:
    fox.server.lost[name] = EVERY_TIME
    await fox.open(TICKET)
    await fox.firefox.until(PRESS, "join")
    await fox.firefox.until("return sessionStorage.read === arguments[0]", TROUBLE)
    fox.server.lost.clear()
    channel = await fox.came_back()
    await channel.event("state", state="admitted", reason="")
    await fox.firefox.until(SHOWN, "meeting")
    await channel.heard("offer")


@pytest.mark.parametrize("name", ["start.js", "sv.js", "equipment.js"])
async def test_in_firefox_what_a_guest_has_typed_stands_in_the_new_document(fox: Fox, name: str) -> None:
    fox.server.lost[name] = EVERY_TIME
    await fox.open(LINK)
    await fox.firefox.until(TYPE, {"name": "Amina Tolk", "role": "interpreter"})
    if name == "equipment.js":
        await fox.firefox.until(PRESS, "try")
    await fox.firefox.until("return sessionStorage.read === arguments[0]", TROUBLE)
    fox.server.lost.clear()
    await fox.firefox.until("return window.same === undefined")
    await fox.firefox.until(TYPED, "Amina Tolk")
    await fox.firefox.until(PRESS, "join")
    await fox.firefox.until(SHOWN, "waiting")
    ((_, join),) = fox.joined
    assert (join["name"], join["role"]) == ("Amina Tolk", "interpreter")


ANSWERED = """
return performance.getEntriesByType("resource")
  .filter(({ initiatorType, name }) => initiatorType === "fetch" && name.endsWith("/loading.js")).length >= 2;
"""
"""JavaScript: the server has said twice that it is there, and so what has failed meanwhile comes no more."""


@pytest.mark.parametrize("name", ["chime.js", "level.js"])
async def test_in_firefox_what_nobody_needs_costs_no_new_document_and_no_word(fox: Fox, name: str) -> None:
    fox.server.lost[name] = EVERY_TIME
    await fox.open(TICKET)
    await fox.firefox.until(PRESS, "join")
    await fox.firefox.until(SHOWN, "waiting")
    await fox.firefox.until(ANSWERED)
    await fox.joined[-1][0].event("state", state="admitted", reason="")
    await fox.firefox.until(SHOWN, "meeting")
    await fox.joined[-1][0].heard("offer")
    assert await fox.firefox.run("return [window.same, sessionStorage.read ?? null]") == [True, None]
    assert len(fox.joined) == 1


async def test_in_firefox_a_language_that_cannot_be_had_hides_no_loss_of_the_channel(fox: Fox) -> None:
    await fox.open(TICKET)
    await fox.firefox.until(PRESS, "join")
    await fox.firefox.until(SHOWN, "waiting")
    channel = fox.joined[-1][0]
    await channel.event("state", state="admitted", reason="")
    await fox.firefox.until(SHOWN, "meeting")
    await channel.heard("offer")
    fox.server.lost["en.js"] = EVERY_TIME
    await fox.firefox.until(PRESS, "language-en")
    await fox.firefox.until(SAYS, "status", NOT_FETCHED)
    assert await fox.firefox.run("return [document.documentElement.lang, sessionStorage.read ?? null]") == ["sv", None]
    fox.state = "admitted"
    channel.abort()
    await fox.firefox.until("return sessionStorage.read === arguments[0]", TROUBLE)
    await fox.firefox.until(SAYS, "status", "Ansluten igen.")
    await fox.firefox.until(SAYS, "trouble", "")
    assert await fox.firefox.run("return window.same")


async def test_in_firefox_who_has_joined_waits_no_more_for_what_tries_the_equipment(fox: Fox) -> None:
    await fox.open(TICKET)
    # Until they have joined, the server does not say either that it is there.
    for name in ("equipment.js", "loading.js"):
        fox.server.lost[name] = EVERY_TIME
    await fox.firefox.until(PRESS, "try")
    await fox.firefox.until("return sessionStorage.read === arguments[0]", TROUBLE)
    await fox.firefox.until(PRESS, "join")
    await fox.firefox.until(SHOWN, "waiting")
    del fox.server.lost["loading.js"]
    await fox.firefox.until(SAYS, "trouble", "")
    assert await fox.firefox.run("return window.same")


async def test_in_firefox_a_reload_keeps_the_place(fox: Fox) -> None:
    """Its page lives on for a moment, and is told that its channel has been closed in good order."""
    await fox.open(TICKET)
    await fox.firefox.until(PRESS, "join")
    await fox.firefox.until(SHOWN, "waiting")
    await fox.firefox.run("location.reload()")
    await fox.came_back()


@pytest.mark.parametrize(("path", "buttons"), [("join", ["join", "try"]), ("test", ["test-start"])])
async def test_in_firefox_no_button_can_be_pressed_before_what_it_does_is_there(
    fox: Fox, path: str, buttons: list[str]
) -> None:
    """Firefox gives a document that is loaded anew the buttons as they were. What is pressed too early would be lost."""
    await fox.firefox.open(f"{fox.server.base_url}/{path}?lang=sv#{LINK}")
    for button in buttons:
        await fox.firefox.until(ENABLED, button)
    await fox.firefox.run("window.same = true; location.reload()")
    await fox.firefox.until("return window.same === undefined && document.readyState === 'complete'")
    assert set(buttons) <= set(await fox.firefox.run("return disabledAtFirst"))
    for button in buttons:
        await fox.firefox.until(ENABLED, button)
