"""Negotiation and what is shown of it: sections, bindings, mutes, losses."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.async_api import expect

from tests.web.page.server import Message, stub_answer
from tests.web.page.visitor import CLINICIAN, SETTLED, Visitor, admitted, answer, me, sections, track

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OWN = (track("sent-0", "microphone"), track("sent-1", "camera"))
SENDING = """(wanted) => {
  const tracks = probe.connections[0].getSenders().map(({ track }) => track && track.enabled);
  return JSON.stringify(tracks) === JSON.stringify(wanted);
}"""
"""JavaScript: whether the senders' tracks are as wanted: true where one is on, false where it is off, null for none."""
HELD_ANSWER = """
const take = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
  await new Promise((done) => { window.release = done; });
  await take.call(this, description);
};
"""
"""JavaScript: each answer is taken when `release` is called."""


def directions(offer: Message) -> list[str]:
    """Direction of each media section, in order."""
    wanted = ("a=sendonly", "a=recvonly", "a=inactive", "a=sendrecv")
    return [line[2:] for line in str(offer["sdp"]).splitlines() if line in wanted]


async def test_one_offer_sends_both_devices_and_a_later_one_receives_the_roster(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    first = await channel.heard("offer")
    assert sections(first, "send") == [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
    assert directions(first) == ["sendonly", "sendonly"]
    await channel.event("roster", version=1, locked=False, participants=[me(*OWN), admitted("p1")])
    second = await channel.heard("offer")
    assert sections(second, "send") == sections(first, "send")
    assert sections(second, "receive") == [{"mid": "2", "track": "a-p1"}, {"mid": "3", "track": "v-p1"}]
    await expect(visitor.page.locator("audio[data-track=a-p1]")).to_have_count(1)
    await expect(visitor.page.locator("video[data-track=v-p1]")).to_have_count(1)


async def test_who_sends_nothing_is_alone_for_a_while_and_receives_whoever_comes_next(visitor: Visitor) -> None:
    """With nobody there each section has stopped. Chromium makes no description of stopped ones alone, and there is nothing to agree on."""
    await visitor.open()
    await visitor.page.evaluate("probe.refuse = { audio: 'NotFoundError', video: 'NotFoundError' }")
    await visitor.see("join").click()
    channel = await visitor.answered(**CLINICIAN)
    for version, participant in ((1, "p1"), (3, "p2")):
        await channel.event("roster", version=version, locked=False, participants=[me(), admitted(participant)])
        offer = await channel.heard("offer")
        assert {s["track"] for s in sections(offer, "receive")} == {f"a-{participant}", f"v-{participant}"}
        await expect(visitor.page.locator(f"video[data-track=v-{participant}]")).to_have_count(1)
        await visitor.page.wait_for_function(SETTLED)
        await channel.event("roster", version=version + 1, locked=False, participants=[me()])
        await expect(visitor.page.locator(f"[data-track=v-{participant}]")).to_have_count(0)
    assert channel.pending("offer") == 0
    assert await visitor.page.evaluate("probe.connections.length") == 1


async def test_an_offer_names_no_address_of_the_device(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    assert "a=candidate" in await visitor.page.evaluate("probe.connections[0].localDescription.sdp")
    offers = [message for message in channel.log if message["type"] == "offer"]
    assert all("a=candidate" not in str(offer["sdp"]) for offer in offers)
    assert await visitor.page.evaluate("probe.connections[0].getConfiguration().iceServers") == []


async def test_changes_during_an_offer_make_exactly_one_more(visitor: Visitor) -> None:
    channel = await visitor.enter()
    del channel.answers["offer"]
    for version, others in enumerate(([admitted("p1")], [admitted("p1"), admitted("p2")], [admitted("p2")]), start=2):
        await channel.event("roster", version=version, locked=False, participants=[me(*OWN), *others])
    await expect(visitor.page.locator("[data-testid=roster-entry][data-participant=p2]")).to_have_count(1)
    first = await channel.heard("offer")
    await channel.event("roster", version=5, locked=False, participants=[me(*OWN), admitted("p3")])
    await expect(visitor.page.locator("[data-testid=roster-entry][data-participant=p3]")).to_have_count(1)
    await channel.event("roster", version=6, locked=False, participants=[me(*OWN), admitted("p4")])
    await expect(visitor.page.locator("[data-testid=roster-entry][data-participant=p4]")).to_have_count(1)
    assert channel.pending("offer") == 0
    await channel.ok(first, **stub_answer(first))
    last = await channel.heard("offer")
    assert [s["track"] for s in sections(last, "receive")] == ["a-p4", "v-p4"]
    await channel.ok(last, **stub_answer(last))
    await visitor.page.wait_for_function(SETTLED)
    assert channel.pending("offer") == 0


async def test_sections_of_gone_tracks_are_stopped_and_give_their_place_to_the_next(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    await channel.event("roster", version=2, locked=False, participants=[me(*OWN)])
    offer = await channel.heard("offer")
    assert directions(offer) == ["sendonly", "sendonly", "inactive", "inactive"]
    assert sections(offer, "receive") == []
    await expect(visitor.page.get_by_test_id("tile")).to_have_count(1)
    await channel.event("roster", version=3, locked=False, participants=[me(*OWN), admitted("p2")])
    offer = await channel.heard("offer")
    assert directions(offer) == ["sendonly", "sendonly", "recvonly", "recvonly"]
    assert sections(offer, "receive") == [{"mid": "4", "track": "a-p2"}, {"mid": "5", "track": "v-p2"}]
    assert str(offer["sdp"]).count("\r\nm=") == 4, "the description does not grow"
    await expect(visitor.page.locator("video[data-track=v-p2]")).to_have_count(1)
    assert await visitor.page.evaluate("probe.connections.length") == 1


async def test_twelve_people_fit_into_one_offer(visitor: Visitor) -> None:
    channel = await visitor.enter(*(admitted(f"p{n}") for n in range(11)))
    offer = [message for message in channel.log if message["type"] == "offer"][-1]
    assert len(sections(offer, "receive")) == 22
    assert str(offer["sdp"]).count("\r\nm=") == 24
    assert len(str(offer["sdp"]).encode()) < 32 * 1024
    assert str(offer["sdp"]).count("a=ssrc:") <= 64


async def test_what_the_page_does_not_show_it_does_not_ask_for(visitor: Visitor) -> None:
    tracks = [track("a1", "microphone"), track("s1", "whiteboard")]
    channel = await visitor.enter(admitted("p1", tracks=tracks))
    offer = [message for message in channel.log if message["type"] == "offer"][-1]
    assert [s["track"] for s in sections(offer, "receive")] == ["a1"]


async def test_turning_devices_off_and_on_tells_the_server_without_a_new_offer(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await visitor.see("microphone").click()
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-0", True)
    await visitor.see("camera").click()
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-1", True)
    await visitor.page.wait_for_function(SENDING, arg=[False, None])
    await visitor.see("camera").click()
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-1", False)
    await visitor.see("microphone").click()
    assert (await channel.heard("mute"))["muted"] is False
    await visitor.page.wait_for_function(SENDING, arg=[True, True])
    assert channel.pending("offer") == 0


async def test_silence_by_staff_shows_on_the_button_and_can_be_lifted(visitor: Visitor) -> None:
    channel = await visitor.enter()
    silenced = [track("sent-0", "microphone", silenced=True), OWN[1]]
    await channel.event("roster", version=2, locked=False, participants=[me(*silenced)])
    await expect(visitor.see("microphone")).to_have_attribute("data-state", "off")
    await expect(visitor.see("status")).to_contain_text("Personalen har stängt av")
    await visitor.see("microphone").click()
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-0", False)


async def test_silence_by_staff_shows_though_its_roster_comes_before_the_answer_is_taken(visitor: Visitor) -> None:
    await visitor.page.add_init_script(HELD_ANSWER)
    channel = await visitor.knock(**CLINICIAN)
    await channel.heard("offer")
    await visitor.page.wait_for_function("() => window.release")
    silenced = [track("sent-0", "microphone", silenced=True), OWN[1]]
    await channel.event("roster", version=1, locked=False, participants=[me(*silenced)])
    await expect(visitor.page.get_by_test_id("roster-entry")).to_have_count(1)
    await visitor.page.evaluate("release()")
    await expect(visitor.see("microphone")).to_have_attribute("data-state", "off")
    await expect(visitor.see("status")).to_contain_text("Personalen har stängt av")
    await expect(visitor.see("camera")).to_have_attribute("data-state", "on")
    assert channel.pending("mute") == 0


async def test_what_was_muted_before_a_hold_and_turned_on_during_it_is_heard_after_it(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await visitor.see("microphone").click()
    await channel.heard("mute")
    await channel.event("state", state="waiting", reason="")
    await visitor.see("microphone").click()
    await channel.event("state", state="admitted", reason="")
    carried = [track("sent-0", "microphone", muted=True), OWN[1]]
    await channel.event("roster", version=3, locked=False, participants=[me(*carried)])
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-0", False)
    await expect(visitor.see("microphone")).to_have_attribute("data-state", "on")


async def test_marks_tell_who_is_muted_unverified_away_or_speaking(visitor: Visitor) -> None:
    quiet = admitted("p1", verified=False, tracks=[track("a1", "microphone", muted=True)])
    channel = await visitor.enter(quiet, admitted("p2", connected=False), admitted("p3"))
    await channel.event("speaker", participant="p3")
    for place in ("tile", "roster-entry"):
        for participant, marks in {"p1": ["unverified", "muted"], "p2": ["reconnecting"], "p3": ["speaking"]}.items():
            entry = visitor.page.locator(f"[data-testid={place}][data-participant={participant}]")
            await expect(entry.locator("[data-mark]")).to_have_count(len(marks))
            assert await entry.locator("[data-mark]").evaluate_all("all => all.map((m) => m.dataset.mark)") == marks
    await channel.event("speaker", participant=None)
    await expect(visitor.page.locator("[data-mark=speaking]")).to_have_count(0)


async def test_a_name_is_text_whatever_it_says(visitor: Visitor) -> None:
    name = "<img src=x onerror=alert(1)>"
    await visitor.enter(admitted("p1", name))
    for place in ("tile", "roster-entry"):
        await expect(visitor.page.locator(f"[data-testid={place}][data-participant=p1] .name")).to_have_text(name)


async def test_blocked_sound_can_be_started_by_a_click(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        "HTMLMediaElement.prototype.play = () => window.mayPlay ? Promise.resolve() : "
        "Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    await visitor.enter(admitted("p1"))
    await visitor.page.evaluate("window.mayPlay = true")
    await visitor.see("start-sound").click()
    await expect(visitor.see("start-sound")).to_be_hidden()


async def test_a_track_that_has_gone_meanwhile_is_asked_for_anew(visitor: Visitor) -> None:
    channel = await visitor.enter()
    del channel.answers["offer"]
    await channel.event("roster", version=2, locked=False, participants=[me(*OWN), admitted("p1")])
    await channel.error(await channel.heard("offer"), "track_unknown")
    again = await channel.heard("offer")
    assert [s["track"] for s in sections(again, "receive")] == ["a-p1", "v-p1"]
    await channel.ok(again, **stub_answer(again))
    await expect(visitor.page.locator("audio[data-track=a-p1]")).to_have_count(1)


async def test_who_leaves_while_first_offered_takes_nobody_else_s_sections_along(visitor: Visitor) -> None:
    """Chromium counts with the places of sections that are stopped before any answer, and takes others' for them."""
    channel = await visitor.enter()
    del channel.answers["offer"]
    await channel.event("roster", version=2, locked=False, participants=[me(*OWN), admitted("p1"), admitted("p2")])
    refused = await channel.heard("offer")
    await channel.event("roster", version=3, locked=False, participants=[me(*OWN), admitted("p2")])
    await expect(visitor.see("roster-entry")).to_have_count(2)
    await channel.error(refused, "track_unknown")
    offer = await channel.heard("offer")
    assert [s["track"] for s in sections(offer, "receive")] == ["a-p2", "v-p2"]
    assert directions(offer) == ["sendonly"] * 2 + ["recvonly"] * 4
    await channel.ok(offer, **stub_answer(offer))
    await expect(visitor.page.locator("audio[data-track=a-p2]")).to_have_count(1)
    # The places that wait for nobody are given back with the next offer, or taken by who comes.
    await channel.event("roster", version=4, locked=False, participants=[me(*OWN), admitted("p2"), admitted("p3")])
    offer = await channel.heard("offer")
    assert [s["track"] for s in sections(offer, "receive")] == ["a-p2", "v-p2", "a-p3", "v-p3"]
    assert directions(offer).count("recvonly") == 4
    await channel.ok(offer, **stub_answer(offer))
    await expect(visitor.page.locator("video[data-track=v-p3]")).to_have_count(1)
    assert await visitor.page.evaluate("probe.connections.length") == 1


async def test_media_that_cannot_be_agreed_on_is_said(visitor: Visitor) -> None:
    channel = await visitor.enter()
    del channel.answers["offer"]
    await channel.event("roster", version=2, locked=False, participants=[me(*OWN), admitted("p1")])
    await channel.error(await channel.heard("offer"), "media_unsupported")
    await expect(visitor.see("media-status")).to_contain_text("Ljud och bild fungerar inte här.")


async def test_a_resumed_channel_keeps_the_connection_that_the_server_still_has(visitor: Visitor) -> None:
    channel = await visitor.enter()
    channel.abort()
    channel = await visitor.server.channel()
    await channel.ok(await channel.heard("join"), **answer(**CLINICIAN))
    await channel.event("roster", version=1, locked=False, participants=[me(*OWN)])
    await channel.heard("offer")
    await visitor.page.wait_for_function(SETTLED)
    assert await visitor.page.evaluate("probe.connections.length") == 1


async def test_a_restarted_server_gets_a_fresh_connection(visitor: Visitor) -> None:
    channel = await visitor.enter()
    channel.abort()
    channel = await visitor.server.channel()
    channel.answers["offer"] = partial(stub_answer, fingerprint="BB")
    await channel.ok(await channel.heard("join"), **answer(**CLINICIAN))
    await channel.heard("offer")
    fresh = await channel.heard("offer")
    assert {s["source"] for s in sections(fresh, "send")} == {"microphone", "camera"}
    await visitor.page.wait_for_function(SETTLED)
    assert await visitor.page.evaluate("probe.connections.map((pc) => pc.signalingState)") == ["closed", "stable"]


async def test_own_tracks_that_leave_the_roster_bring_a_fresh_connection(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await channel.event("roster", version=2, locked=False, participants=[me()])
    await channel.heard("offer")
    assert await visitor.page.evaluate("probe.connections.length") == 2


async def test_a_lost_connection_is_restarted_then_replaced(timed_visitor: Visitor) -> None:
    visitor = timed_visitor
    await visitor.page.clock.install()
    channel = await visitor.enter()
    before = (
        (await visitor.page.evaluate("probe.connections[0].localDescription.sdp")).split("a=ice-ufrag:")[1].split()[0]
    )
    await visitor.page.evaluate(
        """() => {
          const [pc] = probe.connections;
          Object.defineProperty(pc, "connectionState", { value: "disconnected" });
          pc.onconnectionstatechange();
        }"""
    )
    await expect(visitor.see("media-status")).to_have_text("Ljud och bild ansluts igen …")
    await visitor.page.clock.fast_forward(3_000)
    restart = await channel.heard("offer")
    assert f"a=ice-ufrag:{before}" not in str(restart["sdp"])
    await visitor.page.clock.fast_forward(8_000)
    await channel.heard("offer")
    assert await visitor.page.evaluate("probe.connections.map((pc) => pc.signalingState === 'closed')") == [True, False]


async def test_a_restart_that_nobody_has_answered_yet_is_not_given_up(timed_visitor: Visitor) -> None:
    visitor = timed_visitor
    await visitor.page.clock.install()
    channel = await visitor.enter()
    del channel.answers["offer"]
    await visitor.page.evaluate(
        """() => {
          const [pc] = probe.connections;
          Object.defineProperty(pc, "connectionState", { value: "disconnected" });
          pc.onconnectionstatechange();
        }"""
    )
    await visitor.page.clock.fast_forward(3_000)
    restart = await channel.heard("offer")
    await visitor.page.clock.fast_forward(9_000)
    assert await visitor.page.evaluate("probe.connections.length") == 1
    await channel.ok(restart, **stub_answer(restart))
    await visitor.page.wait_for_function(SETTLED)
    await visitor.page.clock.fast_forward(7_000)
    assert await visitor.page.evaluate("probe.connections.length") == 1
    await visitor.page.clock.fast_forward(2_000)
    await channel.heard("offer")
    assert await visitor.page.evaluate("probe.connections.length") == 2


async def test_an_unplugged_camera_is_said_and_muted(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await visitor.page.evaluate("probe.connections[0].getSenders()[1].track.dispatchEvent(new Event('ended'))")
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-1", True)
    await expect(visitor.see("device-fault")).to_have_attribute("data-fault", "fault.camera.lost")
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
