"""What comes of each picture, and what each receiver is given of it: kept in the room, and derived anew after every step.

The plane tells which layers come and what a receiver's way down takes; receivers tell what they show; `allocation` decides. Here
it is kept who was told what, so that the plane, the receivers and the senders hear of changes alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sfu.ids import ParticipantId, TrackId
from sfu.rooms.allocation import NOTHING, Allotment, Grant, allot
from sfu.rooms.commands import Notify, SetLayer
from sfu.rooms.ladders import DEFAULT_PRIORITY, Demand, Layer, Wish, enough
from sfu.rooms.participant import Participant, Track
from sfu.rooms.requests import Source, View
from sfu.rooms.subscriptions import Routes, tracks_on_roster

VOICE = 40_000
"""Bits per second set aside for each voice, headers included: Opus as browsers send it. Sound is never held back."""
UNWATCHED_SECONDS = 5.0
"""How long a layer is not watched before its sender is told: tiles change their size while people come and go."""


class Held(StrEnum):
    """Why the server sends nothing of a track to somebody (`track_paused`); a metric label."""

    BANDWIDTH = "bandwidth"
    HIDDEN = "hidden"
    """The receiver itself has asked for it, by `view`."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What is known of one picture."""

    layers: tuple[Layer, ...]
    """Those that come now."""
    rids: tuple[str, ...]
    """Of each spatial layer its rid; of a track without simulcast one that is empty."""
    sizes: tuple[tuple[int, int], ...] = ()
    """Of each spatial layer its newest width and height, also while it does not come; (0, 0) unknown."""
    wanted: tuple[str, ...] | None = None
    """The rids that its sender has been told to encode; None: nothing yet, so all of them."""
    unwatched_since: float | None = None
    """Since when fewer are watched than its sender was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Everything measured and decided about the pictures of a room."""

    coming: Mapping[TrackId, Coming] = field(default_factory=dict)
    estimates: Mapping[ParticipantId, int] = field(default_factory=dict)
    """Bits per second that a receiver's way down takes, of everything."""
    allotments: Mapping[ParticipantId, Allotment] = field(default_factory=dict)
    held: Mapping[tuple[ParticipantId, TrackId], Held] = field(default_factory=dict)
    """What receivers have been told is held back from them."""

    def measured(
        self,
        estimates: Mapping[ParticipantId, int],
        coming: Mapping[TrackId, tuple[tuple[Layer, ...], tuple[str, ...]]],
    ) -> Pictures:
        """With newer measurements; of the tracks in `coming`, layers and rids. An estimate of 0: it is known no more."""
        known = dict(self.coming)
        for track, (layers, rids) in coming.items():
            before = known.get(track) or Coming((), ())
            # What is measured may put rids into another order than they were offered in.
            same = set(rids) == set(before.rids)
            sizes = (
                tuple(before.sizes[before.rids.index(rid)] for rid in rids) if same and len(rids) > 1 else before.sizes
            )
            told = before.wanted if same else None
            since = before.unwatched_since if same else None
            known[track] = Coming(layers, rids, _sizes(sizes, layers, len(rids)), told, since)
        told_now = {receiver: bits for receiver, bits in {**self.estimates, **estimates}.items() if bits}
        return replace(self, coming=known, estimates=told_now)

    def grant(self, receiver: ParticipantId, track: TrackId) -> Grant | None:
        """What somebody is given of a picture; None where nothing has been decided, and the plane sends the best that comes."""
        allotment = self.allotments.get(receiver)
        return allotment.grants.get(track) if allotment is not None else None

    def holds_back(self, receiver: ParticipantId) -> bool:
        """Whether a picture is held back from somebody for lack of bandwidth."""
        allotment = self.allotments.get(receiver)
        return allotment is not None and any(grant.paused for grant in allotment.grants.values())

    def next_timer(self) -> float | None:
        """When (monotonic seconds) something changes by time alone."""
        due = [moment for allotment in self.allotments.values() if (moment := allotment.next_timer()) is not None]
        due += [
            coming.unwatched_since + UNWATCHED_SECONDS
            for coming in self.coming.values()
            if coming.unwatched_since is not None
        ]
        return min(due, default=None)


