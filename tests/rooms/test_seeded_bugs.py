"""The machine would notice: every one of these faults, put into the rules of the lobby, is caught.

A property that holds for broken rules too would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from sfu.admission import waiting_room
from sfu.admission.roles import Ask, Role, Standing, may
from sfu.admission.tickets import Ticket
from sfu.admission.waiting_room import Act, Ground, Place, State
from sfu.admission.windows import Anchor
from sfu.ids import ParticipantId
from sfu.rooms import admitting, draft, happening, joining, requesting, room, sending
from sfu.rooms.commands import CloseMedia, Command, DropRoute, Record
from sfu.rooms.draft import Actor, Draft
from sfu.rooms.events import ResumePresented
from sfu.rooms.participant import Participant
from sfu.rooms.requests import Admit, Hold
from sfu.rooms.roster import roster_entries
from sfu.rooms.state import RoomState
from sfu.rooms.subscriptions import Routes, changed_routes, wanted_routes
from tests.rooms.walk import walk

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]
WALKS = 200
STEPS = 60
BUGS: list[Bug] = []


def bug(seed: Bug) -> Bug:
    BUGS.append(seed)
    return seed


@bug
def clinicians_of_any_unit_are_staff(patch: Patch) -> None:
    def is_own_staff(role: Role, *, verified: bool, **_: object) -> bool:
        return role is Role.CLINICIAN and verified

    patch.setattr("sfu.rooms.participant.is_own_staff", is_own_staff)


@bug
def a_stated_role_is_believed(patch: Patch) -> None:
    patch.setattr("sfu.rooms.participant.is_own_staff", lambda role, **_: role is Role.CLINICIAN)


@bug
def a_second_device_of_staff_is_staff(patch: Patch) -> None:
    real = joining._newcomer

    def newcomer(a_draft: Draft, **known: Any) -> tuple[Participant, str]:
        units = (a_draft.visit.unit,) if known["second_device"] else known.get("units", ())
        return real(a_draft, **(known | {"units": units}))

    patch.setattr(joining, "_newcomer", newcomer)


@bug
def any_ticket_gets_past_a_removal(patch: Patch) -> None:
    patch.setattr(joining, "_check_person", lambda _draft, _person: None)


@bug
def a_removal_is_of_one_participant_only(patch: Patch) -> None:
    def turn_away(a_draft: Draft, target: Participant, act: Act, by: Actor, reason: str) -> None:
        a_draft.move(target, act, by, reason=reason)

    patch.setattr(admitting, "_turn_away", turn_away)


@bug
def who_waits_is_admitted_without_a_question(patch: Patch) -> None:
    def admit(a_draft: Draft, by: Participant, request: Admit) -> None:
        target = a_draft.participants.get(request.participant)
        if target is not None and target.waiting:
            a_draft.admit(target, Ground.BOOKED, admitting.actor(by))

    patch.setattr(admitting, "admit", admit)


@bug
def agreement_is_taken_for_granted(patch: Patch) -> None:
    real = admitting.admit
    patch.setattr(
        admitting, "admit", lambda a_draft, by, request: real(a_draft, by, Admit(request.participant, agreed=True))
    )


@bug
def a_full_room_takes_more(patch: Patch) -> None:
    real = admitting.admit

    def admit(a_draft: Draft, by: Participant, request: Admit) -> None:
        a_draft.limits = replace(a_draft.limits, room_capacity=100)
        real(a_draft, by, request)

    patch.setattr(admitting, "admit", admit)


@bug
def a_lock_and_a_full_lobby_keep_nobody_out(patch: Patch) -> None:
    patch.setattr(joining, "_check_lobby", lambda _draft, has_place=False: None)


@bug
def strangers_fill_the_lobby_before_who_is_booked(patch: Patch) -> None:
    patch.setattr(joining, "_has_place_kept", lambda _participant: False)


@bug
def every_device_of_who_is_booked_has_a_place_kept(patch: Patch) -> None:
    patch.setattr(joining, "_has_place_kept", lambda known: known.booked)


@bug
def a_new_ticket_throws_out_who_is_there(patch: Patch) -> None:
    def earlier(a_draft: Draft, ticket: Ticket) -> Participant | None:
        own = (known for known in a_draft.participants.values() if known.person == ticket.person)
        return next((known for known in own if known.role is ticket.role and not known.turned_away), None)

    patch.setattr(joining, "_earlier", earlier)


@bug
def a_second_device_is_not_told_from_the_first(patch: Patch) -> None:
    patch.setattr(joining, "_is_there", lambda _draft, _person: False)


@bug
def who_waits_with_a_forwarded_link_keeps_the_person_out(patch: Patch) -> None:
    patch.setattr(
        joining,
        "_is_there",
        lambda a_draft, person: any(
            known.person == person and known.connected for known in a_draft.participants.values()
        ),
    )


@bug
def a_forwarded_link_tells_why(patch: Patch) -> None:
    real = joining.join_answer
    patch.setattr(
        room, "join_answer", lambda visit, joined, token: real(visit, replace(joined, second_device=False), token)
    )


@bug
def a_resume_asks_nothing(patch: Patch) -> None:
    def join_by_resume(a_draft: Draft, event: ResumePresented) -> tuple[ParticipantId, str]:
        a_draft.arrive(a_draft.participants[event.participant], event.channel)
        return event.participant, event.token

    patch.setattr(room, "join_by_resume", join_by_resume)


@bug
def a_resume_takes_any_token(patch: Patch) -> None:
    patch.setattr(joining, "is_token_of", lambda _token, _digest: True)


@bug
def an_older_channel_stays(patch: Patch) -> None:
    def arrive(self: Draft, participant: Participant, channel: Any) -> None:
        self._arrived.add(participant.participant)
        self.put(replace(participant, channel=channel, lost_at=None))

    patch.setattr(Draft, "arrive", arrive)


@bug
def anybody_may_ask_for_anything(patch: Patch) -> None:
    patch.setattr(requesting, "may", lambda _standing, _ask: True)


@bug
def everybody_who_is_in_may_remove(patch: Patch) -> None:
    patch.setattr(
        requesting,
        "may",
        lambda standing, ask: may(standing, ask) or (standing is Standing.ADMITTED and ask is Ask.REMOVE),
    )


@bug
def staff_can_be_put_out(patch: Patch) -> None:
    patch.setattr(admitting, "_check_not_in_charge", lambda _draft, _target: None)


@bug
def a_hold_forgets_the_transport(patch: Patch) -> None:
    real = admitting.hold

    def hold(a_draft: Draft, by: Participant, request: Hold) -> None:
        before = a_draft.participants.get(request.participant)
        real(a_draft, by, request)
        if before is not None:
            a_draft.put(replace(a_draft.participants[request.participant], media=before.media))

    patch.setattr(admitting, "hold", hold)


@bug
def a_route_opens_before_the_handshake(patch: Patch) -> None:
    def eager(participants: Iterable[Participant]) -> Routes:
        return wanted_routes(
            replace(known, media=replace(known.media, connected=True)) if known.media else known
            for known in participants
        )

    patch.setattr(draft, "wanted_routes", eager)


@bug
def who_has_lost_the_channel_hears_people_whom_it_was_not_told_of(patch: Patch) -> None:
    patch.setattr(Participant, "knows_of", lambda _self, _other: True)


@bug
def who_is_let_in_while_a_loss_waits_counts_as_told(patch: Patch) -> None:
    real = happening._channel_lost
    told = lambda a_draft, event: real(a_draft, replace(event, told=frozenset(a_draft.participants)))  # noqa: E731
    patch.setattr(happening, "_channel_lost", told)


@bug
def a_new_track_makes_heard_what_was_silenced(patch: Patch) -> None:
    real = sending._new_track
    patch.setattr(
        sending,
        "_new_track",
        lambda a_draft, by, section: replace(real(a_draft, by, section), muted=False, silenced=False),
    )


@bug
def a_route_outlives_its_end(patch: Patch) -> None:
    patch.setattr(draft, "changed_routes", lambda before, after: ([], changed_routes(before, after)[1]))


@bug
def guests_are_not_on_the_roster(patch: Patch) -> None:
    patch.setattr(draft, "roster_entries", lambda everybody: roster_entries(who for who in everybody if who.verified))


@bug
def who_is_away_is_not_on_the_roster(patch: Patch) -> None:
    patch.setattr(draft, "roster_entries", lambda everybody: roster_entries(who for who in everybody if who.connected))


@bug
def text_is_told_to_those_who_wait(patch: Patch) -> None:
    def tell_admitted(self: Draft, message: dict[str, object]) -> None:
        for participant in self.participants.values():
            self.tell(participant, message)

    patch.setattr(Draft, "tell_admitted", tell_admitted)


@bug
def the_lobby_is_told_to_everybody_who_is_in(patch: Patch) -> None:
    patch.setattr(
        draft,
        "_in_charge",
        lambda everybody, _visit: [who.participant for who in everybody.values() if who.connected and who.admitted],
    )


def reordered(patch: Patch, key: Callable[[Command], int]) -> None:
    real = Draft.finish

    def finish(self: Draft) -> tuple[RoomState, tuple[Command, ...]]:
        state, commands = real(self)
        return state, tuple(sorted(commands, key=key))

    patch.setattr(Draft, "finish", finish)


@bug
def names_go_before_packets_end(patch: Patch) -> None:
    reordered(patch, lambda command: isinstance(command, DropRoute | CloseMedia))


@bug
def things_are_done_before_they_are_written(patch: Patch) -> None:
    reordered(patch, lambda command: isinstance(command, Record))


@bug
def an_admission_is_not_logged(patch: Patch) -> None:
    def admit(self: Draft, participant: Participant, ground: Ground, by: Actor) -> None:
        self.put(replace(participant, place=waiting_room.admit(participant.place, ground, self.wall)))

    patch.setattr(Draft, "admit", admit)


@bug
def nothing_is_written(patch: Patch) -> None:
    patch.setattr(Draft, "_record", lambda _self: iter(()))


@bug
def versions_stand_still(patch: Patch) -> None:
    real = Draft._rosters
    patch.setattr(Draft, "_rosters", lambda self, roster, version: (real(self, roster, version)[0], version - 1))


@bug
def a_restart_lets_everybody_in(patch: Patch) -> None:
    real = waiting_room.restored

    def restored(state: State, waiting_since: datetime, admitted_at: datetime | None) -> Place:
        place = real(state, waiting_since, admitted_at)
        return waiting_room.admit(place, Ground.RESTORED, waiting_since) if place.state is State.WAITING else place

    patch.setattr(waiting_room, "restored", restored)


def restored_without(patch: Patch, forget: Callable[[list[Any]], list[Any]]) -> None:
    real = room.Room.restored

    def restored(*arguments: Any, now: float) -> room.Room:
        return real(*forget(list(arguments)), now=now)

    patch.setattr(room.Room, "restored", staticmethod(restored))


@bug
def a_restart_forgets_who_was_turned_away(patch: Patch) -> None:
    restored_without(patch, lambda known: [*known[:4], known[4] and replace(known[4], turned_away=()), *known[5:]])


@bug
def a_restart_forgets_the_tickets_used(patch: Patch) -> None:
    restored_without(patch, lambda known: [*known[:5], (), known[6]])


@bug
def a_restart_forgets_the_tickets_revoked(patch: Patch) -> None:
    restored_without(patch, lambda known: [*known[:6], ()])


@bug
def a_revoked_ticket_stays_in(patch: Patch) -> None:
    patch.setattr(happening, "_ticket_revoked", lambda _draft, _jti: None)


@bug
def nobody_expires(patch: Patch) -> None:
    patch.setattr(happening, "_time_has_come", lambda _draft: None)


@bug
def a_visit_ends_by_the_wall_clock(patch: Patch) -> None:
    real = Draft.__init__

    def init(self: Draft, *arguments: Any, now: float, wall: datetime) -> None:
        real(self, *arguments, now=now, wall=wall)
        self.anchor = Anchor(now, wall)

    patch.setattr(Draft, "__init__", init)


@bug
def a_refusal_changes_something(patch: Patch) -> None:
    real = Draft.__init__

    def init(self: Draft, *arguments: Any, now: float, wall: datetime) -> None:
        real(self, *arguments, now=now, wall=wall)
        assert isinstance(self.before.participants, dict)
        self.participants = self.before.participants

    patch.setattr(Draft, "__init__", init)


@pytest.mark.parametrize("seed", BUGS, ids=lambda seed: seed.__name__)
def test_a_fault_in_the_lobby_is_caught(seed: Bug, monkeypatch: Patch) -> None:
    seed(monkeypatch)
    with pytest.raises(AssertionError):
        walks()


def test_without_a_fault_nothing_is_caught() -> None:
    walks()


def walks() -> None:
    for number in range(WALKS):
        walk(number, STEPS)
