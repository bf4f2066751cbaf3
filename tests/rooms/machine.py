"""Random visits: every way to join, every request, every loss, crashes and records that fail, in any order.

The stage holds every step against the records and the commands; the model, against what it knows by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import cast

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.errors import Code
from sfu.ids import ChannelId, ParticipantId, PersonId, TrackId
from sfu.rooms.events import (
    BookingChanged,
    ChannelLost,
    LinkPresented,
    LinkRenewed,
    Measured,
    MediaConnected,
    MediaLost,
    ReachChanged,
    Requested,
    ResumePresented,
    SpeakerChanged,
    TicketPresented,
    TicketRevoked,
    TimeHasCome,
    VisitClosed,
)
from sfu.rooms.participant import Reach
from sfu.rooms.requests import (
    Admit,
    Allow,
    Deny,
    End,
    Hold,
    Leave,
    Lock,
    Mute,
    Offer,
    Pin,
    ReceiveSection,
    Remove,
    Request,
    SendNotice,
    SendSection,
    SendText,
    Silence,
    Source,
    View,
)
from tests.rooms.model import DECISIONS, LIMITS, PEOPLE, Model, agreed_admit
from tests.rooms.sample import EVA, PER, UNIT, VISIT, ticket
from tests.rooms.simulcast import SIMULCAST

pick = st.integers(0, 30)
"""Chooses from whatever there is at that moment, by position."""


class Visits(Model):
    """One visit at a time, and what may happen to it."""

    @initialize(meeting=st.sampled_from([True, True, True, False]))
    def it_begins(self, meeting: bool) -> None:
        """With staff alone, or with a meeting under way: most faults need one to be seen."""
        self.by_new_ticket(EVA)
        if meeting:
            self.by_new_ticket(PER)
            self.by_link(Role.INTERPRETER, 0)
            self.staff_let_in(0)
            self.staff_let_in(0)
            self.everybody_offers()
            self.everybody_offers()

    # Ways in

    @rule(person=st.sampled_from(sorted(PEOPLE)))
    def by_new_ticket(self, person: PersonId) -> None:
        role, units = PEOPLE[person]
        self.tickets.append(ticket(person, role, units=units))
        self.join_by(self.tickets[-1])

    @precondition(lambda self: self.tickets)
    @rule(which=pick)
    def by_old_ticket(self, which: int) -> None:
        self.join_by(self.tickets[which % len(self.tickets)])

    @precondition(lambda self: self.away)
    @rule(which=pick)
    def who_was_turned_away_tries_again(self, which: int) -> None:
        self.by_new_ticket(sorted(self.away)[which % len(self.away)])

    @rule(role=st.sampled_from(Role), age=st.integers(0, 1))
    def by_link(self, role: Role, age: int) -> None:
        generation = self.generation - age
        joined = self.play(LinkPresented(self.stage.new_channel(), generation, "Amina", role))
        assert joined is None or self.stage.store.state(joined) is State.WAITING
        assert joined is None or age == 0, "an old link is dead"
        assert joined is None or not self.stage.room.visit.locked, "a lock keeps knocks out"
        assert joined is None or self.waiting_unbooked() <= LIMITS.lobby_capacity

    @rule(which=pick, right=st.sampled_from([True, True, True, False]))
    def by_resume(self, which: int, right: bool) -> None:
        who = self.anybody(which)
        if who is not None:
            before = self.stage.store.state(who)
            token = self.stage.resume[who] if right else f"{self.stage.resume[who]}0"
            joined = self.play(ResumePresented(self.stage.new_channel(), who, token))
            if joined is not None:
                assert right, "a wrong token resumes nobody"
                assert joined == who
                assert self.stage.store.state(who) is before, "a resume changes no state"
                assert before in (State.WAITING, State.ADMITTED)
                person = self.stage.store.participants[who].person
                assert person is None or self.away.get(person) is not State.REMOVED

    def join_by(self, presented: Ticket) -> None:
        used = presented.jti in self.stage.store.tickets_used
        known = set(self.stage.store.participants)
        waited = {who for who in known if self.stage.store.state(who) is State.WAITING}
        connected = self.stage.channels.keys() | self.stage.losses.dying.keys()
        there = self.is_there(presented.person)
        joined = self.play(TicketPresented(self.stage.new_channel(), presented))
        first_of_booked = not used and not there and self.stage.room.visit.names(presented.person)
        assert self.refused is not Code.FULL or not first_of_booked, "who is booked finds a place"
        if joined is None:
            return
        record = self.stage.store.participants[joined]
        assert presented.person not in self.away, "turned away holds for every ticket"
        assert presented.jti not in self.stage.store.tickets_revoked
        assert joined not in connected, "no ticket takes a place whose owner is there"
        assert joined not in self.stage.media, "no ticket takes over what another device sends"
        own_staff = presented.role is Role.CLINICIAN and UNIT in presented.units
        if joined not in known and record.state is State.WAITING:
            assert not self.stage.room.visit.locked, "a lock keeps knocks out"
            kept = record.booked and not record.second_device
            assert kept or self.waiting_unbooked() <= LIMITS.lobby_capacity
            assert self.waiting_kept() <= len(PEOPLE), "the places that are kept are bounded"
        if used:
            assert joined not in known, "a ticket joins once"
            assert record.second_device
            assert record.state is State.WAITING
        elif joined not in known or joined in waited:
            assert record.state is (State.ADMITTED if own_staff else State.WAITING)
        if joined in known:
            self.hushed = {
                key: by_staff for key, by_staff in self.hushed.items() if by_staff or key[0] != joined
            }  # a mute is of the device
            assert not there, "a place is taken where nobody of that person is there"
            assert not record.second_device
        else:
            assert record.second_device is (used or there), "a second device is told from the first"
        asked = self.stage.last.answer if self.stage.last else None
        assert asked is not None
        knows_why = "title" in cast(Mapping[str, object], asked["visit"])
        assert not (used and knows_why), "a link that went astray tells not why"
        assert knows_why or record.second_device

    # Requests, of anybody about anybody

    @rule(by=pick, about=pick, how=st.sampled_from(DECISIONS))
    def somebody_decides(self, by: int, about: int, how: Callable[[ParticipantId], Request]) -> None:
        who = self.anybody(about)
        if who is not None:
            self.ask(by, how(who))

    @rule(about=pick, how=st.sampled_from([Admit, Deny, Hold, Remove, Allow]))
    def staff_decide(self, about: int, how: Callable[[ParticipantId], Request]) -> None:
        """As in a real visit: staff, about somebody whom it fits."""
        self.staff_ask(about, how)

    @rule(about=pick)
    def staff_let_in(self, about: int) -> None:
        self.staff_ask(about, agreed_admit)

    @rule(about=pick)
    def staff_put_out(self, about: int) -> None:
        self.staff_ask(about, Remove)

    @rule(by=pick, locked=st.booleans())
    def lock(self, by: int, locked: bool) -> None:
        self.ask(by, Lock(locked))

    @rule(by=pick, about=st.none() | pick)
    def notice(self, by: int, about: int | None) -> None:
        self.ask(by, SendNotice("Strax", self.anybody(about) if about is not None else None))

    @rule(by=pick, about=pick, pinned=st.booleans())
    def pin(self, by: int, about: int, pinned: bool) -> None:
        who = self.anybody(about)
        if who is not None and self.ask(by, Pin(who, pinned)):
            shown = [known.pinned for known in self.stage.room.participants if known.participant == who]
            assert shown == [pinned]

    @rule(by=pick)
    def text(self, by: int) -> None:
        self.ask(by, SendText("hej"))

    @rule(by=pick)
    def leave(self, by: int) -> None:
        self.ask(by, Leave())

    @precondition(lambda self: len(self.played) > 25)
    @rule(by=pick)
    def end(self, by: int) -> None:
        self.ask(by, End())

    @precondition(lambda self: self.played)
    @rule(which=pick)
    def repeat(self, which: int) -> None:
        """A message that comes twice, or late."""
        event = self.played[-1 - which % len(self.played)]
        if isinstance(event, Requested) and not isinstance(event.request, Offer | Leave | End):
            self.take(event)

    # Media

    @rule(by=pick, sources=st.lists(st.sampled_from(Source), max_size=2), fresh=st.booleans(), connect=st.booleans())
    def offer(self, by: int, sources: list[Source], fresh: bool, connect: bool) -> None:
        who = self.anybody(by)
        if who is not None:
            self.offer_of(who, sources, fresh, connect)

    @rule()
    def everybody_offers(self) -> None:
        for who in sorted(self.stage.store.admitted() & self.stage.channels.keys()):
            self.offer_of(who, [Source.MICROPHONE, Source.CAMERA], fresh=False, connect=True)

    def offer_of(self, who: ParticipantId, sources: list[Source], fresh: bool, connect: bool) -> None:
        """As a real client does: all tracks of the roster, in sections of their kind."""
        send = tuple(SendSection(f"s{index}", source) for index, source in enumerate(sources))
        others = self.stage.tracks_of_others(who)
        receive = tuple(
            ReceiveSection(f"r{index}", self.stage.kind(track), track) for index, track in enumerate(others)
        )
        granted = self.take(Requested(who, Offer(send, receive, fresh or who not in self.stage.media)))
        assert not granted or self.stage.store.state(who) is State.ADMITTED, "who waits has no transport"
        if granted and connect:
            self.play(MediaConnected(who))

    @rule(by=pick, which=pick)
    def receive_anything(self, by: int, which: int) -> None:
        tracks = list(self.stage.tracks) or [TrackId("t_never")]
        self.ask(by, Offer((), (ReceiveSection("r", "video", tracks[which % len(tracks)]),), fresh=False))

    @rule(by=pick, which=pick, muted=st.booleans())
    def mute(self, by: int, which: int, muted: bool) -> None:
        self.ask_track(by, which, lambda track: Mute(track, muted))

    @rule(by=pick, which=pick)
    def silence(self, by: int, which: int) -> None:
        self.ask_track(by, which, Silence)

    @rule(by=pick, which=pick, paused=st.booleans())
    def view(self, by: int, which: int, paused: bool) -> None:
        self.ask_track(by, which, lambda track: View(track, 640, 480, paused=paused))

    @rule(who=pick)
    def media_connected(self, who: int) -> None:
        self.happen(who, MediaConnected)

    @rule(who=pick)
    def media_lost(self, who: int) -> None:
        self.happen(who, MediaLost)

    @rule(who=pick)
    def speaks(self, who: int) -> None:
        self.happen(who, SpeakerChanged)

    @rule(who=pick, kilobits=st.integers(0, 3000), which=pick, layers=st.integers(0, 9), rids=st.booleans())
    def measured(self, who: int, kilobits: int, which: int, layers: int, rids: bool) -> None:
        """Of anybody and any track, those that have gone too: measurements come late."""
        participant, tracks = self.anybody(who), list(self.stage.tracks)
        estimates = {participant: kilobits * 1000} if participant is not None else {}
        coming = {tracks[which % len(tracks)]: (SIMULCAST[:layers], ("q", "h", "f") if rids else ())} if tracks else {}
        self.play(Measured(estimates, coming))
        shown = {(receiver, track) for (receiver, _), track in self.stage.routes.items()}
        pictures = self.stage.room.pictures
        for receiver, allotment in pictures.allotments.items():
            assert {(receiver, track) for track in allotment.grants} <= shown
        assert pictures.coming.keys() <= set(self.stage.live_tracks())

    @rule(who=pick, reach=st.sampled_from(Reach))
    def reach_changes(self, who: int, reach: Reach) -> None:
        self.happen(who, lambda participant: ReachChanged(participant, reach))

    # Losses, time, portals

    @rule(who=pick)
    def channel_lost(self, who: int) -> None:
        connected = sorted(self.stage.channels)
        if connected:
            self.stage.drop(connected[who % len(connected)])

    @rule(who=pick)
    def a_channel_dies(self, who: int) -> None:
        """As above, but the room learns of it later: what it tells this participant meanwhile is lost."""
        connected = sorted(self.stage.channels)
        if connected:
            self.stage.cut(connected[who % len(connected)])

    @rule()
    def the_losses_are_told(self) -> None:
        self.stage.tell_losses()

    @rule(who=pick)
    def an_older_channel_closes(self, who: int) -> None:
        participant = self.anybody(who)
        if participant is not None:
            self.play(ChannelLost(ChannelId(0), participant, frozenset()))

    @rule(seconds=st.sampled_from([1.0, 60.0, 119.0, 121.0]))
    def time_passes(self, seconds: float) -> None:
        self.stage.pass_time(seconds)

    @rule(hours=st.sampled_from([-720, -1, 1, 720]))
    def the_wall_clock_jumps(self, hours: int) -> None:
        closed = self.stage.room.visit.closed
        self.stage.wall += timedelta(hours=hours)
        self.play(TimeHasCome())
        assert self.stage.room.visit.closed is closed, "a jump of the clock ends no visit"

    @rule()
    def the_process_is_killed(self) -> None:
        before = {known.participant: known.state for known in self.stage.room.participants}
        self.stage.crash()
        self.hushed.clear()
        assert {known.participant: known.state for known in self.stage.room.participants} == before

    @rule(which=pick)
    def a_ticket_is_revoked(self, which: int) -> None:
        if self.tickets and which % 4 == 0:
            jti = self.tickets[which % len(self.tickets)].jti
            self.stage.store.tickets_revoked.add(jti)
            self.play(TicketRevoked(jti))
            for record in self.stage.store.participants.values():
                assert record.ticket != jti or record.state not in (State.WAITING, State.ADMITTED)

    @rule()
    def the_link_is_renewed(self) -> None:
        self.generation += 1
        self.play(LinkRenewed(self.generation))

    @rule(people=st.sets(st.sampled_from(VISIT.people)), unit=st.sampled_from([UNIT, UNIT, UNIT, "SE1-EAR"]))
    def the_booking_changes(self, people: set[object], unit: str) -> None:
        admitted = self.stage.store.admitted()
        booked = tuple(person for person in VISIT.people if person in people)
        self.play(BookingChanged(replace(VISIT, people=booked, unit=unit)))
        self.play(BookingChanged(replace(VISIT, people=booked)))
        assert self.stage.store.admitted() == admitted, "a change of policy lets nobody in"

    @precondition(lambda self: len(self.played) > 40)
    @rule(state=st.sampled_from([VisitState.ENDED, VisitState.CANCELLED]))
    def a_portal_closes_the_visit(self, state: VisitState) -> None:
        self.play(VisitClosed(state, "portal:cosmic"))
        assert not self.stage.store.admitted()
        assert not self.stage.channels
