"""The order of commands, and what is kept of those who have gone."""

from __future__ import annotations

from typing import cast

import pytest

from sfu.admission.waiting_room import Act
from sfu.errors import Code
from sfu.rooms.commands import Command, Notify
from sfu.rooms.draft import DEPARTED_KEPT, LOGGED_AS, Draft
from sfu.rooms.events import SpeakerChanged
from sfu.rooms.lobby import lobby_entries
from sfu.rooms.requests import Leave, SendText, View
from sfu.rooms.room import Limits
from sfu.rooms.roster import roster_entries
from sfu.rooms.state import RoomState
from tests.rooms.stage import Stage
from tests.rooms.walk import walk

ORDER = [
    "Record",
    "DropRoute",
    "CloseMedia",
    "state",
    "roster",
    "lobby",
    "lobby_status",
    "speaker",
    "layers",
    "track_paused",
    "quality",
    "visit",
    "notice",
    "text",
    "OpenMedia",
    "AddRoute",
    "SetLayer",
    "Disconnect",
]


def kinds(stage: Stage) -> list[str]:
    assert stage.last is not None
    return [
        cast(str, command.message["type"]) if isinstance(command, Notify) else type(command).__name__
        for command in stage.last.commands
    ]


@pytest.mark.parametrize("seed", range(20))
def test_commands_come_in_one_order_whatever_happens(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = Stage.do, list[list[str]]()

    def do(self: Stage, *arguments: object) -> object:
        step = real(self, *arguments)  # type: ignore[arg-type]  # passed on as it came
        seen.append(kinds(self))
        return step

    monkeypatch.setattr(Stage, "do", do)
    walk(seed, 100)
    assert len(seen) > 20
    for commands in seen:
        assert commands == sorted(commands, key=ORDER.index)


def test_every_act_but_admission_has_its_entry_in_the_log() -> None:
    assert LOGGED_AS.keys() == set(Act) - {Act.ADMIT}


def test_a_step_without_a_change_has_no_commands_but_its_own() -> None:
    stage = Stage()
    eva = stage.clinician()
    stage.ask(eva, SendText("hej"))
    assert kinds(stage) == ["text"]


def test_a_step_that_shows_on_neither_makes_no_new_roster_or_lobby() -> None:
    stage = Stage()
    eva, _ = stage.meeting()
    guest = stage.by_link()
    roster, lobby = stage.room._state.roster, stage.room._state.lobby
    stage.ask(eva, View(stage.tracks_of_others(eva)[1], 640, 360))
    stage.do(SpeakerChanged(eva))
    stage.publish(eva)
    assert stage.room._state.roster is roster
    assert stage.room._state.lobby is lobby
    stage.drop(guest)
    assert stage.room._state.roster is roster
    assert stage.room._state.lobby is not lobby
    lobby = stage.room._state.lobby
    stage.drop(eva)
    assert stage.room._state.roster is not roster
    assert stage.room._state.lobby is lobby


@pytest.mark.parametrize("seed", range(2000, 2004))
def test_what_is_kept_of_a_roster_and_a_lobby_is_what_new_ones_would_be(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Draft.finish

    def finish(self: Draft) -> tuple[RoomState, tuple[Command, ...]]:
        state, commands = real(self)
        everybody = state.participants.values()
        assert (state.roster, state.lobby) == (roster_entries(everybody), lobby_entries(everybody))
        return state, commands

    monkeypatch.setattr(Draft, "finish", finish)
    walk(seed, 150)


def test_rosters_go_to_those_who_are_connected() -> None:
    stage = Stage()
    eva, per = stage.meeting()
    stage.drop(per)
    assert kinds(stage) == ["roster"]
    stage.by_resume(per)
    assert kinds(stage) == ["Record", "roster", "roster"]
    stage.by_resume(eva)
    assert kinds(stage) == ["roster", "lobby", "Disconnect"]


def test_what_is_kept_of_those_who_have_gone_is_bounded() -> None:
    stage = Stage(limits=Limits(knocks_per_link_hour=1000))
    first = stage.by_link()
    stage.ask(first, Leave())
    assert stage.resume_refusal(first) is Code.TICKET_EXPIRED
    for _ in range(DEPARTED_KEPT):
        stage.ask(stage.by_link(), Leave())
    assert stage.resume_refusal(first) is Code.TICKET_INVALID


def test_a_message_is_the_same_object_for_all_who_get_it() -> None:
    stage = Stage()
    eva, per = stage.meeting()
    stage.drop(per)
    stage.by_resume(per)
    assert stage.rosters[eva] is stage.rosters[per]
