"""What is counted of waits and admissions is what happened to people, and the alert on long waits sees all of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from sfu import clock
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.app.exposition import Exposition
from sfu.ids import ParticipantId, VisitId
from sfu.rooms.events import ChannelLost, TimeHasCome, VisitClosed
from sfu.rooms.requests import Admit, Deny, Hold, Leave, Lock, Remove
from sfu.transport.certificate import Certificate
from sfu.transport.endpoint import Endpoint
from sfu.transport.parameters import Stage
from tests.app.house import House, Line
from tests.transport.plane_world import World

ALERTS = Path(__file__).parents[2] / "docs/operations/alerts.yml"
VISIT = VisitId("v_1")
Who = tuple[ParticipantId, Line]


class Ward(House):
    """A house in which time passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monotonic, self._wall = clock.monotonic(), clock.wall()
        monkeypatch.setattr(clock, "monotonic", lambda: self._monotonic)
        monkeypatch.setattr(clock, "wall", lambda: self._wall)
        super().__init__()

    def pass_time(self, seconds: float) -> None:
        self._monotonic += seconds
        self._wall += timedelta(seconds=seconds)

    def waits(self) -> dict[tuple[str, str], float]:
        """Seconds waited, by role and outcome."""
        return {key: each.total for key, each in self.counters.lobby_wait.items() if sum(each.counts)}

    def exposition(self, plane: object = None, endpoint: object = None) -> Exposition:
        homes = SimpleNamespace(live=lambda: [self.home], strays=SimpleNamespace(packets=0, look=lambda now: None))
        plane = plane or SimpleNamespace(counters=SimpleNamespace(unadmitted=0))
        port = SimpleNamespace(tcp=None)
        parts = cast(Any, (None, homes, None, None, endpoint, plane, None, None, None, port))
        return Exposition(self.counters, *parts)

    def longest_wait(self) -> float:
        """As a scrape tells it."""
        (family,) = [
            each for each in self.exposition()._admission() if each.name == "evisit_lobby_longest_wait_seconds"
        ]
        return float(family.samples[0].value)

    def visits(self) -> dict[str, float]:
        """By state, those that there are."""
        (family, _) = self.exposition()._visits()
        return {sample.labels["state"]: sample.value for sample in family.samples if sample.value}


@pytest.fixture
async def ward(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ward]:
    ward = Ward(monkeypatch)
    yield ward
    ward.home.close()


async def test_a_visit_counts_while_somebody_is_there(ward: Ward) -> None:
    assert ward.visits() == {}, "somebody has only looked at it"
    per = await ward.join("per", Role.PATIENT)
    assert ward.visits() == {"open": 1}
    eva = await ward.join("eva", Role.CLINICIAN)
    assert ward.visits() == {"active": 1}
    await ward.ask(eva, Leave())
    assert ward.visits() == {"open": 1}
    await ward.home.change(VisitClosed(VisitState.ENDED, "portal:demo"))
    assert ward.visits() == {}
    assert per[1].closed is not None


async def test_a_fault_of_the_plane_is_a_transport_that_failed(ward: Ward) -> None:
    world = World()
    plane = world.plane
    client = world.client()
    plane._bug(client.number, ZeroDivisionError())
    endpoint = Endpoint(plane, cast(Any, None), Certificate(), ())
    families = {family.name: family for family in ward.exposition(plane, endpoint)._transport()}
    failures = {sample.labels["stage"]: sample.value for sample in families["evisit_transport_failures"].samples}
    assert failures == {stage: float(stage is Stage.BUG) for stage in Stage}


async def test_the_lag_of_a_roster_has_the_wait_for_its_turn(ward: Ward) -> None:
    eva, per = await ward.join("eva", Role.CLINICIAN), await ward.join("per", Role.PATIENT)
    lag = ward.counters.roster_lag
    before = lag.total
    ward.story.gate = asyncio.Event()
    first = asyncio.get_running_loop().create_task(ward.ask(eva, Lock(True)))
    await asyncio.sleep(0)
    second = asyncio.get_running_loop().create_task(ward.ask(eva, Admit(per[0], True)))
    await asyncio.sleep(0)
    ward.pass_time(2.0)
    ward.story.gate.set()
    await asyncio.gather(first, second)
    assert lag.total - before == pytest.approx(2.0)


