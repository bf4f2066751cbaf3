"""Devices denied, missing, taken, unplugged; sound that the browser holds back; a phone that is turned: what is read, what helps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.web.page.conftest import FLAGS
from tests.web.page.server import PageServer
from tests.web.page.visitor import CLINICIAN, SETTLED, Visitor, admitted, answer, me, new_context, sections, track

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Comes = Callable[..., Awaitable[Visitor]]

MICROPHONE = {
    "NotAllowedError": "Mikrofonen är spärrad. Tillåt den i webbläsarens inställningar för sidan och tryck sedan på Sätt på mikrofon.",
    "NotFoundError": "Vi hittar ingen mikrofon. Du kan lyssna ändå.",
    "NotReadableError": "Mikrofonen används av ett annat program. Stäng det och försök igen.",
    "UnknownError": "Mikrofonen gick inte att starta. Försök igen.",
}
CAMERA = {
    "NotAllowedError": "Kameran är spärrad. Tillåt den i webbläsarens inställningar för sidan och tryck sedan på Sätt på kamera.",
    "NotFoundError": "Vi hittar ingen kamera. Du kan vara med ändå.",
    "NotReadableError": "Kameran används av ett annat program. Stäng det och försök igen.",
    "UnknownError": "Kameran gick inte att starta. Försök igen.",
}
LOST_CAMERA = "Vi tappade kameran. Se att den sitter i och tryck på Sätt på kamera."


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def strict_browser() -> AsyncIterator[Browser]:
    """Its devices are made up, and it asks for permission as every browser does."""
    async with async_playwright() as playwright:
        flags = [flag for flag in FLAGS if flag != "--use-fake-ui-for-media-stream"]
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bare_browser() -> AsyncIterator[Browser]:
    """A machine without camera and microphone, and with nothing that plays before somebody has clicked."""
    async with async_playwright() as playwright:
        flags = [flag for flag in FLAGS if "media-stream" not in flag]
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*flags, "--autoplay-policy=document-user-activation-required"],
            ignore_default_args=["--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def comes(server: PageServer) -> AsyncIterator[Comes]:
    """Has somebody come in a browser and context of their own."""
    visitors: list[Visitor] = []

    async def come(browser: Browser, **options: Any) -> Visitor:
        visitors.append(await Visitor.arrive(await new_context(browser, **options), server))
        return visitors[-1]

    yield come
    for visitor in visitors:
        await visitor.page.context.close()
        assert visitor.errors == []
        assert visitor.strangers == []


async def take_back(visitor: Visitor, name: str) -> None:
    """A permission, as in the browser's settings for the page, while the device is in use."""
    tools = await visitor.page.context.new_cdp_session(visitor.page)
    target = (await tools.send("Target.getTargetInfo"))["targetInfo"]
    place = {"origin": visitor.server.base_url, "browserContextId": target["browserContextId"]}
    await tools.send("Browser.setPermission", {"permission": {"name": name}, "setting": "denied", **place})


@pytest.mark.parametrize("fault", ["NotAllowedError", "NotFoundError", "NotReadableError", "UnknownError"])
async def test_each_fault_of_a_device_is_read_and_gone_when_it_is_mended(visitor: Visitor, fault: str) -> None:
    await visitor.open()
    await visitor.page.evaluate("(fault) => (probe.refuse = { audio: fault, video: fault })", fault)
    await visitor.see("join").click()
    channel = await visitor.answered(**CLINICIAN)
    await expect(visitor.see("device-fault")).to_have_text([MICROPHONE[fault], CAMERA[fault]])
    await visitor.page.evaluate("probe.refuse = {}")
    await visitor.see("camera").click()
    await expect(visitor.see("device-fault")).to_have_text([MICROPHONE[fault]])
    await visitor.see("microphone").click()
    await expect(visitor.see("device-fault")).to_have_count(0)
    offer = await channel.heard("offer")
    while len(sections(offer, "send")) < 2:
        offer = await channel.heard("offer")


