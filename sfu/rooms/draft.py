"""A step in the making: a working copy of the room that either becomes the next room, with its commands, or is forgotten.

What can be derived is derived here, once, from the difference between the room before and after, so that no rule has
to remember it: records, routes, transports to close, the roster, the lobby, who is told of a new state, which channels
close. The order of commands is the order of `finish`:

    Record · DropRoute · CloseMedia · state · roster · lobby · other events · OpenMedia · AddRoute · SetLayer · Disconnect

so an admission is written before anything is done, a leaving loses its routes before its name, and a coming has its
name told before its routes open (architecture.md, What always holds, 1 to 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from sfu.admission import waiting_room
from sfu.admission.limits import Limits
from sfu.admission.records import AccessEntry, Action, VisitRecord
from sfu.admission.visit import Visit, VisitState
from sfu.admission.waiting_room import Act, Ground, State
from sfu.admission.windows import Anchor
from sfu.ids import ChannelId, NewToken, ParticipantId, PersonId
from sfu.rooms.commands import CloseMedia, Command, Disconnect, Notify, OpenMedia, Reason, Record, SetLayer
from sfu.rooms.lobby import in_lobby, lobby_entries
from sfu.rooms.participant import Participant
from sfu.rooms.pictures import Pictures, arrange
from sfu.rooms.roster import on_roster, roster_entries
from sfu.rooms.state import RoomState
from sfu.rooms.subscriptions import Routes, changed_routes, wanted_routes

DEPARTED_KEPT = 256
"""So many of the last to leave are told that their resume token is too old; of those before, nothing is known any more."""

LOGGED_AS: Mapping[Act, Action] = MappingProxyType(
    {
        Act.HOLD: Action.HELD,
        Act.DENY: Action.DENIED,
        Act.REMOVE: Action.REMOVED,
        Act.ALLOW: Action.ALLOWED,
        Act.LEAVE: Action.LEFT,
        Act.EXPIRE: Action.EXPIRED,
        Act.END: Action.ENDED,
    }
)
_CLOSED_FOR: Mapping[State, Reason] = MappingProxyType(
    {
        State.DENIED: Reason.TURNED_AWAY,
        State.REMOVED: Reason.TURNED_AWAY,
        State.LEFT: Reason.LEFT,
        State.EXPIRED: Reason.LEFT,
        State.ENDED: Reason.VISIT_ENDED,
    }
)
_UNTOLD = frozenset({State.LEFT, State.EXPIRED})
"""States that are told to nobody: who left knows, and who expired has no channel."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as the access log names them."""

    name: str
    person: PersonId | None = None


SERVER = Actor("server")


