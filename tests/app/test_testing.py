"""How long a test of somebody's equipment lasts, how many there are, and what is left of one: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import cast

import pytest

from sfu import clock
from sfu.app import testing
from sfu.app.media import Media
from sfu.app.testing import TESTS_PER_HOUR, EchoTests
from sfu.errors import Code, Refused
from sfu.ids import ChannelId, ParticipantId
from sfu.rooms.commands import Reason
from sfu.rooms.requests import Leave
from sfu.transport.parameters import Failed, Stage
from sfu.web.channel import Channel


class Line:
    """A channel, as a test sees it."""

    _numbers = count(1)

    def __init__(self) -> None:
        self.id = ChannelId(next(self._numbers))
        self.closed = asyncio.Event()
        self.answers: list[Mapping[str, object]] = []

    def close(self, reason: Reason) -> None:
        assert reason is Reason.LEFT
        self.closed.set()

    @property
    def channel(self) -> Channel:
        return cast(Channel, self)


class Transports:
    """Remembers whose transports were closed."""

    def __init__(self) -> None:
        self.closed: list[ParticipantId] = []

    def close(self, participant: ParticipantId) -> None:
        self.closed.append(participant)


class Stand:
    """Tests, over transports that only remember."""

    def __init__(self, capacity: int = 20) -> None:
        self.transports = Transports()
        self.tests = EchoTests(cast(Media, self.transports), capacity)

    def begin(self, way: str = "link v_1 1") -> Line:
        line = Line()
        self.tests.begin(line.channel, way, line.answers.append)
        return line

    def refused(self, way: str = "link v_1 1") -> Code:
        with pytest.raises(Refused) as caught:
            self.begin(way)
        return caught.value.code


@pytest.fixture
async def stand() -> Stand:
    return Stand()


async def test_a_test_ends_by_itself_with_its_transport(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "TEST_SECONDS", 0.01)
    line = stand.begin()
    assert line.id in stand.tests
    await asyncio.wait_for(line.closed.wait(), 60)
    assert line.id not in stand.tests
    assert len(stand.transports.closed) == 1


async def test_leaving_ends_a_test_and_frees_its_place(stand: Stand) -> None:
    line = stand.begin()
    stand.tests.ask(line.channel, Leave(), line.answers.append)
    assert line.answers == [{"seconds": 20, "ice_servers": []}, {}]
    assert line.closed.is_set()
    assert line.id not in stand.tests
    assert len(stand.transports.closed) == 1


async def test_a_lost_channel_ends_its_test(stand: Stand) -> None:
    line = stand.begin()
    stand.tests.lost(line.channel)
    stand.tests.lost(line.channel)
    assert line.id not in stand.tests
    assert len(stand.transports.closed) == 1


async def test_a_transport_that_fails_ends_its_test(stand: Stand) -> None:
    line = stand.begin()
    [test] = stand.tests._by_owner.values()
    stand.tests.report(test.owner, Failed(1, Stage.DTLS))
    assert line.closed.is_set()
    stand.tests.report(test.owner, Failed(1, Stage.DTLS))
    assert len(stand.transports.closed) == 1


async def test_stopping_ends_every_test(stand: Stand) -> None:
    lines = [stand.begin(), stand.begin("ticket 2")]
    stand.tests.stop()
    assert not any(line.id in stand.tests for line in lines)
    assert len(stand.transports.closed) == 2


async def test_no_more_at_a_time_than_there_is_room_for() -> None:
    stand = Stand(capacity=2)
    first = stand.begin("ticket 1")
    stand.begin("ticket 2")
    assert stand.refused("ticket 3") is Code.RATE_LIMITED
    stand.tests.lost(first.channel)
    # Being refused has not counted against the third.
    for _ in range(TESTS_PER_HOUR):
        stand.tests.lost(stand.begin("ticket 3").channel)


async def test_three_an_hour_with_one_ticket_or_link(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for _ in range(TESTS_PER_HOUR):
        stand.tests.lost(stand.begin().channel)
        now += 60.0
    assert stand.refused() is Code.RATE_LIMITED
    stand.begin("link v_1 2")
    now = 1_000.0 + 3_601.0  # an hour after the first, not after the second
    stand.tests.lost(stand.begin().channel)
    assert stand.refused() is Code.RATE_LIMITED


async def test_what_is_an_hour_old_is_not_kept(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for number in range(50):
        stand.tests.lost(stand.begin(f"ticket {number}").channel)
    now += 3_601.0
    stand.begin("ticket new")
    assert set(stand.tests._counts) == {"ticket new"}
