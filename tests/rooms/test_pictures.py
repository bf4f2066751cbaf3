"""Layers and pauses in a room: what the plane, the receivers and the senders are told, and when they are not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sfu.ids import ParticipantId, TrackId
from sfu.rooms.allocation import PATIENCE
from sfu.rooms.commands import SetLayer
from sfu.rooms.events import Measured, MediaLost, SpeakerChanged
from sfu.rooms.ladders import Layer
from sfu.rooms.pictures import UNWATCHED_SECONDS, VOICE
from sfu.rooms.requests import Admit, Hold, Mute, Pin, SendText, Source, View
from tests.rooms.simulcast import SIMULCAST, layers
from tests.rooms.stage import Stage
from tests.rooms.test_allocation import PLAIN

RIDS = ("q", "h", "f")


class Meeting(Stage):
    """Eva, Per and an interpreter, each with microphone and camera, all receiving each other."""

    def __init__(self) -> None:
        super().__init__()
        self.eva, self.per = self.meeting()
        self.amina = self.by_link()
        self.ask(self.eva, Admit(self.amina, agreed=True))
        self.publish(self.amina)
        self.publish(self.eva)
        self.publish(self.per)
        self.forget()

    def camera(self, who: ParticipantId) -> TrackId:
        (known,) = (known for known in self.room.participants if known.participant == who)
        return next(track.track for track in known.tracks if track.source is Source.CAMERA)

    def comes(self, who: ParticipantId, what: Sequence[Layer] = SIMULCAST, rids: tuple[str, ...] = RIDS) -> None:
        self.do(Measured({}, {self.camera(who): (tuple(what), rids)}))

    def takes(self, who: ParticipantId, kilobits: int) -> None:
        """What somebody's way takes beside the two voices."""
        self.do(Measured({who: kilobits * 1000 + 2 * VOICE}, {}))

    def shows(self, receiver: ParticipantId, who: ParticipantId, width: int, height: int, **more: bool | int) -> None:
        self.ask(receiver, View(self.camera(who), width, height, **more))  # type: ignore[arg-type]  # by its field

    def layer(self, receiver: ParticipantId, who: ParticipantId) -> tuple[int, int] | None:
        """What the plane was told; None where it chooses by itself."""
        (section,) = (key for key, track in self.routes.items() if key[0] == receiver and track == self.camera(who))
        return self.layers.get(section)

    def wanted(self, who: ParticipantId) -> object:
        return [message["wanted"] for message in self.messages(who, "layers")]

    def pauses(self, who: ParticipantId) -> list[tuple[object, object, object]]:
        told = self.messages(who, "track_paused")
        return [(message["track"], message["paused"], message["reason"]) for message in told]


@pytest.fixture
def meeting() -> Meeting:
    return Meeting()


def test_nothing_is_told_of_what_is_not_known(meeting: Meeting) -> None:
    assert meeting.layers == {}
    meeting.takes(meeting.eva, 100)
    assert meeting.last is not None
    assert meeting.last.commands == ()


