"""Texts, size, reflow, and the document's own rules."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.web.page.server import STATIC
from tests.web.page.visitor import LINK, Visitor, admitted, answer, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FIRST_LOAD_LIMIT = 150_000  # bytes, uncompressed
TARGET = 44  # CSS pixels
BUTTONS_TOO_SMALL = f"""
[...document.querySelectorAll("button, input, select")]
  .filter((control) => control.checkVisibility())
  .map((control) => [control.dataset.testid, control.getBoundingClientRect()])
  .filter(([, box]) => box.width < {TARGET} || box.height < {TARGET})
  .map(([testid]) => testid)
"""


async def catalogues(visitor: Visitor) -> dict[str, dict[str, str]]:
    await visitor.open()
    found: dict[str, dict[str, str]] = await visitor.page.evaluate(
        """async () => {
          const of = async (code) => {
            const parts = await Promise.all(["", "-equipment", "-meeting"].map((part) => import(`/static/js/texts/${code}${part}.js`)));
            const keys = parts.flatMap((part) => Object.keys(part[code]));
            if (new Set(keys).size !== keys.length) throw new Error("a key stands in both parts");
            return Object.assign({}, ...parts.map((part) => part[code]));
          };
          return { sv: await of("sv"), en: await of("en") };
        }"""
    )
    return found


async def test_the_catalogues_have_the_same_keys_and_the_same_gaps_to_fill(visitor: Visitor) -> None:
    texts = await catalogues(visitor)
    assert texts["sv"].keys() == texts["en"].keys()
    for key, swedish in texts["sv"].items():
        english = texts["en"][key]
        assert swedish.strip()
        assert english.strip()
        assert set(re.findall(r"\{\w+\}", swedish)) == set(re.findall(r"\{\w+\}", english)), key


async def test_every_text_is_used_and_every_used_text_exists(visitor: Visitor) -> None:
    keys = set((await catalogues(visitor))["sv"])
    sources = [path.read_text() for path in (STATIC / "js").rglob("*.js") if path.parent.name != "texts"]
    sources += [page.read_text() for page in STATIC.glob("*.html")]
    quoted = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)+)"', "\n".join(sources)))
    assert {key for key in quoted if key.split(".")[0] in {k.split(".")[0] for k in keys} and "." in key} <= keys
    # Keys put together from a part that is fixed and one that the protocol or the device gives.
    composed = (
        "role.",
        "before.role",
        "before.name",
        "final.",
        "fault.",
        "mark.",
        "error.",
        "waiting.staff.",
        "control.",
        "media.",
        "quality.",
        "check.",
        "equipment.",
        "shortcuts.",
        "advice.",
    )
    assert {key for key in keys - quoted if "." in key and not key.startswith(composed)} == set()


async def test_the_first_load_is_small(visitor: Visitor) -> None:
    """Everything that is fetched before somebody joins, what comes behind the first view included."""
    await visitor.open()
    await visitor.page.wait_for_load_state("networkidle")
    names = await visitor.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert [name for name in names if name.endswith("/js/visit.js")]
    sizes = await visitor.page.evaluate("performance.getEntries().map((entry) => entry.decodedBodySize ?? 0)")
    assert 0 < sum(sizes) <= FIRST_LOAD_LIMIT


async def test_every_view_reflows_at_320_pixels_and_every_target_is_large_enough(visitor: Visitor) -> None:
    page = visitor.page
    await page.set_viewport_size({"width": 320, "height": 640})

    async def fits(view: str) -> None:
        await expect(visitor.see(view)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320, view
        assert await page.evaluate(BUTTONS_TOO_SMALL) == [], view

    await visitor.open(LINK)
    await fits("before")
    channel = await visitor.knock(LINK, may_admit=True)
    await fits("waiting")
    await visitor.see("leave").click()
    await fits("leave-dialog")
    await channel.event("state", state="admitted", reason="")
    long = "Karl-Oskar-Alexander Wennerström-Lindqvist-von-Schantzenbach" * 2
    await channel.event(
        "roster", version=1, locked=True, participants=[admitted("p_me"), admitted("p1", long, verified=False)]
    )
    await channel.event("lobby", version=1, waiting=[waiting("w1", long, booked=False, second_device=True)])
    await fits("meeting")
    await visitor.see("people-toggle").click()
    await fits("panel")
    await visitor.see("admit", "w1").click()
    await fits("agreement-dialog")
    await channel.event("state", state="ended", reason="")
    await fits("final")


async def test_tiles_share_the_stage_without_overflowing_it(visitor: Visitor) -> None:
    channel = await visitor.enter()
    for count in (1, 2, 5, 11):
        others = [admitted(f"p{n}") for n in range(count)]
        await channel.event("roster", version=count + 1, locked=False, participants=[admitted("p_me"), *others])
        await expect(visitor.page.get_by_test_id("tile")).to_have_count(count + 1)
        stage = await visitor.see("tiles").bounding_box()
        boxes = [await tile.bounding_box() for tile in await visitor.page.get_by_test_id("tile").all()]
        assert stage
        for box in boxes:
            assert box
            assert box["y"] >= stage["y"] - 1
            assert box["y"] + box["height"] <= stage["y"] + stage["height"] + 1
            assert box["width"] > 100


async def test_reduced_motion_stands_still(visitor: Visitor) -> None:
    await visitor.page.emulate_media(reduced_motion="reduce")
    await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    assert await visitor.page.evaluate("document.getAnimations().length") == 0


async def test_urgent_news_interrupts_and_small_news_does_not(visitor: Visitor) -> None:
    channel = await visitor.knock()
    urgent = visitor.page.get_by_test_id("urgent")
    await channel.event("state", state="admitted", reason="")
    await expect(urgent).to_have_text("Du är insläppt i besöket.")
    await expect(urgent).to_have_attribute("role", "alert")
    await channel.event("roster", version=1, locked=False, participants=[admitted("p_me")])
    await channel.event("roster", version=2, locked=False, participants=[admitted("p_me"), admitted("p1", "Eva Ek")])
    await expect(visitor.see("status")).to_have_text("Eva Ek är med i besöket.")
    await expect(urgent).to_have_text("Du är insläppt i besöket.")
    channel.abort()
    await expect(visitor.see("trouble")).to_have_attribute("role", "alert")
    await expect(visitor.see("trouble")).to_have_text("Anslutningen bröts. Ansluter igen …")
    channel = await visitor.server.channel()
    await channel.ok(await channel.heard("join"), **answer(state="admitted"))
    await expect(visitor.see("status")).to_have_text("Ansluten igen.")
