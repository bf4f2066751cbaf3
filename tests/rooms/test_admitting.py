"""The requests of those who may admit, each rule as a transcript."""

from __future__ import annotations

from typing import cast

import pytest

from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.errors import Code
from sfu.ids import ParticipantId, PersonId, TrackId
from sfu.rooms.commands import AddRoute, CloseMedia, DropRoute, Notify, Reason, Record
from sfu.rooms.events import LinkRenewed
from sfu.rooms.requests import (
    Admit,
    Allow,
    Deny,
    End,
    Hold,
    Lock,
    Mute,
    Pin,
    ReadLink,
    Remove,
    Request,
    SendNotice,
    Silence,
)
from sfu.rooms.room import Limits
from tests.rooms.sample import EVA, MARIA, PER, staff_ticket, ticket
from tests.rooms.stage import Stage

STEN = PersonId("hsa:sten")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def kinds(stage: Stage) -> list[str]:
    """The commands of the last step, notices by their message's type."""
    assert stage.last is not None
    return [
        cast(str, command.message["type"]) if isinstance(command, Notify) else type(command).__name__
        for command in stage.last.commands
    ]


def test_admit_writes_names_and_lets_in(stage: Stage) -> None:
    eva = stage.clinician()
    per = stage.by_ticket(ticket())
    stage.ask(eva, Admit(per))
    assert kinds(stage) == ["Record", "state", "roster", "roster", "lobby"]
    entry = stage.entries()[-1]
    assert (entry.action, entry.actor, entry.actor_person, entry.subject, entry.subject_person, entry.detail) == (
        Action.ADMITTED,
        eva,
        EVA,
        per,
        PER,
        "booked",
    )
    assert stage.messages(per, "state") == [{"type": "state", "state": "admitted", "reason": ""}]
    assert [known["participant"] for known in stage.roster(per)] == [eva, per]


def test_whom_the_booking_does_not_name_needs_agreement(stage: Stage) -> None:
    eva = stage.clinician()
    guest = stage.by_link()
    colleague = stage.by_ticket(ticket(PersonId("hsa:ada"), Role.CLINICIAN))
    for somebody in (guest, colleague):
        assert stage.refusal(eva, Admit(somebody)) is Code.AGREEMENT_REQUIRED
        stage.ask(eva, Admit(somebody, agreed=True))
        assert stage.entries()[-1].detail == "agreed"


def test_a_full_room_admits_nobody_more() -> None:
    stage = Stage(limits=Limits(room_capacity=2))
    eva, per = stage.meeting()
    maria = stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    assert stage.refusal(eva, Admit(maria)) is Code.FULL
    stage.ask(eva, Hold(per))
    stage.ask(eva, Admit(maria))


def test_deny_turns_the_person_away_until_it_is_lifted(stage: Stage) -> None:
    eva = stage.clinician()
    per = stage.by_ticket(ticket())
    channel = stage.channels[per]
    stage.ask(eva, Deny(per, "Fel besök"))
    assert stage.messages(per, "state") == [{"type": "state", "state": "denied", "reason": "Fel besök"}]
    assert stage.closed == [(channel, Reason.TURNED_AWAY)]
    assert stage.lobby(eva)["turned_away"] == [
        {"participant": per, "name": "Per", "role": "patient", "state": "denied"}
    ]
    for presented in (ticket(), ticket(PER, Role.GUARDIAN), staff_ticket(PER)):
        assert stage.ticket_refusal(presented) is Code.DENIED
    stage.ask(eva, Allow(per))
    assert stage.lobby(eva)["turned_away"] == []
    assert stage.store.state(stage.by_ticket(ticket())) is State.WAITING


def test_a_reason_is_told_and_not_kept(stage: Stage) -> None:
    eva = stage.clinician()
    stage.ask(eva, Deny(stage.by_link(), "Anna Andersson, 19121212"))
    assert "Anna" not in repr(stage.store.log)


def test_who_is_in_is_not_denied(stage: Stage) -> None:
    eva, per = stage.meeting()
    assert stage.refusal(eva, Deny(per)) is Code.NOT_ALLOWED


def test_a_denied_guest_may_knock_anew_as_somebody_new(stage: Stage) -> None:
    eva = stage.clinician()
    guest = stage.by_link()
    stage.ask(eva, Deny(guest))
    assert stage.resume_refusal(guest) is Code.DENIED
    assert stage.store.state(stage.by_link()) is State.WAITING
    stage.ask(eva, Allow(guest))
    assert stage.resume_refusal(guest) is Code.TICKET_EXPIRED


