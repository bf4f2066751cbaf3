"""What the machine of random visits knows by itself: who has been turned away and may not come in, what may not be heard,
and what each outcome of a request may be.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.stateful import RuleBasedStateMachine, invariant

from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.waiting_room import State
from sfu.errors import Code, Refused
from sfu.ids import ParticipantId, PersonId, TrackId
from sfu.rooms.events import Event, Requested
from sfu.rooms.participant import Track
from sfu.rooms.requests import (
    Admit,
    Allow,
    Deny,
    End,
    Hold,
    Lock,
    Mute,
    Pin,
    ReadLink,
    Remove,
    Request,
    SendNotice,
    Silence,
    Source,
)
from sfu.rooms.room import Limits
from tests.rooms.sample import EVA, MARIA, PER, UNIT, VISIT
from tests.rooms.stage import Stage

LIMITS = Limits(room_capacity=3, lobby_capacity=5, knocks_per_link_hour=12)
STEN, ADA = PersonId("hsa:sten"), PersonId("hsa:ada")
PEOPLE = {
    EVA: (Role.CLINICIAN, (UNIT,)),
    STEN: (Role.CLINICIAN, (UNIT, "SE1-EAR")),
    ADA: (Role.CLINICIAN, ("SE1-EAR",)),
    PER: (Role.PATIENT, ()),
    MARIA: (Role.GUARDIAN, ()),
}


def agreed_admit(participant: ParticipantId) -> Request:
    return Admit(participant, agreed=True)


DECISIONS: list[Callable[[ParticipantId], Request]] = [Admit, agreed_admit, Deny, Hold, Remove, Allow]
FITS: dict[Callable[[ParticipantId], Request], tuple[State, ...]] = {
    Admit: (State.WAITING,),
    agreed_admit: (State.WAITING,),
    Deny: (State.WAITING,),
    Hold: (State.ADMITTED,),
    Remove: (State.ADMITTED,),
    Allow: (State.DENIED, State.REMOVED),
}
"""Whom each decision is for, where staff mean it."""
AGAINST_THE_PERSON = frozenset({Action.DENIED, Action.REMOVED})


class Model(RuleBasedStateMachine):
    """Plays events on a stage, and keeps beside it what must hold whatever the room does."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(VISIT, LIMITS)
        self.tickets: list[Ticket] = []
        self.generation = 1
        self.away: dict[PersonId, State] = {}
        self.played: list[Event] = []
        self.granted = False
        self.refused: Code | None = None
        self.hushed: dict[tuple[ParticipantId, Source], bool] = {}
        """What may not be heard before its owner unmutes it, and whether staff have silenced it; see `hush`."""

    def anybody(self, which: int) -> ParticipantId | None:
        """Somebody who is or has been here."""
        known = list(self.stage.resume)
        return known[which % len(known)] if known else None

    def staff(self) -> list[ParticipantId]:
        """Those in charge who are connected."""
        return sorted(self.stage.store.in_charge(UNIT) & self.stage.channels.keys())

    def in_state(self, which: int, *states: State) -> ParticipantId | None:
        protected = self.stage.store.in_charge(UNIT)
        known = [
            record.participant
            for record in self.stage.store.participants.values()
            if record.state in states and record.participant not in protected
        ]
        return known[which % len(known)] if known else None

    def is_there(self, person: PersonId) -> bool:
        """Whether a device of a person is connected that does not merely wait as a second one."""
        return any(
            record.person == person and not (record.second_device and record.state is State.WAITING)
            for record in map(
                self.stage.store.participants.__getitem__, self.stage.channels.keys() | self.stage.losses.dying.keys()
            )
        )

    def waiting_unbooked(self) -> int:
        return self.waiting() - self.waiting_kept()

    def waiting_kept(self) -> int:
        return sum(
            record.state is State.WAITING and record.booked and not record.second_device
            for record in self.stage.store.participants.values()
        )

    def waiting(self) -> int:
        return sum(record.state is State.WAITING for record in self.stage.store.participants.values())

    def happen(self, which: int, event: Callable[[ParticipantId], Event]) -> None:
        who = self.anybody(which)
        if who is not None:
            self.play(event(who))

    def staff_ask(self, about: int, request: Callable[[ParticipantId], Request]) -> None:
        staff = self.staff()
        who = self.in_state(about, *FITS[request])
        if staff and who is not None:
            self.take(Requested(staff[about % len(staff)], request(who)))

    def ask_track(self, by: int, which: int, request: Callable[[TrackId], Request]) -> None:
        tracks = list(self.stage.tracks)
        if tracks:
            self.ask(by, request(tracks[which % len(tracks)]))

    def ask(self, by: int, request: Request) -> bool:
        """Half of the time it is staff who ask: what anybody else asks is refused, and then nothing is seen."""
        staff = self.staff()
        who = staff[by % len(staff)] if staff and by % 2 == 0 else self.anybody(by)
        return who is not None and self.take(Requested(who, request))

    def take(self, event: Requested) -> bool:
        """A request. Whether it was granted."""
        store, by, request = self.stage.store, event.participant, event.request
        in_charge = by in store.in_charge(self.stage.room.visit.unit) and by in self.stage.channels
        earlier = dict(store.participants)
        protected = store.in_charge(self.stage.room.visit.unit)
        staff_only = isinstance(
            request, Admit | Deny | Hold | Remove | Allow | Lock | SendNotice | Silence | Pin | ReadLink | End
        )
        self.play(event)
        granted = self.granted
        assert not granted or in_charge or not staff_only, "only those in charge"
        if granted and isinstance(request, Admit):
            before = earlier[request.participant]
            assert store.state(request.participant) is State.ADMITTED
            named = before.person is not None and self.stage.room.visit.names(before.person)
            assert before.state is State.ADMITTED or named or request.agreed, "agreement is asked for"
            assert before.state is State.ADMITTED or len(store.admitted()) <= LIMITS.room_capacity
        if granted and isinstance(request, Hold):
            assert store.state(request.participant) is State.WAITING
        if granted and isinstance(request, Hold | Deny | Remove):
            assert request.participant not in protected, "those in charge are not put out"
        if granted and isinstance(request, Silence | Mute):
            self.hush(request)
        if granted and isinstance(request, Deny | Remove):
            assert store.state(request.participant) in (State.DENIED, State.REMOVED)
        return granted

    def play(self, event: Event) -> ParticipantId | None:
        """Play an event, first as a step whose record fails, then for good. Gives whom a join has become."""
        self.played.append(event)
        self.granted, self.refused = False, None
        staff = {self.person(who) for who in self.stage.store.in_charge(self.stage.room.visit.unit)}
        written = len(self.stage.store.log)
        try:
            self.stage.room.step(event, now=self.stage.now, wall=self.stage.wall)
            step = self.stage.do(event)
        except Refused as refused:
            self.refused = refused.code
            return None
        self.granted = True
        self.follow(written, staff)
        return step.participant

    def follow(self, written: int, staff: set[PersonId | None]) -> None:
        """Keep the model by what has been written since."""
        for entry in self.stage.store.log[written:]:
            person = entry.subject_person
            if person is None:
                continue
            if entry.action in AGAINST_THE_PERSON and person not in staff and entry.detail != "ticket_revoked":
                known = self.away.get(person)
                self.away[person] = State.REMOVED if State.REMOVED in (known, State(entry.action)) else State.DENIED
            if entry.action is Action.ALLOWED:
                self.away.pop(person, None)
            if entry.action is Action.ADMITTED:
                assert person not in self.away, "turned away stays out until staff lift it"

    def hush(self, request: Silence | Mute) -> None:
        """Only microphone and camera, and only where there is one of them: of two it could not be told which comes again."""
        owner = self.stage.tracks[request.track]
        tracks = self.live(owner)
        source = next(track.source for track in tracks if track.track == request.track)
        if source not in (Source.MICROPHONE, Source.CAMERA) or sum(track.source is source for track in tracks) > 1:
            self.hushed.pop((owner, source), None)
        elif isinstance(request, Silence):
            self.hushed[owner, source] = True
        elif request.muted:
            self.hushed[owner, source] = self.hushed.get((owner, source), False)
        else:
            self.hushed.pop((owner, source), None)

    def live(self, owner: ParticipantId) -> tuple[Track, ...]:
        return next((known.tracks for known in self.stage.room.participants if known.participant == owner), ())

    @invariant()
    def what_is_hushed_is_not_heard(self) -> None:
        heard = set(self.stage.routes.values())
        for owner, source in list(self.hushed):
            of_source = [track.track for track in self.live(owner) if track.source is source]
            if len(of_source) > 1:
                del self.hushed[owner, source]
            else:
                assert not heard & set(of_source), "only its owner makes heard again what was silenced or muted"

    def person(self, who: ParticipantId) -> PersonId | None:
        return self.stage.store.participants[who].person

    @invariant()
    def a_closed_visit_is_empty(self) -> None:
        if self.stage.room.visit.closed is not None:
            assert not self.stage.store.admitted()
            assert not self.stage.routes
            assert self.stage.room.next_timer() is None
