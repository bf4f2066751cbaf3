"""The care record shows a unit's staff their schedule, and does with a booking what they ask."""

from __future__ import annotations

import re

from sfu.admission.records import ParticipantRecord
from sfu.admission.roles import Role
from sfu.admission.waiting_room import State
from sfu.ids import ParticipantId, VisitId
from sfu.web.portal import Present
from tests.demo.conftest import EVISIT, Demo, Window
from tests.web.portal_stage import WALL

TIMES = re.compile(r'class="time">(\d\d:\d\d)<')


def somebody(state: State) -> Present:
    record = ParticipantRecord(
        visit=VisitId("v_1"),
        participant=ParticipantId("p_1"),
        person=None,
        name="Amina Tolk",
        role=Role.INTERPRETER,
        verified=False,
        booked=False,
        second_device=False,
        units=(),
        ticket=None,
        link_generation=1,
        resume_digest=b"",
        state=state,
        waiting_since=WALL,
        admitted_at=None,
    )
    return Present(record, connected=True)


async def test_the_schedule_is_the_units_day_by_the_clock(demo: Demo) -> None:
    eva = await demo.clinician()
    shown = await eva.get("/")
    assert demo.visit in shown.visits
    assert TIMES.findall(shown.text) == ["04:45", "09:45", "10:00", "10:15", "11:45"]
    assert "Återbesök · med Maria P, Johan P · Dr Eva Ek" in shown.text


async def test_another_day_is_a_link_away(demo: Demo) -> None:
    eva = await demo.clinician()
    shown = await eva.get("/?day=2026-11-24")
    assert len(shown.visits) == 1
    assert "Tisdag 24 november".lower() in shown.text.lower()
    assert (await eva.get("/?day=2026-11-25")).visits == []
    assert len((await eva.get("/?day=nonsense")).visits) == 5


async def test_what_began_before_midnight_is_still_on_the_list(demo: Demo) -> None:
    body = {"starts_at": "2026-11-23T20:00:00Z", "ends_at": "2026-11-24T04:00:00Z"}
    visit = await demo.visit_of("demo:nils")
    assert (await demo.stage.call("PATCH", f"/visits/{visit}", body)).status == 200
    demo.stage.later(hours=15)  # 00:45 of the next day in Stockholm
    assert visit in (await (await demo.clinician()).get("/")).visits


async def test_the_visit_list_tells_who_waits(demo: Demo) -> None:
    eva = await demo.clinician()
    demo.stage.live.there = (somebody(State.WAITING), somebody(State.WAITING), somebody(State.ADMITTED))
    shown = await eva.get("/list")
    assert [part for part in ("Nu", "Senare", "Tidigare") if f"<h2>{part}</h2>" in shown.text] == [
        "Nu",
        "Senare",
        "Tidigare",
    ]
    assert "2 i väntrummet" in shown.text


async def test_a_clinician_of_another_unit_sees_no_schedule(demo: Demo) -> None:
    omar = await demo.clinician("demo:omar")
    for path in ("/", "/list", "/web"):
        shown = await omar.get(f"{path}?unit=SE2321000016-1HZ3")
        assert (shown.status, shown.problem) == (403, "foreign")
        assert shown.visits == []
        for name in ("Per P", "Nils", "Alva"):
            assert name not in shown.text
        assert len((await omar.get(path)).visits) == 1


async def test_another_units_visit_is_as_one_that_does_not_exist(demo: Demo) -> None:
    omar = await demo.clinician("demo:omar")
    for page in ("", "/invite", "/draft", "/move", "/cancel"):
        foreign = await omar.get(f"/visits/{demo.visit}{page}")
        unknown = await omar.get(f"/visits/v_{'0' * 32}{page}")
        assert (foreign.status, foreign.problem) == (404, "not_found")
        assert foreign.text == unknown.text


async def test_nothing_can_be_done_with_another_units_visit(demo: Demo) -> None:
    omar = await demo.clinician("demo:omar")
    fields = {"to": "a@b.example", "once": "0" * 32, "day": "2026-11-24", "time": "10:00"}
    for action in ("join", "link", "renew", "invite", "draft", "move", "cancel"):
        shown = await omar.post(f"/visits/{demo.visit}/{action}", fields)
        assert (shown.status, shown.problem) == (404, "not_found")
    assert await demo.stage.actions(demo.visit) == ["created"]
    assert demo.stage.live.told == []