async def test_a_camera_that_another_program_took_meanwhile_is_said_and_comes_back(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    await visitor.see("camera").click()
    await channel.heard("mute")
    await visitor.page.evaluate("probe.refuse = { video: 'NotReadableError' }")
    await visitor.see("camera").click()
    await expect(visitor.see("device-fault")).to_have_text([CAMERA["NotReadableError"]])
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
    await visitor.page.evaluate("probe.refuse = {}")
    await visitor.see("camera").click()
    await expect(visitor.see("device-fault")).to_have_count(0)
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-1", False)


async def test_devices_denied_by_the_browser_itself_and_allowed_later(strict_browser: Browser, comes: Comes) -> None:
    visitor = await comes(strict_browser)
    await visitor.knock()
    await expect(visitor.see("device-fault")).to_have_text([MICROPHONE["NotAllowedError"], CAMERA["NotAllowedError"]])
    await visitor.page.context.grant_permissions(["camera", "microphone"])
    await visitor.see("microphone").click()
    await visitor.see("camera").click()
    await expect(visitor.see("preview")).to_be_visible()
    await expect(visitor.see("device-fault")).to_have_count(0)


async def test_unplugged_and_taken_back_are_told_apart(strict_browser: Browser, comes: Comes) -> None:
    visitor = await comes(strict_browser, permissions=["camera", "microphone"])
    channel = await visitor.enter(admitted("p1"))
    await visitor.page.evaluate("probe.connections[0].getSenders()[1].track.dispatchEvent(new Event('ended'))")
    await expect(visitor.see("device-fault")).to_have_text([LOST_CAMERA])
    mute = await channel.heard("mute")
    assert (mute["track"], mute["muted"]) == ("sent-1", True)
    await visitor.see("camera").click()
    await expect(visitor.see("device-fault")).to_have_count(0)
    assert (await channel.heard("mute"))["muted"] is False
    await take_back(visitor, "camera")
    await expect(visitor.page.locator("[data-fault='fault.camera.blocked']")).to_have_text(CAMERA["NotAllowedError"])
    await expect(visitor.see("camera")).to_have_attribute("data-state", "off")
    await expect(visitor.page.get_by_test_id("roster-entry")).to_have_count(2)


async def test_without_camera_and_microphone_one_takes_part_and_hears_after_a_click(
    bare_browser: Browser, comes: Comes
) -> None:
    visitor = await comes(bare_browser, permissions=["camera", "microphone"])
    channel = await visitor.knock(**CLINICIAN)
    await expect(visitor.see("device-fault")).to_have_text([MICROPHONE["NotFoundError"], CAMERA["NotFoundError"]])
    await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
    assert sections(await channel.heard("offer"), "send") == []
    await visitor.page.wait_for_function(SETTLED)
    await expect(visitor.see("start-sound")).to_be_hidden()
    await visitor.page.reload()
    channel = await visitor.answered(**CLINICIAN)
    await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
    await channel.heard("offer")
    await expect(visitor.see("start-sound")).to_have_text("Starta ljudet")
    assert await visitor.page.evaluate("document.querySelector('audio').paused")
    await visitor.see("start-sound").click()
    await expect(visitor.see("start-sound")).to_be_hidden()
    await visitor.page.wait_for_function("() => !document.querySelector('audio').paused")


async def test_a_phone_that_is_turned_shows_everybody_anew_and_starts_nothing_again(
    browser: Browser, comes: Comes
) -> None:
    visitor = await comes(browser, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    channel = await visitor.enter(admitted("p1"), admitted("p2", "Per Persson"))
    await visitor.page.evaluate("for (const video of document.querySelectorAll('video')) video.kept = true")
    for width, height in ((844, 390), (390, 844)):
        await visitor.page.set_viewport_size({"width": width, "height": height})
        await visitor.page.wait_for_function(
            """([width, height]) => {
              const boxes = [...document.querySelectorAll("[data-testid=tile]")].map((tile) => tile.getBoundingClientRect());
              const inside = boxes.every((b) => b.left >= 0 && b.right <= width + 1 && b.bottom <= height + 1 && b.width > 60);
              const apart = boxes.every((a, i) => boxes.every((b, j) => i === j
                || a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1));
              return boxes.length === 3 && inside && apart && document.documentElement.scrollWidth <= width;
            }""",
            arg=[width, height],
        )
        for testid in ("microphone", "camera", "leave"):
            await visitor.see(testid).click(trial=True)
    assert await visitor.page.evaluate("[...document.querySelectorAll('video')].every((video) => video.kept)")
    assert await visitor.page.evaluate("probe.connections.length") == 1
    assert channel.pending("offer") == 0


ENDS = {
    "ticket_expired": (
        "Länken har gått ut",
        "Länken gäller bara en kort stund. Öppna besöket en gång till där du fick länken.",
    ),
    "visit_unknown": (
        "Vi hittar inte besöket",
        "Kontrollera att du har rätt länk. Kontakta mottagningen om det inte hjälper.",
    ),
    "rate_limited": ("För många försök", "Vänta några minuter och försök igen."),
    "draining": ("Tjänsten startar om", "Vänta en minut och försök igen."),
    "internal": ("Något gick fel", "Felet är hos oss. Vänta en stund och försök igen."),
}


@pytest.mark.parametrize("code", ENDS)
async def test_what_cannot_begin_says_why_and_what_to_do(visitor: Visitor, code: str) -> None:
    title, text = ENDS[code]
    await visitor.open()
    await visitor.see("join").click()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("join"), code)
    await visitor.final(code)
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(title)
    await expect(visitor.see("final").locator(".lead")).to_have_text(text)


async def test_who_comes_back_after_too_long_is_told_and_waits_again(visitor: Visitor) -> None:
    channel = await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    channel.abort()
    channel = await visitor.server.channel()
    await channel.error(await channel.heard("join"), "ticket_expired")
    await visitor.final("away_too_long")
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Du var borta för länge")
    await expect(visitor.see("final").locator(".lead")).to_have_text("Gå med igen, så kommer du till väntrummet.")
    await visitor.see("again").click()
    await visitor.see("join").click()
    channel = await visitor.server.channel()
    await channel.ok(await channel.heard("join"), **answer())
    await expect(visitor.see("waiting")).to_be_visible()


async def test_own_entry_is_muted_where_there_is_no_microphone(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.page.evaluate("probe.refuse = { audio: 'NotFoundError' }")
    await visitor.see("join").click()
    channel = await visitor.answered(**CLINICIAN)
    await channel.event("roster", version=1, locked=False, participants=[me(track("sent-0", "camera"))])
    await expect(visitor.see("tile").locator("[data-mark=muted]")).to_have_text("Mikrofon av")
