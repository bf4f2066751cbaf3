"""Trying one's equipment: at /test and before joining. Nothing leaves the device but the echo, and that after a press."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.server import Channel, stub_answer
from tests.web.page.visitor import (
    BY_CHOICE,
    BY_SYSTEM,
    CLINICIAN,
    LINK,
    TICKET,
    UNPLUG,
    Visitor,
    admitted,
    loudspeakers,
    me,
)

PATIENCE = 15_000  # ms; the page itself waits 8 s for media that does not come
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def begin(visitor: Visitor, fragment: str = LINK) -> None:
    """Open /test and start."""
    await visitor.page.goto(f"{visitor.server.base_url}/test#{fragment}")
    await visitor.see("test-start").click()


async def accepted(visitor: Visitor) -> Channel:
    """The channel that the page opens to test, its test accepted."""
    channel = await visitor.server.channel()
    channel.answers = {}
    await channel.ok(await channel.heard("test"), seconds=20, ice_servers=[])
    return channel


async def says(visitor: Visitor, item: str, text: str) -> None:
    line = visitor.see(f"check-{item}")
    await expect(line).to_have_attribute("data-text", f"check.{item}.{text}", timeout=PATIENCE)


async def test_opening_the_page_asks_for_nothing_and_takes_the_secret_away(visitor: Visitor) -> None:
    await visitor.page.goto(f"{visitor.server.base_url}/test#{LINK}")
    await expect(visitor.see("test-start")).to_be_visible()
    assert visitor.page.url == f"{visitor.server.base_url}/test"
    assert await visitor.page.evaluate("[probe.asked, probe.connections]") == [[], []]
    assert visitor.server.channels.empty()


async def test_the_echo_is_of_ones_own_devices_and_never_joins(visitor: Visitor) -> None:
    await begin(visitor)
    channel = await accepted(visitor)
    assert channel.log[0] == {"type": "test", "id": 1, "visit": "v_1", "key": "the-key"}
    offer = await channel.heard("offer")
    assert offer["send"] == [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
    assert offer["receive"] == [{"mid": "2", "track": "echo:microphone"}, {"mid": "3", "track": "echo:camera"}]
    assert "a=candidate:" not in str(offer["sdp"])
    await channel.ok(offer, **stub_answer(offer))
    # Nobody is behind the stub's address.
    await says(visitor, "connection", "no_media")
    await says(visitor, "microphone", "good")
    await says(visitor, "camera", "good")
    await expect(visitor.see("check-summary")).to_have_attribute("data-passed", "false")
    assert [message["type"] for message in channel.log] == ["test", "offer"]
    assert await visitor.page.evaluate("probe.connections.every(({ connectionState }) => connectionState === 'closed')")


async def test_a_refused_test_is_no_fault_of_the_device(visitor: Visitor) -> None:
    await begin(visitor)
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("test"), "rate_limited")
    await says(visitor, "connection", "later")
    assert await visitor.page.evaluate("probe.connections.every(({ connectionState }) => connectionState === 'closed')")


async def test_without_a_link_everything_but_the_connection_is_tried(visitor: Visitor) -> None:
    await begin(visitor, "")
    await says(visitor, "connection", "no_link")
    await says(visitor, "microphone", "good")
    await expect(visitor.see("check-summary")).to_have_text("Du kan gå med. Läs ovan om anslutningen.")
    assert visitor.server.channels.empty()


async def test_each_device_fault_is_said_with_what_to_do(visitor: Visitor) -> None:
    await visitor.page.goto(f"{visitor.server.base_url}/test")
    await visitor.page.evaluate("probe.refuse = { audio: 'NotReadableError', video: 'NotAllowedError' }")
    await visitor.see("test-start").click()
    await says(visitor, "microphone", "busy")
    await says(visitor, "camera", "blocked")
    await expect(visitor.see("check-camera")).to_contain_text("Tryck på låset")
    await visitor.see("language-en").click()
    await expect(visitor.see("check-camera")).to_contain_text("Press the lock")
    await visitor.page.evaluate("probe.refuse = {}")
    await visitor.see("check-again").click()
    await says(visitor, "camera", "good")
    await says(visitor, "microphone", "good")


async def test_the_preview_is_blurred_until_somebody_wants_it_clear(visitor: Visitor) -> None:
    await begin(visitor, "")
    picture = visitor.see("preview")
    await expect(picture).to_have_css("filter", "blur(14px)")
    await visitor.see("blur").uncheck()
    await expect(picture).to_have_css("filter", "none")


async def test_what_was_tried_before_joining_is_not_asked_for_again(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.see("try").click()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("test"), "rate_limited")
    await says(visitor, "camera", "good")
    await visitor.see("try-camera").click()
    await visitor.see("join").click()
    await visitor.answered()
    await expect(visitor.see("waiting")).to_be_visible()
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
    await expect(visitor.see("microphone")).to_have_attribute("data-state", "on")
    assert await visitor.page.evaluate("probe.asked") == ["audio+video"]


async def test_a_visit_that_is_not_open_yet_leads_to_the_test(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.see("join").click()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("join"), "visit_not_open", opens_at="2098-01-01T08:30:00Z")
    await visitor.final("visit_not_open")
    await visitor.see("to-test").click()
    await expect(visitor.see("test")).to_be_visible()
    await expect(visitor.see("to-visit")).to_be_visible()


async def test_only_another_link_begins_the_test_of_equipment_anew(visitor: Visitor) -> None:
    await visitor.page.goto(f"{visitor.server.base_url}/test#{LINK}")
    await expect(visitor.see("to-visit")).to_be_visible()
    await visitor.page.evaluate(
        "window.reloads = 0;"
        "navigation.addEventListener('navigate', ({ navigationType }) => (reloads += navigationType === 'reload'))"
    )
    for fragment in ("x", LINK):
        await visitor.page.evaluate("(fragment) => (location.hash = fragment)", fragment)
        await visitor.page.wait_for_function("() => !location.hash")
        assert await visitor.page.evaluate("window.reloads") == 0
    await visitor.page.evaluate("location.hash = 'ticket=another'")
    await visitor.page.wait_for_function("() => window.reloads === undefined")
    await expect(visitor.see("to-visit")).to_be_visible()


async def rings(visitor: Visitor, *ways: str, presses: int = 1) -> None:
    """Press for the test sound: it goes these ways, two notes a press."""
    before = await visitor.page.evaluate("probe.rung.length")
    await visitor.see("speaker-test").evaluate("(button, presses) => { while (presses--) button.click(); }", presses)
    await visitor.page.wait_for_function("(count) => probe.rung.length === count", arg=before + 2 * presses)
    assert await visitor.page.evaluate("(before) => probe.rung.slice(before)", before) == [*ways] * 2


async def test_the_loudspeaker_that_is_chosen_plays_the_sound(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(default="Standard", headset="Headset"))
    await begin(visitor, "")
    await rings(visitor, BY_SYSTEM)
    assert await visitor.page.evaluate("probe.sinks") == []
    await expect(visitor.see("choose-output")).to_have_value("default")
    await visitor.see("choose-output").select_option("headset")
    await rings(visitor, BY_CHOICE)
    assert await visitor.page.evaluate("probe.sinks") == ["headset"]
    # It has been unplugged meanwhile: heard all the same.
    await visitor.page.evaluate(UNPLUG, "headset")
    await expect(visitor.see("choose-output")).to_have_value("default")
    await rings(visitor, BY_SYSTEM)


async def test_the_systems_loudspeaker_is_shown_as_chosen_where_the_browser_does_not_list_it(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(headset="Headset"))
    await begin(visitor, "")
    await expect(visitor.see("choose-output")).to_have_value("")
    await visitor.see("choose-output").select_option("headset")
    await rings(visitor, BY_CHOICE)
    await visitor.see("choose-output").select_option("")
    await rings(visitor, BY_SYSTEM)
    await visitor.speak("en")
    await expect(visitor.see("choose-output").locator("option").first).to_have_text(
        "The one that the computer or phone has chosen"
    )


async def test_a_loudspeaker_that_refuses_is_tried_anew_by_the_next_sound(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(default="Standard", headset="Headset"))
    await begin(visitor, "")
    await visitor.page.evaluate("probe.refuseSink = true")
    await visitor.see("choose-output").select_option("headset")
    await rings(visitor, BY_SYSTEM)
    await visitor.page.evaluate("probe.refuseSink = false")
    await rings(visitor, BY_CHOICE)


async def test_sounds_that_follow_each_other_at_once_come_from_the_same_loudspeaker_which_then_rests(
    visitor: Visitor,
) -> None:
    await visitor.page.add_init_script(loudspeakers(default="Standard", headset="Headset"))
    await visitor.page.add_init_script(
        "probe.players = new Set(); const play = HTMLMediaElement.prototype.play;"
        "HTMLMediaElement.prototype.play = function () {"
        " if (!this.isConnected) probe.players.add(this); return play.call(this); };"
    )
    await begin(visitor, "")
    await visitor.see("choose-output").select_option("headset")
    await rings(visitor, *[BY_CHOICE] * 3, presses=3)
    assert await visitor.page.evaluate("[probe.sinks, probe.players.size]") == [["headset"], 1]
    await visitor.page.wait_for_function("() => [...probe.players][0].paused")
    await rings(visitor, BY_CHOICE)


async def test_what_was_chosen_is_used_in_the_visit_and_after_a_reload(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(default="Standard", headset="Headset"))
    await begin(visitor, TICKET)
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("test"), "rate_limited")
    await says(visitor, "microphone", "good")
    await visitor.see("choose-output").select_option("headset")
    await visitor.see("choose-microphone").select_option(index=2)
    microphone = await visitor.see("choose-microphone").input_value()

    async def uses_them() -> None:
        channel = await visitor.answered(**CLINICIAN)
        await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
        await visitor.page.wait_for_function("() => probe.sinks.join() === 'headset'")
        await expect(visitor.see("microphone")).to_have_attribute("data-state", "on")
        await visitor.see("change-devices").click()
        await expect(visitor.see("change-microphone")).to_have_value(microphone)
        await expect(visitor.see("change-output")).to_have_value("headset")

    await visitor.see("to-visit").click()
    await visitor.see("join").click()
    await uses_them()
    await visitor.page.reload()
    await uses_them()


async def test_a_loudspeaker_that_may_not_be_used_yet_is_used_when_it_may(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(default="Standard", headset="Headset"))
    channel = await visitor.enter(admitted("p1"))
    await visitor.page.evaluate("probe.refuseSink = true")
    await visitor.see("change-devices").click()
    await visitor.see("change-output").select_option("headset")
    await visitor.see("devices-close").click()
    await visitor.page.evaluate("probe.refuseSink = false")
    await channel.event("speaker", participant="p1")
    await visitor.page.wait_for_function("() => probe.sinks.join() === 'headset'")