def test_hold_closes_everything_at_once_and_keeps_the_place(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.forget()
    stage.ask(eva, Hold(per))
    assert kinds(stage) == ["Record", *["DropRoute"] * 4, "CloseMedia", "state", "roster", "lobby", "lobby_status"]
    assert stage.flows(per, eva) == stage.flows(eva, per) == 0
    assert stage.types(per) == ["state", "lobby_status"]
    assert [known["participant"] for known in stage.roster(eva)] == [eva]
    assert stage.refusal(per, Mute(TrackId("t_any"), True)) is Code.NOT_ADMITTED
    assert stage.channels[per]
    stage.ask(eva, Admit(per))
    stage.publish(per)
    stage.publish(eva)
    assert stage.flows(per, eva) == stage.flows(eva, per) == 2


def test_a_hold_counts_the_wait_from_then(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.pass_time(600.0)
    stage.ask(eva, Hold(per))
    assert stage.waiting(eva)[0]["waiting_since"] == "2026-11-23T09:10:00Z"


def test_remove_closes_routes_before_the_name_goes_and_holds(stage: Stage) -> None:
    eva, per = stage.meeting()
    channel = stage.channels[per]
    stage.forget()
    stage.ask(eva, Remove(per))
    assert kinds(stage) == ["Record", *["DropRoute"] * 4, "CloseMedia", "state", "roster", "lobby", "Disconnect"]
    assert stage.closed == [(channel, Reason.TURNED_AWAY)]
    assert stage.types(per) == ["state"]
    assert stage.ticket_refusal(ticket()) is Code.REMOVED
    assert stage.resume_refusal(per) is Code.REMOVED
    stage.ask(eva, Allow(per))
    again = stage.by_ticket(ticket())
    assert stage.store.state(again) is State.WAITING


def test_who_waits_can_be_removed(stage: Stage) -> None:
    eva = stage.clinician()
    per = stage.by_ticket(ticket())
    stage.ask(eva, Remove(per))
    assert stage.store.state(per) is State.REMOVED


def test_a_removal_outweighs_a_later_denial(stage: Stage) -> None:
    eva = stage.clinician()
    first, second = (stage.by_ticket(ticket(jti="passed-on")) for _ in range(2))
    stage.ask(eva, Remove(first))
    stage.ask(eva, Deny(second))
    assert stage.ticket_refusal(ticket()) is Code.REMOVED


def test_another_device_of_somebody_turned_away_is_not_let_in(stage: Stage) -> None:
    eva = stage.clinician()
    first, second = (stage.by_ticket(ticket(jti="passed-on")) for _ in range(2))
    stage.ask(eva, Deny(first))
    assert stage.refusal(eva, Admit(second)) is Code.DENIED
    stage.ask(eva, Allow(first))
    stage.ask(eva, Admit(second))


@pytest.mark.parametrize("request_", [Hold, Remove, Deny])
def test_those_in_charge_are_not_put_out_by_anybody(stage: Stage, request_: type[Hold | Remove | Deny]) -> None:
    eva, sten = stage.clinician(), stage.clinician(STEN)
    assert stage.refusal(sten, request_(eva)) is Code.NOT_ALLOWED
    assert stage.refusal(eva, request_(eva)) is Code.NOT_ALLOWED
    stage.drop(eva)
    assert stage.refusal(sten, request_(eva)) is Code.NOT_ALLOWED


def test_turning_away_a_second_device_of_staff_does_not_shut_out_the_person(stage: Stage) -> None:
    eva = stage.by_ticket(staff_ticket(jti="passed-on"))
    tablet = stage.by_ticket(staff_ticket(jti="passed-on"))
    stage.ask(eva, Admit(tablet))
    stage.ask(eva, Remove(tablet))
    assert stage.resume_refusal(tablet) is Code.REMOVED
    stage.drop(eva)
    assert stage.clinician() == eva


def test_a_patients_call_goes_on_when_a_stranger_with_the_link_is_denied(stage: Stage) -> None:
    eva = stage.clinician()
    per, stranger = (stage.by_ticket(ticket(jti="passed-on")) for _ in range(2))
    stage.ask(eva, Admit(per))
    stage.ask(eva, Deny(stranger))
    stage.drop(per)
    assert stage.by_resume(per) == per
    assert stage.store.state(per) is State.ADMITTED


def two_clicks(stage: Stage, request: Request) -> None:
    """Two staff ask for the same at once: both get `ok`, and it is done and logged once."""
    eva, sten = (who for who in stage.store.in_charge("SE1-EYE"))
    stage.ask(eva, request)
    written = len(stage.store.log)
    assert stage.ask(sten, request) == {}
    assert stage.last is not None
    assert stage.last.commands == ()
    assert len(stage.store.log) == written


def test_two_staff_clicking_at_once_is_no_error(stage: Stage) -> None:
    stage.clinician()
    stage.clinician(STEN)
    per, maria = stage.by_ticket(ticket()), stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    for request in (Admit(per), Hold(per), Deny(per), Remove(maria), Allow(maria), Lock(True), Lock(False)):
        two_clicks(stage, request)


def test_turning_away_twice_in_two_ways_changes_nothing(stage: Stage) -> None:
    eva = stage.clinician()
    per, maria = stage.by_ticket(ticket()), stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    stage.ask(eva, Deny(per))
    stage.ask(eva, Remove(per))
    assert stage.store.state(per) is State.DENIED
    stage.ask(eva, Remove(maria))
    stage.ask(eva, Deny(maria))
    assert stage.store.state(maria) is State.REMOVED


def test_who_was_turned_away_is_allowed_before_admitted_or_held(stage: Stage) -> None:
    eva = stage.clinician()
    per, maria = stage.by_ticket(ticket()), stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    stage.ask(eva, Deny(per))
    stage.ask(eva, Remove(maria))
    for request in (Admit, Hold):
        assert stage.refusal(eva, request(per)) is Code.DENIED
        assert stage.refusal(eva, request(maria)) is Code.REMOVED


def test_allowing_somebody_who_was_not_turned_away_changes_nothing(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, Allow(per))
    assert stage.last is not None
    assert stage.last.commands == ()


@pytest.mark.parametrize("request_", [Admit, Deny, Hold, Remove, Allow, SendNotice])
def test_nobody_is_nobody(stage: Stage, request_: type) -> None:
    eva = stage.clinician()
    nobody = ParticipantId("p_nobody")
    request: Request = SendNotice("Hej", nobody) if request_ is SendNotice else request_(nobody)
    assert stage.refusal(eva, request) is Code.PARTICIPANT_UNKNOWN


def test_a_lock_is_seen_by_everybody_and_logged(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.forget()
    stage.ask(eva, Lock(True))
    assert [stage.rosters[who]["locked"] for who in (eva, per)] == [True, True]
    stage.ask(eva, Lock(False))
    assert [entry.action for entry in stage.entries(Action.LOCKED, Action.UNLOCKED)] == [Action.LOCKED, Action.UNLOCKED]


def test_a_notice_reaches_one_who_waits_or_all_who_wait(stage: Stage) -> None:
    eva, per = stage.meeting()
    amina, maria = stage.by_link(), stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    stage.drop(maria)
    stage.forget()
    stage.ask(eva, SendNotice("Fem minuter", amina))
    stage.ask(eva, SendNotice("Nu"))
    assert stage.told[amina] == [{"type": "notice", "text": "Fem minuter"}, {"type": "notice", "text": "Nu"}]
    assert stage.told.keys() == {amina}
    assert stage.refusal(eva, SendNotice("Nu", per)) is Code.NOT_ALLOWED


@pytest.mark.parametrize(("length", "good"), [(0, False), (1, True), (500, True), (501, False)])
def test_a_notice_has_a_length(stage: Stage, length: int, good: bool) -> None:
    eva = stage.clinician()
    if good:
        stage.ask(eva, SendNotice("x" * length))
    else:
        assert stage.refusal(eva, SendNotice("x" * length)) is Code.BAD_MESSAGE


def test_silence_stops_a_track_until_its_owner_lifts_it(stage: Stage) -> None:
    eva, per = stage.meeting()
    microphone = next(known.tracks[0] for known in stage.room.participants if known.participant == per)
    stage.ask(eva, Silence(microphone.track))
    assert stage.flows(per, eva) == 1
    shown = cast(list[dict[str, object]], stage.roster(per)[1]["tracks"])[0]
    assert (shown["muted"], shown["paused"]) == (True, True)
    assert [(entry.action, entry.subject, entry.detail) for entry in stage.entries()[-1:]] == [
        (Action.SILENCED, per, "microphone")
    ]
    stage.ask(eva, Silence(microphone.track))
    assert stage.last is not None
    assert stage.last.commands == ()
    assert stage.refusal(eva, Mute(microphone.track, False)) is Code.NOT_ALLOWED
    stage.ask(per, Mute(microphone.track, True))
    assert stage.flows(per, eva) == 1
    stage.ask(per, Mute(microphone.track, False))
    assert stage.flows(per, eva) == 2
    assert stage.refusal(eva, Silence(TrackId("t_none"))) is Code.TRACK_UNKNOWN


def test_the_link_is_read_as_it_is_now_and_by_whom_is_written(stage: Stage) -> None:
    eva, _ = stage.meeting()
    stage.ask(eva, ReadLink())
    assert stage.last is not None
    assert stage.last.answer == {"link_generation": 1}
    assert [(entry.action, entry.actor) for entry in stage.entries()[-1:]] == [(Action.LINK_READ, eva)]
    stage.do(LinkRenewed(2))
    stage.ask(eva, ReadLink())
    assert stage.last.answer == {"link_generation": 2}


def test_who_is_pinned_shows_so_to_everybody_until_staff_unpin_them(stage: Stage) -> None:
    eva, per = stage.meeting()
    logged = len(stage.entries())
    stage.ask(eva, Pin(per, True))
    for who in (eva, per):
        assert [entry["pinned"] for entry in stage.roster(who)] == [False, True]
    stage.ask(eva, Pin(per, True))
    assert stage.last is not None
    assert stage.last.commands == (), "two who click at once are no error"
    stage.drop(per)
    stage.by_resume(per)
    stage.ask(eva, Hold(per))
    stage.ask(eva, Admit(per))
    assert [entry["pinned"] for entry in stage.roster(eva)] == [False, True]
    stage.ask(eva, Pin(per, False))
    assert [entry["pinned"] for entry in stage.roster(eva)] == [False, False]
    assert [entry.action for entry in stage.entries()[logged:]] == [Action.RESUMED, Action.HELD, Action.ADMITTED]
    assert stage.refusal(eva, Pin(ParticipantId("p_none"), True)) is Code.PARTICIPANT_UNKNOWN


def test_end_ends_it_for_all_and_logs_each(stage: Stage) -> None:
    eva, per = stage.meeting()
    guest, denied = stage.by_link(), stage.by_link()
    stage.ask(eva, Deny(denied))
    channels = {stage.channels[who] for who in (eva, per, guest)}
    stage.forget()
    stage.ask(eva, End())
    assert {channel for channel, reason in stage.closed if reason is Reason.VISIT_ENDED} == channels
    for who in (eva, per, guest):
        assert stage.told[who] == [{"type": "state", "state": "ended", "reason": ""}]
    assert stage.store.visit is not None
    assert stage.store.visit.closed is VisitState.ENDED
    assert {entry.subject for entry in stage.entries(Action.ENDED)} == {None, eva, per, guest}
    assert stage.store.state(denied) is State.DENIED
    assert stage.media == set()
    assert stage.room.next_timer() is None
    assert not stage.room.occupied


def test_every_decision_is_written_before_it_is_done(stage: Stage) -> None:
    eva = stage.clinician()
    per, guest = stage.by_ticket(ticket()), stage.by_link()
    for request in (Admit(per), Hold(per), Deny(guest), Allow(guest), Lock(True), Remove(per), End()):
        stage.ask(eva, request)
        assert stage.last is not None
        assert isinstance(stage.last.commands[0], Record)


def test_the_routes_of_who_goes_are_dropped_one_by_one(stage: Stage) -> None:
    eva, per = stage.meeting()
    routes = dict(stage.routes)
    stage.ask(eva, Remove(per))
    assert stage.last is not None
    dropped = {
        (command.receiver, command.mid): command.track
        for command in stage.last.commands
        if isinstance(command, DropRoute)
    }
    assert dropped == routes
    assert [command for command in stage.last.commands if isinstance(command, CloseMedia)] == [CloseMedia(per)]
    assert not any(isinstance(command, AddRoute) for command in stage.last.commands)
