"""What can happen to a room, in the past tense. `Room.step` takes one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Visit, VisitState
from sfu.ids import ChannelId, ParticipantId, TrackId
from sfu.rooms.ladders import Layer
from sfu.rooms.participant import Reach
from sfu.rooms.quality import Score
from sfu.rooms.requests import Request


@dataclass(frozen=True, slots=True)
class TicketPresented:
    """A join with a ticket whose signature, issuer, audience and times have been found good, for this visit."""

    channel: ChannelId
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class LinkPresented:
    """A join with the shared link. `generation` is the one whose key it carried; the room checks that it is current."""

    channel: ChannelId
    generation: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class ResumePresented:
    """A join with a resume token of a participant of this visit."""

    channel: ChannelId
    participant: ParticipantId
    token: str
    """The whole resume token, compared by digest in constant time."""


@dataclass(frozen=True, slots=True)
class Requested:
    """A request over the participant's own, current channel."""

    participant: ParticipantId
    request: Request


@dataclass(frozen=True, slots=True)
class ChannelLost:
    """A channel has closed. Ignored where a newer one has taken its place.

    It may come after steps that were taken as if the channel were still there: what they told its participant is lost.
    """

    channel: ChannelId
    participant: ParticipantId
    told: frozenset[ParticipantId]
    """Who stood on the last roster that was handed to the channel."""


@dataclass(frozen=True, slots=True)
class MediaConnected:
    """The participant's transport has finished its DTLS handshake."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class MediaLost:
    """The participant's transport has failed, was closed by the peer, or has been without consent for too long."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ReachChanged:
    """The participant's transport has gone quiet, or is back."""

    participant: ParticipantId
    reach: Reach


@dataclass(frozen=True, slots=True)
class SpeakerChanged:
    """Who speaks now, by the audio levels; None for nobody."""

    participant: ParticipantId | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What has been measured since the last time, of all participants and tracks of the room in one event."""

    estimates: Mapping[ParticipantId, int]
    """Bits per second that the way down to a receiver takes, of everything."""
    coming: Mapping[TrackId, tuple[tuple[Layer, ...], tuple[str, ...]]]
    """Of a video track the layers that come, and the rid of each spatial layer (none without simulcast)."""


@dataclass(frozen=True, slots=True)
class Scored:
    """How good connections have been since the last time; those of whom nothing new is known are left out."""

    scores: Mapping[ParticipantId, Score]


@dataclass(frozen=True, slots=True)
class BookingChanged:
    """A portal has moved or renamed the visit, or changed its people."""

    visit: Visit


@dataclass(frozen=True, slots=True)
class LinkRenewed:
    """The shared link has a new key; the old link is dead for new joins. Whoever is in stays."""

    generation: int
    unsure: bool = False
    """Nobody knows whether the store has it: the commit went unanswered."""


@dataclass(frozen=True, slots=True)
class TicketRevoked:
    """A portal has revoked a ticket: whoever is in with it is removed."""

    jti: str


@dataclass(frozen=True, slots=True)
class VisitClosed:
    """A portal has ended or cancelled the visit."""

    state: VisitState
    by: str


@dataclass(frozen=True, slots=True)
class TimeHasCome:
    """A moment named by `Room.next_timer` is here."""


Event = (
    TicketPresented
    | LinkPresented
    | ResumePresented
    | Requested
    | ChannelLost
    | MediaConnected
    | MediaLost
    | ReachChanged
    | SpeakerChanged
    | Measured
    | Scored
    | BookingChanged
    | LinkRenewed
    | TicketRevoked
    | VisitClosed
    | TimeHasCome
)
