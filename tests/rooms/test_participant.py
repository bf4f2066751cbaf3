"""What a participant says of itself."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import pytest

from sfu.admission.records import ParticipantRecord
from sfu.admission.roles import Role, Standing
from sfu.admission.waiting_room import State, knock, restored
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.participant import Participant, Track
from sfu.rooms.requests import Source, View
from tests.rooms.sample import UNIT, VISIT
from tests.rooms.test_subscriptions import NOON, participant

SOMEBODY = participant(ParticipantId("p_1"))
STAFF = replace(SOMEBODY, role=Role.CLINICIAN, verified=True, units=(UNIT,))


@pytest.mark.parametrize(
    ("who", "standing"),
    [
        (SOMEBODY, Standing.ADMITTED),
        (STAFF, Standing.IN_CHARGE),
        (replace(STAFF, verified=False), Standing.ADMITTED),
        (replace(STAFF, second_device=True), Standing.IN_CHARGE),
        (replace(STAFF, units=()), Standing.ADMITTED),
        (replace(STAFF, units=("SE1-EAR",)), Standing.ADMITTED),
        (replace(STAFF, place=knock(NOON)), Standing.WAITING),
        (replace(SOMEBODY, place=knock(NOON)), Standing.WAITING),
    ],
)
def test_where_somebody_stands(who: Participant, standing: Standing) -> None:
    assert who.standing(VISIT) is standing
    assert who.may_admit(VISIT) is (standing is Standing.IN_CHARGE)


@pytest.mark.parametrize("state", State)
def test_a_state_is_asked_for_by_name(state: State) -> None:
    who = replace(SOMEBODY, place=restored(state, NOON, NOON if state is State.ADMITTED else None))
    assert (who.waiting, who.admitted, who.turned_away) == (
        state == "waiting",
        state == "admitted",
        state in ("denied", "removed"),
    )


def test_a_record_holds_everything_that_a_restart_needs() -> None:
    record = STAFF.record(VISIT)
    for field in fields(ParticipantRecord):
        if hasattr(STAFF, field.name):
            assert getattr(record, field.name) == getattr(STAFF, field.name)
    of_the_place = {"visit": VISIT.visit, "waiting_since": NOON, "admitted_at": NOON}
    assert {name: asdict(record)[name] for name in of_the_place} == of_the_place


def test_a_track_is_heard_unless_muted_or_silenced() -> None:
    track = Track(TrackId("t_1"), "0", Source.MICROPHONE)
    assert track.heard
    assert not replace(track, muted=True).heard
    assert not replace(track, silenced=True).heard


def test_a_view_is_paused_by_track() -> None:
    who = replace(SOMEBODY, views=(View(TrackId("t_1"), 0, 0, paused=True), View(TrackId("t_2"), 1, 1)))
    assert [who.has_paused(TrackId(track)) for track in ("t_1", "t_2", "t_3")] == [True, False, False]
