"""A room as a value, its timers, its versions, and what a restart brings back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from sfu.admission.records import Action, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.visit import Person, VisitState
from sfu.admission.waiting_room import Ground, State
from sfu.errors import Code
from sfu.ids import ChannelId, PersonId
from sfu.rooms.commands import Record
from sfu.rooms.events import LinkPresented, TicketPresented, TicketRevoked
from sfu.rooms.requests import Admit, Allow, Deny, End, Hold, Leave, Lock, Remove
from sfu.rooms.room import Limits, Room
from tests.rooms.sample import MARIA, PER, START, VISIT, staff_ticket, ticket
from tests.rooms.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


# A value


def test_a_step_that_is_forgotten_has_not_happened(stage: Stage) -> None:
    event = TicketPresented(stage.new_channel(), ticket(jti="once"))
    forgotten = stage.room.step(event, now=stage.now, wall=stage.wall)
    assert forgotten.room is not stage.room
    assert stage.room.participants == ()
    again = stage.room.step(event, now=stage.now, wall=stage.wall)
    record = again.commands[0]
    assert isinstance(record, Record)
    assert record.tickets_used == ("once",)
    assert not record.participants[0].second_device


def test_one_room_can_be_stepped_two_ways(stage: Stage) -> None:
    eva, per = stage.clinician(), stage.by_ticket(ticket())
    stage.ask(eva, Admit(per))
    before = stage.room
    stage.ask(eva, Hold(per))
    stage.room = before
    states = {known.participant: known.state for known in stage.room.participants}
    assert states == {eva: State.ADMITTED, per: State.ADMITTED}


def test_a_new_room_is_empty_and_waits_for_nothing() -> None:
    room = Room(VISIT, Limits(), lambda: "0")
    assert room.participants == ()
    assert room.visit == VISIT
    assert room.next_timer() is None
    assert not room.occupied


def test_a_room_is_occupied_while_somebody_may_come_back(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, Remove(per))
    stage.drop(eva)
    assert stage.room.occupied
    stage.pass_time(120.0)
    assert not stage.room.occupied


# Timers


def test_the_next_timer_is_the_earliest(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.drop(per)
    first = stage.now + 120.0
    stage.pass_time(5.0)
    stage.drop(eva)
    assert stage.room.next_timer() == first
    stage.by_resume(per)
    assert stage.room.next_timer() == first + 5.0


# Versions


def test_versions_rise_over_rosters_and_lobbies_and_a_restart(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, Hold(per))
    versions = [cast(int, message["version"]) for message in stage.told[eva] if message["type"] in ("roster", "lobby")]
    assert versions == sorted(set(versions))
    stage.crash()
    stage.by_resume(eva)
    assert cast(int, stage.rosters[eva]["version"]) > versions[-1]


def test_versions_fit_a_javascript_number(stage: Stage) -> None:
    eva = stage.clinician()
    assert 0 < cast(int, stage.rosters[eva]["version"]) < 2**53


# A restart


def test_a_restart_brings_back_everybody_as_they_were(stage: Stage) -> None:
    eva, per = stage.meeting()
    guest, denied, maria = stage.by_link(), stage.by_link(), stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    stage.ask(eva, Deny(denied))
    stage.ask(eva, Remove(maria))
    stage.ask(eva, Lock(True))
    stage.crash()
    assert {known.participant: known.state for known in stage.room.participants} == {
        eva: State.ADMITTED,
        per: State.ADMITTED,
        guest: State.WAITING,
        denied: State.DENIED,
        maria: State.REMOVED,
    }
    assert stage.room.visit.locked
    for who in (eva, per, guest):
        assert stage.by_resume(who) == who
    assert stage.resume_refusal(denied) is Code.DENIED
    assert stage.resume_refusal(maria) is Code.REMOVED
    assert stage.ticket_refusal(ticket(MARIA, Role.GUARDIAN)) is Code.REMOVED
    assert stage.link_refusal() is Code.LOCKED
    stage.publish(eva)
    stage.publish(per)
    stage.publish(eva)
    assert stage.flows(per, eva) == stage.flows(eva, per) == 2


def test_after_a_restart_nobody_has_a_channel_and_each_has_time_to_come_back(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.crash()
    assert stage.room.next_timer() == stage.now + 120.0
    assert not any(known.connected for known in stage.room.participants)
    stage.by_resume(eva)
    assert [entry["connected"] for entry in stage.roster(eva)] == [True, False]
    stage.pass_time(120.0)
    assert stage.store.state(per) is State.EXPIRED
    assert stage.store.state(eva) is State.ADMITTED


def test_an_admission_is_restored_with_its_ground(stage: Stage) -> None:
    stage.meeting()
    stage.crash()
    assert {known.place.ground for known in stage.room.participants} == {Ground.RESTORED}
    assert {known.place.admitted_at for known in stage.room.participants} == {START}


def test_a_ticket_stays_used_over_a_restart(stage: Stage) -> None:
    stage.by_ticket(staff_ticket(jti="once"))
    stage.crash()
    other = stage.by_ticket(staff_ticket(jti="once"))
    assert stage.store.state(other) is State.WAITING
    assert stage.store.participants[other].second_device


def test_a_new_ticket_takes_a_place_over_a_restart(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.crash()
    assert stage.by_ticket(ticket()) == per
    assert stage.clinician() == eva
    assert stage.store.state(per) is State.ADMITTED


def test_who_was_taken_out_of_the_booking_while_the_server_was_down_is_let_in_by_agreement_alone(stage: Stage) -> None:
    eva, maria = stage.clinician(), stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    assert stage.store.participants[maria].booked
    stage.crash(replace(VISIT, people=tuple(person for person in VISIT.people if person.person != MARIA)))
    for who in (eva, maria):
        stage.by_resume(who)
    assert [entry["booked"] for entry in stage.waiting(eva)] == [False]
    assert stage.refusal(eva, Admit(maria)) is Code.AGREEMENT_REQUIRED
    stage.ask(eva, Admit(maria, agreed=True))
    assert [entry.detail for entry in stage.entries(Action.ADMITTED)][-1] == "agreed"


def test_who_was_added_to_the_booking_while_the_server_was_down_is_booked(stage: Stage) -> None:
    sten = Person(person=PersonId("1177:sten"), name="Sten P", role=Role.GUARDIAN)
    eva, guardian = stage.clinician(), stage.by_ticket(ticket(sten.person, Role.GUARDIAN))
    stage.crash(replace(VISIT, people=(*VISIT.people, sten)))
    stage.by_resume(eva)
    stage.by_resume(guardian)
    stage.ask(eva, Admit(guardian))
    assert stage.store.state(guardian) is State.ADMITTED


def test_a_ticket_revoked_in_the_moment_of_a_crash_is_out(stage: Stage) -> None:
    eva = stage.clinician()
    per = stage.by_ticket(ticket(jti="bad"))
    stage.ask(eva, Admit(per))
    stage.store.tickets_revoked.add("bad")
    room = Room.restored(
        VISIT,
        stage.limits,
        stage.new_token,
        stage.store.participants.values(),
        stage.store.visit,
        stage.store.tickets_used,
        stage.store.tickets_revoked,
        now=stage.now,
    )
    states = {known.participant: known.state for known in room.participants}
    assert states == {eva: State.ADMITTED, per: State.REMOVED}


def test_who_had_gone_stays_gone_and_is_told_so(stage: Stage) -> None:
    stage.clinician()
    per, guest = stage.by_ticket(ticket()), stage.by_link()
    stage.ask(per, Leave())
    stage.drop(guest)
    stage.pass_time(120.0)
    stage.crash()
    for who in (per, guest):
        assert stage.resume_refusal(who) is Code.TICKET_EXPIRED


def test_an_allowance_holds_over_a_restart(stage: Stage) -> None:
    eva = stage.clinician()
    per = stage.by_ticket(ticket())
    stage.ask(eva, Deny(per))
    stage.ask(eva, Allow(per))
    stage.crash()
    assert stage.store.state(stage.by_ticket(ticket(PER))) is State.WAITING


def test_an_ended_visit_stays_ended(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, End())
    stage.crash()
    assert stage.room.visit.closed is VisitState.ENDED
    assert not stage.room.occupied
    assert stage.resume_refusal(per) is Code.VISIT_ENDED
    assert stage.ticket_refusal(staff_ticket()) is Code.VISIT_ENDED


def test_a_visit_that_was_closed_while_nobody_ran_it_is_over(stage: Stage) -> None:
    _, per = stage.meeting()
    room = Room.restored(
        replace(VISIT, closed=VisitState.CANCELLED),
        stage.limits,
        stage.new_token,
        stage.store.participants.values(),
        VisitRecord(visit=VISIT.visit, locked=False, closed=None),
        stage.store.tickets_used,
        (),
        now=stage.now,
    )
    assert room.participants == ()
    stage.room = room
    assert stage.resume_refusal(per) is Code.VISIT_ENDED


def test_a_restart_after_the_window_ends_the_visit_at_the_first_step(stage: Stage) -> None:
    stage.meeting()
    stage.wall = START + timedelta(days=1)
    stage.room = Room.restored(
        VISIT, stage.limits, stage.new_token, stage.store.participants.values(), None, (), (), now=stage.now
    )
    stage.channels.clear()
    stage.media.clear()
    stage.routes.clear()
    stage.do(TicketRevoked("any"))
    due = stage.room.next_timer()
    assert due is not None
    assert due <= stage.now


# What a storm costs


def test_a_storm_of_knocks_on_a_full_lobby_changes_nothing(stage: Stage) -> None:
    stage = Stage(limits=Limits(lobby_capacity=5, knocks_per_link_hour=5))
    eva = stage.clinician()
    for _ in range(5):
        stage.by_link()
    stage.forget()
    before = stage.room
    for number in range(500):
        refused = stage.refused(LinkPresented(ChannelId(1000 + number), 1, "Amina", Role.EXTERNAL))
        assert refused.code is Code.RATE_LIMITED
    assert stage.room is before
    assert stage.told == {}
    stage.ask(eva, Admit(stage.room.participants[1].participant, agreed=True))
