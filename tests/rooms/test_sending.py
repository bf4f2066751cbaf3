"""What a participant asks for its own media and text."""

from __future__ import annotations

from typing import cast

import pytest

from sfu.admission.waiting_room import State
from sfu.errors import Code
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.commands import AddRoute, CloseMedia, DropRoute, Notify, OpenMedia, SendBinding
from sfu.rooms.events import MediaConnected, MediaLost
from sfu.rooms.requests import Admit, Hold, Mute, Offer, ReceiveSection, SendSection, SendText, Silence, Source, View
from tests.rooms.sample import ticket
from tests.rooms.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def types(stage: Stage) -> list[str]:
    assert stage.last is not None
    return [
        cast(str, command.message["type"]) if isinstance(command, Notify) else type(command).__name__
        for command in stage.last.commands
    ]


def test_an_offer_names_tracks_that_stand_on_the_roster_before_it_opens_anything(stage: Stage) -> None:
    eva = stage.clinician()
    answer = stage.ask(
        eva, Offer((SendSection("0", Source.MICROPHONE), SendSection("1", Source.SCREEN)), (), fresh=True)
    )
    (voice, screen) = (cast(str, section["track"]) for section in cast(list[dict[str, object]], answer["send"]))
    assert answer == {"send": [{"mid": "0", "track": voice}, {"mid": "1", "track": screen}]}
    assert types(stage) == ["roster", "OpenMedia"]
    assert stage.roster(eva)[0]["tracks"] == [
        {"track": voice, "kind": "audio", "source": "microphone", "muted": False, "paused": False},
        {"track": screen, "kind": "video", "source": "screen", "muted": False, "paused": False},
    ]
    assert stage.last is not None
    command = stage.last.commands[-1]
    assert isinstance(command, OpenMedia)
    assert command.send == (
        SendBinding("0", TrackId(voice), "audio"),
        SendBinding("1", TrackId(screen), "video"),
    )


def test_a_source_is_sent_once(stage: Stage) -> None:
    """Receivers have places for so many streams: one person's must not fill them."""
    eva = stage.clinician()
    stage.publish(eva)
    roster = stage.roster(eva)
    twice = (SendSection("0", Source.MICROPHONE), SendSection("1", Source.MICROPHONE))
    assert stage.refusal(eva, Offer(twice, (), fresh=False)) is Code.BAD_MESSAGE
    assert stage.roster(eva) == roster


def test_packets_flow_when_both_ends_are_up(stage: Stage) -> None:
    eva, per = stage.clinician(), stage.by_ticket(ticket())
    stage.ask(eva, Admit(per))
    stage.publish(eva, connect=False)
    stage.publish(per, connect=False)
    assert stage.routes == {}
    stage.do(MediaConnected(per))
    assert stage.routes == {}
    stage.do(MediaConnected(eva))
    assert types(stage) == ["AddRoute", "AddRoute"]
    assert (stage.flows(eva, per), stage.flows(per, eva)) == (2, 0)


def test_a_new_offer_keeps_the_tracks_of_sections_that_stay(stage: Stage) -> None:
    eva, _ = stage.meeting()
    voice, camera = stage.publish(eva)
    assert stage.publish(eva) == [voice, camera]
    with_screen = stage.publish(eva, send=[Source.MICROPHONE, Source.CAMERA, Source.SCREEN])
    assert with_screen[:2] == [voice, camera]
    changed = stage.publish(eva, send=[Source.MICROPHONE, Source.SCREEN])
    assert changed[0] == voice
    assert changed[1] not in (camera, *with_screen)


def test_a_section_that_goes_takes_its_track_and_routes_along(stage: Stage) -> None:
    eva, per = stage.meeting()
    assert stage.flows(eva, per) == 2
    stage.publish(eva, send=[Source.MICROPHONE])
    assert stage.flows(eva, per) == 1
    assert len(cast(list[object], stage.roster(per)[0]["tracks"])) == 1


def test_a_fresh_offer_is_a_new_transport_with_new_tracks(stage: Stage) -> None:
    eva, per = stage.meeting()
    before = stage.live_tracks()
    stage.publish(per, fresh=True, connect=False)
    assert types(stage) == [*["DropRoute"] * 4, "CloseMedia", "roster", "roster", "OpenMedia"]
    assert stage.flows(eva, per) == stage.flows(per, eva) == 0
    stage.do(MediaConnected(per))
    assert stage.flows(eva, per) == 2
    stage.publish(eva)
    assert stage.flows(per, eva) == 2
    assert len(set(stage.live_tracks()) & set(before)) == 2


def test_the_first_offer_is_fresh_whatever_it_says(stage: Stage) -> None:
    eva = stage.clinician()
    stage.publish(eva, fresh=False)
    assert stage.last is not None
    assert stage.media == {eva}


