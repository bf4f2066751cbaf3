"""From the booked times of a patient portal into the meeting: a patient, and both guardians of a child."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.server import Server
from tests.e2e.stories.conftest import Arrive
from tests.e2e.stories.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


async def from_booked_times(arrive: Arrive, server: Server, person: str) -> Person:
    """Log in, find the visit among the booked times, and knock."""
    somebody = await arrive()
    await somebody.log_in(server.told["portals"]["patient_portal"], person)
    await somebody.booking(server.told["visit"]).get_by_test_id("join").click()
    await somebody.join()
    await somebody.waits()
    return somebody


async def clinician(arrive: Arrive, server: Server) -> Person:
    eva = await arrive()
    await eva.page.goto(server.links["clinician"])
    await eva.join()
    await eva.is_in()
    return eva


async def test_a_patient_comes_through_the_booked_times(server: Server, arrive: Arrive) -> None:
    eva, per = await clinician(arrive, server), await from_booked_times(arrive, server, "demo:per")
    await eva.admit("Per P")
    for person in (eva, per):
        await person.sees_and_hears(1)


async def test_both_guardians_come_from_browsers_of_their_own_at_once(server: Server, arrive: Arrive) -> None:
    eva = await clinician(arrive, server)
    maria, johan = [await from_booked_times(arrive, server, person) for person in ("demo:maria", "demo:johan")]
    for name in ("Maria P", "Johan P"):
        await eva.admit(name)
    for person in (eva, maria, johan):
        await person.sees_and_hears(2)


async def test_a_guardian_of_somebody_of_thirteen_is_refused(server: Server, arrive: Arrive) -> None:
    maria = await arrive()
    await maria.log_in(server.told["portals"]["patient_portal"], "demo:maria")
    await expect(maria.page.get_by_test_id("grown")).to_contain_text("Alva P har fyllt 13 år")
    await maria.page.get_by_role("button", name="Prova ändå").click()
    await expect(maria.page.get_by_test_id("problem")).to_have_attribute("data-problem", "not_booked")
    (refused,) = maria.errors  # the browser's own line on the page's status
    assert "422" in refused
    maria.errors.clear()


async def test_a_guardian_passes_on_the_link(server: Server, arrive: Arrive) -> None:
    maria = await arrive()
    await maria.log_in(server.told["portals"]["patient_portal"], "demo:maria")
    await maria.booking(server.told["visit"]).get_by_test_id("copy").click()
    await expect(maria.page.get_by_test_id("status")).to_have_text("Länken är kopierad.")
    assert await maria.page.evaluate("navigator.clipboard.readText()") == server.links["share"]
    relative = await arrive()
    await relative.page.goto(server.links["share"])
    await relative.join(name="Mormor", role="external")
    await relative.waits()
