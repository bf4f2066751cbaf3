"""A route exists exactly while everything that it needs holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.roles import Role
from sfu.admission.waiting_room import Ground, Place, State, admit, knock, restored
from sfu.errors import Code, Refused
from sfu.ids import ChannelId, ParticipantId, TrackId
from sfu.rooms.commands import AddRoute, DropRoute
from sfu.rooms.participant import Media, Participant, Track
from sfu.rooms.requests import ReceiveSection, Source, View
from sfu.rooms.subscriptions import changed_routes, check_bindings, find_track, tracks_on_roster, wanted_routes

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
IN = admit(knock(NOON), Ground.BOOKED, NOON)
VOICE, CAMERA = TrackId("t_voice"), TrackId("t_camera")
OWNER, RECEIVER = ParticipantId("p_owner"), ParticipantId("p_receiver")


def participant(identifier: ParticipantId, place: Place = IN, media: Media | None = None) -> Participant:
    return Participant(
        participant=identifier,
        person=None,
        name="Amina",
        role=Role.INTERPRETER,
        verified=False,
        booked=False,
        second_device=False,
        units=(),
        ticket=None,
        link_generation=1,
        resume_digest=bytes(32),
        place=place,
        channel=ChannelId(1),
        lost_at=None,
        media=media,
    )


def pair(
    owner_in: bool = True,
    receiver_in: bool = True,
    owner_up: bool = True,
    receiver_up: bool = True,
    muted: bool = False,
    silenced: bool = False,
    bound: bool = True,
    paused: bool = False,
) -> list[Participant]:
    """An owner of one camera and a receiver of it, with one thing or another missing."""
    out = knock(NOON)
    track = Track(CAMERA, "0", Source.CAMERA, muted, silenced)
    section = ReceiveSection("1", "video", CAMERA if bound else TrackId("t_gone"))
    owner = participant(OWNER, IN if owner_in else out, Media(connected=owner_up, tracks=(track,)))
    receiver = participant(RECEIVER, IN if receiver_in else out, Media(connected=receiver_up, receiving=(section,)))
    return [owner, replace(receiver, views=(View(CAMERA, 640, 360, paused=paused),))]


@pytest.mark.parametrize("conditions", list(product([True, False], repeat=8)))
def test_a_route_exists_exactly_where_everything_holds(conditions: tuple[bool, ...]) -> None:
    everything = conditions == (True, True, True, True, False, False, True, False)
    assert wanted_routes(pair(*conditions)) == ({(RECEIVER, "1"): CAMERA} if everything else {})


@pytest.mark.parametrize("state", sorted(set(State) - {State.ADMITTED}))
def test_no_other_state_has_routes(state: State) -> None:
    owner, receiver = pair()
    place = restored(state, NOON, None)
    assert wanted_routes([replace(owner, place=place), receiver]) == {}
    assert wanted_routes([owner, replace(receiver, place=place)]) == {}


def test_who_has_no_transport_has_no_routes() -> None:
    owner, receiver = pair()
    assert wanted_routes([owner, replace(receiver, media=None)]) == {}
    assert wanted_routes([replace(owner, media=None), receiver]) == {}


keys = st.tuples(st.sampled_from([OWNER, RECEIVER]), st.sampled_from("0123"))
routes = st.dictionaries(keys, st.sampled_from([VOICE, CAMERA]))


@given(routes, routes)
def test_changes_lead_from_one_set_of_routes_to_the_other(
    before: dict[tuple[ParticipantId, str], TrackId], after: dict[tuple[ParticipantId, str], TrackId]
) -> None:
    drops, adds = changed_routes(before, after)
    now = dict(before)
    for drop in drops:
        assert now.pop((drop.receiver, drop.mid)) == drop.track
    for add in adds:
        assert now.setdefault((add.receiver, add.mid), add.track) == add.track
    assert now == after
    kept = {key for key in before if before.get(key) == after.get(key)}
    changed = {(drop.receiver, drop.mid) for drop in drops} | {(add.receiver, add.mid) for add in adds}
    assert not kept & changed


def test_a_section_bound_anew_is_dropped_and_added() -> None:
    assert changed_routes({(RECEIVER, "1"): VOICE}, {(RECEIVER, "1"): CAMERA}) == (
        [DropRoute(VOICE, RECEIVER, "1")],
        [AddRoute(CAMERA, RECEIVER, "1")],
    )


def test_only_tracks_of_the_admitted_are_on_the_roster() -> None:
    owner, receiver = pair()
    (track,) = owner.tracks
    assert tracks_on_roster([owner, receiver]) == {CAMERA: (OWNER, track)}
    assert tracks_on_roster([replace(owner, place=knock(NOON)), receiver]) == {}


def test_a_track_is_found_or_unknown() -> None:
    known = tracks_on_roster(pair())
    assert find_track(known, CAMERA)[0] == OWNER
    with pytest.raises(Refused) as refused:
        find_track(known, VOICE)
    assert refused.value.code is Code.TRACK_UNKNOWN


@pytest.mark.parametrize(
    ("receiver", "section", "code"),
    [
        (RECEIVER, ReceiveSection("1", "video", CAMERA), None),
        (RECEIVER, ReceiveSection("1", "audio", CAMERA), Code.BAD_MESSAGE),
        (RECEIVER, ReceiveSection("1", "video", VOICE), Code.TRACK_UNKNOWN),
        (OWNER, ReceiveSection("1", "video", CAMERA), Code.NOT_ALLOWED),
    ],
    ids=["good", "other kind", "unknown", "own"],
)
def test_a_binding_is_checked(receiver: ParticipantId, section: ReceiveSection, code: Code | None) -> None:
    known = tracks_on_roster(pair())
    if code is None:
        check_bindings(receiver, [section], known)
    else:
        with pytest.raises(Refused) as refused:
            check_bindings(receiver, [section], known)
        assert refused.value.code is code


def test_a_track_goes_to_one_section_of_a_receiver() -> None:
    known = tracks_on_roster(pair())
    twice = [ReceiveSection("1", "video", CAMERA), ReceiveSection("2", "video", CAMERA)]
    with pytest.raises(Refused) as refused:
        check_bindings(RECEIVER, twice, known)
    assert refused.value.code is Code.BAD_MESSAGE


def test_who_asks_for_a_track_that_has_just_gone_is_told_what_to_do() -> None:
    with pytest.raises(Refused, match="Offer again by the newest roster"):
        find_track({}, CAMERA)
