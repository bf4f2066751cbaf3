"""Takes the pictures of docs/pictures.md: every state of the page, on a desk and a phone, in both languages.

`python -m tests.web.page.pictures docs/pictures [NAME…]`. The server is the tests' own, so that each state is reached at once and looks
alike each time; `python -m tests.e2e.pictures` takes those of a real visit.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.web.page.conftest import FLAGS
from tests.web.page.server import Channel, page_server
from tests.web.page.visitor import CLINICIAN, LINK, TICKET, Visitor, admitted, me, new_context, track, waiting

SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}
LANGUAGES = ("sv", "en")
NOW = "2026-11-23T08:58:00Z"
QUALITY = 0.6
TO_WEBP = """async ([png, quality]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality });
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1]);
    reader.readAsDataURL(blob);
  });
}"""
"""JavaScript: a picture a fifth as large, without another program."""
AMINA = {"role": "interpreter", "verified": False, "booked": False}
ROSTER = [
    admitted("p1", "Per Persson", role="patient"),
    admitted("p2", "Amina Tolk", verified=False),
    admitted("p3", "Maria Persson", role="guardian", tracks=[track("a-p3", "microphone", muted=True)]),
]
SCREEN = {"track": "s-p1", "kind": "video", "source": "screen", "muted": False, "paused": False}


class Sitter(Visitor):
    """A visitor who has their picture taken."""

    async def show_people(self) -> None:
        """The list of people, on a phone too."""
        if not await self.see("panel").is_visible():
            await self.see("people-toggle").click()


async def before(visitor: Sitter) -> None:
    await visitor.open(TICKET)


async def before_guest(visitor: Sitter) -> None:
    await visitor.open(LINK)
    await visitor.see("join").click()


async def trying(visitor: Sitter) -> None:
    await visitor.open(TICKET)
    await visitor.see("try").click()
    await visitor.see("check-again").wait_for()
    await visitor.see("equipment").scroll_into_view_if_needed()


async def test_page(visitor: Sitter) -> None:
    await visitor.page.goto(f"{visitor.server.base_url}/test")


async def waiting_room(visitor: Sitter) -> None:
    channel = await visitor.knock(TICKET)
    await channel.event("lobby_status", staff_present=True)
    await channel.event("notice", text="Vi är några minuter sena. Stanna kvar.")
    await visitor.see("notice").wait_for()
    await visitor.see("preview").wait_for()
    await visitor.see("level").wait_for()


async def held(visitor: Sitter) -> None:
    channel = await visitor.knock(TICKET)
    await channel.event("state", state="admitted", reason="")
    await visitor.see("meeting").wait_for()
    await channel.event("state", state="waiting", reason="")
    await visitor.see("waiting").wait_for()


async def staff(visitor: Sitter, people: list[dict[str, object]], *, locked: bool = False) -> Channel:
    """The clinician in the meeting with these people, and two who wait."""
    channel = await visitor.knock(TICKET, **CLINICIAN)
    channel.answers["text"] = lambda _: {}
    own = me(track("sent-0", "microphone"), track("sent-1", "camera"))
    await channel.event("roster", version=1, locked=locked, participants=[own, *people])
    await channel.event(
        "lobby",
        version=1,
        waiting=[waiting("w1", "Johan Persson", role="guardian"), waiting("w2", "Kim Ek", **AMINA)],
        turned_away=[{"participant": "t1", "name": "Okänd", "role": "external", "state": "denied"}],
    )
    await visitor.see("meeting").wait_for()
    return channel


async def meeting(visitor: Sitter) -> None:
    channel = await staff(visitor, ROSTER, locked=True)
    await channel.event("speaker", participant="p1")
    await channel.event("quality", participants=[{"participant": "p2", "score": 3.1, "reason": "uplink"}])


async def patient(visitor: Sitter) -> None:
    channel = await visitor.knock(TICKET, state="admitted")
    people = [admitted("p1", "Dr Eva Ek", role="clinician"), admitted("p2", "Amina Tolk", verified=False)]
    await channel.event(
        "roster", version=1, locked=False, participants=[admitted("p_me", "Per Persson", role="patient"), *people]
    )
    await channel.event("text", participant="p1", text="Ta två tabletter, morgon och kväll.", final=True)
    await channel.event("text", participant="p2", text="Jag skriver dosen", final=False)
    await visitor.see("text-pane").wait_for()


async def captions(visitor: Sitter) -> None:
    channel = await visitor.knock(TICKET, state="admitted")
    people = [admitted("p1", "Dr Eva Ek", role="clinician"), admitted("p2", "Sara Skrivtolk")]
    await channel.event(
        "roster", version=1, locked=False, participants=[admitted("p_me", "Per Persson", role="patient"), *people]
    )
    await visitor.see("meeting").wait_for()
    await visitor.show_people()
    await visitor.see("captions-toggle").click()
    if await visitor.see("panel-close").is_visible():
        await visitor.see("panel-close").click()
    await channel.event("text", participant="p2", text="Ta två tabletter, morgon och kväll.", final=True)
    await channel.event("text", participant="p2", text="Har du några frågor om", final=False)
    await visitor.see("caption-line").nth(1).wait_for()


async def people(visitor: Sitter) -> None:
    channel = await staff(visitor, ROSTER)
    await channel.event("quality", participants=[{"participant": "p2", "score": 3.1, "reason": "uplink"}])
    await visitor.show_people()


async def shared(visitor: Sitter) -> None:
    sharing = admitted("p1", "Per Persson", role="patient", tracks=[track("a-p1", "microphone"), SCREEN])
    signing = admitted("p2", "Tove Teckenspråkstolk", pinned=True)
    await staff(visitor, [sharing, signing, ROSTER[2]])
    await visitor.see("screen-tile").wait_for()


async def weak(visitor: Sitter) -> None:
    channel = await staff(visitor, ROSTER)
    await channel.event("track_paused", track="v-p1", paused=True, reason="bandwidth")
    await visitor.see("quality").wait_for()


async def undo(visitor: Sitter) -> None:
    channel = await staff(visitor, ROSTER[:1])
    await visitor.show_people()
    await visitor.see("admit", "w1").click()
    await channel.ok(await channel.heard("admit"))
    await visitor.see("undo").wait_for()


def dialog(testid: str, participant: str | None = None) -> Callable[[Sitter], Awaitable[None]]:
    """The meeting, with what this button opens."""

    async def opened(visitor: Sitter) -> None:
        await staff(visitor, ROSTER)
        if testid != "leave":
            await visitor.show_people()
        await visitor.see(testid, participant).click()
        await visitor.page.locator("dialog[open]").wait_for()

    return opened


async def reconnecting(visitor: Sitter) -> None:
    channel = await staff(visitor, ROSTER)
    channel.abort()
    await visitor.see("trouble").wait_for()


def final(reason: str, **details: object) -> Callable[[Sitter], Awaitable[None]]:
    async def refused(visitor: Sitter) -> None:
        await visitor.open(TICKET)
        await visitor.see("join").click()
        channel = await visitor.server.channel()
        await channel.error(await channel.heard("join"), reason, **details)
        await visitor.see("final").wait_for()

    return refused


async def ended(visitor: Sitter) -> None:
    channel = await visitor.knock(TICKET, state="admitted")
    await channel.event("state", state="ended", reason="")
    await visitor.see("final").wait_for()


async def denied(visitor: Sitter) -> None:
    channel = await visitor.knock(TICKET)
    await channel.event("state", state="denied", reason="Din tid är i morgon kl. 10. Välkommen då.")
    await visitor.see("words").wait_for()


async def blocked(visitor: Sitter) -> None:
    await visitor.page.add_init_script("probe.refuse = { audio: 'NotAllowedError', video: 'NotReadableError' };")
    await visitor.knock(TICKET)
    await visitor.see("device-fault").nth(1).wait_for()


STATES: dict[str, Callable[[Sitter], Awaitable[None]]] = {
    "before": before,
    "before-guest": before_guest,
    "trying": trying,
    "test": test_page,
    "waiting": waiting_room,
    "waiting-blocked": blocked,
    "waiting-held": held,
    "meeting": meeting,
    "meeting-patient": patient,
    "captions": captions,
    "people": people,
    "shared": shared,
    "weak": weak,
    "undo": undo,
    "agreement": dialog("admit", "w2"),
    "deny": dialog("deny", "w1"),
    "remove": dialog("remove", "p1"),
    "message": dialog("notify", "w1"),
    "devices": dialog("change-devices"),
    "keys": dialog("shortcuts"),
    "end": dialog("end"),
    "leave": dialog("leave"),
    "reconnecting": reconnecting,
    "ended": ended,
    "denied": denied,
    "too-early": final("visit_not_open", opens_at="2026-11-24T08:30:00Z"),
    "link-expired": final("ticket_expired"),
}


async def take(browser: Browser, folder: Path, name: str, size: str, language: str, darkroom: Page) -> None:
    """One picture, on a server of its own: nobody else's channel comes between."""
    async with page_server() as server:
        context = await new_context(
            browser,
            viewport=SIZES[size],
            locale={"sv": "sv-SE", "en": "en-GB"}[language],
            timezone_id="Europe/Stockholm",
            reduced_motion="reduce",
        )
        visitor = Sitter(await context.new_page(), server)
        await visitor.page.clock.set_fixed_time(NOW)
        if size == "phone":
            await visitor.page.add_init_script("delete MediaDevices.prototype.getDisplayMedia")  # as real ones
        await STATES[name](visitor)
        # By script: an open dialog stands before the button.
        await visitor.see(f"language-{language}").evaluate("(button) => button.click()")
        await visitor.page.wait_for_function(f"() => document.documentElement.lang === '{language}'")
        png = base64.b64encode(await visitor.page.screenshot()).decode()
        webp = await darkroom.evaluate(TO_WEBP, [png, QUALITY])
        (folder / f"{name}-{size}-{language}.webp").write_bytes(base64.b64decode(webp))
        await context.close()


async def main(folder: Path, names: list[str]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        darkroom = await browser.new_page()
        for name in names or STATES:
            for size in SIZES:
                for language in LANGUAGES:
                    await take(browser, folder, name, size, language, darkroom)
        await browser.close()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(place, sys.argv[2:]))
