"""Coming back with a resume token: the same place, the same state, for a while."""

from __future__ import annotations

import pytest

from sfu.admission.limits import RESUMES_PER_PERIOD
from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.waiting_room import State
from sfu.errors import Code
from sfu.rooms.commands import Disconnect, Notify, Reason, Record
from sfu.rooms.events import ResumePresented, TicketRevoked
from sfu.rooms.requests import Admit, Deny, End, Hold, Leave, Remove
from tests.rooms.sample import MARIA, ticket
from tests.rooms.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


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
        refused = stage.refused(ResumePresented(stage.new_channel(), participant, token))
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
