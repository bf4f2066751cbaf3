"""What a screen reader says by itself in a busy minute: who comes, who goes, who waits, what is written. Nothing else."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.visitor import Visitor, admitted, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LISTEN = """() => {
  window.said = [];
  const live = "[role=status], [role=alert], [role=log], [aria-live]:not([aria-live=off])";
  const heard = (node, region) => {
    const text = (node.textContent ?? "").trim();
    const shown = node.nodeType === Node.TEXT_NODE || node.checkVisibility();
    if (text && shown && region.checkVisibility()) said.push(text);
  };
  new MutationObserver((changes) => {
    const once = new Set();
    for (const { target, addedNodes } of changes) {
      const region = (target.nodeType === Node.TEXT_NODE ? target.parentElement : target)?.closest(live);
      if (!region || region.getAttribute("aria-live") === "off") continue;
      // A log says what is added to it; the others what they have become.
      if (region.getAttribute("role") === "log") for (const node of addedNodes) heard(node, region);
      else once.add(region);
    }
    for (const region of once) heard(region, region);
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""
"""JavaScript: keeps every text that live regions have come to hold."""
OLDER = "delete Element.prototype.role; delete Element.prototype.checkVisibility;"
"""JavaScript: what Firefox before 119 and Safari before 17.4 have not."""


async def test_a_busy_minute_is_told_in_a_few_words(visitor: Visitor) -> None:
    own = [admitted("p_me", "Eva Ek", role="clinician")]
    channel = await visitor.enter(admitted("p1"), admitted("p2", "Per Persson"))
    await visitor.page.evaluate(LISTEN)
    version = 2

    async def roster(*others: dict[str, object]) -> None:
        nonlocal version
        await channel.event("roster", version=version, locked=False, participants=[*own, *others])
        version += 1

    amina, per = admitted("p1"), admitted("p2", "Per Persson")
    for second in range(60):
        await channel.event("speaker", participant=("p1", "p2", None)[second % 3])
        await channel.event("quality", participants=[{"participant": "p1", "score": 2.0 + second % 3}])
        muted = [{**track, "muted": second % 2 == 0} for track in amina["tracks"]]  # type: ignore[attr-defined]
        await roster({**amina, "tracks": muted, "connected": second % 5 != 0}, per)
        await channel.event("text", participant="p2", text="Jag hör dig."[: second % 12], final=False)
    await roster(amina, per, admitted("p3", "Maria Persson"))
    await expect(visitor.see("status")).to_contain_text("Maria Persson")
    await roster(amina, per)
    await expect(visitor.see("status")).to_contain_text("inte längre")
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Johan Persson")])
    await expect(visitor.see("status")).to_contain_text("Johan")
    for step in range(10):
        gone = waiting("w1", "Johan Persson", connected=step % 2 == 1)
        await channel.event("lobby", version=2 + step, waiting=[gone])
    await channel.event("text", participant="p2", text="Jag hör dig.", final=True)
    await expect(visitor.see("text-log").get_by_test_id("text-line")).to_have_count(1)
    await roster(amina, per, admitted("p4", "Kim Ek"))
    await expect(visitor.see("status")).to_contain_text("Kim Ek")
    assert await visitor.page.evaluate("said") == [
        "Maria Persson är med i besöket.",
        "Maria Persson är inte längre med.",
        "Johan Persson väntar.",
        "Per Persson: Jag hör dig.",
        "Kim Ek är med i besöket.",
    ]


async def test_who_came_is_said_though_somebody_went_in_the_same_moment(visitor: Visitor) -> None:
    own = admitted("p_me", "Eva Ek", role="clinician")
    channel = await visitor.enter(admitted("p1"))
    await visitor.page.evaluate(LISTEN)
    await channel.event("roster", version=2, locked=False, participants=[own, admitted("p2", "Per Persson")])
    both = "Per Persson är med i besöket. Amina Tolk är inte längre med."
    await expect(visitor.see("status")).to_have_text(both)
    assert await visitor.page.evaluate("said") == [both]
    await visitor.speak("en")
    await expect(visitor.see("status")).to_have_text(
        "Per Persson has joined the visit. Amina Tolk is no longer in the visit."
    )


async def test_what_staff_do_themselves_is_said_once_and_rings_no_bell(visitor: Visitor) -> None:
    own = admitted("p_me", "Eva Ek", role="clinician")
    await visitor.page.add_init_script(
        "probe.rung = 0; const stop = OscillatorNode.prototype.stop;"
        "OscillatorNode.prototype.stop = function (...at) { probe.rung += 1; return stop.apply(this, at); };"
    )
    channel = await visitor.enter(admitted("p1"))
    await channel.event("lobby", version=1, waiting=[waiting("p2", "Per Persson")])
    await expect(visitor.see("status")).to_have_text("Per Persson väntar.")
    # Somebody who knocks rings the bell, of two notes. Its module is fetched only now: the text comes first.
    await visitor.page.wait_for_function("() => probe.rung === 2")
    await visitor.page.evaluate(LISTEN)
    await visitor.see("admit", "p2").click()
    request = await channel.heard("admit")
    # The server tells everybody before it answers.
    await channel.event("lobby", version=2, waiting=[])
    await channel.event(
        "roster", version=2, locked=False, participants=[own, admitted("p1"), admitted("p2", "Per Persson")]
    )
    await channel.ok(request)
    await expect(visitor.see("undo-line")).to_contain_text("Per Persson är insläppt.")
    await visitor.see("undo").click()
    request = await channel.heard("hold")
    await channel.event("roster", version=3, locked=False, participants=[own, admitted("p1")])
    await channel.event("lobby", version=3, waiting=[waiting("p2", "Per Persson")])
    await channel.ok(request)
    await expect(visitor.see("status")).to_have_text("Per Persson är i väntrummet.")
    await visitor.see("hold", "p1").click()
    request = await channel.heard("hold")
    await channel.event("roster", version=4, locked=False, participants=[own])
    await channel.event("lobby", version=4, waiting=[waiting("p2", "Per Persson"), waiting("p1", "Amina Tolk")])
    await channel.ok(request)
    await expect(visitor.see("undo-line")).to_contain_text("Amina Tolk är i väntrummet.")
    assert await visitor.page.evaluate("said") == [
        "Per Persson är insläppt.",
        "Per Persson är i väntrummet.",
        "Amina Tolk är i väntrummet.",
    ]
    assert await visitor.page.evaluate("probe.rung") == 2


async def test_a_whole_family_that_comes_at_once_is_one_change(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    await visitor.page.evaluate(LISTEN)
    knocking = [waiting(f"w{n}", f"Gäst {n}") for n in range(8)]
    await channel.event("lobby", version=1, waiting=knocking)
    await expect(visitor.see("status")).to_have_text("8 nya väntar.")
    # Whoever sees reads it in the list: nothing stands in front of the picture.
    box = await visitor.see("status").bounding_box()
    assert box is not None
    assert box["width"] <= 1
    channel.abort()
    await expect(visitor.see("trouble")).not_to_be_empty()
    channel = await visitor.answered(state="admitted", role="clinician", name="Eva Ek", may_admit=True)
    await expect(visitor.see("status")).to_have_text("Ansluten igen.")
    assert await visitor.page.evaluate("said") == [
        "8 nya väntar.",
        "Anslutningen bröts. Ansluter igen …",
        "Ansluten igen.",
    ]


async def exposed(visitor: Visitor) -> list[str]:
    """All texts that a screen reader can come to, as the browser tells it."""
    tools = await visitor.page.context.new_cdp_session(visitor.page)
    tree = await tools.send("Accessibility.getFullAXTree")
    await tools.detach()
    texts = [node for node in tree["nodes"] if not node["ignored"] and node["role"]["value"] == "StaticText"]
    return [node["name"]["value"] for node in texts]


@pytest.mark.parametrize("script", ["", OLDER], ids=["now", "older"])
async def test_news_are_heard_while_a_question_is_open(visitor: Visitor, script: str) -> None:
    """The browser takes all that is behind it from screen readers."""
    await visitor.page.add_init_script(script)
    channel = await visitor.enter(admitted("p1"))
    await channel.event("lobby", version=1, waiting=[waiting("w1", "Per Persson")])
    await visitor.see("notify", "w1").click()
    dialog = visitor.see("notice-dialog")
    await expect(dialog).to_be_visible()
    calm, urgent = dialog.get_by_role("status"), dialog.get_by_role("alert")
    await expect(calm).to_be_empty()
    await channel.event("lobby", version=2, waiting=[waiting("w1", "Per Persson"), waiting("w2", "Kim Ek")])
    await expect(calm).to_have_text("Kim Ek väntar.")
    assert (await exposed(visitor)).count("Kim Ek väntar.") == 1
    await channel.event("text", participant="p1", text="Jag hör dig.", final=False)
    await channel.event("text", participant="p1", text="Jag hör dig.", final=True)
    await expect(calm).to_have_text("Amina Tolk: Jag hör dig.")
    channel.abort()
    await expect(urgent).to_have_text("Anslutningen bröts. Ansluter igen …")
    channel = await visitor.answered(state="admitted", role="clinician", name="Eva Ek", may_admit=True)
    await expect(calm).to_have_text("Ansluten igen.")
    # What is being written is still there, and the focus with it.
    assert await visitor.focused() == "notice-text"
    await visitor.see("notice-no").click()
    await expect(visitor.see("overheard")).to_have_count(0)
    await channel.event("lobby", version=3, waiting=[waiting("w3", "Maria Ek")])
    await expect(visitor.see("status")).to_have_text("Maria Ek väntar.")
    assert (await exposed(visitor)).count("Maria Ek väntar.") == 1


async def test_who_waits_hears_what_staff_write_while_they_choose_a_camera(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await visitor.see("change-devices").click()
    dialog = visitor.see("devices-dialog")
    await expect(dialog).to_be_visible()
    await channel.event("notice", text="Vi kommer strax.")
    await expect(dialog.get_by_role("status")).to_contain_text("Vi kommer strax.")
    await channel.event("lobby_status", staff_present=True)
    await expect(dialog.get_by_role("status")).to_have_text("Personalen är här. De släpper in dig när de är redo.")


async def test_the_same_news_is_heard_again_in_a_question_and_none_stands_there_for_long(
    timed_visitor: Visitor,
) -> None:
    visitor = timed_visitor
    clock = visitor.page.clock
    await clock.install(time=0)
    await clock.pause_at(60_000)
    channel = await visitor.knock()
    await visitor.see("change-devices").click()
    urgent = visitor.see("devices-dialog").get_by_role("alert")
    await expect(urgent).to_be_empty()
    await visitor.page.evaluate(LISTEN)
    for _ in range(2):
        channel.abort()
        await expect(visitor.see("trouble")).not_to_be_empty()
        await clock.run_for(1_000)  # the first pause
        channel = await visitor.answered()
        await expect(visitor.see("trouble")).to_be_empty()
    lost, back = "Anslutningen bröts. Ansluter igen …", "Ansluten igen."
    calm = f"Du är ansluten. Personalen släpper in dig. {back}"
    # Each on the page's own line, and then in the question.
    assert await visitor.page.evaluate("said") == [lost, lost, back, calm] * 2
    await expect(urgent).to_have_text(lost)
    await clock.run_for(10_000)
    await expect(urgent).to_be_empty()
