"""What is shown of whom, and what the server is told of it; how well others are connected, and what is held back."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.server import Channel, Message
from tests.web.page.visitor import BY_CHOICE, UNPLUG, Visitor, admitted, loudspeakers, me, track, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SEEN = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""JavaScript: the tab goes behind another, or comes back."""
SIGNS = "Tove Teckenspråk"


async def view_of(channel: Channel, name: str, **wanted: object) -> Message:
    """The next `view` of this track with these fields."""
    while True:
        view = await channel.heard("view")
        if view["track"] == name and all(view[key] == value for key, value in wanted.items()):
            return view


async def test_the_server_is_told_how_large_each_picture_is_shown(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"), admitted("p2", "Per"))
    view = await view_of(channel, "v-p1")
    box = await visitor.page.locator("[data-testid='tile'][data-participant='p1']").bounding_box()
    assert box
    assert (view["width"], view["height"]) == (round(box["width"]), round(box["height"]))
    assert (view["frame_rate"], view["priority"], view["paused"]) == (30, 1, False)
    await visitor.page.set_viewport_size({"width": 500, "height": 700})
    told = view
    while told["width"] == view["width"]:
        told = await view_of(channel, "v-p1")
    assert int(str(told["width"])) < 500


async def test_what_nobody_sees_is_paused_and_comes_back_at_once(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    view = await view_of(channel, "v-p1", paused=False)
    await visitor.page.evaluate(SEEN, True)
    paused = await view_of(channel, "v-p1", paused=True)
    assert (paused["width"], paused["height"]) == (view["width"], view["height"])
    await visitor.page.evaluate(SEEN, False)
    await view_of(channel, "v-p1", paused=False)


async def test_the_pictures_behind_the_people_on_a_phone_are_paused(visitor: Visitor) -> None:
    await visitor.page.set_viewport_size({"width": 360, "height": 740})
    channel = await visitor.knock(state="admitted")
    await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
    view = await view_of(channel, "v-p1", paused=False)
    await visitor.see("people-toggle").click()
    paused = await view_of(channel, "v-p1", paused=True)
    assert paused["width"] == view["width"]
    await visitor.see("panel-close").click()
    await view_of(channel, "v-p1", paused=False)


async def test_a_view_that_the_server_has_not_taken_is_told_again(visitor: Visitor) -> None:
    channel = await visitor.enter()
    del channel.answers["view"]
    await channel.event("roster", version=2, locked=False, participants=[me(), admitted("p1")])
    await channel.error(await channel.heard("view"), "rate_limited")
    await channel.event("roster", version=3, locked=True, participants=[me(), admitted("p1")])
    assert (await channel.heard("view"))["track"] == "v-p1"


async def test_whom_staff_pin_everybody_sees_large_beside_a_shared_screen(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1", SIGNS), admitted("p2", "Per"), may_admit=False)
    shows = admitted("p2", "Per", tracks=[track("a-p2", "microphone"), track("s-p2", "screen")])
    await channel.event(
        "roster", version=2, locked=False, participants=[me(), admitted("p1", SIGNS, pinned=True), shows]
    )
    signing = visitor.page.locator("[data-testid='tile'][data-participant='p1']")
    screen = visitor.see("screen-tile")
    await expect(signing).to_have_class("tile large")
    await expect(screen).to_have_class("tile screen large")
    await expect(signing.locator("[data-mark='pinned']")).to_have_text("Visas stort")
    assert (await view_of(channel, "v-p1", priority=2))["frame_rate"] == 30
    # It is the user's own screen: what staff show can be made small, until they show it anew.
    await signing.get_by_test_id("pin").click()
    await expect(signing).to_have_class("tile")
    for version, pinned in ((3, False), (4, True)):
        people = [me(), admitted("p1", SIGNS, pinned=pinned), shows]
        await channel.event("roster", version=version, locked=False, participants=people)
    await expect(signing).to_have_class("tile large")


async def test_how_others_are_connected_stands_on_tile_and_list_with_what_one_can_do(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"), admitted("p2", "Per"))
    scores = [
        {"participant": "p1", "score": 3.1, "reason": "uplink"},
        {"participant": "p2", "score": 1.4, "reason": "downlink"},
        {"participant": "p_me", "score": 2.9, "reason": "delay"},
    ]
    await channel.event("quality", participants=scores)
    for testid in ("tile", "roster-entry"):
        person = visitor.page.locator(f"[data-testid='{testid}']")
        await expect(person.and_(visitor.page.locator("[data-participant='p1']"))).to_contain_text("Svag uppkoppling")
        await expect(person.and_(visitor.page.locator("[data-participant='p2']"))).to_contain_text("Mycket svag")
    await expect(visitor.see("advice", "p1")).to_contain_text("Be Amina Tolk stänga av kameran")
    await expect(visitor.see("advice", "p2")).to_contain_text("Per hör och ser kanske inte allt.")
    await expect(visitor.see("advice", "p_me")).to_be_hidden()
    await channel.event("quality", participants=[{"participant": "p1", "score": 4.6}, scores[2]])
    await expect(visitor.see("advice", "p1")).to_be_hidden()
    await expect(visitor.page.locator("[data-mark='poor']")).to_have_count(0)


async def test_a_picture_that_is_held_back_is_said_and_does_not_stand_still(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    tile = visitor.page.locator("[data-testid='tile'][data-participant='p1']")
    await channel.event("track_paused", track="v-p1", paused=True, reason="bandwidth")
    await expect(tile.locator("[data-mark='held_back']")).to_have_text("Bilden pausad")
    await expect(visitor.see("quality")).to_contain_text("Ljudet går först.")
    await channel.event("track_paused", track="v-p1", paused=False, reason="bandwidth")
    await expect(tile.locator("[data-mark='held_back']")).to_have_count(0)
    await expect(visitor.see("quality")).to_be_hidden()
    # What this page has paused itself is no news.
    await channel.event("track_paused", track="v-p1", paused=True, reason="hidden")
    await channel.event("speaker", participant="p1")
    await expect(tile.locator("[data-mark='speaking']")).to_have_count(1)
    await expect(tile.locator("[data-mark='held_back']")).to_have_count(0)


async def test_a_picture_that_is_gone_is_held_back_no_more(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"), admitted("p2"))
    await channel.event("track_paused", track="v-p1", paused=True, reason="bandwidth")
    await expect(visitor.see("quality")).to_contain_text("Ljudet går först.")
    own = [track("sent-0", "microphone"), track("sent-1", "camera")]
    await channel.event("roster", version=2, locked=False, participants=[me(*own), admitted("p2")])
    await expect(visitor.see("quality")).to_be_hidden()


async def test_a_connection_that_begins_anew_has_nothing_held_back(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    await channel.event("track_paused", track="v-p1", paused=True, reason="bandwidth")
    await expect(visitor.see("quality")).to_contain_text("Ljudet går först.")
    await channel.event("roster", version=2, locked=False, participants=[me(), admitted("p1")])
    await visitor.page.wait_for_function("() => probe.connections.length === 2")
    await expect(visitor.see("quality")).to_be_hidden()


async def test_nothing_is_encoded_that_nobody_watches(visitor: Visitor) -> None:
    channel = await visitor.enter()
    active = "probe.connections[0].getSenders().map((s) => s.getParameters().encodings.map((e) => e.active))"
    before = await visitor.page.evaluate(active)
    await channel.event("layers", track="sent-1", wanted=[])
    await visitor.page.wait_for_function(f"() => {active}[1].every((on) => !on)")
    assert (await visitor.page.evaluate(active))[0] == before[0], "the microphone goes on"
    await channel.event("layers", track="gone", wanted=[])
    rids = "probe.connections[0].getSenders()[1].getParameters().encodings.map((e) => e.rid ?? '')"
    await channel.event("layers", track="sent-1", wanted=await visitor.page.evaluate(rids))
    await visitor.page.wait_for_function(f"() => {active}[1].every((on) => on)")


async def test_the_background_is_blurred_where_the_camera_can(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        """
        probe.blur = false;
        const capable = MediaStreamTrack.prototype.getCapabilities, settings = MediaStreamTrack.prototype.getSettings;
        const apply = MediaStreamTrack.prototype.applyConstraints;
        MediaStreamTrack.prototype.getCapabilities = function () {
          return this.kind === "video" ? { ...capable.call(this), backgroundBlur: [true, false] } : capable.call(this);
        };
        MediaStreamTrack.prototype.getSettings = function () {
          return { ...settings.call(this), backgroundBlur: probe.blur };
        };
        MediaStreamTrack.prototype.applyConstraints = async function (wanted) {
          if ("backgroundBlur" in wanted) probe.blur = wanted.backgroundBlur;
        };
        """
    )
    await visitor.enter()
    await visitor.see("change-devices").click()
    await expect(visitor.see("background-blur")).not_to_be_checked()
    await visitor.see("background-blur").check()
    await visitor.page.wait_for_function("() => probe.blur === true")
    await visitor.see("devices-close").click()
    # Another camera has its background blurred too.
    await visitor.see("camera").click()
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
    await visitor.page.evaluate("probe.blur = false")
    await visitor.see("camera").click()
    await visitor.page.wait_for_function("() => probe.blur === true")


async def test_others_are_heard_on_the_loudspeaker_that_was_chosen(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(default="Ear", aid="Aid"))
    await visitor.enter(admitted("p1"))
    await visitor.see("change-devices").click()
    await expect(visitor.see("change-output")).to_have_value("default")
    await visitor.see("change-output").select_option("aid")
    await visitor.page.wait_for_function("() => probe.sinks.join() === 'aid'")
    await visitor.see("devices-close").click()
    # It has been unplugged meanwhile.
    await visitor.page.evaluate(UNPLUG, "aid")
    await visitor.page.wait_for_function("() => probe.sinks.join() === 'aid,'")
    await visitor.page.evaluate("probe.outputs.aid = 'Aid'")
    await visitor.see("change-devices").click()
    await expect(visitor.see("change-output")).to_have_value("default")


async def test_the_systems_loudspeaker_is_a_choice_where_the_browser_does_not_list_it(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(aid="Aid", box="Box"))
    await visitor.enter(admitted("p1"))
    await visitor.see("change-devices").click()
    output = visitor.see("change-output")
    await expect(output).to_have_value("")
    await expect(output.locator("option")).to_have_text(["Den som datorn eller telefonen har valt", "Aid", "Box"])
    await output.select_option("aid")
    await visitor.page.wait_for_function("() => probe.sinks.join() === 'aid'")
    await output.select_option("")
    await visitor.page.wait_for_function("() => probe.sinks.join() === 'aid,'")


async def test_who_knocks_is_heard_on_the_loudspeaker_that_was_chosen(visitor: Visitor) -> None:
    await visitor.page.add_init_script(loudspeakers(default="Ear", aid="Aid"))
    channel = await visitor.enter()
    await visitor.see("change-devices").click()
    await visitor.see("change-output").select_option("aid")
    await visitor.see("devices-close").click()
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.page.wait_for_function("() => probe.rung.length === 2")
    assert await visitor.page.evaluate("[probe.sinks, probe.rung]") == [["aid"], [BY_CHOICE] * 2]
