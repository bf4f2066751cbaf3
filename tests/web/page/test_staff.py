"""What those who may admit see and do."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.visitor import CLINICIAN, Visitor, admitted, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_lobby_lists_who_waits_in_the_servers_order_with_what_is_known(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event(
        "lobby",
        version=1,
        waiting=[
            waiting("w1", "Per Persson"),
            waiting("w2", "Amina Tolk", role="interpreter", verified=False, booked=False),
            waiting("w3", "Per Persson", second_device=True, connected=False),
        ],
    )
    entries = visitor.page.get_by_test_id("lobby-entry")
    await expect(entries).to_have_count(3)
    assert [await entry.get_attribute("data-participant") for entry in await entries.all()] == ["w1", "w2", "w3"]
    marks = [
        await entry.locator("[data-mark]").evaluate_all("all => all.map((m) => m.dataset.mark)")
        for entry in await entries.all()
    ]
    assert marks == [["verified"], ["unverified", "unbooked"], ["verified", "second_device", "away"]]
    await expect(visitor.see("status")).to_have_text("2 nya väntar.")


async def test_whoever_has_closed_the_tab_is_shown_as_gone_and_counted_by_nothing(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    gone = waiting("w1", "Per Persson", connected=False)
    await channel.event("lobby", version=1, waiting=[gone, waiting("w2", "Amina Tolk")])
    entries = visitor.page.get_by_test_id("lobby-entry")
    await expect(entries).to_have_count(2)
    assert [await entry.get_attribute("data-participant") for entry in await entries.all()] == ["w2", "w1"]
    await expect(entries.last.locator("[data-mark=away]")).to_have_text("Har tappat anslutningen")
    await expect(entries.last.locator(".since")).to_be_hidden()
    await expect(visitor.page.get_by_role("heading", name="Väntar (1)")).to_be_visible()
    await expect(visitor.page).to_have_title("(1) Videobesök pågår – Videobesök")
    await expect(visitor.see("status")).to_have_text("Amina Tolk väntar.")
    await visitor.page.keyboard.press("Alt+KeyA")
    assert (await channel.heard("admit"))["participant"] == "w2"
    await channel.event("lobby", version=2, waiting=[gone])
    await expect(visitor.page.get_by_role("heading", name="Väntar (0)")).to_be_visible()
    await expect(visitor.page).to_have_title("Videobesök pågår – Videobesök")
    await visitor.page.keyboard.press("Alt+KeyA")
    await expect(visitor.see("status")).to_have_text("Ingen väntar.")
    await channel.event("lobby", version=3, waiting=[waiting("w1", "Per Persson")])
    await expect(visitor.see("status")).to_have_text("Per Persson väntar.")
    await expect(entries.locator("[data-mark=away]")).to_have_count(0)


async def test_somebody_booked_is_let_in_at_once(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.see("admit", "w1").click()
    request = await channel.heard("admit")
    assert (request["participant"], request["agreed"]) == ("w1", False)


async def test_all_who_are_expected_are_let_in_at_once_and_nobody_of_whom_something_is_to_be_asked(
    visitor: Visitor,
) -> None:
    channel = await visitor.knock(**CLINICIAN)
    everybody = [
        waiting("w1", "Per Persson"),
        waiting("w2", "Amina Tolk", role="interpreter", verified=False, booked=False),
        waiting("w3", "Maria Persson", role="guardian"),
        waiting("w4", "Karin Ek", role="clinician", booked=False),
        waiting("w5", "Johan Persson", role="guardian", second_device=True),
        waiting("w6", "Anna Ek", verified=False),
        waiting("w7", "Olle Ek", connected=False),
    ]
    await channel.event("lobby", version=1, waiting=everybody[:2])
    await expect(visitor.page.get_by_test_id("lobby-entry")).to_have_count(2)
    await expect(visitor.see("admit-all")).to_be_hidden()
    await channel.event("lobby", version=2, waiting=everybody)
    await expect(visitor.see("admit-all")).to_have_text("Släpp in alla som är bokade och identifierade (2)")
    await visitor.see("admit-all").click()
    # Each by a request of its own: each is an admission of its own in the access log.
    for participant in ("w1", "w3"):
        request = await channel.heard("admit")
        assert (request["participant"], request["agreed"]) == (participant, False)
        await channel.ok(request)
    await expect(visitor.see("undo-line")).to_contain_text("Per Persson, Maria Persson är insläppta.")
    assert channel.pending("admit") == 0
    await visitor.see("undo").click()
    for participant in ("w1", "w3"):
        request = await channel.heard("hold")
        assert request["participant"] == participant
        await channel.ok(request)


async def test_of_all_who_are_let_in_one_who_must_be_asked_about_stays_and_a_failure_is_said(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    people = [
        waiting("w1", "Per Persson"),
        waiting("w2", "Maria Persson"),
        waiting("w3", "Nora Ek"),
        waiting("w4", "Olle Ek"),
    ]
    await channel.event("lobby", version=1, waiting=people)
    await visitor.see("admit-all").click()
    await channel.error(await channel.heard("admit"), "agreement_required")
    await channel.ok(await channel.heard("admit"))
    await channel.error(await channel.heard("admit"), "full")
    await expect(visitor.see("undo-line")).to_contain_text("Maria Persson är insläppt.")
    await expect(visitor.see("status")).to_have_text("Besöket är fullt. Någon måste lämna först.")
    await expect(visitor.see("agreement-dialog")).to_have_count(0)
    assert channel.pending("admit") == 0


async def test_somebody_not_booked_needs_an_agreement(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w2", "Amina Tolk", role="interpreter", booked=False)])
    await visitor.see("admit", "w2").click()
    dialog = visitor.see("agreement-dialog")
    await expect(dialog).to_contain_text("Har du och patienten kommit överens om att Amina Tolk deltar?")
    await expect(visitor.see("agreement-no")).to_be_focused()
    await visitor.see("agreement-no").click()
    await expect(dialog).to_have_count(0)
    await visitor.see("admit", "w2").click()
    await visitor.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert channel.pending("admit") == 0
    await visitor.see("admit", "w2").click()
    await visitor.see("agreement-yes").click()
    request = await channel.heard("admit")
    assert (request["participant"], request["agreed"]) == ("w2", True)


async def test_an_agreement_that_the_server_requires_is_asked_for(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.see("admit", "w1").click()
    await channel.error(await channel.heard("admit"), "agreement_required")
    await visitor.see("agreement-yes").click()
    assert (await channel.heard("admit"))["agreed"] is True


async def test_a_whole_lobby_is_handled_by_keyboard(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    lobby = [waiting("w1", "Per Persson"), waiting("w2", "Johan Persson", role="guardian")]
    await channel.event("lobby", version=1, waiting=lobby)
    await visitor.see("admit", "w1").focus()
    await visitor.page.keyboard.press("Enter")
    await channel.ok(await channel.heard("admit"))
    await channel.event("lobby", version=2, waiting=lobby[1:])
    await expect(visitor.page.get_by_role("heading", name="Väntar (1)")).to_be_focused()
    await visitor.page.keyboard.press("Tab")
    assert await visitor.focused() == "admit"
    await channel.event("lobby", version=3, waiting=[*lobby[1:], waiting("w3", "Maria Persson")])
    await expect(visitor.page.get_by_test_id("lobby-entry")).to_have_count(2)
    assert await visitor.focused() == "admit"
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Space")
    await expect(visitor.see("deny-no")).to_be_focused()
    await visitor.page.keyboard.press("Shift+Tab")
    await visitor.page.keyboard.press("Enter")
    assert (await channel.heard("deny"))["participant"] == "w2"


async def test_whoever_was_turned_away_can_be_allowed_again(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    person = {"participant": "w1", "name": "Per Persson", "role": "patient", "state": "denied"}
    await channel.event("lobby", version=1, waiting=[], turned_away=[person])
    await visitor.see("allow", "w1").click()
    assert (await channel.heard("allow"))["participant"] == "w1"


async def test_a_denial_is_asked_back_since_it_cannot_be_undone(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.see("deny", "w1").click()
    await expect(visitor.see("deny-dialog")).to_contain_text("Neka Per Persson?")
    await visitor.see("deny-no").click()
    await visitor.see("deny", "w1").click()
    await visitor.see("deny-yes").click()
    request = await channel.heard("deny")
    assert (request["participant"], request["reason"]) == ("w1", "")
    assert channel.pending("deny") == 0
    await channel.ok(request)
    await expect(visitor.see("status")).to_have_text("Per Persson har nekats.")


@pytest.mark.parametrize("act", ["deny", "remove"])
async def test_who_is_turned_away_can_be_told_why(visitor: Visitor, act: str) -> None:
    channel = await visitor.enter(admitted("p1", "Per Persson"))
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.see(act, "w1" if act == "deny" else "p1").click()
    # It is no must, and whoever presses Enter by a slip turns nobody away.
    await expect(visitor.see(f"{act}-no")).to_be_focused()
    reason = visitor.page.get_by_label("Orsak (du kan lämna det tomt)")
    await expect(reason).to_have_accessible_description("Visas för personen.")
    await reason.fill("  Fel besök. Ditt börjar kl. 14.  ")
    await reason.press("Enter")
    assert channel.pending(act) == 0
    await visitor.see(f"{act}-yes").click()
    assert (await channel.heard(act))["reason"] == "Fel besök. Ditt börjar kl. 14."
    assert await reason.count() == 0


async def test_of_who_came_by_the_link_it_is_said_that_the_link_still_leads_here(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    guest = waiting("w1", "Amina Tolk", role="interpreter", verified=False, booked=False)
    await channel.event("lobby", version=1, waiting=[guest])
    await visitor.see("deny", "w1").click()
    await expect(visitor.see("deny-dialog")).to_contain_text("Den som har länken kan be om att få komma in igen.")
    await visitor.see("deny-no").click()
    await channel.event("lobby", version=2, waiting=[waiting("w2", "Per Persson")])
    await visitor.see("deny", "w2").click()
    await expect(visitor.see("deny-dialog")).to_contain_text("kan inte komma in")


async def test_who_was_let_in_or_put_back_by_a_slip_is_taken_back(visitor: Visitor) -> None:
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    undo = visitor.see("undo-line")
    await expect(undo).to_be_hidden()
    await visitor.see("admit", "w1").click()
    await channel.ok(await channel.heard("admit"))
    await expect(undo).to_contain_text("Per Persson är insläppt.")
    await expect(visitor.see("undo")).to_have_text("Ångra")
    await expect(visitor.see("undo")).to_have_accessible_name("Ångra: Per Persson är insläppt.")
    await visitor.see("undo").click()
    request = await channel.heard("hold")
    assert request["participant"] == "w1"
    await channel.ok(request)
    await expect(undo).to_be_hidden()
    await expect(visitor.see("status")).to_have_text("Per Persson är i väntrummet.")
    await channel.event("roster", version=1, locked=False, participants=[admitted("p_me"), admitted("p1")])
    await visitor.see("hold", "p1").click()
    await channel.ok(await channel.heard("hold"))
    await expect(undo).to_contain_text("Amina Tolk är i väntrummet.")
    # Whom the booking does not name was agreed on once; the server asks anew, and so does the page.
    await visitor.page.keyboard.press("Alt+z")
    await channel.error(await channel.heard("admit"), "agreement_required")
    await visitor.see("agreement-yes").click()
    assert (await channel.heard("admit"))["agreed"] is True


async def test_staff_have_everybody_see_somebody(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"), admitted("p2", "Per"))
    await visitor.see("pin-for-all", "p1").click()
    request = await channel.heard("pin")
    assert (request["participant"], request["pinned"]) == ("p1", True)
    await channel.ok(request)
    people = [admitted("p_me"), admitted("p1", pinned=True), admitted("p2", "Per")]
    await channel.event("roster", version=2, locked=False, participants=people)
    await expect(visitor.see("pin-for-all", "p1")).to_have_text("Sluta visa stort för alla")
    await visitor.see("pin-for-all", "p1").click()
    assert (await channel.heard("pin"))["pinned"] is False


async def test_the_link_is_copied_or_else_shown(visitor: Visitor) -> None:
    channel = await visitor.enter()
    link = "https://evisit.example/join#visit=v_1&key=k"
    channel.answers["link"] = lambda _: {"share_url": link}
    await visitor.page.evaluate("navigator.clipboard.writeText = async (text) => { probe.copied = text; }; undefined")
    await visitor.see("copy-link").click()
    await expect(visitor.see("status")).to_have_text("Länken är kopierad. Den som öppnar den kommer till väntrummet.")
    assert await visitor.page.evaluate("probe.copied") == link
    await visitor.page.evaluate(
        "navigator.clipboard.writeText = async () => { throw new DOMException('', 'NotAllowedError'); }; undefined"
    )
    await visitor.see("copy-link").click()
    await expect(visitor.see("link-text")).to_have_value(link)
    await expect(visitor.see("link-text")).to_be_focused()
    assert await visitor.page.evaluate("getSelection().toString()") == link


async def test_hold_goes_at_once_and_remove_is_asked_back(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    await visitor.see("hold", "p1").click()
    request = await channel.heard("hold")
    assert request["participant"] == "p1"
    await channel.ok(request)
    await visitor.see("remove", "p1").click()
    await visitor.see("remove-no").click()
    assert channel.pending("remove") == 0
    await visitor.see("remove", "p1").click()
    await visitor.see("remove-yes").click()
    assert (await channel.heard("remove"))["participant"] == "p1"


async def test_oneself_is_listed_without_buttons_and_others_have_none_for_whoever_may_not_admit(
    visitor: Visitor,
) -> None:
    await visitor.enter(admitted("p1"))
    await expect(visitor.see("hold", "p_me")).to_be_hidden()
    await expect(visitor.see("hold", "p1")).to_be_visible()
    await visitor.page.reload()
    channel = await visitor.answered(state="admitted")
    await channel.event("roster", version=2, locked=False, participants=[admitted("p_me"), admitted("p1")])
    await expect(visitor.page.get_by_test_id("roster-entry")).to_have_count(2)
    for hidden in ("hold", "remove", "lock", "end", "lobby"):
        await expect(visitor.page.get_by_test_id(hidden).first).to_be_hidden()


async def test_a_refusal_is_explained(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    await visitor.see("hold", "p1").click()
    await channel.error(await channel.heard("hold"), "not_allowed")
    await expect(visitor.see("status")).to_contain_text("Det får du inte göra här.")


async def test_the_lock_button_does_what_it_says(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await expect(visitor.see("locked")).to_be_hidden()
    await visitor.see("lock").click()
    assert (await channel.heard("lock"))["locked"] is True
    await channel.event("roster", version=2, locked=True, participants=[admitted("p_me")])
    await expect(visitor.see("locked")).to_be_visible()
    await expect(visitor.see("lock")).to_have_text("Lås upp besöket")
    await visitor.see("lock").click()
    assert (await channel.heard("lock"))["locked"] is False


async def test_ending_for_all_is_asked_back_from_both_places(visitor: Visitor) -> None:
    channel = await visitor.enter()
    await visitor.see("end").click()
    await visitor.see("end-no").click()
    await visitor.see("leave").click()
    await visitor.see("leave-end").click()
    await channel.ok(await channel.heard("end"))
    await visitor.see("end").click()
    await visitor.see("end-yes").click()
    await channel.ok(await channel.heard("end"))
    await channel.event("state", state="ended", reason="")
    await visitor.final("ended")


async def test_a_knock_is_seen_on_a_phone_although_the_tiles_fill_it(visitor: Visitor) -> None:
    await visitor.page.set_viewport_size({"width": 360, "height": 740})
    channel = await visitor.knock(**CLINICIAN)
    await expect(visitor.see("panel")).to_be_hidden()
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.see("knock").click()
    await expect(visitor.page.get_by_role("heading", name="Väntar (1)")).to_be_focused()
    await expect(visitor.see("admit", "w1")).to_be_visible()
    await expect(visitor.see("people-toggle")).to_have_attribute("aria-expanded", "true")
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.see("panel")).to_be_hidden()
    await expect(visitor.see("people-toggle")).to_be_focused()


async def test_who_waits_is_seen_the_moment_that_the_panel_goes(visitor: Visitor) -> None:
    """It may be long until anything else happens that the page is drawn for."""
    channel = await visitor.knock(**CLINICIAN)
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await expect(visitor.see("admit", "w1")).to_be_visible()
    press = "toggle => { toggle.click(); return document.querySelector('[data-testid=knock]').checkVisibility(); }"
    seen = [await visitor.see("people-toggle").evaluate(press) for _ in range(3)]
    assert seen == [True, False, True]
