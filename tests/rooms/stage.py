"""A stage for transcripts: a real room, a store that keeps its records, peers that keep what they are told, a plane of sets.

Every step played on it is held against what must always hold (architecture.md, What always holds), judged from the
records and the commands alone, never by the room's own functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import cast

from sfu.admission.records import AccessEntry, Action
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Visit
from sfu.admission.waiting_room import State
from sfu.errors import Code, Refused
from sfu.ids import ChannelId, ParticipantId, PersonId, TrackId
from sfu.rooms.commands import (
    AddRoute,
    CloseMedia,
    Command,
    Disconnect,
    DropRoute,
    Notify,
    OpenMedia,
    Reason,
    Record,
    RequestKeyframe,
    SetLayer,
)
from sfu.rooms.events import (
    Event,
    LinkPresented,
    MediaConnected,
    Requested,
    ResumePresented,
    TicketPresented,
    TimeHasCome,
)
from sfu.rooms.requests import Admit, Offer, ReceiveSection, Request, SendSection, Source
from sfu.rooms.room import Limits, Room, Step
from tests.rooms.losses import Losses
from tests.rooms.sample import EVA, START_NOW, VISIT, staff_ticket, ticket
from tests.rooms.written import Store

TOLD_TO_THOSE_WHO_WAIT = {"state", "notice", "lobby_status", "visit"}
Message = Mapping[str, object]


class Stage:
    """Plays events on a room and keeps what comes of them."""

    def __init__(self, visit: Visit = VISIT, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._tokens = count(1)
        self.room = Room(visit, self.limits, self.new_token)
        self.store = Store()
        self.now = START_NOW
        self.wall = visit.starts_at
        self.channels: dict[ParticipantId, ChannelId] = {}
        self.losses = Losses()
        self.resume: dict[ParticipantId, str] = {}
        self.told: dict[ParticipantId, list[Message]] = {}
        self.rosters: dict[ParticipantId, Message] = {}
        self.closed: list[tuple[ChannelId, Reason]] = []
        self.tracks: dict[TrackId, ParticipantId] = {}
        self.media: set[ParticipantId] = set()
        self.handshaken: set[ParticipantId] = set()
        self.routes: dict[tuple[ParticipantId, str], TrackId] = {}
        self.layers: dict[tuple[ParticipantId, str], tuple[int, int]] = {}
        self.precedences: dict[tuple[ParticipantId, str], int] = {}
        """What the plane has been told to forward; without an entry the best that comes."""
        self.version = 0
        self.last: Step | None = None
        self._channels = count(1)

    def new_token(self) -> str:
        return f"{next(self._tokens):032x}"

    # Doing things

    def do(self, event: Event) -> Step:
        """Play one event, and check all that must hold. Raises Refused as the room does, with nothing changed."""
        if isinstance(event, MediaConnected) and self.losses.before_handshake(event.participant):
            self.tell_losses()
        if isinstance(event, Requested) and event.participant in self.losses.dying:
            raise Refused(
                Code.JOIN_REQUIRED, ""
            )  # whoever drives the room asks nothing of it for a channel that is lost
        before = self._snapshot()
        try:
            step = self.room.step(event, now=self.now, wall=self.wall)
        except Refused:
            assert self._snapshot() == before
            raise
        assert self._snapshot() == before, "a room is a value"
        self._apply(event, step)
        self.room = step.room
        self.last = step
        self.check()
        return step

    def join(self, event: TicketPresented | LinkPresented | ResumePresented) -> ParticipantId:
        joined = self.do(event).participant
        assert joined is not None
        return joined

    def by_ticket(self, presented: Ticket) -> ParticipantId:
        return self.join(TicketPresented(self.new_channel(), presented))

    def by_link(self, name: str = "Amina Tolk", role: Role = Role.INTERPRETER, generation: int = 1) -> ParticipantId:
        return self.join(LinkPresented(self.new_channel(), generation, name, role))

    def by_resume(self, participant: ParticipantId, token: str = "") -> ParticipantId:
        return self.join(ResumePresented(self.new_channel(), participant, token or self.resume[participant]))

    def new_channel(self) -> ChannelId:
        return ChannelId(next(self._channels))

    def clinician(self, person: PersonId = EVA) -> ParticipantId:
        """Own staff: admitted at once."""
        return self.by_ticket(staff_ticket(person))

    def ask(self, participant: ParticipantId, request: Request) -> Mapping[str, object]:
        return cast(Mapping[str, object], self.do(Requested(participant, request)).answer)

    def refusal(self, participant: ParticipantId, request: Request) -> Code:
        """The code with which a request is refused."""
        return self.refused(Requested(participant, request)).code

    def refused(self, event: Event) -> Refused:
        try:
            self.do(event)
        except Refused as refused:
            return refused
        raise AssertionError("it was granted")

    def ticket_refusal(self, by: Ticket) -> Code:
        return self.refused(TicketPresented(self.new_channel(), by)).code

    def link_refusal(self, generation: int = 1) -> Code:
        return self.refused(LinkPresented(self.new_channel(), generation, "Amina", Role.INTERPRETER)).code

    def resume_refusal(self, participant: ParticipantId, token: str = "") -> Code:
        return self.refused(ResumePresented(self.new_channel(), participant, token or self.resume[participant])).code

    def drop(self, participant: ParticipantId) -> None:
        """The participant's channel is lost."""
        self.cut(participant)
        self.tell_losses()

    def cut(self, participant: ParticipantId) -> None:
        """The participant's channel is lost, and the room not told yet: other steps wait before this one."""
        told = frozenset(self._named(self.rosters.get(participant, {"participants": []})))
        self.losses.lose(participant, self.channels.pop(participant), told)

    def tell_losses(self) -> None:
        """The turn of all who lost their channels has come."""
        while (lost := self.losses.next()) is not None:
            self.do(lost)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and the room's timers with it."""
        self.tell_losses()
        until = self.now + seconds
        while (due := self.room.next_timer()) is not None and due <= until:
            self._move_to(max(due, self.now))
            self.do(TimeHasCome())
            later = self.room.next_timer()
            assert later is None or later > due, "a moment that has come is over"
        self._move_to(until)

    def publish(
        self,
        participant: ParticipantId,
        *,
        send: Iterable[Source] = (Source.MICROPHONE, Source.CAMERA),
        receive: Iterable[TrackId] | None = None,
        fresh: bool | None = None,
        connect: bool = True,
    ) -> list[TrackId]:
        """Offer these sources and every track of others (or `receive`), and connect. Gives the tracks sent."""
        sections = tuple(SendSection(f"s{index}", source) for index, source in enumerate(send))
        wanted = self.tracks_of_others(participant) if receive is None else list(receive)
        bound = tuple(ReceiveSection(f"r{index}", self.kind(track), track) for index, track in enumerate(wanted))
        answer = self.ask(
            participant, Offer(sections, bound, participant not in self.media if fresh is None else fresh)
        )
        if connect:
            self.do(MediaConnected(participant))
        return [TrackId(cast(str, section["track"])) for section in cast(list[dict[str, object]], answer["send"])]

    def meeting(self) -> tuple[ParticipantId, ParticipantId]:
        """Clinician and patient, admitted, sending and receiving each other's microphone and camera."""
        eva, per = self.clinician(), self.by_ticket(ticket())
        self.ask(eva, Admit(per))
        self.publish(eva)
        self.publish(per)
        self.publish(eva)
        return eva, per

    def crash(self, booking: Visit | None = None) -> None:
        """Forget everything but the store, and start again from it a second later, the wall clock set right; `booking` as it is then."""
        self.now += 1.0
        self.wall = VISIT.starts_at + timedelta(seconds=self.now - START_NOW)
        stored = self.store.visit
        self.room = Room.restored(
            replace(booking or self.room.visit, locked=False, closed=None),
            self.limits,
            self.new_token,
            self.store.participants.values(),
            stored,
            self.store.tickets_used,
            self.store.tickets_revoked,
            now=self.now,
        )
        self.losses = Losses()
        for gone in (self.channels, self.rosters, self.media, self.handshaken, self.routes):
            gone.clear()
        self.check()
        # The first step sets the room's own clock by the wall clock, which is right at that moment.
        self.do(TimeHasCome())

    # Seeing things

    def entries(self, *actions: Action) -> list[AccessEntry]:
        return [entry for entry in self.store.log if entry.action in actions or not actions]

    def messages(self, participant: ParticipantId, kind: str) -> list[Message]:
        return [message for message in self.told.get(participant, []) if message["type"] == kind]

    def types(self, participant: ParticipantId) -> list[object]:
        return [message["type"] for message in self.told.get(participant, [])]

    def roster(self, participant: ParticipantId) -> list[dict[str, object]]:
        return cast(list[dict[str, object]], self.rosters[participant]["participants"])

    def lobby(self, participant: ParticipantId) -> Message:
        return self.messages(participant, "lobby")[-1]

    def waiting(self, participant: ParticipantId) -> list[dict[str, object]]:
        return cast(list[dict[str, object]], self.lobby(participant)["waiting"])

    def forget(self) -> None:
        """Begin a new page: what was told and closed so far is not looked at any more."""
        self.told.clear()
        self.closed.clear()

    def tracks_of_others(self, participant: ParticipantId) -> list[TrackId]:
        return [track for track in self.live_tracks() if self.tracks[track] != participant]

    def live_tracks(self) -> list[TrackId]:
        return [track.track for known in self.room.participants for track in known.tracks]

    def kind(self, track: TrackId) -> str:
        found = (mine.source.kind for known in self.room.participants for mine in known.tracks if mine.track == track)
        return next(found, "video")

    def flows(self, sender: ParticipantId, receiver: ParticipantId) -> int:
        """How many tracks are forwarded from one to the other."""
        return sum(to == receiver and self.tracks[track] == sender for (to, _), track in self.routes.items())

    # What always holds

    def _move_to(self, now: float) -> None:
        self.wall += timedelta(seconds=now - self.now)
        self.now = now

    def _snapshot(self) -> object:
        return (self.room.visit, self.room.participants, self.room.next_timer())

    def _apply(self, event: Event, step: Step) -> None:
        commands: list[Command] = list(step.commands)
        if isinstance(event, TicketPresented):
            assert step.participant is not None
            by_used_ticket = event.ticket.jti in self.store.tickets_used
            (self.store.passed_on.add if by_used_ticket else self.store.passed_on.discard)(step.participant)
        if commands and isinstance(commands[0], Record):
            self.store.write(commands.pop(0))
        if step.participant is not None:
            assert isinstance(event, TicketPresented | LinkPresented | ResumePresented)
            assert step.answer is not None
            assert step.answer["participant"] == step.participant
            assert step.answer["state"] == self.store.state(step.participant)
            in_charge = step.participant in self.store.in_charge(self.room.visit.unit)
            assert step.answer["may_admit"] is in_charge
            older = self.channels.get(step.participant) or self.losses.dying.get(step.participant)
            if older is not None:
                assert Disconnect(older, Reason.REPLACED) in commands, "the newer channel wins"
                self.losses.closed(older)
            self.channels[step.participant] = event.channel
            self.resume[step.participant] = cast(str, step.answer["resume"])
            self.rosters.pop(step.participant, None)
        if isinstance(event, MediaConnected):
            self.handshaken |= {event.participant} & self.media
        for command in commands:
            self._take(command, step.room)

    def _take(self, command: Command, room: Room) -> None:
        match command:
            case Notify(participant, message, replaces):
                self._hand(participant, message, replaces, room)
            case OpenMedia(participant, offer, send):
                assert self.store.state(participant) is State.ADMITTED
                assert offer.fresh == (participant not in self.media), "one transport at a time"
                self.media.add(participant)
                if offer.fresh:
                    self.handshaken.discard(participant)
                    self.losses.opened(participant)
                self.tracks.update({binding.track: participant for binding in send})
            case CloseMedia(participant):
                assert not self._routes_of(participant), "routes first"
                self.media.discard(participant)
                self.handshaken.discard(participant)
            case AddRoute(track, receiver, mid):
                assert (receiver, mid) not in self.routes, "one route a section"
                assert {receiver, self.tracks[track]} <= self.handshaken, "both ends are up"
                self._named_before_heard(self.tracks[track], receiver)
                self._told_of_each_other(self.tracks[track], receiver)
                self.routes[receiver, mid] = track
                self.layers.pop((receiver, mid), None)
                self.precedences.pop((receiver, mid), None)
            case DropRoute(track, receiver, mid):
                assert self.routes.pop((receiver, mid)) == track
                self.layers.pop((receiver, mid), None)
                self.precedences.pop((receiver, mid), None)
            case SetLayer(track, receiver, mid, spatial, temporal, precedence):
                assert self.routes[receiver, mid] == track, "a route has layers"
                assert self.kind(track) == "video"
                self.layers[receiver, mid] = (spatial, temporal)
                self.precedences[receiver, mid] = precedence
            case Disconnect(channel, reason):
                self.closed.append((channel, reason))
                if reason is not Reason.REPLACED:
                    self.channels = {who: which for who, which in self.channels.items() if which != channel}
                self.losses.closed(channel)
            case RequestKeyframe() | Record():
                raise AssertionError("the plane asks by itself with every route; a record stands first or not at all")

    def _hand(self, participant: ParticipantId, message: Message, replaces: str | None, room: Room) -> None:
        if participant in self.losses.dying:
            return  # it goes nowhere
        assert participant in self.channels, "nobody is told without a channel"
        kind = message["type"]
        assert replaces == (kind if kind in ("roster", "lobby", "quality", "visit") else None)
        if self.store.state(participant) is not State.ADMITTED:
            assert kind in TOLD_TO_THOSE_WHO_WAIT, "who waits sees nothing of the room"
        if kind in ("roster", "lobby"):
            version = cast(int, message["version"])
            assert version >= self.version, "versions only rise"
            last = [told["version"] for told in self.told.get(participant, []) if told["type"] == kind]
            assert not last or version > cast(int, last[-1]), "versions rise for everybody"
            self.version = version
        if kind == "lobby":
            assert participant in self.store.in_charge(room.visit.unit)
        if kind == "roster":
            self.rosters[participant] = message
            for (receiver, _), track in self.routes.items():
                assert {receiver, self.tracks[track]} <= self._named(message), "routes first, roster after"
        self.told.setdefault(participant, []).append(message)

    def _named(self, roster: Message) -> set[ParticipantId]:
        return {entry["participant"] for entry in cast(list[dict[str, ParticipantId]], roster["participants"])}

    def _named_before_heard(self, *who: ParticipantId) -> None:
        for peer in self.store.admitted() & self.channels.keys():
            assert peer in self.rosters, "everybody is told"
            assert set(who) <= self._named(self.rosters[peer]), "named before heard"

    def _told_of_each_other(self, one: ParticipantId, other: ParticipantId) -> None:
        """By the last roster handed to each, which whoever has lost the channel has not forgotten."""
        for peer in (one, other):
            assert peer in self.rosters, "everybody is told"
            assert {one, other} <= self._named(self.rosters[peer]), "named before heard, the channel lost or not"

    def _routes_of(self, participant: ParticipantId) -> list[tuple[ParticipantId, str]]:
        return [key for key, track in self.routes.items() if participant in (key[0], self.tracks[track])]

    def check(self) -> None:
        """What holds between steps."""
        admitted = self.store.admitted()
        present = {known.participant: known.state for known in self.room.participants}
        kept = (State.WAITING, State.ADMITTED, State.DENIED, State.REMOVED)
        live = {who: known.state for who, known in self.store.participants.items() if known.state in kept}
        assert present == live, "the room is what is written"
        for (receiver, _), track in self.routes.items():
            assert {receiver, self.tracks[track]} <= admitted
            assert receiver != self.tracks[track]
            self._told_of_each_other(self.tracks[track], receiver)
        for peer in admitted & self.channels.keys():
            assert peer in self.rosters, "everybody is told"
            assert self._named(self.rosters[peer]) == admitted, "everybody sees everybody"
        assert self.media <= admitted, "no transport without admission"
        away = {State.DENIED, State.REMOVED, State.LEFT, State.EXPIRED, State.ENDED}
        for who in self.channels:
            assert self.store.state(who) not in away, "who is out has no channel"
