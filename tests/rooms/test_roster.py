"""The roster: whole, in order, and of nobody but those who are in."""

from __future__ import annotations

from datetime import timedelta

from sfu.admission.waiting_room import Ground, State, admit, knock, restored
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.participant import Media, Track
from sfu.rooms.requests import Source
from sfu.rooms.roster import roster_entries, track_entry
from tests.rooms.test_subscriptions import NOON, participant


def test_an_entry_says_who_somebody_is_and_what_they_send() -> None:
    media = Media(tracks=(Track(TrackId("t_1"), "0", Source.SCREEN_AUDIO),))
    assert roster_entries([participant(ParticipantId("p_1"), media=media)]) == [
        {
            "participant": "p_1",
            "name": "Amina",
            "role": "interpreter",
            "verified": False,
            "connected": True,
            "connection": "good",
            "pinned": False,
            "admitted_at": "2026-11-23T12:00:00Z",
            "tracks": [
                {"track": "t_1", "kind": "audio", "source": "screen_audio", "muted": False, "paused": False},
            ],
        }
    ]


def test_only_the_admitted_stand_on_it() -> None:
    everybody = [
        participant(ParticipantId(f"p_{state}"), restored(state, NOON, NOON if state is State.ADMITTED else None))
        for state in State
    ]
    assert [entry["participant"] for entry in roster_entries(everybody)] == ["p_admitted"]


def test_the_order_is_that_of_admission() -> None:
    later = admit(knock(NOON), Ground.BOOKED, NOON + timedelta(seconds=1))
    everybody = [participant(ParticipantId("p_2"), later), participant(ParticipantId("p_1"))]
    assert [entry["participant"] for entry in roster_entries(everybody)] == ["p_1", "p_2"]


def test_a_silenced_track_shows_as_muted_and_held_back_by_the_server() -> None:
    shown = track_entry(Track(TrackId("t_1"), "0", Source.CAMERA, silenced=True))
    assert (shown["muted"], shown["paused"]) == (True, True)
    shown = track_entry(Track(TrackId("t_1"), "0", Source.CAMERA, muted=True))
    assert (shown["muted"], shown["paused"]) == (True, False)
