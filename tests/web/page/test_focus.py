"""What somebody is at with the keyboard may go away: they go on beside it, not from the top of the page (WCAG 2.4.3)."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, expect

from tests.web.page.server import Channel
from tests.web.page.visitor import CLINICIAN, TICKET, Visitor, admitted, me, track, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PER, JOHAN = waiting("w1", "Per Persson"), waiting("w2", "Johan Persson")


async def press(button: Locator) -> None:
    await button.focus()
    await button.press("Enter")


def heading(visitor: Visitor, level: int, name: str) -> Locator:
    return visitor.page.get_by_role("heading", level=level, name=name)


async def meeting_with(visitor: Visitor, *waiting_people: dict[str, object]) -> Channel:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
    await channel.event("lobby", version=1, waiting=list(waiting_people))
    await expect(visitor.page.get_by_test_id("lobby-entry")).to_have_count(len(waiting_people))
    return channel


@pytest.mark.parametrize(("button", "source"), [("silence", "microphone"), ("stop-share", "screen")])
async def test_whoever_silences_somebody_goes_on_with_the_same_person(
    visitor: Visitor, button: str, source: str
) -> None:
    channel = await visitor.knock(**CLINICIAN)
    heard, silenced = (admitted("p1", tracks=[track("t-p1", source, muted=muted)]) for muted in (False, True))
    await channel.event("roster", version=1, locked=False, participants=[me(), heard])
    await press(visitor.see(button, "p1"))
    await channel.ok(await channel.heard("silence"))
    await channel.event("roster", version=2, locked=False, participants=[me(), silenced])
    await expect(visitor.see(button, "p1")).to_be_hidden()
    await expect(visitor.page.locator("[data-testid=roster-entry][data-participant=p1]")).to_be_focused()
    await visitor.page.keyboard.press("Tab")
    await expect(visitor.see("pin-for-all", "p1")).to_be_focused()


async def test_whoever_takes_back_what_they_did_is_in_the_meeting(visitor: Visitor) -> None:
    channel = await meeting_with(visitor, PER)
    await visitor.see("admit", "w1").click()
    await channel.ok(await channel.heard("admit"))
    await press(visitor.see("undo"))
    await expect(visitor.see("undo")).to_be_hidden()
    await expect(heading(visitor, 1, "Videobesök pågår")).to_be_focused()
    await channel.heard("hold")


async def test_what_was_for_several_who_wait_goes_when_one_is_left(visitor: Visitor) -> None:
    channel = await meeting_with(visitor, PER, JOHAN)
    for version, testid in enumerate(("notice-all", "admit-all"), 2):
        await channel.event("lobby", version=version, waiting=[PER, JOHAN])
        await visitor.see(testid).focus()
        await expect(visitor.see(testid)).to_be_focused()
        await channel.event("lobby", version=version + 2, waiting=[JOHAN])
        await expect(visitor.see(testid)).to_be_hidden()
        await expect(heading(visitor, 2, "Väntar (1)")).to_be_focused()


async def test_a_knock_that_others_have_answered_leaves_nobody_behind(visitor: Visitor) -> None:
    channel = await meeting_with(visitor, PER)
    await visitor.page.set_viewport_size({"width": 390, "height": 844})
    await expect(visitor.see("knock")).to_be_visible()
    await visitor.see("knock").focus()
    await expect(visitor.see("knock")).to_be_focused()
    await channel.event("lobby", version=2, waiting=[])
    await expect(visitor.see("knock")).to_be_hidden()
    await expect(heading(visitor, 1, "Videobesök pågår")).to_be_focused()


async def test_a_picture_that_goes_while_it_is_chosen_leaves_one_among_the_others(visitor: Visitor) -> None:
    channel = await meeting_with(visitor)
    await press(visitor.see("pin", "p1"))
    await channel.event("roster", version=2, locked=False, participants=[me()])
    await expect(visitor.see("pin", "p1")).to_have_count(0)
    await expect(visitor.see("tiles")).to_be_focused()


async def test_whoever_starts_the_sound_goes_on_among_the_pictures(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        "HTMLMediaElement.prototype.play = () => window.mayPlay ? Promise.resolve() : "
        "Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    await visitor.enter(admitted("p1"))
    await visitor.page.evaluate("window.mayPlay = true")
    await press(visitor.see("start-sound"))
    await expect(visitor.see("start-sound")).to_be_hidden()
    await expect(visitor.see("tiles")).to_be_focused()


async def test_whoever_checks_again_reads_what_is_checked(visitor: Visitor) -> None:
    await visitor.page.goto(f"{visitor.server.base_url}/test#{TICKET}")
    await visitor.see("test-start").click()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("test"), "rate_limited")
    await press(visitor.see("check-again"))
    await expect(visitor.see("checks")).to_be_focused()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("test"), "rate_limited")
    await expect(visitor.see("check-again")).to_be_visible()
    await visitor.page.keyboard.press("Tab")
    await expect(visitor.see("check-again")).to_be_focused()


async def test_a_question_about_somebody_who_has_gone_meanwhile_ends_in_the_meeting(visitor: Visitor) -> None:
    channel = await meeting_with(visitor, PER, JOHAN)
    await press(visitor.see("deny", "w1"))
    await expect(visitor.see("deny-dialog")).to_be_visible()
    await channel.event("lobby", version=2, waiting=[JOHAN])
    await expect(visitor.page.get_by_test_id("lobby-entry")).to_have_count(1)
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.see("deny-dialog")).to_have_count(0)
    await expect(heading(visitor, 1, "Videobesök pågår")).to_be_focused()


async def test_a_question_whose_button_is_hidden_meanwhile_ends_in_the_meeting(visitor: Visitor) -> None:
    channel = await meeting_with(visitor, PER, JOHAN)
    await press(visitor.see("notice-all"))
    await expect(visitor.see("notice-dialog")).to_be_visible()
    await channel.event("lobby", version=2, waiting=[JOHAN])
    await expect(visitor.page.get_by_test_id("lobby-entry")).to_have_count(1)
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.see("notice-dialog")).to_have_count(0)
    await expect(heading(visitor, 1, "Videobesök pågår")).to_be_focused()