async def test_joining_is_a_ticket_in_a_fragment_and_nowhere_else(demo: Demo) -> None:
    eva = await demo.clinician()
    sent_on = await eva.post(f"/visits/{demo.visit}/join")
    assert sent_on.status == 303
    to, _, words = sent_on.headers["Location"].partition("#ticket=")
    assert to == f"{EVISIT}/join"
    ticket = demo.stage.verifier.verify(words, demo.stage.wall)
    assert (ticket.role, ticket.person, ticket.units) == (Role.CLINICIAN, "demo:eva", ("SE2321000016-1HZ3",))
    assert sent_on.headers["Referrer-Policy"] == "no-referrer"
    assert sent_on.headers["Cache-Control"] == "no-store"
    assert words not in sent_on.text


async def test_a_colleague_whom_the_booking_does_not_name_has_the_unit_too(demo: Demo) -> None:
    sara = await demo.clinician("demo:sara")
    words = (await sara.post(f"/visits/{demo.visit}/join")).headers["Location"].partition("#ticket=")[2]
    ticket = demo.stage.verifier.verify(words, demo.stage.wall)
    assert (ticket.name, ticket.units) == ("Sara Sund", ("SE2321000016-1HZ3",))


async def test_the_link_is_given_to_a_script_and_on_a_page(demo: Demo) -> None:
    eva = await demo.clinician()
    link = (await demo.stage.call("GET", f"/visits/{demo.visit}/link")).json["share_url"]
    copied = await eva.post(f"/visits/{demo.visit}/link", Accept="text/plain")
    assert (copied.status, copied.text) == (200, link)
    shown = await eva.post(f"/visits/{demo.visit}/link")
    assert f'value="{link.replace("&", "&amp;")}"' in shown.text
    await eva.post(f"/visits/{demo.visit}/renew")
    assert (await eva.post(f"/visits/{demo.visit}/link", Accept="text/plain")).text != link


async def test_an_invitation_is_sent_once_however_often_its_form_is(demo: Demo) -> None:
    eva = await demo.clinician()
    page = await eva.get(f"/visits/{demo.visit}/invite")
    assert 'data-testid="send"' in page.text
    fields = {"to": "a@tolk.example, b@tolk.example\r\nc@tolk.example", "language": "en", "message": "Välkommen"}
    for _ in range(2):
        done = await eva.post(f"/visits/{demo.visit}/invite", fields)
        assert (done.status, done.headers["Location"]) == (303, f"/visits/{demo.visit}?done=invited")
    told = (await demo.stage.call("GET", f"/visits/{demo.visit}/invitations")).json["invitations"]
    assert [len(each["recipients"]) for each in told] == [3]
    assert "3 på väg" in (await eva.get(f"/visits/{demo.visit}")).text


async def test_what_cannot_be_sent_is_said_beside_what_was_written(demo: Demo) -> None:
    eva = await demo.clinician()
    await eva.get(f"/visits/{demo.visit}/invite")
    addresses, names = "Kontrollera adresserna", "får inte nämna patienten"
    for to, message, text in (
        ("nobody", "", addresses),
        ("", "", addresses),
        (" ".join(f"a{n}@tolk.example" for n in range(30)), "", addresses),
        ("a@tolk.example", "Det gäller Per P", names),
    ):
        for way in ("invite", "draft"):
            again = await eva.post(f"/visits/{demo.visit}/{way}", {"to": to, "message": message})
            assert again.status == 422
            assert text in again.text
            assert f">{to}</textarea>" in again.text
    assert demo.stage.outbox.woken == 0


async def test_without_a_mail_server_there_is_the_draft(demo: Demo) -> None:
    eva = await demo.clinician(sends_mail=False)
    page = await eva.get(f"/visits/{demo.visit}/invite")
    assert 'data-testid="send"' not in page.text
    assert 'data-testid="mail-off"' in page.text
    draft = await eva.post(f"/visits/{demo.visit}/draft", {"to": "a@tolk.example b@tolk.example"})
    assert draft.headers["Content-Type"].startswith("message/rfc822")
    assert draft.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "Bcc: a@tolk.example, b@tolk.example" in draft.text
    assert "Per P" not in draft.text