def arrange(
    before: Pictures,
    participants: Mapping[ParticipantId, Participant],
    routes: Routes,
    routed_before: Routes,
    speaker: ParticipantId | None,
    arrived: Iterable[ParticipantId],
    now: float,
) -> tuple[Pictures, list[SetLayer], list[Notify]]:
    """What everybody gets from now on, and who is to be told. `arrived` have a new channel, which was told nothing yet."""
    made: dict[tuple[TrackId, Wish], list[Layer]] = {}
    tracks = tracks_on_roster(participants.values())
    received: dict[ParticipantId, list[TrackId]] = {}
    receivers: dict[TrackId, list[ParticipantId]] = {}
    for (receiver, _), track in routes.items():
        received.setdefault(receiver, []).append(track)
        receivers.setdefault(track, []).append(receiver)
    views = {(known.participant, view.track): view for known in participants.values() for view in known.views}
    allotments = {
        receiver: _allotment(before, participants, tracks, of_receiver, views, receiver, speaker, now, made)
        for receiver, of_receiver in received.items()
    }
    coming = {track: known for track, known in before.coming.items() if track in tracks}
    told: list[Notify] = []
    for track, known in coming.items():
        owner, sent = tracks[track]
        if known.rids and sent.heard and participants[owner].connected:
            if owner in arrived:
                known = replace(known, wanted=None, unwatched_since=None)
            shown = [views.get((receiver, track)) for receiver in receivers.get(track, ())]
            watched = _watched(known, shown)
            coming[track] = known = _told_layers(known, watched, now)
            if known.wanted is not None and (owner in arrived or known.wanted != before.coming[track].wanted):
                told.append(Notify(owner, {"type": "layers", "track": track, "wanted": list(known.wanted)}))
        elif known.unwatched_since is not None:
            # Nobody can be told now. A moment that is due would have the room woken again and again.
            coming[track] = replace(known, unwatched_since=None)
    pictures = Pictures(
        coming=coming,
        estimates={
            receiver: bits for receiver, bits in before.estimates.items() if _has_media(participants.get(receiver))
        },
        allotments=allotments,
        held=before.held,
    )
    held, announced = _held(pictures, participants, tracks, frozenset(arrived))
    commands = list(_set_layers(before, allotments, routes, routed_before))
    return replace(pictures, held=held), commands, told + announced


def _allotment(
    before: Pictures,
    participants: Mapping[ParticipantId, Participant],
    tracks: Mapping[TrackId, tuple[ParticipantId, Track]],
    received: Iterable[TrackId],
    views: Mapping[tuple[ParticipantId, TrackId], View],
    receiver: ParticipantId,
    speaker: ParticipantId | None,
    now: float,
    made: dict[tuple[TrackId, Wish], list[Layer]],
) -> Allotment:
    demands, voices = [], 0
    for track in received:
        owner, sent = tracks[track]
        if sent.source.kind == "audio":
            voices += 1
            continue
        known = before.coming.get(track)
        if known is not None:
            wish = _wish(views.get((receiver, track)), sent.source, pinned=participants[owner].pinned)
            demands.append(Demand(track, known.layers, wish, owner == speaker))
    estimate = before.estimates.get(receiver)
    given = before.allotments.get(receiver, NOTHING)
    return allot(demands, estimate, given, now, sound=voices * VOICE, made=made)


def _wish(view: View | None, source: Source, *, pinned: bool) -> Wish:
    screen = source is Source.SCREEN
    if view is None:
        return Wish(screen=screen, pinned=pinned and not screen)
    return Wish(
        view.width,
        view.height,
        view.frame_rate,
        DEFAULT_PRIORITY if view.priority is None else view.priority,
        screen,
        pinned and not screen,
    )


