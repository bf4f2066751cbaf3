"""What somebody asks to see is judged by what is known of ways and pictures at that moment, and by nothing that they may not set going."""

from __future__ import annotations

import asyncio

import pytest

from sfu import clock
from sfu.admission.roles import Role
from sfu.app import readings
from sfu.errors import Refused
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.requests import Admit, Lock, Pin, View
from sfu.signaling.messages import Asking
from tests.app.house import House, Line
from tests.app.test_home import Furnished, furnished, talking

__all__ = ["furnished"]


@pytest.fixture(autouse=True)
def _never(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself nothing is told after the first."""
    monkeypatch.setattr(readings, "STEP_INTERVAL", 1e6)
    monkeypatch.setattr(readings, "CALM_INTERVAL", 1e6)


async def measured(house: House, receiver: ParticipantId) -> None:
    """The room knows 500 kbit/s; that it is ten times as much waits to be told."""
    house.home.readings.estimated([(receiver, 500_000)], clock.monotonic())
    await house.home.readings.settle()
    house.home.readings.estimated([(receiver, 5_000_000)], clock.monotonic())
    assert known(house, receiver) == 500_000


def known(house: House, receiver: ParticipantId) -> int | None:
    return house.home.room.pictures.estimates.get(receiver)


def track_of(house: House, who: ParticipantId) -> TrackId:
    return next(each.tracks[0].track for each in house.home.room.participants if each.participant == who)


@pytest.mark.parametrize("kind", ["view", "pin"])
async def test_it_is_told_first(furnished: Furnished, kind: str) -> None:
    house, eva, per = furnished
    await talking(furnished)
    await measured(house, eva[0])
    asked: Asking = View(track_of(house, per[0]), 1280, 720) if kind == "view" else Pin(per[0], pinned=True)
    await house.ask(eva, asked)
    assert known(house, eva[0]) == 5_000_000


async def test_all_who_ask_at_once_have_it_told_first(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    await measured(house, eva[0])
    seen: list[int | None] = []

    async def asks(who: tuple[ParticipantId, Line], about: ParticipantId) -> None:
        await house.ask(who, View(track_of(house, about), 1280, 720))
        seen.append(known(house, eva[0]))

    await asyncio.gather(asks(per, eva[0]), asks(eva, per[0]))
    assert seen == [5_000_000, 5_000_000]


async def test_who_may_not_ask_sets_nothing_going(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    amina = await house.join("amina", Role.INTERPRETER)
    await measured(house, eva[0])
    for who, asked in ((amina, View(track_of(house, per[0]), 1280, 720)), (per, Pin(eva[0], pinned=True))):
        with pytest.raises(Refused):
            await house.ask(who, asked)
    assert known(house, eva[0]) == 500_000


async def test_what_is_to_be_closed_does_not_wait_for_what_is_measured(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    amina = await house.join("amina", Role.INTERPRETER)
    await house.ask(eva, Admit(amina[0], agreed=True))
    await measured(house, eva[0])
    house.story.lines.clear()
    house.story.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    writing = loop.create_task(house.ask(eva, Lock(locked=True)))
    await asyncio.sleep(0)
    pausing = loop.create_task(house.ask(eva, View(track_of(house, per[0]), 0, 0, paused=True)))
    await asyncio.sleep(0)
    assert "route dropped" in house.story.lines
    house.story.gate.set()
    await asyncio.gather(writing, pausing)
