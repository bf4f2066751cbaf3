"""Full screen, and a picture in a window of its own: where the browser can, and not where it cannot."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.page.visitor import Visitor, admitted

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

A_PICTURE = """video => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  setInterval(() => context.fillRect(0, 0, 9, 9), 50);
  const stream = canvas.captureStream(10);
  video.srcObject = stream;
  Object.defineProperty(video, "srcObject", { get: () => stream, set: () => {} });
}"""
"""JavaScript: gives a tile a picture that stays; the tests' server has none."""


async def test_full_screen_comes_goes_and_ends_with_the_visit(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    button = visitor.see("fullscreen")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    assert await visitor.page.evaluate("document.fullscreenElement === document.documentElement")
    await visitor.see("leave").click()
    await expect(visitor.see("leave-dialog")).to_be_visible()
    await visitor.see("leave-no").click()
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    # By the browser's own way out the button knows it too.
    await visitor.page.evaluate("document.exitFullscreen()")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await channel.event("state", state="ended", reason="")
    await visitor.final("ended")
    await visitor.page.wait_for_function("() => document.fullscreenElement === null")


async def test_a_picture_in_a_window_of_its_own_comes_goes_and_ends_with_the_visit(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    button = visitor.see("pip")
    await button.click()
    await expect(visitor.see("status")).to_have_text("Det finns ingen bild att visa just nu.")
    await expect(button).to_have_attribute("aria-pressed", "false")
    video = visitor.page.locator("[data-testid=tile][data-participant=p1] video")
    await video.evaluate(A_PICTURE)
    await expect(video).to_be_visible()
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    assert (
        await visitor.page.evaluate(
            "document.pictureInPictureElement.closest('[data-participant]').dataset.participant"
        )
        == "p1"
    )
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await channel.event("state", state="waiting", reason="")
    await expect(visitor.see("waiting")).to_be_visible()
    await visitor.page.wait_for_function("() => document.pictureInPictureElement === null")


async def test_where_the_browser_cannot_there_is_no_button(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        "Object.defineProperty(Document.prototype, 'fullscreenEnabled', { value: false });"
        "delete Document.prototype.pictureInPictureEnabled;"
    )
    await visitor.enter(admitted("p1"))
    await expect(visitor.see("shortcuts")).to_be_visible()
    await expect(visitor.see("fullscreen")).to_be_hidden()
    await expect(visitor.see("pip")).to_be_hidden()


async def test_where_it_is_refused_that_is_said(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        "Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('Permissions check failed'));"
    )
    await visitor.enter(admitted("p1"))
    await visitor.see("fullscreen").click()
    await expect(visitor.see("status")).to_have_text("Webbläsaren tillåter det inte här.")


async def test_the_screen_stays_awake_in_the_meeting_too(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        "window.wake = 0; Object.defineProperty(navigator, 'wakeLock', { value: { request: async () => {"
        "  wake += 1; return { release: async () => { wake -= 1; } }; } } });"
    )
    channel = await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    await visitor.page.wait_for_function("() => wake === 1")
    await channel.event("state", state="admitted", reason="")
    await expect(visitor.see("meeting")).to_be_visible()
    await visitor.page.wait_for_function("() => wake === 1")
    await channel.event("state", state="ended", reason="")
    await visitor.final("ended")
    await visitor.page.wait_for_function("() => wake === 0")
