"""Captions: what others write, large and below the pictures, for whoever wants it; and any other source in the same lane."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.server import Channel
from tests.web.page.test_accessibility import objections
from tests.web.page.visitor import Visitor, admitted

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SAY = """(lane, [speaker, text, final]) => lane.show({ speaker, text, final })"""


async def entered(visitor: Visitor) -> Channel:
    channel = await visitor.enter(admitted("p1", "Sara Skrivtolk"), admitted("p2", "Per Persson"))
    channel.answers["text"] = lambda _: {}
    return channel


async def writes(channel: Channel, participant: str, text: str, *, final: bool = False) -> None:
    await channel.event("text", participant=participant, text=text, final=final)


async def test_nobody_has_captions_who_does_not_want_them(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await writes(channel, "p1", "Hur har du sovit?", final=True)
    await expect(visitor.see("text-pane")).to_be_visible()
    await expect(visitor.see("captions")).to_be_hidden()


async def test_what_others_write_stands_below_the_pictures_as_it_is_written(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await visitor.see("captions-toggle").click()
    await expect(visitor.see("captions-toggle")).to_have_attribute("aria-pressed", "true")
    await writes(channel, "p1", "Hur har")
    lines = visitor.page.get_by_test_id("caption-line")
    await expect(lines).to_have_text(["Sara Skrivtolk: Hur har"])
    await writes(channel, "p1", "Hur har du sovit?")
    await expect(lines).to_have_text(["Sara Skrivtolk: Hur har du sovit?"])
    await writes(channel, "p1", "Hur har du sovit?", final=True)
    await writes(channel, "p2", "Bra", final=True)
    await expect(lines).to_have_text(["Sara Skrivtolk: Hur har du sovit?", "Per Persson: Bra"])
    # They take the place of the text beside speech, which opens when one wants to write or read back.
    await expect(visitor.see("text-pane")).to_be_hidden()
    await writes(channel, "p2", "Fast")
    await expect(lines).to_have_count(3)
    await writes(channel, "p2", "")
    await expect(lines).to_have_count(2)
    await visitor.see("captions-toggle").click()
    await expect(visitor.see("captions")).to_be_hidden()


async def test_own_lines_are_no_captions(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await visitor.see("captions-toggle").click()
    await writes(channel, "p_me", "Jag hör dig inte.", final=True)
    await writes(channel, "p1", "Jag skriver.", final=True)
    await expect(visitor.page.get_by_test_id("caption-line")).to_have_text(["Sara Skrivtolk: Jag skriver."])


async def test_the_lane_keeps_the_newest_lines_and_its_height(visitor: Visitor) -> None:
    await entered(visitor)
    await visitor.see("captions-toggle").click()
    lane = visitor.see("captions")
    empty = await lane.bounding_box()
    assert empty
    assert empty["height"] >= 60
    for number in range(5):
        await lane.evaluate(SAY, ["Anna Berg", f"Rad {number}", True])
    await lane.evaluate(SAY, ["Anna Berg", "Och", False])
    lines = visitor.page.get_by_test_id("caption-line")
    await expect(lines).to_have_text(["Anna Berg: Rad 3", "Anna Berg: Rad 4", "Anna Berg: Och"])


async def test_an_ended_line_goes_after_a_while_and_a_growing_one_stays(timed_visitor: Visitor) -> None:
    visitor = timed_visitor
    await visitor.page.clock.install(time=0)
    await entered(visitor)
    await visitor.see("captions-toggle").click()
    await visitor.page.clock.pause_at(60_000)
    lane = visitor.see("captions")
    await lane.evaluate(SAY, ["Anna Berg", "Hej.", True])
    await lane.evaluate(SAY, ["Per Persson", "Jag", False])
    await visitor.page.clock.run_for(7_900)
    await expect(visitor.page.get_by_test_id("caption-line")).to_have_count(2)
    await visitor.page.clock.run_for(200)
    await expect(visitor.page.get_by_test_id("caption-line")).to_have_text(["Per Persson: Jag"])


@pytest.mark.parametrize("size", [(320, 640), (1280, 800)], ids=["narrow", "desktop"])
async def test_captions_reflow_and_can_be_read(visitor: Visitor, size: tuple[int, int]) -> None:
    page = visitor.page
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    channel = await entered(visitor)
    narrow = await visitor.see("panel").is_hidden()
    if narrow:
        await visitor.see("people-toggle").click()
    await visitor.see("captions-toggle").click()
    if narrow:
        await visitor.see("panel-close").click()
    await writes(channel, "p1", "Ordination: " + "paracetamoltabletter" * 12, final=True)
    await writes(channel, "p2", "Jag förstår inte riktigt hur många jag ska ta", final=False)
    await expect(page.get_by_test_id("caption-line")).to_have_count(2)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    lane, tiles = await visitor.see("captions").bounding_box(), await visitor.see("tiles").bounding_box()
    assert lane
    assert tiles
    assert lane["y"] >= tiles["y"] + tiles["height"], "they cover no face and no hand"
    await expect(page.locator(".caption-speaker").first).to_have_css("display", "inline")
    assert await objections(visitor) == []
    await expect(page.get_by_role("region", name="Undertexter")).to_be_visible()