def test_two_receivers_with_different_views_get_different_layers(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.shows(meeting.eva, meeting.amina, 1280, 720)
    meeting.shows(meeting.per, meeting.amina, 320, 180)
    assert meeting.layer(meeting.eva, meeting.amina) == (2, 2)
    assert meeting.layer(meeting.per, meeting.amina) == (0, 2)


def test_who_has_not_said_what_it_shows_gets_the_best(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    assert meeting.layer(meeting.per, meeting.amina) == (2, 2)


def test_the_plane_is_told_of_changes_alone(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.comes(meeting.amina, layers([(61, 99, 149), (200, 350, 500), (600, 1000, 1400)]))
    assert meeting.last is not None
    assert meeting.last.commands == ()


def test_a_new_route_is_told_its_layer_with_it(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.shows(meeting.per, meeting.amina, 320, 180)
    meeting.ask(meeting.amina, Mute(meeting.camera(meeting.amina), True))
    meeting.ask(meeting.amina, Mute(meeting.camera(meeting.amina), False))
    assert meeting.last is not None
    assert [type(command).__name__ for command in meeting.last.commands] == [
        *("Notify",) * 3,
        *("AddRoute",) * 2,
        *("SetLayer",) * 2,
    ]
    assert meeting.layer(meeting.per, meeting.amina) == (0, 2)


def test_voices_are_set_aside_before_pictures(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.do(Measured({meeting.eva: 150_000 + 2 * VOICE}, {}))
    assert meeting.layer(meeting.eva, meeting.amina) == (0, 2)
    meeting.do(Measured({meeting.eva: 150_000 + 2 * VOICE - 1}, {}))
    assert meeting.layer(meeting.eva, meeting.amina) == (0, 1)
    assert meeting.layer(meeting.per, meeting.amina) == (2, 2), "each receiver has a way of its own"


def test_a_signer_whom_staff_pin_goes_before_the_speaker(meeting: Meeting) -> None:
    for who in (meeting.per, meeting.amina):
        meeting.comes(who)
    meeting.do(SpeakerChanged(meeting.per))
    meeting.takes(meeting.eva, 210)
    assert meeting.layer(meeting.eva, meeting.per) == (0, 2)
    assert meeting.layer(meeting.eva, meeting.amina) == (0, 0)
    meeting.ask(meeting.eva, Pin(meeting.amina, True))
    assert meeting.layer(meeting.eva, meeting.per) == (0, 0)
    assert meeting.layer(meeting.eva, meeting.amina) == (0, 2)


def test_a_receivers_own_pin_goes_before_the_speaker(meeting: Meeting) -> None:
    for who in (meeting.per, meeting.amina):
        meeting.comes(who)
    meeting.do(SpeakerChanged(meeting.per))
    meeting.shows(meeting.eva, meeting.amina, 640, 360, priority=2)
    meeting.takes(meeting.eva, 210)
    assert meeting.layer(meeting.eva, meeting.per) == (0, 0)
    assert meeting.layer(meeting.eva, meeting.amina) == (0, 2)


# Pauses


def test_a_pause_for_lack_of_bandwidth_is_told_and_ends_by_itself(meeting: Meeting) -> None:
    track = meeting.camera(meeting.amina)
    meeting.comes(meeting.amina)
    meeting.takes(meeting.eva, -60)
    assert meeting.layer(meeting.eva, meeting.amina) == (-1, 0)
    assert meeting.pauses(meeting.eva) == [(track, True, "bandwidth")]
    assert meeting.pauses(meeting.per) == []
    meeting.takes(meeting.eva, 70)
    assert meeting.layer(meeting.eva, meeting.amina) == (-1, 0)
    meeting.pass_time(PATIENCE)
    assert meeting.layer(meeting.eva, meeting.amina) == (0, 0)
    assert meeting.pauses(meeting.eva) == [(track, True, "bandwidth"), (track, False, "bandwidth")]


def test_what_a_receiver_hides_is_told_as_that(meeting: Meeting) -> None:
    track = meeting.camera(meeting.amina)
    meeting.comes(meeting.amina)
    meeting.takes(meeting.eva, -60)
    meeting.shows(meeting.eva, meeting.amina, 320, 180, paused=True)
    assert meeting.flows(meeting.amina, meeting.eva) == 1
    meeting.shows(meeting.eva, meeting.amina, 320, 180)
    assert meeting.pauses(meeting.eva) == [
        (track, True, "bandwidth"),
        (track, True, "hidden"),
        (track, True, "bandwidth"),
    ]


def test_who_was_away_is_told_on_the_new_channel(meeting: Meeting) -> None:
    track = meeting.camera(meeting.amina)
    meeting.comes(meeting.amina)
    meeting.drop(meeting.eva)
    meeting.takes(meeting.eva, -60)
    assert meeting.layer(meeting.eva, meeting.amina) == (-1, 0), "media goes on meanwhile, and so do its limits"
    meeting.by_resume(meeting.eva)
    assert meeting.pauses(meeting.eva) == [(track, True, "bandwidth")]
    meeting.drop(meeting.eva)
    meeting.takes(meeting.eva, 5000)
    meeting.pass_time(PATIENCE)
    assert meeting.layer(meeting.eva, meeting.amina) == (0, 0)
    meeting.by_resume(meeting.eva)
    assert meeting.pauses(meeting.eva)[1:] == [(track, False, "bandwidth")]


def test_a_track_that_goes_is_paused_no_more(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.takes(meeting.eva, -60)
    meeting.ask(meeting.eva, Hold(meeting.amina))
    assert len(meeting.pauses(meeting.eva)) == 1, "the roster says that it has gone"
    assert not meeting.room.pictures.held
    assert not meeting.room.pictures.coming


def test_another_transport_has_another_way(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.takes(meeting.eva, -60)
    meeting.do(MediaLost(meeting.eva))
    meeting.publish(meeting.eva)
    assert meeting.layer(meeting.eva, meeting.amina) == (2, 2)


@pytest.mark.parametrize("away", [False, True])
def test_a_pause_ends_with_the_transport_that_it_was_for(meeting: Meeting, away: bool) -> None:
    """Or the picture comes by the next one, and whoever was told that it does not come goes on hiding it."""
    track = meeting.camera(meeting.amina)
    meeting.comes(meeting.amina)
    meeting.takes(meeting.eva, -60)
    if away:
        meeting.drop(meeting.eva)
    meeting.do(MediaLost(meeting.eva))
    if away:
        assert len(meeting.pauses(meeting.eva)) == 1, "there is no channel to tell it on"
        meeting.by_resume(meeting.eva)
    assert meeting.pauses(meeting.eva) == [(track, True, "bandwidth"), (track, False, "bandwidth")]
    meeting.publish(meeting.eva)
    assert len(meeting.pauses(meeting.eva)) == 2


# What senders are told


def test_what_nobody_watches_is_told_to_the_sender_when_it_has_lasted(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.shows(meeting.eva, meeting.amina, 640, 360)
    meeting.shows(meeting.per, meeting.amina, 320, 180)
    meeting.pass_time(UNWATCHED_SECONDS - 0.1)
    assert meeting.wanted(meeting.amina) == []
    meeting.pass_time(0.1)
    assert meeting.wanted(meeting.amina) == [["q", "h"]]
    meeting.comes(meeting.amina, SIMULCAST[:6])
    meeting.shows(meeting.per, meeting.amina, 1280, 720)
    assert meeting.wanted(meeting.amina) == [["q", "h"], ["q", "h", "f"]], "more is told at once"
    assert meeting.layer(meeting.per, meeting.amina) == (1, 2)
    meeting.comes(meeting.amina)
    assert meeting.layer(meeting.per, meeting.amina) == (2, 2)


def test_a_tile_that_grows_in_time_has_stopped_nothing(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    for width, height in ((320, 180), (1280, 720), (320, 180)):
        for who in (meeting.eva, meeting.per):
            meeting.shows(who, meeting.amina, width, height)
        meeting.pass_time(UNWATCHED_SECONDS - 0.1)
    assert meeting.wanted(meeting.amina) == []


def test_a_narrow_way_stops_no_layer(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    for who in (meeting.eva, meeting.per):
        meeting.takes(who, 150)
    meeting.pass_time(2 * UNWATCHED_SECONDS)
    assert meeting.wanted(meeting.amina) == []


def test_a_sender_whom_nobody_watches_is_told_so(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    for who in (meeting.eva, meeting.per):
        meeting.shows(who, meeting.amina, 320, 180, paused=True)
    meeting.pass_time(UNWATCHED_SECONDS)
    assert meeting.wanted(meeting.amina) == [[]]
    meeting.shows(meeting.eva, meeting.amina, 320, 180)
    assert meeting.wanted(meeting.amina) == [[], ["q"]]


def test_a_mute_before_the_sender_is_told_leaves_no_timer_that_is_due(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    for who in (meeting.eva, meeting.per):
        meeting.shows(who, meeting.amina, 320, 180)
    meeting.pass_time(UNWATCHED_SECONDS - 1)
    meeting.ask(meeting.amina, Mute(meeting.camera(meeting.amina), True))
    assert meeting.room.pictures.next_timer() is None
    meeting.pass_time(2 * UNWATCHED_SECONDS)
    assert meeting.wanted(meeting.amina) == []
    meeting.ask(meeting.amina, Mute(meeting.camera(meeting.amina), False))
    meeting.pass_time(UNWATCHED_SECONDS)
    assert meeting.wanted(meeting.amina) == [["q"]], "counted anew"


def test_an_estimate_that_holds_no_more_is_forgotten(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.takes(meeting.per, 150)
    assert meeting.layer(meeting.per, meeting.amina) == (0, 2)
    meeting.do(Measured({meeting.per: 0}, {}))
    assert meeting.layer(meeting.per, meeting.amina) == (2, 2)


def test_a_mute_stops_no_layer(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.ask(meeting.amina, Mute(meeting.camera(meeting.amina), True))
    meeting.pass_time(2 * UNWATCHED_SECONDS)
    assert meeting.wanted(meeting.amina) == []


def test_without_simulcast_all_is_encoded_while_anybody_watches(meeting: Meeting) -> None:
    meeting.comes(meeting.amina, PLAIN, ("",))
    for paused in (False, True):
        meeting.pass_time(2 * UNWATCHED_SECONDS)
        assert meeting.wanted(meeting.amina) == []
        for who in (meeting.eva, meeting.per):
            meeting.shows(who, meeting.amina, 320, 180, paused=paused)
    meeting.pass_time(UNWATCHED_SECONDS)
    assert meeting.wanted(meeting.amina) == [[]]
    meeting.shows(meeting.per, meeting.amina, 320, 180)
    assert meeting.wanted(meeting.amina) == [[], [""]]


def test_layers_of_one_stream_are_wanted_together(meeting: Meeting) -> None:
    meeting.comes(meeting.amina, SIMULCAST, ("",))
    meeting.shows(meeting.eva, meeting.amina, 640, 360)
    meeting.pass_time(2 * UNWATCHED_SECONDS)
    assert meeting.layer(meeting.eva, meeting.amina) == (1, 2)
    assert meeting.wanted(meeting.amina) == []


def test_rids_that_turn_out_to_be_in_another_order_keep_what_is_known_of_them(meeting: Meeting) -> None:
    meeting.comes(meeting.amina, SIMULCAST[3:], ("f", "q", "h"))
    meeting.comes(meeting.amina, SIMULCAST[3:], ("q", "h", "f"))
    known = meeting.room.pictures.coming[meeting.camera(meeting.amina)]
    assert known.sizes == ((640, 360), (640, 360), (1280, 720))
    assert meeting.wanted(meeting.amina) == []


def test_a_sender_that_was_away_is_told_anew(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    for who in (meeting.eva, meeting.per):
        meeting.shows(who, meeting.amina, 320, 180)
    meeting.pass_time(UNWATCHED_SECONDS)
    meeting.drop(meeting.amina)
    meeting.shows(meeting.eva, meeting.amina, 640, 360)
    meeting.by_resume(meeting.amina)
    meeting.pass_time(UNWATCHED_SECONDS)
    assert meeting.wanted(meeting.amina) == [["q"], ["q", "h"]]


# What it costs, and what always holds


def test_steps_that_concern_no_picture_leave_everything_as_it_is(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    before = meeting.room.pictures
    meeting.ask(meeting.eva, SendText("hej"))
    assert meeting.room.pictures is before


def test_an_ended_visit_has_no_timer_and_no_picture(meeting: Meeting) -> None:
    meeting.comes(meeting.amina)
    meeting.shows(meeting.eva, meeting.amina, 320, 180)
    meeting.pass_time(10 * 3600.0)
    assert meeting.room.next_timer() is None
    assert not meeting.room.pictures.coming
    assert not meeting.room.pictures.allotments


def test_every_layer_told_is_of_a_route_and_told_once(meeting: Meeting) -> None:
    for who in (meeting.eva, meeting.per, meeting.amina):
        meeting.comes(who)
    assert meeting.last is not None
    told = [command for command in meeting.last.commands if isinstance(command, SetLayer)]
    assert len({(command.receiver, command.mid) for command in told}) == len(told) == 2