class Draft:
    """The room as it will be if nothing is refused."""

    def __init__(self, before: RoomState, limits: Limits, new_token: NewToken, *, now: float, wall: datetime) -> None:
        self.before = before
        self.limits = limits
        self.new_token = new_token
        self.now = now
        self.wall = wall
        self.anchor = before.anchor or Anchor(now, wall)
        self.visit = before.visit
        self.participants = dict(before.participants)
        self.departed = before.departed
        self.turned_away = before.turned_away
        self.tickets_used = before.tickets_used
        self.tickets_revoked = before.tickets_revoked
        self.knocks = before.knocks
        self.speaker = before.speaker
        self.pictures = before.pictures
        self._entries: list[AccessEntry] = []
        self._gone: dict[ParticipantId, Participant] = {}
        self._arrived: set[ParticipantId] = set()
        self._reasons: dict[ParticipantId, str] = {}
        self._events: list[Notify] = []
        self._opened: list[OpenMedia] = []
        self._reopened: set[ParticipantId] = set()
        self._replaced: list[Disconnect] = []
        self._link_unsure = False

    @property
    def visit_time(self) -> datetime:
        """The time of day by the room's own clock, which does not jump."""
        return self.anchor.wall_at(self.now)

    # What the rules do to it

    def put(self, participant: Participant) -> None:
        """Keep a participant as it is now."""
        self.participants[participant.participant] = participant

    def arrive(self, participant: Participant, channel: ChannelId) -> None:
        """A channel is the participant's from now on; an older one is closed."""
        if participant.channel is not None:
            self._replaced.append(Disconnect(participant.channel, Reason.REPLACED))
        self._arrived.add(participant.participant)
        self.put(replace(participant, channel=channel, lost_at=None, last_told=frozenset()))

    def admit(self, participant: Participant, ground: Ground, by: Actor) -> None:
        self.put(replace(participant, place=waiting_room.admit(participant.place, ground, self.wall)))
        self.log(Action.ADMITTED, by, participant, ground.value)

    def move(self, participant: Participant, act: Act, by: Actor, *, reason: str = "", detail: str = "") -> None:
        """Take any other step of the waiting room. Nobody keeps media through it; `reason` is told to the participant."""
        place = waiting_room.move(participant.place, act, self.wall)
        moved = replace(participant, place=place, media=None, views=())
        self._reasons[participant.participant] = reason
        self.log(LOGGED_AS[act], by, participant, detail)
        if moved.waiting:
            self.put(moved)
            return
        moved = replace(moved, channel=None, lost_at=None)
        if moved.turned_away:
            self.put(moved)
        else:
            del self.participants[moved.participant]
            self._gone[moved.participant] = moved
            self.departed = _newest({**self.departed, moved.participant: moved.resume_digest})

    def close(self, state: VisitState, by: Actor, *, reason: str, detail: str = "") -> None:
        """End the visit for everybody."""
        self.visit = self.visit.with_closed(state)
        self.log(Action.CANCELLED if state is VisitState.CANCELLED else Action.ENDED, by, None, detail)
        for participant in list(self.participants.values()):
            if not participant.turned_away:
                self.move(participant, Act.END, by, reason=reason)

    def renew_link(self, generation: int, *, unsure: bool) -> None:
        """Links of an earlier generation are dead. `unsure`: the store may not know it, so it is written with the step."""
        if generation <= self.visit.link_generation:
            return
        self.visit = replace(self.visit, link_generation=generation)
        if unsure:
            self._link_unsure = True
            self.log(Action.LINK_RENEWED, SERVER, None, "unsure")

    def log(self, action: Action, by: Actor, subject: Participant | None, detail: str = "") -> None:
        self._entries.append(
            AccessEntry(
                visit=self.visit.visit,
                at=self.wall,
                action=action,
                actor=by.name,
                actor_person=by.person,
                subject=subject.participant if subject else None,
                subject_person=subject.person if subject else None,
                detail=detail,
            )
        )

    def tell(self, participant: Participant, message: Mapping[str, object], *, replaces: str | None = None) -> None:
        """Have an event handed to somebody, if it has a channel."""
        if participant.connected:
            self._events.append(Notify(participant.participant, message, replaces))

    def tell_admitted(self, message: Mapping[str, object], *, replaces: str | None = None) -> None:
        for participant in self.participants.values():
            if participant.admitted:
                self.tell(participant, message, replaces=replaces)

    def open_media(self, command: OpenMedia) -> None:
        self._opened.append(command)
        if command.offer.fresh:
            self._reopened.add(command.participant)

    # What follows from it

    def finish(self) -> tuple[RoomState, tuple[Command, ...]]:
        """The next room, and everything that has to be done to get there, in order."""
        present = self.participants.values()
        # Most steps move nobody: what a portal asks, a text, who speaks, what was measured.
        routes = wanted_routes(present) if self.participants != self.before.participants else self.before.routes
        drops, adds = changed_routes(self.before.routes, routes) if routes is not self.before.routes else ([], [])
        # Most steps show on neither: what a client looks at, whether a transport is up, who speaks.
        roster = roster_entries(present) if self._shows(on_roster) else self.before.roster
        lobby = lobby_entries(present) if self._shows(in_lobby) else self.before.lobby
        version = self.before.version or int(self.wall.timestamp() * 1000)
        rosters, version = self._rosters(roster, version)
        knew, in_charge = (
            _in_charge(self.before.participants, self.before.visit),
            _in_charge(self.participants, self.visit),
        )
        lobbies, version = self._lobbies(lobby, version, knew, in_charge)
        told_speaker = [*self._told_speaker()]
        pictures, layers, told_pictures = self._pictures(routes)
        commands: list[Command] = [
            *self._record(),
            *drops,
            *self._closed_media(),
            *self._told_states(),
            *rosters,
            *lobbies,
            *self._told_lobby_status(changed=bool(knew) != bool(in_charge), present=bool(in_charge)),
            *told_speaker,
            *told_pictures,
            *self._events,
            *self._opened,
            *adds,
            *layers,
            *self._replaced,
            *self._parted(),
        ]
        state = RoomState(
            visit=self.visit,
            participants=self.participants,
            departed=self.departed,
            turned_away=self.turned_away,
            tickets_used=self.tickets_used,
            tickets_revoked=self.tickets_revoked,
            knocks=self.knocks,
            routes=routes,
            version=version,
            roster=roster,
            lobby=lobby,
            speaker=self.speaker,
            pictures=pictures,
            anchor=self.anchor,
        )
        return state, tuple(commands)

    def _pictures(self, routes: Routes) -> tuple[Pictures, list[SetLayer], list[Notify]]:
        """Who gets what of whose picture; looked at anew only where something has changed that it follows from."""
        before = self.before
        due = self.pictures.next_timer()
        if (
            self.pictures is before.pictures
            and self.participants == before.participants
            and self.speaker == before.speaker
            and (due is None or self.now < due)
        ):
            return before.pictures, [], []
        return arrange(self.pictures, self.participants, routes, before.routes, self.speaker, self._arrived, self.now)

    def _shows(self, shown: Callable[[Participant], object]) -> bool:
        """Whether anything has changed of what `shown` gives of somebody; None is nothing."""
        before, after = self.before.participants, self.participants
        gone = (participant for known, participant in before.items() if known not in after)
        if any(shown(participant) is not None for participant in gone):
            return True
        for known, participant in after.items():
            old = before.get(known)
            if old is not participant and (shown(old) if old is not None else None) != shown(participant):
                return True
        return False

    def _record(self) -> Iterator[Record]:
        before = self.before
        participants = tuple(
            written
            for participant in (*self.participants.values(), *self._gone.values())
            if (old := before.participants.get(participant.participant)) is not participant
            and (written := participant.record(self.visit)) != (old.record(before.visit) if old else None)
        )
        record = Record(
            entries=tuple(self._entries),
            participants=participants,
            visit=self._visit_record(),
            tickets_used=tuple(self.tickets_used - before.tickets_used),
            waited=frozenset(old.participant for old, new in self._changes() if old.waiting and not new.waiting),
        )
        if record != Record():
            yield record

    def _visit_record(self) -> VisitRecord | None:
        before, after = self.before, self
        if (
            before.visit.locked == after.visit.locked
            and before.visit.closed == after.visit.closed
            and not self._link_unsure
            and before.turned_away == after.turned_away
        ):
            return None
        return VisitRecord(
            visit=self.visit.visit,
            locked=self.visit.locked,
            closed=self.visit.closed,
            link_generation=self.visit.link_generation,
            turned_away=tuple(self.turned_away.items()),
        )

    def _changes(self) -> Iterator[tuple[Participant, Participant]]:
        """Everybody who was here and is not as before: before and after."""
        for participant, before in self.before.participants.items():
            after = self.participants.get(participant)
            if after is not before:
                yield before, after if after is not None else self._gone[participant]

    def _closed_media(self) -> Iterator[CloseMedia]:
        for before, after in self._changes():
            if before.media is not None and (after.media is None or after.participant in self._reopened):
                yield CloseMedia(after.participant)

    def _told_states(self) -> Iterator[Notify]:
        for before, after in self._changes():
            # Whoever has just come on a new channel reads its state in the answer.
            told = before.connected and after.participant not in self._arrived
            if told and after.state is not before.state and after.state not in _UNTOLD:
                reason = self._reasons.get(after.participant, "")
                message = {"type": "state", "state": after.state.value, "reason": reason}
                yield Notify(after.participant, message)

    def _parted(self) -> Iterator[Disconnect]:
        for before, after in self._changes():
            if before.channel is not None and after.state is not before.state and after.state in _CLOSED_FOR:
                yield Disconnect(before.channel, _CLOSED_FOR[after.state])

    def _rosters(self, roster: list[dict[str, object]], version: int) -> tuple[list[Notify], int]:
        changed = roster != self.before.roster or self.visit.locked != self.before.visit.locked
        audience = [
            participant.participant
            for participant in self.participants.values()
            if participant.admitted and participant.connected and (changed or participant.participant in self._arrived)
        ]
        if not audience:
            return [], version
        message = {"type": "roster", "version": version + 1, "locked": self.visit.locked, "participants": roster}
        return [Notify(participant, message, "roster") for participant in audience], version + 1

    def _lobbies(
        self,
        lobby: Mapping[str, object],
        version: int,
        knew: list[ParticipantId],
        in_charge: list[ParticipantId],
    ) -> tuple[list[Notify], int]:
        changed = lobby != self.before.lobby
        audience = [
            participant
            for participant in in_charge
            if changed or participant in self._arrived or participant not in knew
        ]
        if not audience:
            return [], version
        message = {"type": "lobby", "version": version + 1, **lobby}
        return [Notify(participant, message, "lobby") for participant in audience], version + 1

    def _told_lobby_status(self, *, changed: bool, present: bool) -> Iterator[Notify]:
        message = {"type": "lobby_status", "staff_present": present}
        for participant in self.participants.values():
            if participant.waiting and participant.connected:
                before = self.before.participants.get(participant.participant)
                if changed or participant.participant in self._arrived or before is None or not before.waiting:
                    yield Notify(participant.participant, message)

    def _told_speaker(self) -> Iterator[Notify]:
        speaker = self.participants.get(self.speaker) if self.speaker is not None else None
        self.speaker = speaker.participant if speaker is not None and speaker.admitted else None
        if self.speaker != self.before.speaker:
            message = {"type": "speaker", "participant": self.speaker}
            for participant in self.participants.values():
                if participant.admitted and participant.connected:
                    yield Notify(participant.participant, message)


def _in_charge(participants: Mapping[ParticipantId, Participant], visit: Visit) -> list[ParticipantId]:
    """Those who may admit and are there to do it."""
    return [
        participant.participant
        for participant in participants.values()
        if participant.connected and participant.may_admit(visit)
    ]


def _newest(departed: dict[ParticipantId, bytes]) -> dict[ParticipantId, bytes]:
    while len(departed) > DEPARTED_KEPT:
        del departed[next(iter(departed))]
    return departed
