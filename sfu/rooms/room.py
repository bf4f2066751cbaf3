"""The room of a visit: one event at a time in, the next room and its commands out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sfu.admission import waiting_room
from sfu.admission.limits import Limits as Limits
from sfu.admission.records import ParticipantRecord, VisitRecord
from sfu.admission.roles import Ask
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Visit
from sfu.admission.waiting_room import TRANSITIONS, TURNED_AWAY, Act, State
from sfu.ids import NewToken, ParticipantId, PersonId
from sfu.rooms.commands import Command
from sfu.rooms.draft import Draft
from sfu.rooms.events import Event, LinkPresented, Requested, ResumePresented, TicketPresented
from sfu.rooms.happening import closes_at, take_happening
from sfu.rooms.joining import check_knock, check_test, join_answer, join_by_link, join_by_resume, join_by_ticket
from sfu.rooms.lobby import lobby_entries
from sfu.rooms.participant import Participant
from sfu.rooms.pictures import Pictures
from sfu.rooms.requesting import check_may, take_request
from sfu.rooms.roster import roster_entries
from sfu.rooms.state import empty_state
from sfu.rooms.subscriptions import Routes


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one event: the room as it is then, what to do, and the answer to whoever asked.

    The answer to a join goes out when its `Record` is written, before the other commands, so that a client knows who it is
    before it reads who is there. The answer to a request goes out after all commands but `Disconnect`.
    """

    room: Room
    commands: tuple[Command, ...]
    answer: Mapping[str, object] | None = None
    """Fields of the `ok` answer, without `type` and `id`; None where nobody asked."""
    participant: ParticipantId | None = None
    """Whom a join has become; None for all else."""


