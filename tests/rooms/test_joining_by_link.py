"""Joining with the shared link: whoever has it waits, and nobody learns more than they must."""

from __future__ import annotations

import pytest

from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.errors import Code
from sfu.rooms.events import LinkPresented, LinkRenewed, VisitClosed
from sfu.rooms.requests import Admit, Deny, Lock
from sfu.rooms.room import Limits
from tests.rooms.sample import ticket
from tests.rooms.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


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
    refused = stage.refused(LinkPresented(stage.new_channel(), 1, name, Role.EXTERNAL))
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
