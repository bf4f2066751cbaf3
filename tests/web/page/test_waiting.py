"""The waiting room: what it says, and that nothing leaves it."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Route, expect

from sfu.web.branding import Brand
from tests.web.page.server import TIMEOUT, page_server
from tests.web.page.visitor import CLINICIAN, LINK, VISIT, Visitor, admitted, answer, new_context, sections, track

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_it_says_whether_staff_have_come_and_what_they_say(visitor: Visitor) -> None:
    channel = await visitor.knock()
    status = visitor.see("waiting-status")
    await expect(status).to_have_text("Du är ansluten. Personalen släpper in dig.")
    await channel.event("lobby_status", staff_present=False)
    await expect(status).to_have_text("Personalen har inte kommit än. Stanna kvar här.")
    await channel.event("lobby_status", staff_present=True)
    await expect(status).to_have_text("Personalen är här. De släpper in dig när de är redo.")
    await channel.event("lobby_status", staff_present=False)
    await expect(status).to_have_text("Personalen är inte här just nu. Stanna kvar, du har kvar din plats.")
    await channel.event("lobby_status", staff_present=True)
    await expect(status).to_have_text("Personalen är här. De släpper in dig när de är redo.")
    await channel.event("notice", text="Jag är <b>5 min</b> sen")
    await expect(visitor.see("notice")).to_have_text("Från personalen: Jag är <b>5 min</b> sen")


async def test_a_visit_that_is_moved_meanwhile_shows_its_new_time(visitor: Visitor) -> None:
    channel = await visitor.knock()
    facts = visitor.see("facts")
    await expect(facts).to_contain_text("Återbesök")
    before = await facts.text_content()
    moved = {**VISIT, "starts_at": "2026-11-25T09:15:00Z", "ends_at": "2026-11-25T09:45:00Z"}
    await channel.event("visit", visit=moved)
    await expect(facts).to_contain_text("onsdag 25 november")
    await expect(visitor.see("status")).to_contain_text("Besöket har flyttats till onsdag 25 november")
    assert await facts.text_content() != before
    await expect(facts.locator("dt")).to_have_count(4)
    await channel.event("visit", visit={**moved, "title": "Nybesök"})
    await expect(facts).to_contain_text("Nybesök")
    await expect(facts.locator("dt")).to_have_count(4)


async def test_the_time_now_stands_beside_the_booked_one_and_goes_on(visitor: Visitor) -> None:
    await visitor.page.clock.set_fixed_time("2026-11-25T12:59:59.900")
    await visitor.knock()
    await expect(visitor.see("clock")).to_have_text(re.compile(r"^\d\d:59$"))
    await visitor.page.clock.set_fixed_time("2026-11-25T13:00:00.100")
    await expect(visitor.see("clock")).to_have_text(re.compile(r"^\d\d:00$"))
    await visitor.speak("en")
    await expect(visitor.see("facts")).to_contain_text("Time now")


async def test_whoever_is_held_is_not_told_to_wait_for_staff_who_have_gone(visitor: Visitor) -> None:
    channel = await visitor.knock(state="admitted")
    await channel.event("state", state="waiting", reason="")
    status = visitor.see("waiting-status")
    await expect(status).to_have_text("Personalen har bett dig vänta en stund. De släpper in dig igen.")
    await channel.event("lobby_status", staff_present=False)
    await expect(status).to_have_text("Personalen är inte här just nu. Stanna kvar, du har kvar din plats.")
    await channel.event("lobby_status", staff_present=True)
    await expect(status).to_have_text("Personalen har bett dig vänta en stund. De släpper in dig igen.")
    await channel.event("state", state="ended", reason="")
    await visitor.final("ended")


async def test_a_second_device_is_told_why_it_waits(visitor: Visitor) -> None:
    await visitor.knock(second_device=True)
    await expect(visitor.see("waiting-reason")).to_have_text(
        "Länken är redan öppnad på en annan enhet eller i en annan flik. Fortsätt där om du kan. "
        "Här väntar du tills personalen släpper in dig."
    )
    await visitor.page.reload()
    await visitor.answered()
    await expect(visitor.see("waiting")).to_be_visible()
    await expect(visitor.see("waiting-reason")).to_be_hidden()


async def test_it_tells_what_the_visit_is_only_where_the_server_did(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("facts")).to_contain_text("Återbesök")
    await expect(visitor.see("facts")).to_contain_text("Ögonmottagningen")
    await channel.event("state", state="ended", reason="")
    await visitor.final("unmet")
    await visitor.knock(LINK, verified=False, visit={"visit": "v_1"})
    await expect(visitor.see("waiting")).to_be_visible()
    await expect(visitor.see("facts")).to_be_hidden()


async def test_no_peer_connection_exists_before_admission(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("preview")).to_be_visible()
    assert await visitor.page.evaluate("probe.connections.length") == 0
    await channel.event("state", state="admitted", reason="")
    await expect(visitor.see("meeting")).to_be_visible()
    await channel.heard("offer")
    assert await visitor.page.evaluate("probe.connections.length") == 1


async def test_hold_closes_the_connection_and_admission_opens_a_fresh_one(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("preview")).to_be_visible()
    await channel.event("state", state="admitted", reason="")
    await channel.event(
        "roster", version=1, locked=False, participants=[admitted("p_me", "Per"), admitted("p1", "Eva")]
    )
    await expect(visitor.page.get_by_test_id("roster-entry")).to_have_count(2)
    await channel.heard("offer")
    await channel.event("state", state="waiting", reason="hold")
    await expect(visitor.see("waiting-status")).to_contain_text("Personalen har bett dig vänta")
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    assert await visitor.page.evaluate("probe.connections.map((pc) => pc.signalingState)") == ["closed"]
    while channel.pending("offer"):
        await channel.heard("offer")
    await channel.event("state", state="admitted", reason="")
    await expect(visitor.see("meeting")).to_be_visible()
    await expect(visitor.page.get_by_test_id("roster-entry")).to_have_count(0)
    offer = await channel.heard("offer")
    assert {s["source"] for s in offer["send"]} == {"microphone", "camera"}  # type: ignore[attr-defined]
    assert offer["receive"] == []
    assert await visitor.page.evaluate("probe.connections.length") == 2


async def test_devices_can_be_turned_off_while_waiting_and_stay_so(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("camera")).to_have_text("Stäng av kamera")
    await visitor.see("camera").click()
    await visitor.see("microphone").click()
    await expect(visitor.see("camera")).to_have_text("Sätt på kamera")
    await channel.event("state", state="admitted", reason="")
    offer = await channel.heard("offer")
    assert [s["source"] for s in offer["send"]] == ["microphone"]  # type: ignore[attr-defined]
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-0", True)


@pytest.mark.parametrize(
    ("refuse", "faults", "sent"),
    [
        ({"video": "NotFoundError"}, ["fault.camera.missing"], ["microphone"]),
        ({"audio": "NotReadableError"}, ["fault.microphone.busy"], ["camera"]),
        (
            {"audio": "NotAllowedError", "video": "NotAllowedError"},
            ["fault.microphone.blocked", "fault.camera.blocked"],
            [],
        ),
    ],
)
async def test_whoever_lacks_a_device_joins_without_it(
    visitor: Visitor, refuse: dict[str, str], faults: list[str], sent: list[str]
) -> None:
    await visitor.open()
    await visitor.page.evaluate("(refuse) => (probe.refuse = refuse)", refuse)
    await visitor.see("join").click()
    channel = await visitor.answered()
    for fault in faults:
        await expect(visitor.page.locator(f"[data-fault='{fault}']")).to_be_visible()
    shown = visitor.page.get_by_test_id("device-fault")
    await expect(shown).to_have_count(len(faults))
    await channel.event("state", state="admitted", reason="")
    await channel.event(
        "roster", version=1, locked=False, participants=[admitted("p1", "Eva", tracks=[track("t1", "microphone")])]
    )
    offer = await channel.heard("offer")
    while not offer["receive"]:
        offer = await channel.heard("offer")
    assert [s["source"] for s in offer["send"]] == sent  # type: ignore[attr-defined]
    await visitor.page.evaluate("probe.refuse = {}")
    if "fault.camera.missing" in faults:
        await visitor.see("camera").click()
        assert [s["source"] for s in (await channel.heard("offer"))["send"]] == ["microphone", "camera"]  # type: ignore[attr-defined]
        await expect(shown).to_have_count(0)


@pytest.mark.parametrize(
    ("state", "why", "code", "reason"),
    [
        ("denied", "", 4403, "denied"),
        ("removed", "Fel besök", 4403, "removed"),
        ("removed", "ticket_revoked", 4403, "ticket_revoked"),
        ("ended", "", 4410, "unmet"),
        ("ended", "cancelled", 4410, "cancelled"),
    ],
)
async def test_a_final_state_is_final(visitor: Visitor, state: str, why: str, code: int, reason: str) -> None:
    channel = await visitor.knock()
    await channel.event("state", state=state, reason=why)
    await channel.close(code)
    await visitor.final(reason)
    if why == "Fel besök":
        await expect(visitor.see("words")).to_have_text("Från personalen: Fel besök")
    else:
        await expect(visitor.see("words")).to_have_count(0)
    await expect(visitor.see("again")).to_have_count(0)
    assert await visitor.page.evaluate("sessionStorage.evisit.includes('resume-1')") is False
    assert visitor.server.channels.empty()


async def test_leaving_is_asked_back_then_told_to_the_server(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await visitor.see("leave").click()
    await expect(visitor.see("leave-no")).to_be_focused()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.see("waiting")).to_be_visible()
    await expect(visitor.see("leave")).to_be_focused()
    await visitor.see("leave").click()
    await visitor.see("leave-yes").click()
    await channel.heard("leave")
    await visitor.final("left")


async def test_whoever_leaves_while_the_channel_is_down_is_out_at_once_and_the_server_is_told_when_it_can_be(
    visitor: Visitor,
) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await expect(visitor.see("meeting")).to_be_visible()
    channel.abort()
    await expect(visitor.see("trouble")).not_to_be_empty()
    second = await visitor.server.channel()
    await visitor.see("leave").click()
    await visitor.see("leave-yes").click()
    await visitor.final("left")
    await asyncio.wait_for(second.closed.wait(), TIMEOUT)
    third = await visitor.server.channel()
    join = await third.heard("join")
    assert join["resume"] == "resume-1"
    await third.ok(join, **answer(**CLINICIAN))
    await third.heard("leave")
    await asyncio.wait_for(third.closed.wait(), TIMEOUT)
    assert visitor.server.channels.empty()
    await visitor.final("left")


async def test_a_lost_channel_is_resumed_without_losing_the_place(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("preview")).to_be_visible()
    channel.abort()
    await expect(visitor.see("trouble")).to_have_text("Anslutningen bröts. Ansluter igen …")
    await expect(visitor.see("waiting")).to_be_visible()
    await expect(visitor.see("waiting-status")).to_be_hidden()
    channel = await visitor.server.channel()
    assert await channel.heard("join") == {"type": "join", "id": 1, "resume": "resume-1"}
    await channel.ok(channel.log[0], **answer(resume="resume-2"))
    await expect(visitor.see("trouble")).to_be_empty()
    await expect(visitor.see("waiting-status")).to_be_visible()
    await channel.close(1001)
    assert (await (await visitor.server.channel()).heard("join"))["resume"] == "resume-2"


async def test_a_newer_tab_wins_and_can_be_won_back(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await channel.close(4409)
    await visitor.final("replaced")
    assert visitor.server.channels.empty()
    await visitor.see("again").click()
    assert (await (await visitor.server.channel()).heard("join"))["resume"] == "resume-1"


async def test_a_server_that_cannot_be_reached_is_said_and_tried_again(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.see("join").click()
    channel = await visitor.server.channel()
    channel.abort()
    await visitor.final("unreachable")
    await visitor.see("again").click()
    await visitor.answered()
    await expect(visitor.see("waiting")).to_be_visible()


WAKE = """
window.wake = { held: 0 };
Object.defineProperty(navigator, "wakeLock", { value: { request: async () => {
  wake.held += 1;
  return { release: async () => { wake.held -= 1; } };
} } });
"""
HIDDEN = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_the_screen_stays_awake_while_somebody_waits(visitor: Visitor) -> None:
    await visitor.page.add_init_script(WAKE)
    channel = await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    await visitor.page.wait_for_function("() => wake.held === 1")
    await channel.event("state", state="denied", reason="")
    await visitor.final("denied")
    await visitor.page.wait_for_function("() => wake.held === 0")


async def test_being_let_in_shows_in_the_title_until_the_page_is_looked_at(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    await visitor.page.evaluate(HIDDEN, True)
    await channel.event("state", state="admitted", reason="")
    await visitor.page.wait_for_function("() => document.title.startsWith('Du är insläppt')")
    await visitor.page.evaluate(HIDDEN, False)
    await visitor.page.wait_for_function("() => !document.title.startsWith('Du är insläppt')")


async def test_the_number_to_call_is_shown_where_it_helps(browser: Browser) -> None:
    async with page_server(Brand(help_phone="08-123 45 67")) as server:
        context = await new_context(browser)
        visitor = await Visitor.arrive(context, server)
        await visitor.open()
        await expect(visitor.see("help")).to_contain_text("08-123 45 67")
        await visitor.see("join").click()
        channel = await visitor.answered()
        await expect(visitor.see("waiting")).to_be_visible()
        await expect(visitor.see("help").get_by_role("link")).to_have_attribute("href", "tel:081234567")
        await channel.event("state", state="denied", reason="")
        await visitor.final("denied")
        await expect(visitor.see("help")).to_be_visible()
        await context.close()
        assert visitor.errors == visitor.strangers == []


async def test_sound_picture_and_devices_are_seen_to_while_one_waits(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("level")).to_be_visible()
    await visitor.page.wait_for_function("() => document.querySelector('[data-testid=level]').value > 0.2")
    await visitor.see("change-devices").click()
    await expect(visitor.see("change-microphone")).to_be_visible()
    await visitor.see("devices-close").click()
    await expect(visitor.see("change-devices")).to_be_focused()
    await visitor.see("microphone").click()
    await expect(visitor.see("level")).to_be_hidden()
    await visitor.see("change-devices").click()
    await expect(visitor.see("devices-dialog")).to_be_visible()
    # Being let in is more important than what is being chosen.
    await channel.event("state", state="admitted", reason="")
    await expect(visitor.see("meeting")).to_be_visible()
    await expect(visitor.see("devices-dialog")).to_have_count(0)
    await visitor.page.wait_for_function("() => probe.connections.length === 1")


async def test_nobody_is_seen_or_heard_before_they_see_that_they_are_in(visitor: Visitor) -> None:
    late = asyncio.Event()

    async def hold_back(route: Route) -> None:
        await late.wait()
        await route.continue_()

    await visitor.page.route(re.compile(r"/views/meeting\.js"), hold_back)
    try:
        async with visitor.page.expect_request_finished(lambda request: request.url.endswith("/js/media.js")):
            channel = await visitor.knock()
        await expect(visitor.see("waiting")).to_be_visible()
        await channel.event("state", state="admitted", reason="")
        await expect(visitor.see("connecting")).to_be_visible()
        await expect(visitor.see("waiting")).to_have_count(0)
        assert await visitor.page.evaluate("probe.connections.length") == 0
        assert channel.pending("offer") == 0
    finally:
        late.set()
    await expect(visitor.see("meeting")).to_be_visible()
    assert {section["source"] for section in sections(await channel.heard("offer"), "send")} <= {"microphone", "camera"}


async def test_whoever_is_let_in_while_the_browser_lists_devices_is_asked_nothing_there(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("level")).to_be_visible()
    await visitor.page.evaluate(
        """() => {
          const list = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
          const listed = new Promise((tell) => (probe.list = tell));
          probe.listing = 0;
          navigator.mediaDevices.enumerateDevices = async () => {
            probe.listing += 1;
            await listed;
            return list();
          };
        }"""
    )
    await visitor.see("change-devices").click()
    await visitor.page.wait_for_function("() => probe.listing === 2")
    await channel.event("state", state="admitted", reason="")
    await expect(visitor.see("meeting")).to_be_visible()
    await visitor.page.evaluate("() => (probe.list(), navigator.mediaDevices.enumerateDevices())")
    await expect(visitor.see("devices-dialog")).to_have_count(0)
    await visitor.see("change-devices").click()
    await expect(visitor.see("devices-dialog")).to_be_visible()