def test_a_section_is_bound_anew(stage: Stage) -> None:
    eva, per = stage.meeting()
    voice, camera = stage.tracks_of_others(per)
    screen = stage.publish(eva, send=[Source.MICROPHONE, Source.CAMERA, Source.SCREEN])[2]
    sections = tuple(
        SendSection(f"s{index}", source) for index, source in enumerate((Source.MICROPHONE, Source.CAMERA))
    )
    bound = (ReceiveSection("r0", "audio", voice), ReceiveSection("r1", "video", screen))
    stage.ask(per, Offer(sections, bound, fresh=False))
    assert stage.routes[per, "r1"] == screen
    assert stage.last is not None
    changes = [command for command in stage.last.commands if isinstance(command, AddRoute | DropRoute)]
    assert changes == [DropRoute(camera, per, "r1"), AddRoute(screen, per, "r1")]


@pytest.mark.parametrize(
    ("kind", "track", "code"),
    [
        ("video", "none", Code.TRACK_UNKNOWN),
        ("audio", "own voice", Code.NOT_ALLOWED),
        ("video", "other voice", Code.BAD_MESSAGE),
        ("audio", "other camera", Code.BAD_MESSAGE),
        ("sound", "other voice", Code.BAD_MESSAGE),
    ],
)
def test_a_binding_that_cannot_be_is_refused_whole(stage: Stage, kind: str, track: str, code: Code) -> None:
    eva, per = stage.meeting()
    own = [track for track in stage.live_tracks() if stage.tracks[track] == per]
    others = stage.tracks_of_others(per)
    named = {"none": TrackId("t_none"), "own voice": own[0], "other voice": others[0], "other camera": others[1]}
    bound = (ReceiveSection("r0", "audio", others[0]), ReceiveSection("r9", kind, named[track]))
    assert stage.refusal(per, Offer((), bound, fresh=False)) is code
    assert stage.flows(eva, per) == 2


def test_a_track_that_has_gone_cannot_be_bound(stage: Stage) -> None:
    eva, per = stage.meeting()
    gone = stage.tracks_of_others(eva)[1]
    stage.ask(eva, Hold(per))
    assert stage.refusal(eva, Offer((), (ReceiveSection("r0", "video", gone),), fresh=False)) is Code.TRACK_UNKNOWN


@pytest.mark.parametrize(
    ("send", "receive"), [(("0", "0"), ()), ((), ("0", "0")), (("0",), ("0",))], ids=["send", "receive", "both"]
)
def test_a_section_is_bound_once(stage: Stage, send: tuple[str, ...], receive: tuple[str, ...]) -> None:
    eva, _ = stage.meeting()
    track = stage.tracks_of_others(eva)[0]
    offer = Offer(
        tuple(SendSection(mid, Source.CAMERA) for mid in send),
        tuple(ReceiveSection(mid, "audio", track) for mid in receive),
        fresh=False,
    )
    assert stage.refusal(eva, offer) is Code.BAD_MESSAGE


def test_who_waits_has_no_transport(stage: Stage) -> None:
    per = stage.by_ticket(ticket())
    assert stage.refusal(per, Offer((), (), fresh=True)) is Code.NOT_ADMITTED
    stage.do(MediaConnected(per))
    assert stage.media == set()


def test_one_mutes_ones_own_track(stage: Stage) -> None:
    eva, per = stage.meeting()
    voice = stage.tracks_of_others(eva)[0]
    stage.ask(per, Mute(voice, True))
    assert types(stage) == ["DropRoute", "roster", "roster"]
    assert stage.flows(per, eva) == 1
    assert [track["muted"] for track in cast(list[dict[str, object]], stage.roster(eva)[1]["tracks"])] == [True, False]
    stage.ask(per, Mute(voice, True))
    assert types(stage) == []
    stage.ask(per, Mute(voice, False))
    assert stage.flows(per, eva) == 2


