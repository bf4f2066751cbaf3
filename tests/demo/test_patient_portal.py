"""The patient portal shows people their booked times and those of their children, and brings them to the waiting room."""

from __future__ import annotations

from sfu.admission.roles import Role
from tests.demo.conftest import Demo


async def test_each_guardian_has_the_childs_times_and_a_way_in_of_their_own(demo: Demo) -> None:
    for person in ("demo:maria", "demo:johan"):
        guardian = await demo.citizen(person)
        shown = await guardian.get("/")
        assert "För Per P, 8 år" in shown.text
        assert len(shown.visits) == 2
        sent_on = await guardian.post(f"/visits/{demo.visit}/join")
        ticket = demo.stage.verifier.verify(sent_on.headers["Location"].partition("#ticket=")[2], demo.stage.wall)
        assert (ticket.role, ticket.person, ticket.issuer) == (Role.GUARDIAN, person, "1177")
        assert sent_on.headers["Referrer-Policy"] == "no-referrer"


async def test_a_patient_comes_as_the_patient(demo: Demo) -> None:
    per = await demo.citizen("demo:per")
    assert demo.visit in (await per.get("/")).visits
    sent_on = await per.post(f"/visits/{demo.visit}/join")
    ticket = demo.stage.verifier.verify(sent_on.headers["Location"].partition("#ticket=")[2], demo.stage.wall)
    assert (ticket.role, ticket.person) == (Role.PATIENT, "demo:per")


async def test_somebody_of_thirteen_has_times_of_their_own(demo: Demo) -> None:
    alva = await demo.citizen("demo:alva")
    visit = await demo.visit_of("demo:alva")
    assert (await alva.get("/")).visits == [visit]
    assert (await alva.post(f"/visits/{visit}/join")).status == 303


async def test_a_guardian_does_not_see_the_times_of_a_child_of_thirteen_and_is_refused(demo: Demo) -> None:
    maria = await demo.citizen("demo:maria")
    visit = await demo.visit_of("demo:alva")
    shown = await maria.get("/")
    assert "Alva P har fyllt 13 år" in shown.text
    assert visit not in shown.visits
    assert "Uppföljning" not in shown.text
    refused = await maria.post(f"/visits/{visit}/join")
    assert (refused.status, refused.problem) == (422, "not_booked")
    assert "Location" not in refused.headers
    assert (await maria.post(f"/visits/{visit}/link")).problem == "not_booked"
    assert await demo.stage.actions(visit) == ["created"]


async def test_a_guardian_whose_child_turns_thirteen_before_the_visit_is_refused_by_the_server(demo: Demo) -> None:
    maria = await demo.citizen("demo:maria")
    body = {"patient": {"person": "demo:per", "name": "Per P", "birth_date": "2013-01-15"}, "guardians": []}
    assert (await demo.stage.call("PATCH", f"/visits/{demo.visit}", body)).status == 200
    assert (await maria.post(f"/visits/{demo.visit}/join")).problem == "not_booked"
    assert demo.visit not in (await maria.get("/")).visits


async def test_a_visit_of_somebody_else_is_as_one_that_does_not_exist(demo: Demo) -> None:
    nils = await demo.citizen("demo:nils")
    for action in ("join", "link"):
        foreign = await nils.post(f"/visits/{demo.visit}/{action}")
        unknown = await nils.post(f"/visits/v_{'0' * 32}/{action}")
        assert (foreign.status, foreign.problem) == (404, "not_found")
        assert foreign.text == unknown.text
    assert await demo.stage.actions(demo.visit) == ["created"]


async def test_who_is_too_early_is_told_from_when_they_can_come(demo: Demo) -> None:
    per = await demo.citizen("demo:per")
    text = (await per.get("/")).text
    assert "Du kan ansluta från tisdag 24 november kl. 09:15." in text
    assert text.count('data-testid="join"') == 1
    karin = await demo.citizen("demo:karin")
    assert "Du kan ansluta från 11:15." in (await karin.get("/")).text


async def test_the_link_to_pass_on_is_the_visits(demo: Demo) -> None:
    maria = await demo.citizen("demo:maria")
    link = (await demo.stage.call("GET", f"/visits/{demo.visit}/link")).json["share_url"]
    assert (await maria.post(f"/visits/{demo.visit}/link", Accept="text/plain")).text == link
    assert link.replace("&", "&amp;") in (await maria.post(f"/visits/{demo.visit}/link")).text
