"""Takes the pictures that the documents show: `python -m tests.e2e.pictures FOLDER`. A demo, three real windows."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.e2e.browsers import CHROMIUM, FLAGS
from tests.e2e.server import Server


async def main(folder: Path) -> None:
    server = Server(Path(tempfile.mkdtemp()))
    await server.start()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        pages = {}
        for name, size in (("clinician", (1280, 800)), ("patient", (360, 740)), ("interpreter", (1280, 800))):
            context = await browser.new_context(
                viewport={"width": size[0], "height": size[1]}, permissions=["camera", "microphone"], locale="sv-SE"
            )
            pages[name] = await context.new_page()
        clinician, patient, interpreter = pages.values()
        await clinician.goto(server.links["clinician"])
        await clinician.get_by_test_id("join").click()
        await patient.goto(server.links["patient"])
        await patient.screenshot(path=folder / "before-phone.png")
        await patient.get_by_test_id("join").click()
        await interpreter.goto(server.links["share"])
        await interpreter.get_by_test_id("name").fill("Amina Tolk")
        await interpreter.get_by_test_id("role").select_option("interpreter")
        await interpreter.screenshot(path=folder / "before.png")
        await interpreter.get_by_test_id("join").click()
        await patient.get_by_test_id("waiting").wait_for()
        await clinician.get_by_test_id("lobby-entry").nth(1).wait_for()
        await patient.screenshot(path=folder / "waiting-phone.png")
        await clinician.screenshot(path=folder / "lobby.png")
        for _ in range(2):
            await clinician.get_by_test_id("admit").first.click()
            agree = clinician.get_by_test_id("agreement-yes")
            await clinician.wait_for_timeout(500)
            if await agree.is_visible():
                await clinician.screenshot(path=folder / "agreement.png")
                await agree.click()
        await clinician.get_by_test_id("roster-entry").nth(2).wait_for()
        await clinician.wait_for_timeout(4000)
        await clinician.screenshot(path=folder / "visit.png")
        await patient.screenshot(path=folder / "visit-phone.png")
        await browser.close()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
