"""The page bears the operator's name, logo and colours, under the same policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from sfu.config import Branding
from sfu.web.branding import Brand
from tests.web.page.server import page_server
from tests.web.page.visitor import Visitor, new_context

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32"><path d="M0 0h64v32H0z"/></svg>'


async def test_name_logo_colours_and_number_are_the_operators(browser: Browser, tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(LOGO)
    settings = Branding(
        name="Region X",
        logo_file=str(logo),
        accent_color="#7a1f6b",
        header_color="#123456",
        help_phone="08-123 45 67",
    )
    async with page_server(Brand.load(settings)) as server:
        context = await new_context(browser)
        visitor = await Visitor.arrive(context, server)
        await visitor.open()
        await expect(visitor.see("brand")).to_have_text("Region X")
        await expect(visitor.page).to_have_title("Välkommen till ditt videobesök – Region X")
        image = visitor.see("brand").locator("img")
        await expect(image).to_have_js_property("naturalWidth", 64)
        await expect(visitor.page.locator("header")).to_have_css("background-color", "rgb(18, 52, 86)")
        await expect(visitor.see("brand")).to_have_css("color", "rgb(255, 255, 255)")
        await expect(visitor.see("join")).to_have_css("background-color", "rgb(122, 31, 107)")
        await expect(visitor.see("help").get_by_role("link")).to_have_attribute("href", "tel:081234567")
        await visitor.page.goto(f"{server.base_url}/test")
        await expect(visitor.see("brand")).to_have_text("Region X")
        await context.close()
        assert visitor.errors == visitor.strangers == []