async def test_a_moved_visit_is_as_long_as_before(demo: Demo) -> None:
    eva = await demo.clinician()
    visit = await demo.visit_of("demo:nils")
    done = await eva.post(f"/visits/{visit}/move", {"day": "2026-11-24", "time": "13:15"})
    assert done.status == 303
    moved = (await demo.stage.call("GET", f"/visits/{visit}")).json
    assert (moved["starts_at"], moved["ends_at"]) == ("2026-11-24T12:15:00Z", "2026-11-24T12:45:00Z")
    assert "Besöket är flyttat." in (await eva.get(done.headers["Location"])).text


async def test_a_visit_is_moved_to_a_time_or_not_at_all(demo: Demo) -> None:
    eva = await demo.clinician()
    for on, clock in (("", ""), ("2026-11-24", ""), ("x", "y"), ("0001-01-01", "10:00"), ("2026-11-24", "10:00+01:00")):
        assert (await eva.post(f"/visits/{demo.visit}/move", {"day": on, "time": clock})).status == 422
    assert await demo.stage.actions(demo.visit) == ["created"]


async def test_cancelling_asks_first(demo: Demo) -> None:
    eva = await demo.clinician()
    assert "Avboka besöket?" in (await eva.get(f"/visits/{demo.visit}/cancel")).text
    assert demo.stage.live.told == []
    done = await eva.post(f"/visits/{demo.visit}/cancel")
    assert done.headers["Location"] == "/?done=cancelled"
    assert [told[0] for told in demo.stage.live.told] == ["close"]


BOOKING = {"patient": "demo:per", "day": "2026-11-23", "time": "15:00", "title": "Nybesök", "guardians": "yes"}


async def book(window: Window, **changes: str) -> tuple[int, str]:
    await window.get("/book")
    done = await window.post("/book", BOOKING | changes)
    return done.status, done.text


async def test_a_booking_is_made_once_however_often_its_form_is_sent(demo: Demo) -> None:
    eva = await demo.clinician()
    before = len((await eva.get("/")).visits)
    await eva.get("/book")
    for _ in range(2):
        assert (await eva.post("/book", BOOKING)).headers["Location"] == "/?day=2026-11-23&done=booked"
    assert len((await eva.get("/")).visits) == before + 1


async def test_guardians_are_not_booked_for_somebody_of_thirteen(demo: Demo) -> None:
    eva = await demo.clinician()
    before = (await eva.get("/")).visits
    status, text = await book(eva, patient="demo:alva")
    assert status == 422
    assert "har fyllt 13 år" in text
    assert (await eva.get("/")).visits == before


async def test_a_form_with_a_fault_books_nothing(demo: Demo) -> None:
    eva = await demo.clinician()
    before = (await eva.get("/")).visits
    faults: tuple[dict[str, str], ...] = ({"patient": "demo:nobody"}, {"time": ""}, {"title": "\u202e"}, {"title": ""})
    for fault in faults:
        assert (await book(eva, **fault))[0] == 422
    assert (await eva.get("/")).visits == before


async def test_what_was_written_elsewhere_is_never_markup(demo: Demo) -> None:
    eva = await demo.clinician()
    assert (await book(eva, title="<b onclick=x>'&\""))[0] == 303
    shown = await eva.get("/")
    assert "&lt;b onclick=x&gt;&#x27;&amp;&quot;" in shown.text
    assert "<b onclick" not in shown.text


async def test_a_visit_that_is_over_has_no_actions(demo: Demo) -> None:
    eva = await demo.clinician()
    listed = (await demo.stage.call("GET", "/visits?person=demo:nils")).json["visits"]
    over = next(each["visit"] for each in listed if each["state"] == "ended")
    shown = await eva.get(f"/visits/{over}")
    assert "Avslutat" in shown.text
    assert f"/visits/{over}/join" not in shown.text
    assert f"menu-{over}" not in (await eva.get("/")).text
    assert (await eva.post(f"/visits/{over}/join")).problem == "visit_ended"