async def test_staff_who_are_in_by_themselves_wait_for_nobody(ward: Ward) -> None:
    await ward.join("eva", Role.CLINICIAN)
    assert ward.waits() == {}


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        (lambda ward, eva, per: ward.ask(eva, Admit(per[0], True)), "admitted"),
        (lambda ward, eva, per: ward.ask(eva, Deny(per[0])), "denied"),
        (lambda ward, eva, per: ward.ask(eva, Remove(per[0])), "removed"),
        (lambda ward, eva, per: ward.ask(per, Leave()), "left"),
        (lambda ward, eva, per: ward.home.change(VisitClosed(VisitState.ENDED, "portal:demo")), "ended"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wait_counts_however_it_ends(ward: Ward, how: Any, outcome: str) -> None:
    eva, per = await ward.join("eva", Role.CLINICIAN), await ward.join("per", Role.PATIENT)
    ward.pass_time(601)
    await how(ward, eva, per)
    assert ward.waits() == {("patient", outcome): 601.0}


async def test_a_wait_that_nobody_comes_back_to_counts_until_its_place_expires(ward: Ward) -> None:
    await ward.join("eva", Role.CLINICIAN)
    per = await ward.join("per", Role.PATIENT)
    ward.pass_time(500)
    await ward.home.tell(ChannelLost(per[1].id, per[0], frozenset()))
    ward.pass_time(120)
    await ward.home.tell(TimeHasCome())
    assert ward.waits() == {("patient", "expired"): 620.0}


async def test_who_leaves_the_meeting_has_waited_once(ward: Ward) -> None:
    eva, per = await ward.join("eva", Role.CLINICIAN), await ward.join("per", Role.PATIENT)
    ward.pass_time(30)
    await ward.ask(eva, Admit(per[0], True))
    ward.pass_time(900)
    await ward.ask(per, Leave())
    assert ward.waits() == {("patient", "admitted"): 30.0}


async def test_the_alert_fires_for_who_still_waits(ward: Ward) -> None:
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    (expression,) = [rule["expr"] for rule in rules if rule["alert"] == "EvisitWaitingLong"]
    found = re.match(r"max\(evisit_lobby_longest_wait_seconds\) > (\d+)\s+or ", expression)
    assert found is not None
    limit = float(found[1])

    eva, per = await ward.join("eva", Role.CLINICIAN), await ward.join("per", Role.PATIENT)
    ward.pass_time(600)
    assert not ward.longest_wait() > limit
    ward.pass_time(1)
    assert ward.longest_wait() > limit
    await ward.ask(eva, Admit(per[0], True))
    assert ward.longest_wait() == 0
    await ward.ask(eva, Hold(per[0]))
    ward.pass_time(20)
    assert ward.longest_wait() == 20


async def test_who_is_not_there_waits_for_nobodys_decision(ward: Ward) -> None:
    await ward.join("eva", Role.CLINICIAN)
    per = await ward.join("per", Role.PATIENT)
    ward.pass_time(700)
    await ward.home.tell(ChannelLost(per[1].id, per[0], frozenset()))
    assert ward.longest_wait() == 0


def test_every_series_is_there_before_its_first_count(ward: Ward) -> None:
    assert {role for role, _ in ward.counters.lobby_wait} == set(Role)
    assert {outcome for _, outcome in ward.counters.lobby_wait} == {
        *("admitted", "denied", "removed", "left", "expired", "ended")
    }


class Media:
    """What the plane reports of people's media, at the moments that it is told."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward

    def connected(self, who: Who) -> None:
        self._ward.counters.media_connected(VISIT, who[0], clock.monotonic())

    def both_ways(self, who: Who) -> None:
        for incoming in (True, False):
            self._ward.counters.media_seen(who[0], incoming, clock.monotonic())

    @property
    def samples(self) -> tuple[int, float]:
        """How many, and their sum."""
        counted = self._ward.counters.admit_to_media
        return sum(counted.counts), round(counted.total, 6)


async def test_a_click_runs_until_packets_go_both_ways(ward: Ward) -> None:
    media = Media(ward)
    eva, per = await ward.join("eva", Role.CLINICIAN), await ward.join("per", Role.PATIENT)
    media.connected(eva)
    await ward.ask(eva, Admit(per[0], True))
    ward.pass_time(0.3)
    media.connected(per)
    ward.pass_time(0.2)
    ward.counters.media_seen(per[0], True, clock.monotonic())
    assert media.samples == (0, 0.0)
    ward.pass_time(0.1)
    media.both_ways(per)
    assert media.samples == (1, 0.6)


async def test_staff_who_come_early_measure_nothing(ward: Ward) -> None:
    media = Media(ward)
    eva = await ward.join("eva", Role.CLINICIAN)
    media.connected(eva)
    ward.pass_time(1200)
    per = await ward.join("per", Role.PATIENT)
    await ward.ask(eva, Admit(per[0], True))
    ward.pass_time(0.5)
    media.connected(per)
    media.both_ways(eva)
    media.both_ways(per)
    assert media.samples == (1, 0.5)


@pytest.mark.parametrize("first", [True, False], ids=["patient first", "clinician first"])
async def test_where_nobody_else_had_media_time_runs_from_when_somebody_had(ward: Ward, first: bool) -> None:
    media = Media(ward)
    eva, per = await ward.join("eva", Role.CLINICIAN), await ward.join("per", Role.PATIENT)
    await ward.ask(eva, Admit(per[0], True))
    if first:
        media.connected(per)
    ward.pass_time(90)
    media.connected(eva)
    ward.pass_time(0.4)
    if not first:
        media.connected(per)
    media.both_ways(per)
    assert media.samples == (1, 0.4)


@pytest.mark.parametrize("how", ["leaves", "fails"])
async def test_who_has_no_media_any_more_is_nobody_to_talk_with(ward: Ward, how: str) -> None:
    media = Media(ward)
    eva, per = await ward.join("eva", Role.CLINICIAN), await ward.join("per", Role.PATIENT)
    other = await ward.join("other", Role.CLINICIAN)
    media.connected(other)
    if how == "leaves":
        await ward.ask(other, Leave())
    else:
        ward.counters.media_lost(VISIT, other[0])
    await ward.ask(eva, Admit(per[0], True))
    ward.pass_time(60)
    media.connected(eva)
    ward.pass_time(0.5)
    media.both_ways(per)
    assert media.samples == (1, 0.5)
    for who in (eva, per):
        await ward.ask(who, Leave())
    assert not ward.counters._with_media, "nothing is kept of whom nobody will ask about"
    assert not ward.counters._clicks
