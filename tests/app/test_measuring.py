"""What the plane measures reaches the room as participants and tracks, and what the room decides reaches the plane."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from sfu import clock
from sfu.admission.roles import Role
from sfu.app.home import Home
from sfu.app.measuring import Measuring
from sfu.app.media import Media, Transport
from sfu.ids import ParticipantId, TrackId, VisitId
from sfu.rooms.ladders import Layer
from sfu.rooms.requests import Admit
from sfu.transport.parameters import (
    Estimates,
    LayerRate,
    LayerRates,
    LocalParameters,
    PeerId,
    PeerReceptions,
    Reception,
    Receptions,
    RemoteParameters,
)
from tests.app.house import House, Line

VISIT = VisitId("v_1")
EVA, PER, TEST = 1, 2, 3
RATE = LayerRate(1, 2, 500_000, 640, 360, 30.0)


class Transports:
    """Whose peer is whose, and which section is which track: what `Measuring` asks of media."""

    def __init__(self) -> None:
        self.owners: dict[PeerId, tuple[VisitId | None, ParticipantId]] = {}
        self.tracks: dict[tuple[PeerId, str], TrackId] = {}

    def owner(self, peer: PeerId) -> Transport | None:
        if peer not in self.owners:
            return None
        remote = RemoteParameters("", "", ())
        return Transport(*self.owners[peer], peer, remote, LocalParameters("", "", ("", ""), ()))

    def track(self, peer: PeerId, mid: str) -> TrackId | None:
        return self.tracks.get((peer, mid))


class Meeting:
    """A home with two people in it, and somebody elsewhere who tests the equipment."""

    def __init__(self, house: House, eva: tuple[ParticipantId, Line], per: tuple[ParticipantId, Line]) -> None:
        self.house, self.eva, self.per = house, eva, per
        self.transports = Transports()
        self.transports.owners = {
            EVA: (VISIT, eva[0]),
            PER: (VISIT, per[0]),
            TEST: (None, ParticipantId("test_1")),
        }
        homes: Mapping[VisitId, Home] = {VISIT: house.home}
        self.measuring = Measuring(cast(Media, self.transports), homes, house.counters)

    async def settled(self) -> None:
        """Everything that was begun is done."""
        others = asyncio.all_tasks() - {cast("asyncio.Task[None]", asyncio.current_task())}
        if others:
            await asyncio.wait(others)


async def meet() -> Meeting:
    house = House()
    eva, per = await house.join("eva", Role.CLINICIAN), await house.join("per", Role.PATIENT)
    await house.ask(eva, Admit(per[0]))
    return Meeting(house, eva, per)


def qualities(line: Line) -> list[object]:
    return [event["participants"] for event in line.events if event["type"] == "quality"]


async def test_scores_are_told_to_everybody_and_counted() -> None:
    meeting = await meet()
    clean, lossy = Reception(0.0, 0.002), Reception(0.2, 0.005)
    receptions = (
        PeerReceptions(EVA, 0.03, clean, clean),
        PeerReceptions(PER, 0.05, lossy, None),
        PeerReceptions(TEST, 0.05, lossy, None),
        PeerReceptions(99, 0.05, lossy, None),
    )
    meeting.measuring.take(Receptions(receptions), clock.monotonic())
    await meeting.settled()
    expected = [
        {"participant": meeting.eva[0], "score": 5.0},
        {"participant": meeting.per[0], "score": 2.8, "reason": "uplink"},
    ]
    assert qualities(meeting.eva[1]) == qualities(meeting.per[1]) == [expected]
    assert sum(meeting.house.counters.quality.counts) == 2
    meeting.house.home.close()


async def test_what_is_of_no_visit_or_no_track_is_passed_over() -> None:
    meeting = await meet()
    before = meeting.house.home.room
    now = clock.monotonic()
    meeting.measuring.take(Estimates(((TEST, 1), (99, 1))), now)
    meeting.measuring.take(LayerRates(EVA, "1", (RATE,), ("q", "h")), now)
    meeting.measuring.take(LayerRates(99, "1", (RATE,), ("q", "h")), now)
    meeting.measuring.take(Receptions((PeerReceptions(EVA, None, None, None),)), now)
    await meeting.settled()
    assert meeting.house.home.room is before
    meeting.house.home.close()


async def test_rates_and_estimates_come_by_participant_and_track() -> None:
    meeting = await meet()
    seen: list[tuple[object, object]] = []
    readings = meeting.house.home.readings
    readings.estimated = lambda estimates, now: seen.append(("estimated", list(estimates)))  # type: ignore[method-assign]
    readings.comes = lambda track, layers, now: seen.append((track, layers))  # type: ignore[method-assign]
    meeting.transports.tracks[PER, "1"] = TrackId("t_1")
    meeting.measuring.take(Estimates(((EVA, 500_000), (TEST, 1), (PER, 300_000))), clock.monotonic())
    meeting.measuring.take(LayerRates(PER, "1", (RATE,), ("q", "h")), clock.monotonic())
    assert seen == [
        ("estimated", [(meeting.eva[0], 500_000), (meeting.per[0], 300_000)]),
        (TrackId("t_1"), ((Layer(1, 2, 500_000, 640, 360, 30.0),), ("q", "h"))),
    ]
    meeting.house.home.close()


async def test_an_estimate_that_is_known_no_more_reaches_the_room_and_is_not_counted_as_one() -> None:
    meeting = await meet()
    seen: list[object] = []
    readings = meeting.house.home.readings
    readings.estimated = lambda estimates, now: seen.append(list(estimates))  # type: ignore[method-assign]
    meeting.measuring.take(Estimates(((EVA, 0), (PER, 300_000))), clock.monotonic())
    assert seen == [[(meeting.eva[0], 0), (meeting.per[0], 300_000)]]
    assert sum(meeting.house.counters.downlink_estimate.counts) == 1
    meeting.house.home.close()
