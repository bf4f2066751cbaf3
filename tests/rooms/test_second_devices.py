"""A ticket used again, and a person who comes anew: whose place it is, and who waits beside it."""

from __future__ import annotations

from typing import cast

import pytest

from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.waiting_room import State
from sfu.errors import Code
from sfu.rooms.events import ResumePresented, TicketPresented
from sfu.rooms.requests import Admit, Hold, Leave, Lock, Remove, View
from sfu.rooms.room import Limits
from tests.rooms.sample import PER, staff_ticket, ticket
from tests.rooms.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


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