def test_a_muted_track_stays_muted_over_a_new_offer(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(per, Mute(stage.tracks_of_others(eva)[0], True))
    stage.publish(per)
    assert stage.flows(per, eva) == 1


def ways_to_a_new_track(stage: Stage, eva: ParticipantId, per: ParticipantId, way: str) -> None:
    if way == "fresh offer":
        stage.publish(per, fresh=True)
    elif way == "section dropped and added":
        stage.publish(per, send=[])
        stage.publish(per)
    elif way == "transport lost":
        stage.do(MediaLost(per))
        stage.publish(per)
    elif way == "hold":
        stage.ask(eva, Hold(per))
        stage.ask(eva, Admit(per))
        stage.publish(per)
    stage.publish(eva)


WAYS = ["fresh offer", "section dropped and added", "transport lost", "hold"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by_staff", [True, False], ids=["silenced", "muted"])
def test_no_new_track_makes_heard_what_was_muted_or_silenced(stage: Stage, way: str, by_staff: bool) -> None:
    eva, per = stage.meeting()
    voice = stage.tracks_of_others(eva)[0]
    if by_staff:
        stage.ask(eva, Silence(voice))
    else:
        stage.ask(per, Mute(voice, True))
    ways_to_a_new_track(stage, eva, per, way)
    again, camera = stage.tracks_of_others(eva)
    assert again != voice
    assert stage.flows(per, eva) == 1
    entries = [entry for entry in stage.roster(eva) if entry["participant"] == per]
    (shown,) = (cast(list[dict[str, object]], entry["tracks"]) for entry in entries)
    assert [(track["track"], track["muted"], track["paused"]) for track in shown] == [
        (again, True, by_staff),
        (camera, False, False),
    ]
    stage.ask(per, Mute(again, False))
    assert stage.flows(per, eva) == 2
    ways_to_a_new_track(stage, eva, per, way)
    assert stage.flows(per, eva) == 2


def test_what_staff_have_silenced_stays_so_on_another_device_what_its_owner_muted_does_not(stage: Stage) -> None:
    eva, per = stage.meeting()
    voice, camera = stage.tracks_of_others(eva)
    stage.ask(eva, Silence(voice))
    stage.ask(per, Mute(camera, True))
    stage.drop(per)
    stage.by_ticket(ticket())
    stage.publish(per)
    stage.publish(eva)
    voice, camera = stage.tracks_of_others(eva)
    assert set(stage.routes.values()) & {voice, camera} == {camera}


def test_a_silenced_screen_stays_so_on_a_new_transport_and_another_share_is_another_choice(stage: Stage) -> None:
    eva, per = stage.meeting()
    screen = stage.publish(per, send=[Source.SCREEN])[0]
    stage.publish(eva)
    stage.ask(eva, Silence(screen))
    stage.publish(per, send=[Source.SCREEN], fresh=True)
    stage.publish(eva)
    assert stage.flows(per, eva) == 0
    stage.publish(per, send=[])
    stage.publish(per, send=[Source.SCREEN])
    stage.publish(eva)
    assert stage.flows(per, eva) == 1


def test_a_paused_view_is_sent_nothing(stage: Stage) -> None:
    eva, per = stage.meeting()
    camera = stage.tracks_of_others(eva)[1]
    stage.ask(eva, View(camera, 0, 0, paused=True))
    assert types(stage) == ["DropRoute", "track_paused"]
    stage.publish(eva)
    assert stage.flows(per, eva) == 1
    stage.ask(eva, View(camera, 640, 360))
    assert types(stage) == ["track_paused", "AddRoute"]
    assert stage.flows(per, eva) == 2


def test_a_view_may_come_before_the_offer_and_goes_with_a_hold(stage: Stage) -> None:
    eva, per = stage.clinician(), stage.by_ticket(ticket())
    stage.ask(eva, Admit(per))
    camera = stage.publish(eva)[1]
    stage.ask(per, View(camera, 0, 0, paused=True))
    stage.publish(per)
    assert stage.flows(eva, per) == 1
    stage.ask(eva, Hold(per))
    stage.ask(eva, Admit(per))
    stage.publish(per)
    assert stage.flows(eva, per) == 2


def test_views_of_tracks_that_have_gone_are_not_kept(stage: Stage) -> None:
    eva, per = stage.meeting()
    cameras = []
    for _ in range(5):
        cameras.append(stage.publish(eva, fresh=True)[1])
        stage.ask(per, View(cameras[-1], 640, 360))
        stage.ask(per, View(cameras[-1], 320, 180))
    (known,) = (known for known in stage.room.participants if known.participant == per)
    assert known.views == (View(cameras[-1], 320, 180),)


def test_text_reaches_all_who_are_in_the_sender_included(stage: Stage) -> None:
    eva, per = stage.meeting()
    guest = stage.by_link()
    stage.forget()
    stage.ask(per, SendText("hej", final=False))
    told = {"type": "text", "participant": per, "text": "hej", "final": False}
    assert stage.told == {eva: [told], per: [told]}
    assert stage.store.state(guest) is State.WAITING


@pytest.mark.parametrize(("length", "good"), [(0, True), (500, True), (501, False)])
def test_a_text_has_a_length(stage: Stage, length: int, good: bool) -> None:
    eva = stage.clinician()
    if good:
        stage.ask(eva, SendText("x" * length))
    else:
        assert stage.refusal(eva, SendText("x" * length)) is Code.BAD_MESSAGE


def test_a_transport_is_closed_before_another_opens(stage: Stage) -> None:
    eva, _ = stage.meeting()
    stage.publish(eva, fresh=True, connect=False)
    assert stage.last is not None
    order = [type(command) for command in stage.last.commands]
    assert order.index(CloseMedia) < order.index(OpenMedia)