class Room:
    """All that a visit is while it runs: who waits, who is in, what is sent, who receives what.

    A `Room` is a value: `step` gives a new one and leaves this one as it was, so a step whose `Record` could not be
    written is undone by forgetting it.
    """

    __slots__ = ("_limits", "_new_token", "_state")

    def __init__(self, visit: Visit, limits: Limits, new_token: NewToken) -> None:
        self._limits = limits
        self._new_token = new_token
        self._state = empty_state(visit)

    @classmethod
    def restored(
        cls,
        visit: Visit,
        limits: Limits,
        new_token: NewToken,
        participants: Iterable[ParticipantRecord],
        record: VisitRecord | None,
        tickets_used: Iterable[str],
        tickets_revoked: Iterable[str],
        *,
        now: float,
    ) -> Room:
        """The room as the store knows it: whoever was admitted may resume admitted, who waited waits, who was turned away stays out.

        Nobody has a channel or a transport yet; each has `resume_seconds` from `now`. Counts of knocks begin anew.
        """
        room = cls(visit, limits, new_token)
        if record is not None:
            visit = replace(visit, locked=record.locked, closed=record.closed or visit.closed)
        turned_away_persons = dict(record.turned_away) if record is not None else {}
        revoked = frozenset(tickets_revoked)
        present: dict[ParticipantId, Participant] = {}
        departed: dict[ParticipantId, bytes] = {}
        for known in sorted(participants, key=lambda known: known.waiting_since):
            participant = _restored(known, visit, revoked, now)
            if participant is None:
                departed[known.participant] = known.resume_digest
            else:
                present[participant.participant] = participant
        room._state = replace(
            empty_state(visit),
            participants=present,
            departed=departed,
            turned_away=turned_away_persons,
            tickets_used=frozenset(tickets_used),
            tickets_revoked=revoked,
            roster=roster_entries(present.values()),
            lobby=lobby_entries(present.values()),
        )
        return room

    @property
    def visit(self) -> Visit:
        """The visit with what staff have set since: locked, closed, generation of the link."""
        return self._state.visit

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Everybody who waits, is in, or was turned away."""
        return tuple(self._state.participants.values())

    @property
    def turned_away(self) -> Mapping[PersonId, State]:
        """Persons who may not come back until staff allow it."""
        return self._state.turned_away

    def resume_digest_of(self, participant: ParticipantId) -> bytes | None:
        """What proves a token of somebody who is here or was; None where nobody is known by that id."""
        known = self._state.participants.get(participant)
        return known.resume_digest if known is not None else self._state.departed.get(participant)

    @property
    def routes(self) -> Routes:
        """What is forwarded."""
        return self._state.routes

    @property
    def pictures(self) -> Pictures:
        """What comes of each picture, and what each receiver is given of it."""
        return self._state.pictures

    @property
    def occupied(self) -> bool:
        """Whether anybody waits or is in, or may still come back to a place."""
        return any(not participant.turned_away for participant in self._state.participants.values())

    def step(self, event: Event, *, now: float, wall: datetime) -> Step:
        """Take one event. Raises `Refused` where somebody asked for what cannot be; nothing has changed then."""
        draft = Draft(self._state, self._limits, self._new_token, now=now, wall=wall)
        joined: tuple[ParticipantId, str] | None = None
        answer: Mapping[str, object] | None = None
        match event:
            case TicketPresented():
                joined = join_by_ticket(draft, event)
            case LinkPresented():
                joined = join_by_link(draft, event)
            case ResumePresented():
                joined = join_by_resume(draft, event)
            case Requested():
                answer = take_request(draft, event)
            case _:
                take_happening(draft, event)
        state, commands = draft.finish()
        room = Room(state.visit, self._limits, self._new_token)
        room._state = state
        if joined is None:
            return Step(room, commands, answer)
        participant, token = joined
        return Step(room, commands, join_answer(state.visit, state.participants[participant], token), participant)

    def check_knock(self, event: LinkPresented, *, now: float, wall: datetime) -> None:
        """Whether a join by the shared link is taken as things stand; raises `Refused`. Nothing changes, and little is done."""
        draft = Draft(self._state, self._limits, self._new_token, now=now, wall=wall)
        check_knock(draft, event)

    def check_may(self, participant: ParticipantId, ask: Ask, *, now: float, wall: datetime) -> None:
        """Whether a participant may ask for that as things stand; raises `Refused`. Nothing changes, and little is done."""
        draft = Draft(self._state, self._limits, self._new_token, now=now, wall=wall)
        check_may(draft, participant, ask)

    def check_test(self, way: Ticket | int, *, now: float, wall: datetime) -> None:
        """Whether a ticket, or a link's generation, lets its holder try their equipment; raises `Refused`. Nothing changes."""
        draft = Draft(self._state, self._limits, self._new_token, now=now, wall=wall)
        check_test(draft, way)

    def next_timer(self) -> float | None:
        """When (monotonic seconds) `TimeHasCome` is due; None where nothing waits for time."""
        due = [
            participant.lost_at + self._limits.resume_seconds
            for participant in self._state.participants.values()
            if participant.lost_at is not None
        ]
        if self._state.anchor is not None and self._state.visit.closed is None:
            due.append(closes_at(self._state.visit, self._state.anchor, self._limits))
        measured = self._state.pictures.next_timer()
        if measured is not None:
            due.append(measured)
        return min(due, default=None)


def _restored(known: ParticipantRecord, visit: Visit, revoked: frozenset[str], now: float) -> Participant | None:
    """A participant without a channel; None for one who is not here any more."""
    place = waiting_room.restored(known.state, known.waiting_since, known.admitted_at)
    if (place.state, Act.EXPIRE) in TRANSITIONS:
        # The step that a crash may have kept from being taken.
        if visit.closed is not None:
            return None
        if known.ticket in revoked:
            place = waiting_room.move(place, Act.REMOVE, known.waiting_since)
    if place.state not in (State.WAITING, State.ADMITTED, *TURNED_AWAY):
        return None
    turned_away = place.state in TURNED_AWAY
    found = Participant.of(known, place, lost_at=None if turned_away else now)
    # The booking may have changed since that was written, while nobody had the room in memory.
    return replace(found, booked=found.person is not None and visit.names(found.person))
