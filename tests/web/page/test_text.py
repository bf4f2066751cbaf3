"""Real-time text beside speech (EN 301 549 6.2): sent as it is typed, shown as it is written, gone with the visit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.async_api import expect

from tests.web.page.server import Channel
from tests.web.page.visitor import CLINICIAN, Visitor, admitted, answer, me

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HALF_A_SECOND = 500  # ms; EN 301 549 6.2.4


async def writes(channel: Channel, participant: str, text: str, *, final: bool = False) -> None:
    await channel.event("text", participant=participant, text=text, final=final)


async def entered(visitor: Visitor) -> Channel:
    channel = await visitor.enter(admitted("p1"))
    channel.answers["text"] = lambda _: {}
    return channel


async def test_what_is_typed_is_sent_within_half_a_second_and_not_letter_by_letter(timed_visitor: Visitor) -> None:
    visitor = timed_visitor
    clock = visitor.page.clock
    await clock.install(time=0)
    channel = await entered(visitor)
    await visitor.page.keyboard.press("Alt+t")
    await expect(visitor.see("text-input")).to_be_focused()
    # From here on the page's time goes on by what the test says.
    await clock.pause_at(60_000)
    for letter in "Jag hör dig inte":
        await visitor.page.keyboard.type(letter)
        await clock.run_for(40)
    await clock.run_for(HALF_A_SECOND - 40)
    sent: list[str] = []
    while not sent or sent[-1] != "Jag hör dig inte":
        message = await channel.heard("text")
        assert message["final"] is False
        sent.append(str(message["text"]))
    assert all(longer.startswith(shorter) for shorter, longer in pairwise(sent))
    assert 2 <= len(sent) <= 4


async def test_a_line_ends_with_enter_and_what_is_taken_back_is_taken_back_for_all(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await visitor.see("text-toggle").click()
    await visitor.see("text-input").fill("Hje")
    assert (await channel.heard("text"))["text"] == "Hje"
    await visitor.see("text-input").fill("")
    assert (await channel.heard("text"))["text"] == ""
    await visitor.see("text-input").fill("Hej")
    await visitor.page.keyboard.press("Enter")
    message = await channel.heard("text")
    while not message["final"]:
        message = await channel.heard("text")
    assert message["text"] == "Hej"
    await expect(visitor.see("text-input")).to_have_value("")
    await expect(visitor.see("text-input")).to_be_focused()
    await visitor.page.keyboard.press("Enter")
    await visitor.see("text-input").fill("x")
    assert (await channel.heard("text"))["text"] == "x", "an empty line is not sent"


async def test_who_writes_is_told_and_own_lines_differ_in_words_and_looks(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await writes(channel, "p1", "God m")
    growing = visitor.see("text-writing").get_by_test_id("text-line")
    await expect(growing).to_have_text("Amina Tolk: God m")
    await writes(channel, "p1", "God morgon")
    await expect(growing).to_have_text("Amina Tolk: God morgon")
    await writes(channel, "p1", "God morgon!", final=True)
    await writes(channel, "p_me", "Hej", final=True)
    await expect(growing).to_have_count(0)
    lines = visitor.see("text-log").get_by_test_id("text-line")
    await expect(lines).to_have_text(["Amina Tolk: God morgon!", "Du: Hej"])
    colours = await lines.evaluate_all("lines => lines.map((line) => getComputedStyle(line).backgroundColor)")
    assert colours[0] != colours[1]
    await visitor.see("language-en").click()
    await expect(lines.nth(1)).to_have_text("You: Hej")


async def test_markup_stays_text(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await writes(channel, "p1", "<b>fett</b>", final=True)
    await expect(visitor.see("text-log").get_by_test_id("text-line")).to_have_text("Amina Tolk: <b>fett</b>")


async def test_text_from_others_opens_the_pane_without_taking_the_focus_until_it_is_closed(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await visitor.see("microphone").focus()
    await writes(channel, "p1", "Hej")
    await expect(visitor.see("text-pane")).to_be_visible()
    await expect(visitor.see("microphone")).to_be_focused()
    await expect(visitor.see("text-toggle")).to_have_attribute("aria-expanded", "true")
    await visitor.see("text-close").click()
    await writes(channel, "p1", "Hej igen", final=True)
    await expect(visitor.see("text-toggle")).to_have_text("Text1")
    await expect(visitor.see("text-pane")).to_be_hidden()
    await visitor.see("text-toggle").click()
    await expect(visitor.see("text-log")).to_contain_text("Hej igen")
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.see("text-toggle")).to_be_focused()


async def test_growing_lines_are_not_read_out_and_ended_ones_are(visitor: Visitor) -> None:
    await entered(visitor)
    await expect(visitor.see("text-writing")).to_have_attribute("aria-live", "off")
    await expect(visitor.see("text-log")).to_have_attribute("role", "log")


async def test_what_somebody_began_to_write_stays_when_they_go(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await writes(channel, "p1", "Jag måste")
    await channel.event("roster", version=9, locked=False, participants=[me()])
    await expect(visitor.see("text-log").get_by_test_id("text-line")).to_have_text("Amina Tolk: Jag måste")


async def test_a_line_that_was_lost_with_the_channel_is_sent_again_once(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    await visitor.see("text-toggle").click()
    await visitor.see("text-input").fill("Viktigt")
    await visitor.page.keyboard.press("Enter")
    message = await channel.heard("text")
    while not message["final"]:
        message = await channel.heard("text")
    channel.abort()
    again = await visitor.server.channel()
    again.answers["text"] = lambda _: {}
    await again.ok(await again.heard("join"), **answer(**CLINICIAN))
    message = await again.heard("text")
    assert (message["text"], message["final"]) == ("Viktigt", True)
    await visitor.see("text-input").fill("Mer")
    assert (await again.heard("text"))["text"] == "Mer"


async def test_the_transcript_is_gone_when_the_visit_is_over(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await writes(channel, "p1", "Hemligt", final=True)
    await expect(visitor.see("text-log")).to_contain_text("Hemligt")
    await visitor.see("leave").click()
    await visitor.see("leave-yes").click()
    await visitor.final("left")
    assert "Hemligt" not in await visitor.page.content()
    assert "Hemligt" not in str(await visitor.page.evaluate("JSON.stringify({ ...sessionStorage, ...localStorage })"))
    await visitor.see("again").click()
    await visitor.see("join").click()
    await visitor.answered(**CLINICIAN)
    await visitor.see("text-toggle").click()
    await expect(visitor.see("text-log").get_by_test_id("text-line")).to_have_count(0)


async def test_what_was_half_written_before_a_hold_is_never_sent(visitor: Visitor) -> None:
    channel = await entered(visitor)
    await visitor.see("text-toggle").click()
    await visitor.see("text-input").fill("Jag tänk")
    await channel.heard("text")
    await channel.event("state", state="waiting", reason="")
    await expect(visitor.see("waiting")).to_be_visible()
    await channel.event("state", state="admitted", reason="")
    await visitor.see("text-toggle").click()
    await expect(visitor.see("text-input")).to_have_value("")
    channel.abort()
    again = await visitor.answered(**CLINICIAN)
    again.answers["text"] = lambda _: {}
    await again.heard("offer")
    await visitor.see("text-input").fill("Mer")
    assert (await again.heard("text"))["text"] == "Mer"
