"""Takes the picture of a real visit that the documents show: `python -m tests.e2e.pictures docs/pictures`.

A demo and three browsers, each with somebody drawn before its camera. `tests.web.page.pictures` takes all other states.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.async_api import Page, Playwright, async_playwright

from tests.e2e.browsers import CHROMIUM, FLAGS
from tests.e2e.server import Server
from tests.web.page.pictures import QUALITY, TO_WEBP

WIDTH, HEIGHT = 640, 480
Colour = tuple[int, int, int]
PEOPLE: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "clinician": ((214, 226, 230), (255, 255, 255), (226, 178, 148), (92, 60, 40)),
    "patient": ((232, 220, 200), (120, 82, 96), (240, 202, 172), (208, 200, 190)),
    "interpreter": ((206, 216, 204), (52, 70, 98), (160, 110, 80), (30, 26, 26)),
}
"""Wall, clothes, skin, hair."""


def portrait(wall: Colour, clothes: Colour, skin: Colour, hair: Colour) -> bytes:
    """Somebody before a camera, as a film of one picture (YUV4MPEG2), which Chromium takes for what its camera sees."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.empty((HEIGHT, WIDTH, 3))
    picture[:] = np.array(wall) * (1.04 - 0.16 * (y / HEIGHT))[..., None]

    def oval(colour: Colour, at: tuple[int, int], size: tuple[int, int]) -> None:
        inside = ((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2 < 1
        picture[inside] = np.array(colour) * (1.05 - 0.2 * (x[inside] / WIDTH))[..., None]

    oval(clothes, (320, 520), (210, 180))
    oval(hair, (320, 200), (112, 128))
    oval(skin, (320, 330), (46, 70))
    oval(skin, (320, 222), (88, 112))
    for eye in (288, 352):
        oval((40, 34, 34), (eye, 212), (9, 7))
    oval((150, 84, 84), (320, 276), (26, 6))
    red, green, blue = np.clip(picture, 0, 255).transpose(2, 0, 1)
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    chroma = (128 - 0.148 * red - 0.291 * green + 0.439 * blue, 128 + 0.439 * red - 0.368 * green - 0.071 * blue)
    planes = (luma, *(plane[::2, ::2] for plane in chroma))
    frame = b"".join(plane.astype(np.uint8).tobytes() for plane in planes)
    return f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F20:1 Ip A1:1 C420jpeg\n".encode() + (b"FRAME\n" + frame) * 2


async def window(playwright: Playwright, folder: Path, name: str) -> Page:
    """A browser of one's own, with oneself before the camera."""
    film = folder / f"{name}.y4m"
    film.write_bytes(portrait(*PEOPLE[name]))
    flags = [flag for flag in FLAGS if not flag.startswith("--use-fake-device")]
    camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, *camera])
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["camera", "microphone"], locale="en-GB"
    )
    context.set_default_timeout(60_000)
    return await context.new_page()


async def main(folder: Path, scratch: Path) -> None:
    server = Server(scratch)
    await server.start()
    async with async_playwright() as playwright:
        clinician, patient, interpreter = [await window(playwright, scratch, name) for name in PEOPLE]
        await clinician.goto(english(server.links["clinician"]))
        await clinician.get_by_test_id("join").click()
        await patient.goto(server.links["patient"])
        await patient.get_by_test_id("join").click()
        await interpreter.goto(server.links["share"])
        await interpreter.get_by_test_id("name").fill("Amina Tolk")
        await interpreter.get_by_test_id("role").select_option("interpreter")
        await interpreter.get_by_test_id("join").click()
        await clinician.get_by_test_id("lobby-entry").nth(1).wait_for()
        for person in ("Per P", "Amina Tolk"):
            await clinician.get_by_test_id("lobby-entry").filter(has_text=person).get_by_test_id("admit").click()
            if person == "Amina Tolk":
                await clinician.get_by_test_id("agreement-yes").click()
        await clinician.locator("[data-testid='tile'] video:visible").nth(2).wait_for()
        await interpreter.get_by_test_id("text-toggle").click()
        await interpreter.get_by_test_id("text-input").fill("She has had the drops since Monday.")
        await interpreter.keyboard.press("Enter")
        await clinician.get_by_test_id("text-line").wait_for()
        await clinician.get_by_test_id("undo").wait_for(state="hidden")
        await clinician.wait_for_function("() => document.querySelector('[data-testid=status]').textContent === ''")
        png = base64.b64encode(await clinician.screenshot()).decode()
        darkroom = await clinician.context.new_page()
        (folder / "visit.webp").write_bytes(base64.b64decode(await darkroom.evaluate(TO_WEBP, [png, QUALITY])))
        for page in (clinician, patient, interpreter):
            browser = page.context.browser
            assert browser is not None
            await browser.close()
    await server.stop()


def english(link: str) -> str:
    """The link, in English whatever the visit's language is."""
    return link.replace("/join#", "/join?lang=en#")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(main(Path(sys.argv[1]), Path(scratch)))
