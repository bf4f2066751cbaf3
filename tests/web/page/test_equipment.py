"""Trying one's equipment: at /test and before joining. Nothing leaves the device but the echo, and that after a press."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.server import Channel, stub_answer
from tests.web.page.visitor import LINK, Visitor

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
    await visitor.page.evaluate("window.same = true")
    for fragment in ("x", LINK):
        await visitor.page.evaluate("(fragment) => (location.hash = fragment)", fragment)
        await visitor.page.wait_for_url(f"{visitor.server.base_url}/test")
    assert await visitor.page.evaluate("same")
    await visitor.page.evaluate("location.hash = 'ticket=another'")
    await visitor.page.wait_for_function("() => window.same === undefined")
    await expect(visitor.see("to-visit")).to_be_visible()


async def test_the_loudspeaker_that_is_chosen_plays_the_sound(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        """
        probe.sinks = [];
        const known = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
        navigator.mediaDevices.enumerateDevices = async () => [
          ...(await known()).filter(({ kind }) => kind !== "audiooutput"),
          { kind: "audiooutput", deviceId: "default", label: "Standard" },
          { kind: "audiooutput", deviceId: "headset", label: "Headset" },
        ];
        HTMLMediaElement.prototype.setSinkId = async function (id) {
          if (probe.refuseSink) throw new DOMException("", "NotFoundError");
          probe.sinks.push(id);
        };
        probe.rung = 0;
        const stop = OscillatorNode.prototype.stop;
        OscillatorNode.prototype.stop = function (...at) { probe.rung += 1; return stop.apply(this, at); };
        """
    )
    await begin(visitor, "")
    await visitor.see("speaker-test").click()
    await visitor.page.wait_for_function("() => probe.rung === 2")
    assert await visitor.page.evaluate("probe.sinks") == []
    await expect(visitor.see("choose-output")).to_have_value("default")
    await visitor.see("choose-output").select_option("headset")
    await visitor.see("speaker-test").click()
    await visitor.page.wait_for_function("() => probe.rung === 4")
    assert await visitor.page.evaluate("probe.sinks") == ["headset"]
    # It has been unplugged meanwhile: heard all the same.
    await visitor.page.evaluate("probe.refuseSink = true")
    await visitor.see("speaker-test").click()
    await visitor.page.wait_for_function("() => probe.rung === 6")
