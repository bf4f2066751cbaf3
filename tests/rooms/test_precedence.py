"""Who gives first in a moment in which a way is too full: the order that the plane is told."""

from __future__ import annotations

import pytest

from sfu.ids import ParticipantId, TrackId
from sfu.rooms.allocation import NOTHING, allot
from sfu.rooms.commands import SetLayer
from sfu.rooms.events import SpeakerChanged
from sfu.rooms.ladders import Wish
from sfu.rooms.requests import Pin
from tests.rooms.test_allocation import SCREEN, SIGNER, A, B, C, camera
from tests.rooms.test_pictures import Meeting


@pytest.fixture
def meeting() -> Meeting:
    return Meeting()


def test_who_gives_first_when_the_way_is_too_full_for_a_moment() -> None:
    """As they are served, with a signer before a screen: a frame less of a screen is no letter less."""
    demands = [
        camera(A),
        camera(B, SIGNER),
        camera(C, SCREEN),
        camera(TrackId("t_d"), speaking=True),
        camera(TrackId("t_e")),
        camera(TrackId("t_f"), Wish(priority=200)),
    ]
    for kilobits in (None, 100, 10_000):
        grants = allot(demands, kilobits and kilobits * 1000, NOTHING, 0.0).grants
        order = [grants[demand.track].precedence for demand in demands]
        assert order == [4, 0, 1, 3, 4, 2]


def precedence(meeting: Meeting, receiver: ParticipantId, who: ParticipantId) -> int:
    (section,) = (
        key for key, track in meeting.routes.items() if key == (receiver, key[1]) and track == meeting.camera(who)
    )
    return meeting.precedences[section]


def test_the_plane_is_told_who_gives_first_and_hears_of_it_when_that_is_another(meeting: Meeting) -> None:
    for who in (meeting.eva, meeting.per, meeting.amina):
        meeting.comes(who)
    assert {precedence(meeting, meeting.per, who) for who in (meeting.eva, meeting.amina)} == {0}, "they are alike"
    meeting.do(SpeakerChanged(meeting.eva))
    assert (precedence(meeting, meeting.per, meeting.eva), precedence(meeting, meeting.per, meeting.amina)) == (0, 1)
    meeting.ask(meeting.eva, Pin(meeting.amina, pinned=True))
    assert (precedence(meeting, meeting.per, meeting.eva), precedence(meeting, meeting.per, meeting.amina)) == (1, 0)
    assert meeting.last is not None
    told = [command for command in meeting.last.commands if isinstance(command, SetLayer)]
    assert {(command.receiver, command.precedence) for command in told} >= {(meeting.per, 0), (meeting.per, 1)}
    meeting.takes(meeting.per, 10_000)
    assert meeting.last is not None
    assert not [command for command in meeting.last.commands if isinstance(command, SetLayer)], "nothing is told twice"