def _watched(known: Coming, views: Iterable[View | None]) -> tuple[str, ...]:
    """The rids up to the largest that anybody shows: the smaller ones are what a narrow way falls back to."""
    most = 0
    for view in views:
        wish = Wish(view.width, view.height) if view is not None else Wish()
        sufficient = (spatial for spatial, size in enumerate(known.sizes) if enough(*size, wish))
        most = max(most, next(sufficient, len(known.rids) - 1) + 1)
    return known.rids[:most]


def _told_layers(known: Coming, watched: tuple[str, ...], now: float) -> Coming:
    """With what its sender is to be told by now: at once where more is watched, after a while where less is."""
    told = set(known.rids if known.wanted is None else known.wanted)
    if set(watched) == told:
        return replace(known, unwatched_since=None) if known.unwatched_since is not None else known
    if told.issuperset(watched):
        since = now if known.unwatched_since is None else known.unwatched_since
        if now < since + UNWATCHED_SECONDS:
            return replace(known, unwatched_since=since)
    return replace(known, wanted=watched, unwatched_since=None)


def _held(
    pictures: Pictures,
    participants: Mapping[ParticipantId, Participant],
    tracks: Mapping[TrackId, tuple[ParticipantId, Track]],
    arrived: frozenset[ParticipantId],
) -> tuple[dict[tuple[ParticipantId, TrackId], Held], list[Notify]]:
    """What is held back from whom, and the telling of it; whoever has lost the channel is told when it is back."""
    now_held = {
        (receiver, track): Held.BANDWIDTH
        for receiver, allotment in pictures.allotments.items()
        for track, grant in allotment.grants.items()
        if grant.paused
    }
    for participant in participants.values():
        for view in participant.views:
            if view.paused and participant.admitted and view.track in tracks:
                now_held[participant.participant, view.track] = Held.HIDDEN
    if now_held == pictures.held and not arrived:
        return now_held, []
    held: dict[tuple[ParticipantId, TrackId], Held] = {}
    told: list[Notify] = []
    for key in {**pictures.held, **now_held}:
        receiver, track = key
        known = participants.get(receiver)
        if known is None or not known.admitted or track not in tracks:
            continue
        was, reason = pictures.held.get(key), now_held.get(key)
        if known.media is None:
            # Nothing is held back from a transport that is gone; what was told of it is taken back.
            if was is None:
                continue
            reason = None
        if not known.connected:
            reason = was
        elif reason is not was or receiver in arrived:
            why = reason or was
            assert why is not None, "one of both is why it is looked at"
            told.append(
                Notify(
                    receiver,
                    {"type": "track_paused", "track": track, "paused": reason is not None, "reason": why.value},
                )
            )
        if reason is not None:
            held[key] = reason
    return held, told


def _set_layers(
    before: Pictures, allotments: Mapping[ParticipantId, Allotment], routes: Routes, routed_before: Routes
) -> Iterator[SetLayer]:
    for (receiver, mid), track in routes.items():
        allotment = allotments[receiver]
        grant = allotment.grants.get(track)
        is_new = routed_before.get((receiver, mid)) != track
        if grant is None or (allotment is before.allotments.get(receiver) and not is_new):
            continue
        was = None if is_new else before.grant(receiver, track)
        given = (grant.spatial, grant.temporal, grant.precedence)
        if was is None or (was.spatial, was.temporal, was.precedence) != given:
            yield SetLayer(track, receiver, mid, *given)


def _sizes(before: tuple[tuple[int, int], ...], layers: tuple[Layer, ...], rids: int) -> tuple[tuple[int, int], ...]:
    known = dict(enumerate(before))
    for layer in layers:
        if layer.width and layer.height:
            known[layer.spatial] = (layer.width, layer.height)
    return tuple(known.get(spatial, (0, 0)) for spatial in range(max([rids, *(at + 1 for at in known)])))


def _has_media(participant: Participant | None) -> bool:
    return participant is not None and participant.media is not None and participant.media.connected
