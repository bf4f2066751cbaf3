"""The three ways to join, each rule of them as a transcript."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from sfu.admission.limits import RESUMES_PER_PERIOD
from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import Ground, State
from sfu.errors import Code, Refused
from sfu.ids import PersonId, VisitId
from sfu.rooms.commands import Disconnect, Notify, Reason, Record
from sfu.rooms.events import LinkPresented, LinkRenewed, ResumePresented, TicketPresented, TicketRevoked, VisitClosed
from sfu.rooms.requests import Admit, Deny, End, Hold, Leave, Lock, Remove, View
from sfu.rooms.room import Limits
from tests.rooms.stage import EVA, MARIA, PER, START, UNIT, VISIT, Stage, staff_ticket, ticket

ADA = PersonId("hsa:ada")


@pytest.fixture
def stage() -> Stage:
    return Stage()


# By ticket


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


def test_a_ticket_used_again_is_somebody_on_a_second_device(stage: Stage) -> None:
    per = stage.by_ticket(ticket(jti="passed-on"))
    other = stage.by_ticket(ticket(jti="passed-on"))
    assert other != per
    assert stage.store.participants[other].second_device
    assert stage.last is not None
    assert stage.last.answer is not None
    assert stage.last.answer["second_device"] is True, "told, so that the page can say why one waits"
    assert not stage.store.participants[per].second_device
    assert stage.channels.keys() == {per, other}
    assert stage.closed == []
    assert stage.entries()[-1].detail == "second_device"


def test_a_staff_ticket_used_again_waits_and_never_admits(stage: Stage) -> None:
    eva = stage.by_ticket(staff_ticket(jti="passed-on"))
    other = stage.by_ticket(staff_ticket(jti="passed-on"))
    assert stage.store.state(other) is State.WAITING
    stage.ask(eva, Admit(other))
    assert stage.refusal(other, Lock(True)) is Code.NOT_ALLOWED
    assert stage.types(other).count("lobby") == 0
    assert stage.messages(eva, "lobby")[1]["waiting"] != []


def test_a_staff_ticket_used_again_waits_when_its_first_user_has_gone(stage: Stage) -> None:
    stage.ask(stage.by_ticket(staff_ticket(jti="passed-on")), Leave())
    assert stage.store.state(stage.by_ticket(staff_ticket(jti="passed-on"))) is State.WAITING


def test_a_ticket_passed_on_is_counted_like_a_link(stage: Stage) -> None:
    stage = Stage(limits=Limits(knocks_per_link_hour=2))
    passed_on = ticket(jti="passed-on")
    for _ in range(3):
        stage.by_ticket(passed_on)
    assert stage.ticket_refusal(passed_on) is Code.RATE_LIMITED
    stage.by_ticket(ticket())
    stage.pass_time(3600.0)
    stage.by_ticket(passed_on)


def test_a_new_ticket_takes_the_place_of_the_same_person_whose_channel_is_lost(stage: Stage) -> None:
    eva, per = stage.meeting()
    old_token = stage.resume[per]
    stage.drop(per)
    assert stage.by_ticket(ticket(name="Per Persson")) == per
    assert stage.store.state(per) is State.ADMITTED
    assert [entry.detail for entry in stage.entries(Action.RESUMED)] == ["new_ticket"]
    assert len(stage.entries(Action.ADMITTED)) == 2
    assert [entry["name"] for entry in stage.roster(eva)] == ["Eva", "Per Persson"]
    assert stage.resume[per] != old_token
    assert stage.resume_refusal(per, old_token) is Code.TICKET_INVALID


def test_a_lost_device_sends_no_more_when_its_place_is_taken(stage: Stage) -> None:
    eva, per = stage.meeting()
    camera = stage.tracks_of_others(per)[1]
    stage.ask(per, View(camera, 0, 0, paused=True))
    stage.drop(per)
    assert stage.flows(per, eva) == 2
    stage.by_ticket(ticket())
    assert stage.media == {eva}
    assert stage.routes == {}
    assert [entry["tracks"] == [] for entry in stage.roster(eva)] == [False, True]
    stage.publish(per)
    stage.publish(eva)
    assert stage.flows(per, eva) == stage.flows(eva, per) == 2


def test_a_place_that_waits_is_taken_waiting(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, Hold(per))
    stage.drop(per)
    assert stage.by_ticket(ticket()) == per
    assert stage.store.state(per) is State.WAITING


def test_a_new_ticket_beside_a_connected_device_is_a_second_device(stage: Stage) -> None:
    _, per = stage.meeting()
    other = stage.by_ticket(ticket())
    assert other != per
    assert stage.store.participants[other].second_device
    assert stage.store.state(other) is State.WAITING
    assert stage.closed == []


def test_own_staff_with_a_new_ticket_are_in_though_the_old_channel_still_looks_connected(stage: Stage) -> None:
    eva, per = stage.meeting()
    again = stage.clinician()
    assert again != eva
    assert stage.store.participants[again].second_device
    assert stage.store.state(again) is State.ADMITTED
    assert stage.last is not None
    assert stage.last.answer is not None
    assert stage.last.answer["may_admit"] is True
    assert "title" in cast(dict[str, object], stage.last.answer["visit"])
    stage.ask(again, Hold(per))
    assert stage.refusal(again, Remove(eva)) is Code.NOT_ALLOWED
    stage.drop(eva)
    stage.pass_time(120.0)
    assert [entry["participant"] for entry in stage.roster(again)] == [again]
    stage.crash()
    stage.by_resume(again)
    stage.ask(again, Lock(True))


def test_who_waits_with_a_forwarded_link_keeps_nobody_out_of_their_own_place(stage: Stage) -> None:
    passed_on, theirs = staff_ticket(jti="passed-on"), ticket(jti="passed-on-too")
    eva, per = stage.by_ticket(passed_on), stage.by_ticket(theirs)
    stray, another = stage.by_ticket(passed_on), stage.by_ticket(theirs)
    stage.ask(eva, Admit(per))
    stage.drop(per)
    assert stage.by_ticket(ticket()) == per
    stage.drop(eva)
    assert stage.clinician() == eva
    assert stage.store.state(eva) is State.ADMITTED
    assert {stage.store.state(who) for who in (stray, another)} == {State.WAITING}
    assert {stray, another} <= stage.channels.keys()


def test_who_comes_back_after_leaving_is_on_no_second_device_by_somebody_who_waits(stage: Stage) -> None:
    passed_on = ticket(jti="passed-on")
    per, stray = stage.by_ticket(passed_on), stage.by_ticket(passed_on)
    stage.ask(per, Leave())
    again = stage.by_ticket(ticket())
    assert again not in (per, stray)
    assert not stage.store.participants[again].second_device


def test_the_holder_of_a_forwarded_link_is_not_told_where_and_why(stage: Stage) -> None:
    passed_on = ticket(jti="passed-on")
    stage.by_ticket(passed_on)
    stray = stage.by_ticket(passed_on)
    stage.drop(stray)
    for way in (TicketPresented(stage.new_channel(), passed_on), None):
        joined = stage.join(way or ResumePresented(stage.new_channel(), stray, stage.resume[stray]))
        assert joined in stage.channels
        assert stage.last is not None
        assert stage.last.answer is not None
        assert stage.last.answer["visit"] == {
            "visit": "v_9f2c",
            "starts_at": "2026-11-23T09:00:00Z",
            "ends_at": "2026-11-23T09:30:00Z",
        }


def test_staff_get_back_with_a_new_ticket_and_are_in_charge(stage: Stage) -> None:
    eva = stage.clinician()
    stage.drop(eva)
    assert stage.clinician() == eva
    stage.ask(eva, Lock(True))


def test_a_second_device_that_is_identified_anew_is_none_any_more(stage: Stage) -> None:
    first = stage.by_ticket(staff_ticket(jti="passed-on"))
    other = stage.by_ticket(staff_ticket(jti="passed-on"))
    stage.ask(first, Leave())
    stage.drop(other)
    assert stage.clinician() == other
    assert stage.store.state(other) is State.ADMITTED
    stage.ask(other, Lock(True))


def test_the_first_device_is_taken_before_the_second(stage: Stage) -> None:
    stage.clinician()
    passed_on = ticket(jti="passed-on")
    first, second = stage.by_ticket(passed_on), stage.by_ticket(passed_on)
    stage.drop(second)
    stage.drop(first)
    assert stage.by_ticket(ticket()) == first


def test_a_ticket_for_another_role_takes_no_place(stage: Stage) -> None:
    _, per = stage.meeting()
    stage.drop(per)
    other = stage.by_ticket(ticket(PER, Role.GUARDIAN))
    assert other != per
    assert stage.store.state(other) is State.WAITING


def test_a_ticket_of_another_visit_or_one_revoked_is_invalid(stage: Stage) -> None:
    assert stage.ticket_refusal(ticket(visit=VisitId("v_other"))) is Code.TICKET_INVALID
    stage.do(TicketRevoked("bad"))
    assert stage.ticket_refusal(staff_ticket(jti="bad")) is Code.TICKET_INVALID


def test_a_visit_opens_for_patients_half_an_hour_before(stage: Stage) -> None:
    stage.wall = START - timedelta(minutes=30, seconds=1)
    refused = stage.join_refusal(TicketPresented(stage.new_channel(), ticket()))
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


# By link


@pytest.mark.parametrize("role", Role)
def test_the_shared_link_waits_unverified_whatever_role_it_states(stage: Stage, role: Role) -> None:
    eva = stage.clinician()
    guest = stage.by_link(role=role)
    record = stage.store.participants[guest]
    assert (record.state, record.verified, record.booked, record.person) == (State.WAITING, False, False, None)
    assert record.link_generation == 1
    stage.ask(eva, Admit(guest, agreed=True))
    assert stage.refusal(guest, Lock(True)) is Code.NOT_ALLOWED


def test_a_link_that_went_astray_tells_not_where_nor_why(stage: Stage) -> None:
    stage.by_link()
    assert stage.last is not None
    assert stage.last.answer is not None
    assert stage.last.answer["visit"] == {
        "visit": "v_9f2c",
        "starts_at": "2026-11-23T09:00:00Z",
        "ends_at": "2026-11-23T09:30:00Z",
    }


def test_the_same_link_is_somebody_new_each_time(stage: Stage) -> None:
    assert stage.by_link("Amina") != stage.by_link("Amina")


def test_a_renewed_link_is_dead_at_once_and_who_is_in_stays(stage: Stage) -> None:
    guest = stage.by_link()
    stage.do(LinkRenewed(2))
    assert stage.link_refusal(generation=1) is Code.LINK_REVOKED
    stage.by_link(generation=2)
    stage.drop(guest)
    assert stage.by_resume(guest) == guest


def test_an_old_link_learns_nothing_of_how_the_visit_stands(stage: Stage) -> None:
    stage.do(LinkRenewed(2))
    stage.do(VisitClosed(VisitState.ENDED, "portal:cosmic"))
    assert stage.link_refusal(generation=1) is Code.LINK_REVOKED


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "Eva\x07", "Eva\u202e"])
def test_a_name_must_be_one(stage: Stage, name: str) -> None:
    refused = stage.join_refusal(LinkPresented(stage.new_channel(), 1, name, Role.EXTERNAL))
    assert refused.code is Code.BAD_MESSAGE


def test_a_link_is_joined_with_so_often_an_hour(stage: Stage) -> None:
    stage = Stage(limits=Limits(knocks_per_link_hour=3))
    eva = stage.clinician()
    for _ in range(3):
        stage.ask(eva, Deny(stage.by_link()))
    assert stage.link_refusal() is Code.RATE_LIMITED
    stage.by_ticket(ticket())
    stage.do(LinkRenewed(2))
    stage.by_link(generation=2)
    stage.pass_time(3600.0)
    stage.by_link(generation=2)


def test_a_refused_knock_is_not_counted(stage: Stage) -> None:
    stage = Stage(limits=Limits(knocks_per_link_hour=1))
    eva = stage.clinician()
    stage.ask(eva, Lock(True))
    for _ in range(3):
        assert stage.link_refusal() is Code.LOCKED
    stage.ask(eva, Lock(False))
    stage.by_link()


# By resume token


@pytest.mark.parametrize("state", [State.WAITING, State.ADMITTED])
def test_a_resume_brings_back_the_same_state_and_the_same_token(stage: Stage, state: State) -> None:
    eva, per = stage.meeting()
    if state is State.WAITING:
        stage.ask(eva, Hold(per))
    token = stage.resume[per]
    stage.drop(per)
    stage.pass_time(119.0)
    stage.forget()
    assert stage.by_resume(per) == per
    assert stage.store.state(per) is state
    assert stage.resume[per] == token
    assert stage.types(per) == (["roster"] if state is State.ADMITTED else ["lobby_status"])
    assert len(stage.entries(Action.RESUMED)) == 1


def test_media_flows_on_while_the_channel_is_away(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.drop(per)
    assert stage.flows(per, eva) == stage.flows(eva, per) == 2
    stage.by_resume(per)
    assert stage.flows(per, eva) == stage.flows(eva, per) == 2


def test_who_came_while_a_channel_was_away_is_heard_when_it_is_back(stage: Stage) -> None:
    eva, per = stage.meeting()
    maria = stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    stage.drop(per)
    stage.ask(eva, Admit(maria))
    stage.publish(maria)
    assert (stage.flows(eva, maria), stage.flows(eva, per)) == (2, 2)
    assert stage.flows(per, maria) == stage.flows(maria, per) == 0
    stage.by_resume(per)
    assert stage.flows(per, maria) == 2
    stage.publish(per)
    assert stage.flows(maria, per) == 2
    stage.drop(per)
    stage.ask(eva, Hold(maria))
    stage.ask(eva, Admit(maria))
    stage.publish(maria)
    assert stage.flows(per, maria) == 2


def test_too_long_away_is_over(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.drop(per)
    stage.pass_time(120.0)
    assert stage.store.state(per) is State.EXPIRED
    assert stage.flows(per, eva) == stage.flows(eva, per) == 0
    assert len(stage.roster(eva)) == 1
    assert stage.resume_refusal(per) is Code.TICKET_EXPIRED


def test_too_long_away_is_over_before_the_timer_says_so(stage: Stage) -> None:
    per = stage.by_ticket(ticket())
    stage.drop(per)
    stage.now += 120.0
    assert stage.resume_refusal(per) is Code.TICKET_EXPIRED


def test_the_newer_channel_wins(stage: Stage) -> None:
    eva, _ = stage.meeting()
    older = stage.channels[eva]
    stage.by_resume(eva)
    assert stage.closed == [(older, Reason.REPLACED)]
    assert stage.last is not None
    assert isinstance(stage.last.commands[-1], Disconnect)
    assert [type(command) for command in stage.last.commands].count(Notify) == 2


def test_a_channel_that_takes_over_from_one_that_is_there_writes_nothing(stage: Stage) -> None:
    per = stage.by_ticket(ticket())
    written = len(stage.store.log)
    stage.by_resume(per)
    assert len(stage.store.log) == written
    assert stage.last is not None
    assert not any(isinstance(command, Record) for command in stage.last.commands)


@pytest.mark.parametrize("lost", [True, False])
def test_a_place_is_resumed_so_often_a_minute(stage: Stage, lost: bool) -> None:
    per, guest = stage.by_ticket(ticket()), stage.by_link()
    for _ in range(RESUMES_PER_PERIOD):
        if lost:
            stage.drop(per)
        stage.by_resume(per)
    channel = stage.channels[per]
    assert stage.resume_refusal(per) is Code.RATE_LIMITED
    assert stage.resume_refusal(per, "nonsense") is Code.TICKET_INVALID
    assert stage.channels[per] == channel
    stage.by_resume(guest)
    stage.pass_time(60.0)
    stage.by_resume(per)


@pytest.mark.parametrize("token", ["", "v_9f2c.p_1.00", "nonsense"])
def test_a_wrong_token_is_invalid_whoever_it_names(stage: Stage, token: str) -> None:
    per = stage.by_ticket(ticket())
    for participant in (per, type(per)("p_nobody")):
        refused = stage.join_refusal(ResumePresented(stage.new_channel(), participant, token))
        assert (refused.code, refused.message) == (Code.TICKET_INVALID, "This link is not valid.")


def test_somebody_elses_token_is_invalid(stage: Stage) -> None:
    eva, per = stage.meeting()
    assert stage.resume_refusal(eva, stage.resume[per]) is Code.TICKET_INVALID


def test_who_left_has_left(stage: Stage) -> None:
    per = stage.by_ticket(ticket())
    stage.ask(per, Leave())
    assert stage.resume_refusal(per) is Code.TICKET_EXPIRED


def test_who_was_turned_away_is_told_so_on_resuming(stage: Stage) -> None:
    eva, per = stage.meeting()
    guest = stage.by_link()
    stage.ask(eva, Deny(guest))
    stage.ask(eva, Remove(per))
    assert stage.resume_refusal(guest) is Code.DENIED
    assert stage.resume_refusal(per) is Code.REMOVED


def test_a_revoked_ticket_resumes_nobody(stage: Stage) -> None:
    per = stage.by_ticket(ticket(jti="bad"))
    stage.drop(per)
    stage.do(TicketRevoked("bad"))
    assert stage.resume_refusal(per) is Code.REMOVED


def test_another_device_of_somebody_removed_does_not_come_back(stage: Stage) -> None:
    eva = stage.clinician()
    first, second = (stage.by_ticket(ticket(jti="passed-on")) for _ in range(2))
    stage.ask(eva, Admit(first))
    stage.ask(eva, Admit(second))
    stage.drop(first)
    stage.ask(eva, Remove(second))
    assert stage.resume_refusal(first) is Code.REMOVED


def test_who_saw_the_end_is_told_so(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, End())
    assert stage.resume_refusal(per) is Code.VISIT_ENDED


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
