"""`evisit_unadmitted_media_packets_total` rises as soon as anybody's media goes anywhere while they are not admitted."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sfu.admission.roles import Role
from sfu.app.exposition import Exposition
from sfu.app.media import Media
from sfu.app.strays import LOOK_SECONDS, Strays
from sfu.app.testing import EchoTests
from sfu.ids import ParticipantId, VisitId
from sfu.rooms.requests import Admit, Hold, Leave
from sfu.transport.endpoint import Endpoint
from sfu.transport.parameters import FirstForwarded, RemoteParameters
from sfu.web.channel import Channel
from tests.app.house import House, Line
from tests.transport.plane_world import OPUS, Client, Stream, World, receives, sends

VISIT = VisitId("v_1")
REMOTE = RemoteParameters("ufrag", "password", ())
Who = tuple[ParticipantId, Line]


class Meeting:
    """A room, and a plane whose transports are opened whatever the room says."""

    def __init__(self, house: House, eva: Who, per: Who) -> None:
        self.house, self.eva, self.per = house, eva, per
        self.world = World()
        self._opened: list[Client] = []
        endpoint = SimpleNamespace(
            open_peer=lambda remote, now: (self._opened[-1].number, None), close_peer=self._close
        )
        self.media = Media(cast(Endpoint, endpoint), self.world.plane, lambda: None)
        self.tests = EchoTests(self.media, 1)
        self.strays = Strays(self.media, {VISIT: house.home}, self.tests)
        self.now = 0.0

    def client(self) -> Client:
        section = sends("a", "audio", codecs=(OPUS,), ssrcs=(len(self._opened) + 1,))
        client = self.world.client(section, receives("b", "audio", codecs=(OPUS,)))
        self._opened.append(client)
        return client

    def opened(self, who: ParticipantId, visit: VisitId | None = VISIT) -> Client:
        """A transport of its own for somebody, admitted or not."""
        client = self.client()
        self.media._open(visit, who, REMOTE, 0.0)
        return client

    def _close(self, peer: int) -> None:
        self.world.plane.close_peer(peer)

    def look(self) -> int:
        self.now += 1.0
        self.strays.look(self.now)
        return self.strays.packets

    @property
    def metric(self) -> float:
        """As a scrape tells it."""
        parts: dict[str, Any] = {
            "homes": SimpleNamespace(strays=self.strays, live=lambda: []),
            "plane": self.world.plane,
        }
        exposition = Exposition(
            self.house.counters,
            *(cast(Any, parts.get(name)) for name in ("store", "homes", "channels", "malformed", "endpoint", "plane")),
            *(cast(Any, None) for _ in ("lag", "deliveries", "webhooks", "media_port")),
        )
        (family,) = [each for each in exposition._admission() if each.name == "evisit_unadmitted_media_packets"]
        (sample,) = family.samples
        return float(sample.value)


@pytest.fixture
async def meeting() -> Any:
    house = House()
    eva = await house.join("eva", Role.CLINICIAN)
    per = await house.join("per", Role.PATIENT)
    yield Meeting(house, eva, per)
    house.home.close()


def speaks(world: World, sender: Client, *receivers: Client) -> Iterator[None]:
    """Sound from one to the others: one packet each time that it is asked for."""
    for receiver in receivers:
        world.route(sender, "a", receiver, "b")
    stream = Stream(sender, sender.number, 111, step=960)
    while True:
        stream.send(b"sound")
        yield


async def test_nothing_is_counted_of_those_who_are_in(meeting: Meeting) -> None:
    await meeting.house.ask(meeting.eva, Admit(meeting.per[0], True))
    one, other = meeting.opened(meeting.eva[0]), meeting.opened(meeting.per[0])
    sound = speaks(meeting.world, one, other)
    for _ in range(5):
        next(sound)
        assert meeting.look() == 0
    assert len(other.take_rtp()) == 5
    assert meeting.metric == 0


@pytest.mark.parametrize("who_waits_speaks", [True, False], ids=["from", "to"])
async def test_what_goes_from_or_to_somebody_who_waits_is_counted(meeting: Meeting, who_waits_speaks: bool) -> None:
    eva, per = meeting.opened(meeting.eva[0]), meeting.opened(meeting.per[0])
    sound = speaks(meeting.world, per, eva) if who_waits_speaks else speaks(meeting.world, eva, per)
    for _ in range(3):
        next(sound)
    assert meeting.metric == 3
    next(sound)
    assert meeting.metric == 4


async def test_a_transport_that_stays_after_a_hold_is_counted_from_then_on(meeting: Meeting) -> None:
    await meeting.house.ask(meeting.eva, Admit(meeting.per[0], True))
    sound = speaks(meeting.world, meeting.opened(meeting.eva[0]), meeting.opened(meeting.per[0]))
    for _ in range(3):
        next(sound)
    assert meeting.look() == 0
    await meeting.house.ask(meeting.eva, Hold(meeting.per[0]))
    assert meeting.look() == 0, "what it got while it was in was its due"
    next(sound)
    assert meeting.look() == 1
    meeting.media.close(meeting.per[0])
    next(sound)
    assert meeting.look() == 1, "as it should be, and still said"


async def test_a_transport_that_stays_after_its_owner_has_gone_is_counted(meeting: Meeting) -> None:
    await meeting.house.ask(meeting.eva, Admit(meeting.per[0], True))
    sound = speaks(meeting.world, meeting.opened(meeting.per[0]), meeting.opened(meeting.eva[0]))
    assert meeting.look() == 0
    await meeting.house.ask(meeting.per, Leave())
    assert meeting.look() == 0
    next(sound)
    next(sound)
    assert meeting.look() == 2


async def test_a_transport_that_nobody_knows_of_is_counted(meeting: Meeting) -> None:
    sound = speaks(meeting.world, meeting.client(), meeting.opened(meeting.eva[0]))
    next(sound)
    assert meeting.metric == 1


async def test_to_be_in_one_visit_is_no_leave_for_another(meeting: Meeting) -> None:
    sound = speaks(meeting.world, meeting.opened(meeting.eva[0], VisitId("v_2")), meeting.client())
    next(sound)
    assert meeting.metric == 2


async def test_who_tests_their_equipment_may_until_the_test_is_over(meeting: Meeting) -> None:
    channel = cast(Channel, SimpleNamespace(id=7, close=lambda reason: None))
    meeting.tests.begin(channel, "ticket k_1", lambda fields: None)
    client = meeting.opened(next(iter(meeting.tests._by_owner)), None)
    sound = speaks(meeting.world, client, client)
    next(sound)
    assert meeting.look() == 0
    meeting.tests._by_owner.clear()
    assert meeting.look() == 0
    next(sound)
    assert meeting.look() == 2
    meeting.tests._by_channel.popitem()[1].timer.cancel()


async def test_a_first_packet_is_looked_at_in_its_own_wake_up(meeting: Meeting) -> None:
    meeting.strays.mind([], 1.0)
    sound = speaks(meeting.world, meeting.opened(meeting.per[0]), meeting.opened(meeting.eva[0]))
    next(sound)
    reports = meeting.world.plane.take_reports()
    assert any(isinstance(report, FirstForwarded) for report in reports)
    meeting.strays.mind([], 1.1)
    assert meeting.strays.packets == 0, "not every report is worth a look"
    meeting.strays.mind(reports, 1.1)
    assert meeting.strays.packets == 1
    next(sound)
    meeting.strays.mind([], 1.1 + LOOK_SECONDS)
    assert meeting.strays.packets == 2
