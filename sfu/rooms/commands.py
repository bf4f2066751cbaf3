"""What a room wants done, in order. `app` applies them and stops where one fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sfu.admission.records import AccessEntry, Action, ParticipantRecord, VisitRecord
from sfu.ids import ChannelId, ParticipantId, TrackId
from sfu.rooms.requests import Offer

LETTING_IN = frozenset({Action.JOINED, Action.ADMITTED, Action.ALLOWED, Action.UNLOCKED, Action.LINK_READ})
"""What must not happen unwritten. Everything else takes away, or brings back whom the log has as in: it is done at once,
then written, as soon as it can be."""


class Reason(StrEnum):
    """Why a channel is closed; `web` knows the close code of each."""

    LEFT = "left"
    TURNED_AWAY = "turned_away"
    REPLACED = "replaced"
    VISIT_ENDED = "visit_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Write this, whole, in one transaction, before anything else is done. If it fails, the step has not happened."""

    entries: tuple[AccessEntry, ...] = ()
    participants: tuple[ParticipantRecord, ...] = ()
    visit: VisitRecord | None = None
    tickets_used: tuple[str, ...] = ()
    """`jti` of tickets that can join no more."""
    waited: frozenset[ParticipantId] = field(default=frozenset(), compare=False)
    """Who waited until this step. Not written: for the metrics alone."""

    @property
    def lets_in(self) -> bool:
        """Whether a step with this record brings anybody nearer to the meeting."""
        return bool(self.tickets_used) or any(entry.action in LETTING_IN for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Notify:
    """Hand an event to a participant's channel, if it has one. Events of the same `replaces` coalesce to the newest."""

    participant: ParticipantId
    message: Mapping[str, object]
    """JSON values only; without `id`."""
    replaces: str | None = None
    """`roster`, `lobby` and `quality` for those; None for what must not be lost."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close a channel when what was handed to it before is out."""

    channel: ChannelId
    reason: Reason


@dataclass(frozen=True, slots=True)
class SendBinding:
    """A section on which the participant sends, and the track that it is."""

    mid: str
    track: TrackId
    kind: str


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """Take the participant's latest offer into effect: open its transport (`offer.fresh`), or change what it carries."""

    participant: ParticipantId
    offer: Offer
    send: tuple[SendBinding, ...]


@dataclass(frozen=True, slots=True)
class CloseMedia:
    """Close the participant's transport with all that is on it. Not one packet goes out to it, or in from it, after."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Forward `track` to the section `mid` of `receiver`."""

    track: TrackId
    receiver: ParticipantId
    mid: str


@dataclass(frozen=True, slots=True)
class DropRoute:
    """Stop forwarding `track` to the section `mid` of `receiver`."""

    track: TrackId
    receiver: ParticipantId
    mid: str


@dataclass(frozen=True, slots=True)
class SetLayer:
    """Of `track`, forward to the section `mid` of `receiver` up to this spatial and temporal layer."""

    track: TrackId
    receiver: ParticipantId
    mid: str
    spatial: int
    """0 the lowest; -1: nothing for now."""
    temporal: int
    precedence: int = 0
    """Of the receiver's pictures, who gives first in a moment in which the way is too full: the highest; 0 last of all."""


@dataclass(frozen=True, slots=True)
class RequestKeyframe:
    """Ask the sender of `track` for a keyframe."""

    track: TrackId


Command = Record | Notify | Disconnect | OpenMedia | CloseMedia | AddRoute | DropRoute | SetLayer | RequestKeyframe
