"""Measurements become few steps: the first at once, none for what is known, five a second at most by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sfu import clock
from sfu.app import readings
from sfu.app.readings import STEP_INTERVAL, Readings
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.events import Measured
from sfu.rooms.ladders import Layer
from sfu.rooms.pictures import Pictures

EVA, PER = ParticipantId("p_eva"), ParticipantId("p_per")
CAMERA = TrackId("t_1")
LAYER = Layer(0, 0, 100_000, 320, 180, 30.0)


class Told:
    """A room that takes every measurement, and keeps them."""

    def __init__(self) -> None:
        self.pictures = Pictures()
        self.events: list[Measured] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.news = asyncio.Event()
        self.readings = Readings(self.tell, lambda: self.pictures, "test")

    async def tell(self, event: Measured) -> None:
        await self.gate.wait()
        self.events.append(event)
        self.pictures = self.pictures.measured(event.estimates, event.coming)
        self.news.set()

    async def told(self) -> Measured:
        async with asyncio.timeout(60):
            await self.news.wait()
        self.news.clear()
        return self.events[-1]


async def test_the_first_is_told_at_once_and_what_follows_in_one_step() -> None:
    room = Told()
    now = clock.monotonic()
    room.readings.estimated([(EVA, 500_000)], now)
    assert await room.told() == Measured({EVA: 500_000}, {})
    for bits in (600_000, 700_000):
        room.readings.estimated([(EVA, bits), (PER, bits)], clock.monotonic())
    room.readings.comes(CAMERA, ((LAYER,), ("q",)), clock.monotonic())
    assert await room.told() == Measured({EVA: 700_000, PER: 700_000}, {CAMERA: ((LAYER,), ("q",))})
    assert clock.monotonic() - now >= STEP_INTERVAL
    room.readings.stop()


async def test_a_fall_does_not_wait_for_what_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that is: what a way takes no more is on it already."""
    monkeypatch.setattr(readings, "STEP_INTERVAL", 1e6)
    room = Told()
    room.readings.estimated([(EVA, 500_000), (PER, 500_000)], clock.monotonic())
    await room.told()
    room.readings.estimated([(PER, 600_000)], clock.monotonic())
    room.readings.estimated([(EVA, 460_000)], clock.monotonic())
    await asyncio.sleep(0)
    assert len(room.events) == 1, "a rise waits, and a little less is no fall"
    room.readings.estimated([(EVA, 200_000)], clock.monotonic())
    assert await room.told() == Measured({PER: 600_000, EVA: 200_000}, {})
    room.readings.stop()


async def test_what_the_room_knows_is_not_told_again() -> None:
    room = Told()
    room.readings.estimated([(EVA, 500_000)], clock.monotonic())
    await room.told()
    room.readings.comes(CAMERA, ((LAYER,), ("q",)), clock.monotonic())
    await room.told()
    room.readings.estimated([(EVA, 510_000)], clock.monotonic())
    alike = replace(LAYER, bits_per_second=108_000, frame_rate=29.0)
    room.readings.comes(CAMERA, ((alike,), ("q",)), clock.monotonic())
    room.readings.estimated([(PER, 1)], clock.monotonic())
    assert await room.told() == Measured({PER: 1}, {})
    assert len(room.events) == 3
    room.readings.stop()


async def test_what_was_worth_telling_and_is_no_more_is_not_told() -> None:
    room = Told()
    room.readings.estimated([(EVA, 500_000)], clock.monotonic())
    await room.told()
    room.readings.estimated([(EVA, 100_000), (PER, 7)], clock.monotonic())
    room.readings.estimated([(EVA, 500_000)], clock.monotonic())
    assert await room.told() == Measured({PER: 7}, {})
    room.readings.stop()


async def test_a_change_of_what_comes_is_told() -> None:
    room = Told()
    higher = replace(LAYER, spatial=1, width=640, height=360)
    for layers in (
        ((LAYER,), ("q", "h")),
        ((LAYER, higher), ("q", "h")),
        ((LAYER, replace(higher, bits_per_second=200_000)), ("q", "h")),
        ((LAYER, replace(higher, bits_per_second=200_000, width=480)), ("q", "h")),
        ((LAYER, replace(higher, bits_per_second=200_000, width=480, frame_rate=15.0)), ("q", "h")),
        ((), ("q", "h")),
    ):
        room.readings.comes(CAMERA, layers, clock.monotonic())
        assert await room.told() == Measured({}, {CAMERA: layers})
    room.readings.stop()


async def test_while_the_room_is_busy_nothing_piles_up() -> None:
    room = Told()
    room.gate.clear()
    for bits in range(100_000, 1_000_000, 100_000):
        room.readings.estimated([(EVA, bits)], clock.monotonic())
        await asyncio.sleep(0)
    room.gate.set()
    assert (await room.told()).estimates == {EVA: 100_000}
    assert (await room.told()).estimates == {EVA: 900_000}
    assert len(room.events) == 2
    room.readings.stop()


async def test_while_everybody_has_what_they_want_measurements_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readings, "CALM_INTERVAL", 1e6)
    room = Told()
    room.readings.estimated([(EVA, 500_000)], clock.monotonic())
    await room.told()
    room.readings.comes(CAMERA, ((LAYER,), ("q",)), clock.monotonic())
    await room.told()
    room.readings.estimated([(EVA, 600_000)], clock.monotonic())
    room.readings.comes(CAMERA, ((replace(LAYER, bits_per_second=150_000),), ("q",)), clock.monotonic())
    await asyncio.sleep(STEP_INTERVAL)
    assert len(room.events) == 2, "a wider way, and a livelier scene"
    higher = replace(LAYER, spatial=1)
    room.readings.comes(CAMERA, ((LAYER, higher), ("q",)), clock.monotonic())
    assert await room.told() == Measured({EVA: 600_000}, {CAMERA: ((LAYER, higher), ("q",))})
    room.readings.stop()


async def test_who_wants_more_is_given_it_by_what_is_known_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "CALM_INTERVAL", 1e6)
    room = Told()
    room.readings.estimated([(EVA, 500_000)], clock.monotonic())
    await room.told()
    room.readings.estimated([(EVA, 5_000_000)], clock.monotonic())
    await room.readings.settle()
    assert room.pictures.estimates == {EVA: 5_000_000}
    await room.readings.settle()
    assert len(room.events) == 2, "there is nothing more to tell"
    room.readings.estimated([(EVA, 1_000_000)], clock.monotonic())
    room.readings.estimated([(EVA, 5_000_000)], clock.monotonic())
    await room.readings.settle()
    assert len(room.events) == 2, "what waited is no news any more"
    room.readings.stop()


async def test_everybody_who_wants_more_waits_for_the_same_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "CALM_INTERVAL", 1e6)
    room = Told()
    room.readings.estimated([(EVA, 500_000)], clock.monotonic())
    await room.told()
    room.readings.estimated([(EVA, 5_000_000)], clock.monotonic())
    room.gate.clear()
    loop = asyncio.get_running_loop()
    settling = [loop.create_task(room.readings.settle()) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(task.done() for task in settling)
    room.gate.set()
    await asyncio.gather(*settling)
    assert len(room.events) == 2
    room.readings.stop()
