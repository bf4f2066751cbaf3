"""Joining with a ticket, in its time; and what every way in has in common. Each rule as a transcript."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import Ground, State
from sfu.errors import Code, Refused
from sfu.ids import PersonId, VisitId
from sfu.rooms.commands import Record
from sfu.rooms.events import TicketPresented, TicketRevoked, VisitClosed
from sfu.rooms.requests import Admit, Hold, Lock, Remove
from sfu.rooms.room import Limits
from tests.rooms.sample import EVA, MARIA, PER, START, UNIT, VISIT, staff_ticket, ticket
from tests.rooms.stage import Stage

ADA = PersonId("hsa:ada")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_own_staff_are_admitted_at_once(stage: Stage) -> None:
    eva = stage.clinician()
    assert stage.store.state(eva) is State.ADMITTED
    assert [(entry.action, entry.detail) for entry in stage.entries()] == [
        (Action.JOINED, "ticket"),
        (Action.ADMITTED, "own_unit"),
    ]
    assert stage.types(eva) == ["roster", "lobby"]


@pytest.mark.parametrize(
    "presented",
    [
        ticket(PER, Role.PATIENT),
        ticket(MARIA, Role.GUARDIAN),
        ticket(EVA, Role.CLINICIAN, units=()),
        ticket(EVA, Role.CLINICIAN, units=("SE1-EAR",)),
        ticket(EVA, Role.EXTERNAL, units=(UNIT,)),
        ticket(PER, Role.PATIENT, units=(UNIT,)),
        ticket(PersonId("x"), Role.INTERPRETER, units=(UNIT,)),
    ],
    ids=["patient", "guardian", "no unit", "other unit", "external", "patient with units", "interpreter"],
)
def test_everybody_else_with_a_ticket_waits(stage: Stage, presented: object) -> None:
    stage.clinician(PersonId("hsa:sten"))
    joined = stage.by_ticket(presented)  # type: ignore[arg-type]  # a table of tickets
    assert stage.store.state(joined) is State.WAITING
    assert stage.types(joined) == ["lobby_status"]


def test_the_answer_to_a_join_with_a_ticket(stage: Stage) -> None:
    per = stage.by_ticket(ticket(name="Per P"))
    assert stage.last is not None
    assert stage.last.answer == {
        "participant": per,
        "state": "waiting",
        "role": "patient",
        "name": "Per P",
        "verified": True,
        "may_admit": False,
        "second_device": False,
        "resume": stage.resume[per],
        "language": "sv",
        "visit": {
            "visit": "v_9f2c",
            "title": "Återbesök",
            "unit_name": "Ögonmottagningen",
            "starts_at": "2026-11-23T09:00:00Z",
            "ends_at": "2026-11-23T09:30:00Z",
        },
        "ice_servers": [],
        "limits": {"frame_bytes": 65536},
    }


def test_the_record_of_a_join_comes_first_and_uses_the_ticket_up(stage: Stage) -> None:
    stage.by_ticket(ticket(jti="once"))
    assert stage.last is not None
    record = stage.last.commands[0]
    assert isinstance(record, Record)
    assert record.tickets_used == ("once",)
    assert [known.booked for known in record.participants] == [True]


def test_a_ticket_of_another_visit_or_one_revoked_is_invalid(stage: Stage) -> None:
    assert stage.ticket_refusal(ticket(visit=VisitId("v_other"))) is Code.TICKET_INVALID
    stage.do(TicketRevoked("bad"))
    assert stage.ticket_refusal(staff_ticket(jti="bad")) is Code.TICKET_INVALID


def test_a_visit_opens_for_patients_half_an_hour_before(stage: Stage) -> None:
    stage.wall = START - timedelta(minutes=30, seconds=1)
    refused = stage.refused(TicketPresented(stage.new_channel(), ticket()))
    assert refused.code is Code.VISIT_NOT_OPEN
    assert refused.details == {"opens_at": "2026-11-23T08:30:00Z"}
    assert stage.link_refusal() is Code.VISIT_NOT_OPEN
    stage.wall += timedelta(seconds=1)
    stage.by_ticket(ticket())


def test_staff_come_in_from_the_visits_creation_on(stage: Stage) -> None:
    stage.wall = START - timedelta(days=30)
    assert stage.store.state(stage.clinician()) is State.ADMITTED
    ada = stage.by_ticket(ticket(ADA, Role.CLINICIAN, units=("SE1-EAR",)))
    assert stage.store.state(ada) is State.WAITING
    assert stage.link_refusal() is Code.VISIT_NOT_OPEN
    stage.pass_time(30 * 86400 - 1800)
    stage.by_link()


@pytest.mark.parametrize("after", [timedelta(minutes=30 + 120), timedelta(days=30)])
def test_after_its_window_a_visit_is_over(stage: Stage, after: timedelta) -> None:
    stage.wall = START + after
    assert stage.ticket_refusal(staff_ticket()) is Code.VISIT_ENDED
    assert stage.ticket_refusal(ticket()) is Code.VISIT_ENDED
    assert stage.link_refusal() is Code.VISIT_ENDED


@pytest.mark.parametrize("state", [VisitState.ENDED, VisitState.CANCELLED])
def test_a_closed_visit_is_over_for_every_way_in(stage: Stage, state: VisitState) -> None:
    per = stage.by_ticket(ticket())
    stage.do(VisitClosed(state, "portal:cosmic"))
    assert stage.ticket_refusal(staff_ticket()) is Code.VISIT_ENDED
    assert stage.link_refusal() is Code.VISIT_ENDED
    assert stage.resume_refusal(per) is Code.VISIT_ENDED


def test_a_lock_keeps_knocks_out_but_not_staff_nor_who_comes_back(stage: Stage) -> None:
    eva, per = stage.meeting()
    waiting = stage.by_link()
    stage.ask(eva, Lock(True))
    assert stage.ticket_refusal(ticket(MARIA, Role.GUARDIAN)) is Code.LOCKED
    assert stage.ticket_refusal(ticket(ADA, Role.CLINICIAN, units=("SE1-EAR",))) is Code.LOCKED
    assert stage.link_refusal() is Code.LOCKED
    for who in (per, waiting):
        stage.drop(who)
        assert stage.by_resume(who) == who
    stage.drop(per)
    assert stage.by_ticket(ticket()) == per
    sten = stage.clinician(PersonId("hsa:sten"))
    assert stage.store.state(sten) is State.ADMITTED


def test_a_full_lobby_takes_nobody_but_staff_and_who_is_booked() -> None:
    stage = Stage(limits=Limits(lobby_capacity=2))
    first, second = stage.by_link(), stage.by_ticket(ticket(ADA, Role.INTERPRETER))
    theirs = ticket()
    per = stage.by_ticket(theirs)
    assert stage.store.state(per) is State.WAITING
    assert stage.link_refusal() is Code.FULL
    assert stage.ticket_refusal(ticket(PersonId("x"), Role.INTERPRETER)) is Code.FULL
    assert stage.ticket_refusal(theirs) is Code.FULL
    assert stage.ticket_refusal(ticket()) is Code.FULL
    stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    eva = stage.clinician()
    stage.ask(eva, Admit(second, agreed=True))
    stage.by_link()
    stage.ask(eva, Hold(second))
    assert len(stage.waiting(eva)) == 5
    stage.drop(first)
    assert stage.by_resume(first) == first


def test_a_full_room_does_not_shut_out_own_staff() -> None:
    stage = Stage(limits=Limits(room_capacity=1))
    stage.clinician()
    assert stage.store.state(stage.clinician(PersonId("hsa:sten"))) is State.ADMITTED


def test_the_ground_of_an_admission_is_kept_with_it(stage: Stage) -> None:
    eva, per = stage.meeting()
    grounds = {known.participant: known.place.ground for known in stage.room.participants}
    assert grounds == {eva: Ground.OWN_UNIT, per: Ground.BOOKED}


def test_a_visit_in_another_unit_has_other_staff() -> None:
    stage = Stage(replace(VISIT, unit="SE1-EAR"))
    assert stage.store.state(stage.clinician()) is State.WAITING


# To try one's equipment


def test_a_ticket_and_the_link_are_good_for_a_test_days_before(stage: Stage) -> None:
    days_before = START - timedelta(days=9)
    stage.room.check_test(ticket(PER), now=stage.now, wall=days_before)
    stage.room.check_test(VISIT.link_generation, now=stage.now, wall=days_before)


def test_a_used_ticket_and_a_locked_visit_are_no_hindrance_to_a_test(stage: Stage) -> None:
    eva = stage.clinician()
    used = ticket(PER)
    stage.by_ticket(used)
    stage.ask(eva, Lock(True))
    stage.room.check_test(used, now=stage.now, wall=START)
    stage.room.check_test(VISIT.link_generation, now=stage.now, wall=START)


def refused_test(stage: Stage, way: Ticket | int, *, wall: datetime = START) -> Code:
    with pytest.raises(Refused) as caught:
        stage.room.check_test(way, now=stage.now, wall=wall)
    return caught.value.code


def test_what_leads_nowhere_is_not_good_for_a_test(stage: Stage) -> None:
    revoked = ticket(PER)
    stage.do(TicketRevoked(revoked.jti))
    assert refused_test(stage, revoked) is Code.TICKET_INVALID
    assert refused_test(stage, ticket(PER, visit=VisitId("v_other"))) is Code.TICKET_INVALID
    assert refused_test(stage, VISIT.link_generation - 1) is Code.LINK_REVOKED
    assert refused_test(Stage(), ticket(PER), wall=START + timedelta(days=1)) is Code.VISIT_ENDED
    stage.do(VisitClosed(VisitState.CANCELLED, "cosmic"))
    assert refused_test(stage, ticket(PER)) is Code.VISIT_ENDED
    assert refused_test(stage, VISIT.link_generation) is Code.VISIT_ENDED


def test_who_was_turned_away_does_not_test(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, Remove(per))
    assert refused_test(stage, ticket(PER)) is Code.REMOVED
