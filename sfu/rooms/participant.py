"""A participant of a room: who it is, where it stands, what it sends and wants to receive. Values throughout."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from sfu.admission.limits import Knocks
from sfu.admission.records import ParticipantRecord
from sfu.admission.roles import Role, Standing, is_own_staff
from sfu.admission.visit import Visit
from sfu.admission.waiting_room import TURNED_AWAY, Place, State
from sfu.ids import ChannelId, ParticipantId, PersonId, TrackId
from sfu.rooms.requests import ReceiveSection, Source, View


class Reach(StrEnum):
    """Whether a participant's transport still answers (RFC 7675); on the roster as `connection`."""

    GOOD = "good"
    WEAK = "weak"
    """Silent for 5 s."""
    LOST = "lost"
    """Silent for 15 s: nothing is forwarded to it, or of it, until it is back."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a participant sends on one section."""

    track: TrackId
    mid: str
    source: Source
    muted: bool = False
    """By its owner."""
    silenced: bool = False
    """By staff, until its owner unmutes it."""

    @property
    def heard(self) -> bool:
        """Whether anything of it may be forwarded."""
        return not self.muted and not self.silenced


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A participant's transport as the room knows it. Only somebody admitted has one."""

    connected: bool = False
    reach: Reach = Reach.GOOD
    tracks: tuple[Track, ...] = ()
    receiving: tuple[ReceiveSection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody who waits, is in, or has been turned away."""

    participant: ParticipantId
    person: PersonId | None
    """None for somebody who came by the shared link."""
    name: str
    role: Role
    verified: bool
    booked: bool
    second_device: bool
    """Came by a ticket that was used before, or beside a device of the same person. A mark for staff: no right hangs on it."""
    units: tuple[str, ...]
    """Those to which access was proved: of a ticket, on its first use; empty for all others."""
    ticket: str | None
    link_generation: int | None
    resume_digest: bytes
    place: Place
    channel: ChannelId | None
    lost_at: float | None
    """Monotonic moment at which the channel was lost; None while there is one."""
    last_told: frozenset[ParticipantId] = frozenset()
    """While the channel is lost: who stood on the last roster that was handed to it."""
    media: Media | None = None
    muted: frozenset[Source] = frozenset()
    """By its owner: of what the next track begins muted. It outlives transports and holds, not the device."""
    silenced: frozenset[Source] = frozenset()
    """By staff, until its owner unmutes it: of what the next track begins silenced. It outlives all but the participant."""
    pinned: bool = False
    """By staff, for all. It outlives channels, transports and a hold, but not a restart."""
    resumes: Knocks = field(default_factory=Knocks)
    """By its resume token, lately."""
    views: tuple[View, ...] = ()
    """What it shows of the tracks of others, one a track; empty for whoever is not in."""

    @property
    def state(self) -> State:
        return self.place.state

    @property
    def waiting(self) -> bool:
        return self.place.state is State.WAITING

    @property
    def admitted(self) -> bool:
        return self.place.state is State.ADMITTED

    @property
    def turned_away(self) -> bool:
        return self.place.state in TURNED_AWAY

    @property
    def connected(self) -> bool:
        """Whether there is a signalling channel now."""
        return self.channel is not None

    @property
    def tracks(self) -> tuple[Track, ...]:
        return self.media.tracks if self.media is not None else ()

    @property
    def reach(self) -> Reach:
        """Good also of somebody who has no transport: nothing is known to be wrong."""
        return self.media.reach if self.media is not None else Reach.GOOD

    def with_track(self, track: Track) -> Participant:
        """The participant with one of its tracks as it is now; the next of that source begins as it is."""
        assert self.media is not None, "a track belongs to a transport"
        tracks = tuple(track if mine.track == track.track else mine for mine in self.media.tracks)
        of_source = [mine for mine in tracks if mine.source is track.source]
        changed = frozenset({track.source})
        return replace(
            self,
            media=replace(self.media, tracks=tracks),
            muted=self.muted | changed if any(mine.muted for mine in of_source) else self.muted - changed,
            silenced=self.silenced | changed if any(mine.silenced for mine in of_source) else self.silenced - changed,
        )

    def has_paused(self, track: TrackId) -> bool:
        """Whether this receiver wants nothing of a track for now."""
        return any(view.paused and view.track == track for view in self.views)

    def knows_of(self, other: ParticipantId) -> bool:
        """Whether the newest roster handed to this participant, who is in, names another who is in."""
        return self.connected or other in self.last_told

    def is_own_staff(self, visit: Visit) -> bool:
        return is_own_staff(self.role, verified=self.verified, units=self.units, unit=visit.unit)

    def may_admit(self, visit: Visit) -> bool:
        return self.admitted and self.is_own_staff(visit)

    def standing(self, visit: Visit) -> Standing:
        """Of somebody who waits or is in."""
        if not self.admitted:
            return Standing.WAITING
        return Standing.IN_CHARGE if self.is_own_staff(visit) else Standing.ADMITTED

    @classmethod
    def of(cls, record: ParticipantRecord, place: Place, *, lost_at: float | None = None) -> Participant:
        """Whom a record tells of, in this place and without a channel."""
        return cls(
            participant=record.participant,
            person=record.person,
            name=record.name,
            role=record.role,
            verified=record.verified,
            booked=record.booked,
            second_device=record.second_device,
            units=record.units,
            ticket=record.ticket,
            link_generation=record.link_generation,
            resume_digest=record.resume_digest,
            place=place,
            channel=None,
            lost_at=lost_at,
        )

    def record(self, visit: Visit) -> ParticipantRecord:
        """All that a restart must not lose."""
        return ParticipantRecord(
            visit=visit.visit,
            participant=self.participant,
            person=self.person,
            name=self.name,
            role=self.role,
            verified=self.verified,
            booked=self.booked,
            second_device=self.second_device,
            units=self.units,
            ticket=self.ticket,
            link_generation=self.link_generation,
            resume_digest=self.resume_digest,
            state=self.place.state,
            waiting_since=self.place.waiting_since,
            admitted_at=self.place.admitted_at,
        )
