"""Who may ask for what about whom: every cell, by default refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

import pytest

from sfu.admission.roles import Role
from sfu.admission.waiting_room import State
from sfu.errors import Code, Refused
from sfu.ids import ParticipantId, PersonId, TrackId
from sfu.rooms.events import Requested
from sfu.rooms.requesting import ASKS
from sfu.rooms.requests import (
    Admit,
    Allow,
    Deny,
    End,
    Hold,
    Leave,
    Lock,
    Mute,
    Offer,
    Pin,
    ReadLink,
    Remove,
    Request,
    SendNotice,
    SendText,
    Silence,
    Source,
    View,
)
from tests.rooms.sample import MARIA, staff_ticket, ticket
from tests.rooms.stage import Stage

STEN, ADA = PersonId("hsa:sten"), PersonId("hsa:ada")

ABOUT_SOMEBODY: Mapping[str, Callable[[ParticipantId], Request]] = {
    "admit": Admit,
    "admit agreed": lambda who: Admit(who, agreed=True),
    "deny": Deny,
    "hold": Hold,
    "remove": Remove,
    "allow": Allow,
    "notice": lambda who: SendNotice("Hej", who),
    "pin": lambda who: Pin(who, True),
    "unpin": lambda who: Pin(who, False),
}
ABOUT_A_TRACK: Mapping[str, Callable[[TrackId], Request]] = {
    "silence": Silence,
    "mute": lambda track: Mute(track, True),
    "unmute": lambda track: Mute(track, False),
    "view": lambda track: View(track, 640, 360),
}
ABOUT_THE_VISIT: Mapping[str, Request] = {
    "lock": Lock(True),
    "unlock": Lock(False),
    "notice to all": SendNotice("Hej"),
    "link": ReadLink(),
    "end": End(),
    "offer": Offer((), (), fresh=True),
    "text": SendText("hej"),
    "leave": Leave(),
}
OK, NOT_ALLOWED = None, Code.NOT_ALLOWED
BY_STAFF: Mapping[str, Mapping[str, Code | None]] = {
    "admit": dict(self=OK, staff=OK, admitted=OK, waiting=OK, unbooked=Code.AGREEMENT_REQUIRED, denied=Code.DENIED),
    "admit agreed": dict(self=OK, staff=OK, admitted=OK, waiting=OK, unbooked=OK, denied=Code.DENIED),
    "deny": dict(self=NOT_ALLOWED, staff=NOT_ALLOWED, admitted=NOT_ALLOWED, waiting=OK, unbooked=OK, denied=OK),
    "hold": dict(self=NOT_ALLOWED, staff=NOT_ALLOWED, admitted=OK, waiting=OK, unbooked=OK, denied=Code.DENIED),
    "remove": dict(self=NOT_ALLOWED, staff=NOT_ALLOWED, admitted=OK, waiting=OK, unbooked=OK, denied=OK),
    "allow": dict(self=OK, staff=OK, admitted=OK, waiting=OK, unbooked=OK, denied=OK),
    "notice": dict(
        self=NOT_ALLOWED, staff=NOT_ALLOWED, admitted=NOT_ALLOWED, waiting=OK, unbooked=OK, denied=NOT_ALLOWED
    ),
    "pin": dict(self=OK, staff=OK, admitted=OK, waiting=NOT_ALLOWED, unbooked=NOT_ALLOWED, denied=NOT_ALLOWED),
    "unpin": dict(self=OK, staff=OK, admitted=OK, waiting=OK, unbooked=OK, denied=OK),
}
REMOVED = {
    name: Code.REMOVED if cells["denied"] is Code.DENIED else cells["denied"] for name, cells in BY_STAFF.items()
}
UNCHARGED = (
    "patient",
    "guardian",
    "guest",
    "guest clinician",
    "other unit",
    "second device",
    "waiting",
    "waiting staff",
)


class Cast:
    """One visit with somebody of every kind in it."""

    def __init__(self) -> None:
        self.stage = stage = Stage()
        eva = stage.by_ticket(staff_ticket(jti="eva"))
        self.who = {
            "self": eva,
            "staff": stage.clinician(STEN),
            "patient": stage.by_ticket(ticket()),
            "guardian": stage.by_ticket(ticket(MARIA, Role.GUARDIAN)),
            "guest": stage.by_link(),
            "guest clinician": stage.by_link(role=Role.CLINICIAN),
            "other unit": stage.by_ticket(ticket(ADA, Role.CLINICIAN, units=("SE1-EAR",))),
            "second device": stage.by_ticket(staff_ticket(jti="eva")),
        }
        for who in self.who.values():
            stage.ask(eva, Admit(who, agreed=True))
        self.who |= {
            "admitted": self.who["patient"],
            "waiting": stage.by_ticket(ticket(MARIA, Role.GUARDIAN)),
            "waiting staff": stage.by_ticket(staff_ticket(jti="eva")),
            "unbooked": stage.by_link(),
            "denied": stage.by_link(),
            "removed": stage.by_link(),
            "nobody": ParticipantId("p_nobody"),
        }
        stage.ask(eva, Deny(self.who["denied"]))
        stage.ask(eva, Remove(self.who["removed"]))
        self.track = {
            "own": stage.publish(eva, send=[Source.CAMERA])[0],
            "other": stage.publish(self.who["patient"], send=[Source.CAMERA])[0],
            "none": TrackId("t_none"),
        }

    def outcome(self, by: str, request: Request) -> Code | None:
        """The code of the refusal, None for `ok`. The cast stays as it was: the outcome is looked at and forgotten."""
        try:
            self.stage.room.step(Requested(self.who[by], request), now=self.stage.now, wall=self.stage.wall)
        except Refused as refused:
            return refused.code
        return None


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast()


def test_every_request_has_its_name_in_the_table_of_rights() -> None:
    assert ASKS.keys() == set(get_args(Request))
    assert len(set(ASKS.values())) == len(ASKS)


@pytest.mark.parametrize("name", ABOUT_SOMEBODY)
@pytest.mark.parametrize("about", ["self", "staff", "admitted", "waiting", "unbooked", "denied", "removed", "nobody"])
def test_what_staff_may_ask_about_whom(cast: Cast, name: str, about: str) -> None:
    known = {**BY_STAFF[name], "removed": REMOVED[name], "nobody": Code.PARTICIPANT_UNKNOWN}
    assert cast.outcome("self", ABOUT_SOMEBODY[name](cast.who[about])) is known[about]


@pytest.mark.parametrize("name", ABOUT_SOMEBODY)
@pytest.mark.parametrize(
    "about", ["self", "staff", "admitted", "waiting", "unbooked", "denied", "removed", "nobody", *UNCHARGED]
)
@pytest.mark.parametrize("by", UNCHARGED)
def test_nobody_else_may_ask_for_anything_about_anybody(cast: Cast, name: str, about: str, by: str) -> None:
    assert cast.outcome(by, ABOUT_SOMEBODY[name](cast.who[about])) is Code.NOT_ALLOWED


@pytest.mark.parametrize("name", ABOUT_THE_VISIT)
@pytest.mark.parametrize("by", ["self", "staff", *UNCHARGED])
def test_what_each_may_ask_about_the_visit(cast: Cast, name: str, by: str) -> None:
    expected: Code | None = None
    if name in ("lock", "unlock", "notice to all", "link", "end") and by in UNCHARGED:
        expected = Code.NOT_ALLOWED
    elif name in ("offer", "text") and by in ("waiting", "waiting staff"):
        expected = Code.NOT_ADMITTED
    assert cast.outcome(by, ABOUT_THE_VISIT[name]) is expected


@pytest.mark.parametrize("name", ABOUT_A_TRACK)
@pytest.mark.parametrize("track", ["own", "other", "none"])
@pytest.mark.parametrize("by", ["self", "staff", *UNCHARGED])
def test_what_each_may_ask_about_a_track(cast: Cast, name: str, track: str, by: str) -> None:
    owner = {"own": "self", "other": "patient"}.get(track)
    expected: Code | None
    if name == "silence" and by in UNCHARGED:
        expected = Code.NOT_ALLOWED
    elif by in ("waiting", "waiting staff"):
        expected = Code.NOT_ADMITTED
    elif owner is None:
        expected = Code.TRACK_UNKNOWN
    elif name == "silence":
        expected = None
    elif name == "view":
        expected = Code.NOT_ALLOWED if by == owner else None
    else:
        expected = None if by == owner else Code.NOT_ALLOWED
    assert cast.outcome(by, ABOUT_A_TRACK[name](cast.track[track])) is expected


@pytest.mark.parametrize("name", ABOUT_THE_VISIT)
@pytest.mark.parametrize(
    ("by", "code"), [("denied", Code.DENIED), ("removed", Code.REMOVED), ("nobody", Code.JOIN_REQUIRED)]
)
def test_who_is_out_may_ask_for_nothing(cast: Cast, name: str, by: str, code: Code) -> None:
    assert cast.outcome(by, ABOUT_THE_VISIT[name]) is code


def test_a_request_over_a_channel_that_is_lost_is_refused() -> None:
    stage = Stage()
    eva = stage.clinician()
    stage.drop(eva)
    assert stage.refusal(eva, Lock(True)) is Code.JOIN_REQUIRED


def test_after_the_end_nothing_can_be_asked() -> None:
    stage = Stage()
    eva, per = stage.meeting()
    stage.ask(eva, End())
    for who in (eva, per):
        assert stage.refusal(who, Leave()) is Code.VISIT_ENDED


def test_leaving_is_answered_and_then_closed() -> None:
    stage = Stage()
    eva, per = stage.meeting()
    channel = stage.channels[per]
    assert stage.ask(per, Leave()) == {}
    assert stage.closed == [(channel, "left")]
    assert stage.store.state(per) is State.LEFT
    assert stage.messages(per, "state") == [{"type": "state", "state": "admitted", "reason": ""}]
    assert len(stage.roster(eva)) == 1
    assert stage.store.state(stage.by_ticket(ticket())) is State.WAITING
