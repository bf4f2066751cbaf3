"""The meeting: shared screens, what is shown large, keys, messages to who waits, silence, arrivals, weak connections."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.server import Channel
from tests.web.page.visitor import CLINICIAN, SETTLED, Visitor, admitted, me, sections, track, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OWN = (track("sent-0", "microphone"), track("sent-1", "camera"))
A_SCREEN = """
navigator.mediaDevices.getDisplayMedia = async (wanted) => {
  probe.shared = wanted;
  if (probe.refuseShare) throw new DOMException("", probe.refuseShare);
  const stream = document.createElement("canvas").captureStream(5);
  stream.addTrack(new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]);
  probe.screen = stream.getVideoTracks()[0];
  return stream;
};
"""
"""JavaScript: a screen to share that is a canvas, with sound."""


WEAK_STATS = """
Object.defineProperty(RTCPeerConnection.prototype, "connectionState", { get: () => "connected" });
const pair = { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.5 };
RTCPeerConnection.prototype.getStats = async () => new Map([["pair", pair]]);
"""
"""JavaScript: half a second there and back, as the browser measures it."""


def screen(name: str, kind: str = "video", *, muted: bool = False) -> dict[str, object]:
    source = "screen" if kind == "video" else "screen_audio"
    return {"track": name, "kind": kind, "source": source, "muted": muted, "paused": False}


async def sources(channel: Channel) -> list[str]:
    return [section["source"] for section in sections(await channel.heard("offer"), "send")]


async def test_a_shared_screen_is_sent_with_its_sound_and_taken_back(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await visitor.page.evaluate(A_SCREEN)
    await visitor.see("share").click()
    assert await sources(channel) == ["microphone", "camera", "screen", "screen_audio"]
    await expect(visitor.see("sharing")).to_be_visible()
    await expect(visitor.see("share")).to_have_text("Sluta dela")
    assert await visitor.page.evaluate("probe.screen.contentHint") == "detail"
    await visitor.page.wait_for_function(SETTLED)
    shared = (screen("sent-2"), screen("sent-3", "audio"))
    await channel.event("roster", version=2, locked=False, participants=[me(*OWN, *shared)])
    await visitor.see("share").click()
    offer = await channel.heard("offer")
    assert [section["source"] for section in sections(offer, "send")] == ["microphone", "camera"]
    await expect(visitor.see("sharing")).to_be_hidden()
    assert await visitor.page.evaluate("probe.screen.readyState") == "ended"
    await visitor.page.wait_for_function(SETTLED)
    await channel.event("roster", version=3, locked=False, participants=[me(*OWN)])
    await visitor.see("share").click()
    again = sections(await channel.heard("offer"), "send")
    assert [section["mid"] for section in again] == ["0", "1", "2", "3"], "the sections are used again"
    assert await visitor.page.evaluate("probe.connections.length") == 1


async def test_in_a_full_room_a_share_takes_the_place_of_two_pictures_and_gives_it_back(visitor: Visitor) -> None:
    channel = await visitor.enter(*(admitted(f"p{n}") for n in range(11)))
    await visitor.page.evaluate(A_SCREEN)
    for sent, received in ((4, 20), (2, 22)):
        await visitor.see("share").click()
        offer = await channel.heard("offer")
        while (len(sections(offer, "send")), len(sections(offer, "receive"))) != (sent, received):
            assert str(offer["sdp"]).count("\r\nm=") <= 24
            offer = await channel.heard("offer")
        assert str(offer["sdp"]).count("\r\nm=") == 24
        await visitor.page.wait_for_function(SETTLED)
    assert await visitor.page.evaluate("probe.connections.length") == 1


async def test_sharing_that_the_browser_or_staff_end_is_ended(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await visitor.page.evaluate(A_SCREEN)
    await visitor.see("share").click()
    assert "screen" in await sources(channel)
    await visitor.page.evaluate("probe.screen.dispatchEvent(new Event('ended'))")
    assert "screen" not in await sources(channel)
    await visitor.page.wait_for_function(SETTLED)
    await visitor.see("share").click()
    assert "screen" in await sources(channel)
    await visitor.page.wait_for_function(SETTLED)
    await channel.event("roster", version=2, locked=False, participants=[me(*OWN, screen("sent-2", muted=True))])
    await expect(visitor.see("status")).to_have_text("Personalen har stoppat din skärmdelning.")
    assert "screen" not in await sources(channel)


async def test_a_share_that_is_not_chosen_is_no_fault_and_one_that_fails_is_said(visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.page.evaluate(A_SCREEN)
    await visitor.page.evaluate("probe.refuseShare = 'NotAllowedError'")
    await visitor.see("share").click()
    await expect(visitor.see("share")).to_have_text("Dela skärm")
    await expect(visitor.see("status")).to_be_empty()
    await visitor.page.evaluate("probe.refuseShare = 'NotReadableError'")
    await visitor.see("share").click()
    await expect(visitor.see("status")).to_have_text("Skärmen kunde inte delas. Försök igen.")


async def test_another_camera_is_chosen_while_the_visit_goes_on(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await visitor.page.evaluate(
        """() => {
          const known = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
          navigator.mediaDevices.enumerateDevices = async () => {
            const more = { kind: "videoinput", deviceId: "other", groupId: "", label: "Another camera" };
            return [...(await known()), more];
          };
        }"""
    )
    first = await visitor.page.evaluate("probe.connections[0].getSenders()[1].track.id")
    offers = channel.pending("offer")
    await visitor.see("change-devices").click()
    await visitor.see("change-camera").select_option("other")
    await visitor.page.wait_for_function(f"() => probe.connections[0].getSenders()[1].track?.id !== '{first}'")
    await visitor.see("devices-close").click()
    await expect(visitor.see("change-devices")).to_be_focused()
    assert channel.pending("offer") == offers, "the section goes on"


async def test_where_the_browser_cannot_share_there_is_no_button(visitor: Visitor) -> None:
    await visitor.page.add_init_script("delete MediaDevices.prototype.getDisplayMedia")
    await visitor.enter()
    await expect(visitor.see("share")).to_be_hidden()


async def test_a_shared_screen_is_large_and_can_be_made_small(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"), admitted("p2"))
    shows = admitted("p1", tracks=[track("a-p1", "microphone"), screen("s-p1"), screen("x-p1", "audio")])
    await channel.event("roster", version=2, locked=False, participants=[me(*OWN), shows, admitted("p2")])
    tile = visitor.see("screen-tile")
    await expect(tile).to_contain_text("delar sin skärm")
    offer = await channel.heard("offer")
    order = [section["track"] for section in sections(offer, "receive")]
    assert {"s-p1", "x-p1"} <= set(order)
    large, small = await tile.bounding_box(), await visitor.see("tile").first.bounding_box()
    assert large
    assert small
    assert large["width"] > 2.5 * small["width"]
    await tile.get_by_test_id("pin").click()
    await expect(tile.get_by_test_id("pin")).to_have_attribute("aria-pressed", "false")
    shrunk = await tile.bounding_box()
    assert shrunk
    assert shrunk["width"] < large["width"]
    await channel.event("roster", version=3, locked=False, participants=[me(*OWN), admitted("p1"), admitted("p2")])
    await expect(tile).to_have_count(0)


async def test_somebody_is_shown_large_by_choice_and_the_server_is_told(visitor: Visitor) -> None:
    channel = await visitor.enter(*[admitted(f"p{n}", f"Person {n}") for n in range(1, 6)])
    pin = visitor.page.get_by_role("button", name="Visa Person 2 stort")
    await pin.focus()
    await visitor.page.keyboard.press("Enter")
    await expect(pin).to_have_attribute("aria-pressed", "true")
    boxes = {
        await tile.get_attribute("data-participant"): await tile.bounding_box()
        for tile in await visitor.see("tile").all()
    }
    widths = {participant: box["width"] for participant, box in boxes.items() if box}
    assert max(widths, key=lambda participant: widths[participant]) == "p2"
    await channel.event("roster", version=7, locked=False, participants=[me(*OWN), admitted("p1", "Person 1")])
    await expect(pin).to_have_count(0)


async def test_staff_write_to_one_who_waits_or_to_all(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await expect(visitor.see("notice-all")).to_be_hidden()
    await visitor.see("notify", "w1").click()
    await expect(visitor.see("notice-text")).to_be_focused()
    await visitor.see("notice-text").fill("Fem minuter till.")
    await visitor.see("notice-send").click()
    message = await channel.heard("notice")
    assert (message["participant"], message["text"]) == ("w1", "Fem minuter till.")
    await channel.ok(message)
    await expect(visitor.see("status")).to_have_text("Meddelandet är skickat.")
    await channel.event("lobby", version=2, waiting=[waiting("w1", "Per Persson"), waiting("w2", "Amina Tolk")])
    await visitor.see("notice-all").click()
    await visitor.see("notice-suggestion").first.click()
    await visitor.see("notice-send").click()
    message = await channel.heard("notice")
    assert "participant" not in message
    assert message["text"] == "Vi är snart hos dig."
    await channel.error(message, "rate_limited")
    await expect(visitor.see("status")).to_contain_text("Vänta lite")
    await visitor.see("notify", "w1").click()
    await visitor.see("notice-send").click()
    await expect(visitor.see("notice-dialog")).to_have_count(0)
    assert channel.pending("notice") == 0, "nothing was written"


async def test_staff_silence_what_is_heard_and_shown(visitor: Visitor) -> None:
    tracks = [track("a-p1", "microphone"), screen("s-p1")]
    channel = await visitor.enter(admitted("p1", tracks=tracks), admitted("p2", tracks=[]))
    await expect(visitor.see("silence", "p2")).to_be_hidden()
    await visitor.see("silence", "p1").click()
    message = await channel.heard("silence")
    assert message["track"] == "a-p1"
    await channel.ok(message)
    await expect(visitor.see("status")).to_contain_text("Avstängt för Amina Tolk.")
    await visitor.see("stop-share", "p1").click()
    message = await channel.heard("silence")
    assert message["track"] == "s-p1"
    await channel.ok(message)
    await expect(visitor.see("status")).to_contain_text("Skärmen från Amina Tolk delas inte längre.")


async def test_nobody_else_silences(visitor: Visitor) -> None:
    await visitor.enter(admitted("p1"), may_admit=False)
    await expect(visitor.see("silence", "p1")).to_be_hidden()


async def test_an_arrival_is_counted_in_the_title_and_heard_unless_turned_off(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        "probe.tones = 0; const start = OscillatorNode.prototype.start;"
        "OscillatorNode.prototype.start = function (...at) { probe.tones += 1; return start.apply(this, at); };"
    )
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.page.wait_for_function("() => probe.tones > 0")
    await expect(visitor.page).to_have_title("(1) Videobesök pågår – Videobesök")
    tones = await visitor.page.evaluate("probe.tones")
    await visitor.see("arrival-sound").click()
    await expect(visitor.see("arrival-sound")).to_have_attribute("aria-pressed", "false")
    await channel.event("lobby", version=2, waiting=[waiting("w1", "Per"), waiting("w2", "Amina Tolk")])
    await expect(visitor.page).to_have_title("(2) Videobesök pågår – Videobesök")
    assert await visitor.page.evaluate("probe.tones") == tones
    await channel.event("lobby", version=3, waiting=[])
    await expect(visitor.page).to_have_title("Videobesök pågår – Videobesök")


async def test_coming_and_going_is_said_unless_turned_off_and_stays_so_after_a_reload(visitor: Visitor) -> None:
    channel = await visitor.enter()
    own = admitted("p_me", tracks=[])
    await channel.event("roster", version=2, locked=False, participants=[own, admitted("p1", "Per Persson")])
    await expect(visitor.see("status")).to_have_text("Per Persson är med i besöket.")
    await visitor.see("announcements").click()
    await expect(visitor.see("announcements")).to_have_attribute("aria-pressed", "false")
    await channel.event("roster", version=3, locked=False, participants=[own, admitted("p2", "Maria Persson")])
    await expect(visitor.page.get_by_test_id("roster-entry")).to_have_count(2)
    await expect(visitor.see("status")).to_have_text("Per Persson är med i besöket.")
    await visitor.page.reload()
    await visitor.answered(**CLINICIAN)
    await expect(visitor.see("announcements")).to_have_attribute("aria-pressed", "false")


async def test_to_whom_the_picture_matters_most_nobody_says_to_turn_the_camera_off(visitor: Visitor) -> None:
    await visitor.page.add_init_script(WEAK_STATS)
    await visitor.enter(admitted("p1"))
    await expect(visitor.see("quality")).to_contain_text("stänga av kameran")
    await visitor.see("picture-first").click()
    await expect(visitor.see("quality")).not_to_contain_text("stänga av kameran")
    await expect(visitor.see("quality")).to_contain_text("Din uppkoppling är svag.")


async def test_keys_need_alt_are_listed_and_leave_typing_alone(visitor: Visitor) -> None:
    channel = await visitor.enter()
    channel.answers["text"] = lambda _: {}
    keyboard = visitor.page.keyboard
    await keyboard.press("Alt+h")
    await expect(visitor.see("shortcuts-dialog")).to_contain_text("Alt + M")
    await keyboard.press("Alt+m")
    await keyboard.press("Escape")
    await expect(visitor.see("microphone")).to_have_attribute("data-state", "on")
    await keyboard.press("m")
    await keyboard.press("Alt+m")
    await expect(visitor.see("microphone")).to_have_attribute("data-state", "off")
    await keyboard.press("Alt+t")
    await keyboard.type("mvAH")
    await keyboard.press("Alt+v")
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
    await expect(visitor.see("text-input")).to_have_value("mvAH")
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson"), waiting("w2", "Amina Tolk")])
    await expect(visitor.page.get_by_test_id("lobby-entry")).to_have_count(2)
    await keyboard.press("Alt+a")
    assert (await channel.heard("admit"))["participant"] == "w1"
