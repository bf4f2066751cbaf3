"""From the care record into the meeting: by the schedule, by the visit list, by a link that is passed on."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from tests.e2e.server import Server
from tests.e2e.stories.conftest import Arrive
from tests.e2e.stories.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


async def at_care_record(arrive: Arrive, server: Server, person: str = "demo:eva") -> Person:
    somebody = await arrive()
    await somebody.log_in(server.told["portals"]["care_record"], person)
    return somebody


async def waiting_patient(arrive: Arrive, server: Server) -> Person:
    patient = await arrive()
    await patient.page.goto(server.links["patient"])
    await patient.join()
    await patient.waits()
    return patient


async def test_from_the_schedule_by_the_right_mouse_button(server: Server, arrive: Arrive) -> None:
    eva, patient = await at_care_record(arrive, server), await waiting_patient(arrive, server)
    menu = await eva.menu_of(server.told["visit"])
    await eva.follow(menu.get_by_test_id("menu-join"))
    await eva.join()
    await eva.is_in()
    await eva.admit("Per P")
    for person in (eva, patient):
        await person.sees_and_hears(1)
    await eva.page.reload()
    await expect(eva.booking(server.told["visit"]).get_by_test_id("state")).to_have_text("Pågår")


async def test_from_the_visit_list_which_tells_who_waits(server: Server, arrive: Arrive) -> None:
    eva, patient = await at_care_record(arrive, server), await waiting_patient(arrive, server)
    await eva.page.get_by_role("link", name="Besökslista").click()
    booking = eva.booking(server.told["visit"])
    await expect(booking.get_by_test_id("waiting")).to_have_text("1 i väntrummet")
    await booking.get_by_test_id("actions").click()
    await eva.follow(booking.get_by_test_id("menu-join"))
    await eva.join()
    await eva.admit("Per P")
    for person in (eva, patient):
        await person.sees_and_hears(1)


async def test_by_the_link_of_the_web_schedule_in_another_browser(server: Server, arrive: Arrive) -> None:
    eva = await at_care_record(arrive, server)
    await eva.page.get_by_role("link", name="Webbtidbok").click()
    await eva.booking(server.told["visit"]).get_by_test_id("copy").click()
    await expect(eva.page.get_by_test_id("status")).to_have_text("Länken är kopierad.")
    link = await eva.page.evaluate("navigator.clipboard.readText()")
    assert link == server.links["share"]

    interpreter = await arrive()
    await interpreter.page.goto(link)
    await interpreter.join(name="Amina Tolk", role="interpreter")
    await interpreter.waits()
    await eva.booking(server.told["visit"]).get_by_role("link", name="Per P").click()
    await eva.follow(eva.page.get_by_test_id("join"))
    await eva.join()
    await eva.admit("Amina Tolk", agreed=True)
    for person in (eva, interpreter):
        await person.sees_and_hears(1)


async def test_a_clinician_of_another_unit_sees_no_schedule_and_comes_by_the_link(
    server: Server, arrive: Arrive
) -> None:
    omar = await at_care_record(arrive, server, "demo:omar")
    await omar.page.get_by_role("link", name="Ögonmottagningen").click()
    await expect(omar.page.get_by_test_id("problem")).to_have_attribute("data-problem", "foreign")
    await expect(omar.page.get_by_test_id("booking")).to_have_count(0)
    assert "Per P" not in await omar.page.inner_text("body")
    (refused,) = omar.errors  # the browser's own line on the page's status
    assert "403" in refused
    omar.errors.clear()
    await omar.page.goto(server.links["share"])
    await omar.join(name="Dr Omar Said", role="clinician")
    await omar.waits()


async def test_a_visit_that_is_moved_shows_its_new_time_to_whoever_waits(server: Server, arrive: Arrive) -> None:
    eva, patient = await at_care_record(arrive, server), await waiting_patient(arrive, server)
    facts = patient.page.get_by_test_id("facts")
    told = (await server.api("GET", f"/visits/{server.told['visit']}"))["starts_at"]
    moved = datetime.fromisoformat(told).astimezone(ZoneInfo("Europe/Stockholm")) + timedelta(minutes=10)
    await (await eva.menu_of(server.told["visit"])).get_by_test_id("menu-move").click()
    await eva.page.get_by_label("Dag").fill(f"{moved:%Y-%m-%d}")
    await eva.page.get_by_label("Tid").fill(f"{moved:%H:%M}")
    await eva.page.get_by_test_id("move").click()
    await expect(eva.page.get_by_test_id("status")).to_have_text("Besöket är flyttat.")
    here = await patient.page.evaluate(
        "(at) => new Intl.DateTimeFormat('sv-SE', { hour: '2-digit', minute: '2-digit' }).format(new Date(at))",
        moved.isoformat(),
    )
    await expect(facts).to_contain_text(here)
    await patient.waits()


async def test_a_visit_that_is_cancelled_is_over_for_whoever_waits(server: Server, arrive: Arrive) -> None:
    eva, patient = await at_care_record(arrive, server), await waiting_patient(arrive, server)
    await (await eva.menu_of(server.told["visit"])).get_by_test_id("menu-cancel").click()
    await eva.page.get_by_test_id("cancel-yes").click()
    await expect(eva.page.get_by_test_id("status")).to_have_text("Besöket är avbokat.")
    await expect(patient.page.get_by_test_id("final")).to_be_visible()
    await expect(eva.booking(server.told["visit"]).get_by_test_id("state")).to_have_text("Avbokat")


async def test_guardians_of_somebody_of_thirteen_are_not_booked(server: Server, arrive: Arrive) -> None:
    eva = await at_care_record(arrive, server)
    await eva.page.get_by_role("link", name="Boka tid").click()
    await eva.page.get_by_label("Patient").select_option("demo:alva")
    await eva.page.get_by_label("Kalla vårdnadshavarna").check()
    await eva.page.get_by_test_id("book").click()
    await expect(eva.page.get_by_test_id("fault")).to_contain_text("har fyllt 13 år")
    eva.errors.clear()  # the browser's own line on the page's status, 422
    await eva.page.get_by_label("Kalla vårdnadshavarna").uncheck()
    await eva.page.get_by_test_id("book").click()
    await expect(eva.page.get_by_test_id("status")).to_have_text("Besöket är bokat.")


async def test_no_secret_is_in_an_address_that_a_server_is_sent(server: Server, arrive: Arrive) -> None:
    eva = await at_care_record(arrive, server)
    asked: list[str] = []
    eva.page.context.on(
        "request", lambda sent: asked.append(f"{sent.url.partition('#')[0]} {sent.headers.get('referer') or None}")
    )
    await eva.follow((await eva.menu_of(server.told["visit"])).get_by_test_id("menu-join"))
    await expect(eva.there.get_by_test_id("join")).to_be_visible()
    assert any(f"{server.base_url}/join" in each for each in asked)
    for line in asked:
        assert not re.search(r"eyJ|ticket=|key=", line), line
        assert line.endswith(" None"), f"no page tells the next where one comes from: {line}"
