"""What happens to a room without anybody in it asking."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.admission.windows import iso
from sfu.errors import Code
from sfu.ids import ChannelId, ParticipantId, PersonId
from sfu.rooms.commands import Reason
from sfu.rooms.events import (
    BookingChanged,
    ChannelLost,
    LinkRenewed,
    MediaConnected,
    MediaLost,
    ReachChanged,
    Scored,
    SpeakerChanged,
    TicketRevoked,
    TimeHasCome,
    VisitClosed,
)
from sfu.rooms.participant import Reach
from sfu.rooms.quality import Reason as Fault
from sfu.rooms.quality import Score
from sfu.rooms.requests import Admit, Hold, Leave, Lock, Remove
from tests.rooms.sample import EVA, MARIA, PER, START, VISIT, staff_ticket, ticket
from tests.rooms.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_lost_channel_shows_and_counts_for_the_present(stage: Stage) -> None:
    eva, per = stage.meeting()
    guest = stage.by_link()
    stage.forget()
    stage.drop(per)
    assert [known["connected"] for known in stage.roster(eva)] == [True, False]
    stage.drop(guest)
    assert [known["connected"] for known in stage.waiting(eva)] == [False]
    assert stage.room.next_timer() == stage.now + 120.0


def test_the_loss_of_an_older_channel_is_nothing(stage: Stage) -> None:
    eva, per = stage.meeting()
    older = stage.channels[per]
    stage.by_resume(per)
    stage.do(ChannelLost(older, per, frozenset()))
    assert stage.last is not None
    assert stage.last.commands == ()
    assert [known["connected"] for known in stage.roster(eva)] == [True, True]


def test_those_who_wait_learn_whether_staff_are_there(stage: Stage) -> None:
    per = stage.by_ticket(ticket())
    eva = stage.clinician()
    other = stage.by_link()
    stage.drop(eva)
    stage.by_resume(eva)
    stage.ask(eva, Leave())
    told = [message["staff_present"] for message in stage.messages(per, "lobby_status")]
    assert told == [False, True, False, True, False]
    assert [message["staff_present"] for message in stage.messages(other, "lobby_status")] == [True, False, True, False]


def test_one_of_two_staff_leaving_is_not_told(stage: Stage) -> None:
    eva = stage.clinician()
    stage.clinician(PersonId("hsa:sten"))
    per = stage.by_ticket(ticket())
    stage.ask(eva, Leave())
    assert len(stage.messages(per, "lobby_status")) == 1


def test_nobody_expires_a_moment_too_early(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.drop(per)
    stage.pass_time(119.9)
    assert stage.store.state(per) is State.ADMITTED
    stage.do(TimeHasCome())
    assert stage.last is not None
    assert stage.last.commands == ()
    stage.pass_time(0.1)
    assert [(entry.action, entry.actor, entry.subject) for entry in stage.entries()[-1:]] == [
        (Action.EXPIRED, "server", per)
    ]
    assert stage.media == {eva}


def test_the_last_clinician_leaving_admits_nobody(stage: Stage) -> None:
    eva = stage.clinician()
    per = stage.by_ticket(ticket())
    stage.ask(eva, Leave())
    stage.clinician()
    assert stage.store.state(per) is State.WAITING


def test_a_failed_transport_takes_its_tracks_off_the_roster(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.do(MediaLost(per))
    assert stage.media == {eva}
    assert stage.routes == {}
    assert [known["tracks"] for known in stage.roster(eva)][1] == []
    assert stage.store.state(per) is State.ADMITTED
    stage.publish(per)
    stage.publish(eva)
    assert stage.flows(per, eva) == stage.flows(eva, per) == 2


@pytest.mark.parametrize("event", [MediaConnected, MediaLost, SpeakerChanged])
def test_reports_of_nobody_change_nothing(
    stage: Stage, event: type[MediaConnected | MediaLost | SpeakerChanged]
) -> None:
    waiting = stage.by_ticket(ticket())
    for who in (waiting, ParticipantId("p_nobody")):
        stage.do(event(who))
        assert stage.last is not None
        assert stage.last.commands == ()


def test_who_speaks_is_told_to_those_who_are_in(stage: Stage) -> None:
    eva, per = stage.meeting()
    waiting = stage.by_link()
    stage.forget()
    stage.do(SpeakerChanged(per))
    stage.do(SpeakerChanged(per))
    stage.ask(eva, Hold(per))
    assert stage.messages(eva, "speaker") == [
        {"type": "speaker", "participant": per},
        {"type": "speaker", "participant": None},
    ]
    assert len(stage.messages(per, "speaker")) == 1
    assert stage.messages(waiting, "speaker") == []


def test_a_visit_ends_by_itself_when_its_window_closes(stage: Stage) -> None:
    eva, per = stage.meeting()
    assert stage.room.next_timer() == stage.now + 150 * 60
    channels = set(stage.channels.values())
    stage.pass_time(150 * 60 - 1)
    assert stage.room.occupied
    stage.pass_time(1)
    assert stage.room.visit.closed is VisitState.ENDED
    assert {entry.actor for entry in stage.entries(Action.ENDED)} == {"server"}
    assert stage.entries(Action.ENDED)[0].detail == "time"
    assert set(stage.closed) == {(channel, Reason.VISIT_ENDED) for channel in channels}
    assert {stage.store.state(who) for who in (eva, per)} == {State.ENDED}


@pytest.mark.parametrize("hours", [-720, -1, 1, 720])
def test_a_jump_of_the_wall_clock_neither_ends_nor_opens_a_visit(stage: Stage, hours: int) -> None:
    stage.wall = START - timedelta(minutes=40)
    stage.clinician()
    due = stage.room.next_timer()
    stage.wall += timedelta(hours=hours)
    stage.do(TimeHasCome())
    assert stage.room.visit.closed is None
    assert stage.room.next_timer() == due
    assert stage.link_refusal() is Code.VISIT_NOT_OPEN
    stage.now += 600
    stage.by_link()


def test_a_booking_that_moves_moves_the_end(stage: Stage) -> None:
    stage.clinician()
    stage.do(BookingChanged(replace(VISIT, ends_at=VISIT.ends_at + timedelta(minutes=15))))
    assert stage.room.next_timer() == stage.now + 165 * 60


def test_whoever_is_there_is_told_of_a_visit_that_moves_as_much_as_they_may_know(stage: Stage) -> None:
    eva, per, amina = stage.clinician(), stage.by_ticket(ticket(PER, Role.PATIENT)), stage.by_link()
    later = replace(VISIT, starts_at=VISIT.starts_at + timedelta(minutes=15), title="Nytt")
    stage.do(BookingChanged(later))
    times = {"visit": VISIT.visit, "starts_at": iso(later.starts_at), "ends_at": iso(VISIT.ends_at)}
    everything = times | {"title": "Nytt", "unit_name": VISIT.unit_name}
    for who, facts in ((eva, everything), (per, everything), (amina, times)):
        assert stage.messages(who, "visit") == [{"type": "visit", "visit": facts}]


def test_a_change_that_somebody_may_not_know_is_not_told_to_them(stage: Stage) -> None:
    eva, amina = stage.clinician(), stage.by_link()
    stage.do(BookingChanged(replace(VISIT, title="Nytt")))
    stage.do(BookingChanged(replace(VISIT, title="Nytt", people=VISIT.people[:2])))
    assert len(stage.messages(eva, "visit")) == 1
    assert stage.messages(amina, "visit") == []


def test_a_changed_booking_keeps_what_staff_have_set_and_admits_nobody(stage: Stage) -> None:
    eva = stage.clinician()
    colleague = stage.by_ticket(ticket(PersonId("hsa:ada"), Role.CLINICIAN, units=("SE1-EAR",)))
    stage.ask(eva, Lock(True))
    stage.do(LinkRenewed(3))
    stage.do(BookingChanged(replace(VISIT, unit="SE1-EAR", title="Nytt")))
    assert stage.room.visit == replace(VISIT, unit="SE1-EAR", title="Nytt", locked=True, link_generation=3)
    assert stage.store.state(colleague) is State.WAITING
    assert stage.store.state(eva) is State.ADMITTED
    assert stage.refusal(eva, Admit(colleague)) is Code.NOT_ALLOWED


def test_who_is_booked_follows_the_booking(stage: Stage) -> None:
    eva = stage.clinician()
    maria = stage.by_ticket(ticket(MARIA, Role.GUARDIAN))
    stage.do(BookingChanged(replace(VISIT, people=VISIT.people[:2])))
    assert stage.waiting(eva)[0]["booked"] is False
    assert not stage.store.participants[maria].booked
    assert stage.refusal(eva, Admit(maria)) is Code.AGREEMENT_REQUIRED
    stage.do(BookingChanged(VISIT))
    stage.ask(eva, Admit(maria))


def test_an_older_generation_of_the_link_does_not_come_back(stage: Stage) -> None:
    stage.do(LinkRenewed(3))
    stage.do(LinkRenewed(2))
    stage.do(BookingChanged(VISIT))
    assert stage.room.visit.link_generation == 3


def test_a_revoked_ticket_puts_out_whoever_is_in_with_it_staff_included(stage: Stage) -> None:
    eva = stage.by_ticket(staff_ticket(jti="bad"))
    tablet = stage.by_ticket(staff_ticket(jti="bad"))
    per = stage.by_ticket(ticket())
    stage.do(TicketRevoked("bad"))
    assert {stage.store.state(who) for who in (eva, tablet)} == {State.REMOVED}
    assert stage.store.state(per) is State.WAITING
    entry = stage.entries()[-1]
    assert (entry.action, entry.actor, entry.detail) == (Action.REMOVED, "portal:cosmic", "ticket_revoked")
    assert stage.resume_refusal(eva) is Code.REMOVED


def test_a_revoked_ticket_does_not_turn_away_the_person(stage: Stage) -> None:
    stage.by_ticket(staff_ticket(jti="bad"))
    stage.do(TicketRevoked("bad"))
    assert stage.store.state(stage.clinician(EVA)) is State.ADMITTED


def test_a_place_taken_by_a_new_ticket_outlives_the_old_one(stage: Stage) -> None:
    per = stage.by_ticket(ticket(jti="old"))
    stage.drop(per)
    stage.by_ticket(ticket(jti="new"))
    stage.do(TicketRevoked("old"))
    assert stage.store.state(per) is State.WAITING
    stage.do(TicketRevoked("new"))
    assert stage.store.state(per) is State.REMOVED


@pytest.mark.parametrize(
    ("state", "action", "reason"),
    [(VisitState.ENDED, Action.ENDED, ""), (VisitState.CANCELLED, Action.CANCELLED, "cancelled")],
)
def test_a_portal_closes_a_visit_once(stage: Stage, state: VisitState, action: Action, reason: str) -> None:
    eva, per = stage.meeting()
    stage.do(VisitClosed(state, "portal:cosmic"))
    assert stage.entries()[-3].action is action
    assert {entry.actor for entry in stage.entries()[-3:]} == {"portal:cosmic"}
    assert [stage.messages(who, "state")[-1]["reason"] for who in (eva, per)] == [reason, reason]
    stage.do(VisitClosed(VisitState.ENDED, "portal:cosmic"))
    assert stage.last is not None
    assert stage.last.commands == ()
    assert stage.room.visit.closed is state


def test_the_end_does_not_lift_a_removal(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.ask(eva, Remove(per))
    stage.do(VisitClosed(VisitState.ENDED, "portal:cosmic"))
    assert stage.store.state(per) is State.REMOVED
    assert stage.resume_refusal(per) is Code.REMOVED


def test_a_channel_of_nobody_is_lost_without_a_trace(stage: Stage) -> None:
    stage.do(ChannelLost(ChannelId(77), ParticipantId("p_nobody"), frozenset()))
    assert stage.last is not None
    assert stage.last.commands == ()


def test_who_goes_quiet_is_shown_so_and_forwarded_nothing_until_it_is_back(stage: Stage) -> None:
    eva, per = stage.meeting()
    assert [known["connection"] for known in stage.roster(eva)] == ["good", "good"]
    stage.do(ReachChanged(per, Reach.WEAK))
    assert [known["connection"] for known in stage.roster(eva)] == ["good", "weak"]
    assert (stage.flows(per, eva), stage.flows(eva, per)) == (2, 2)
    stage.do(ReachChanged(per, Reach.LOST))
    assert [known["connection"] for known in stage.roster(eva)] == ["good", "lost"]
    assert stage.routes == {}
    stage.do(ReachChanged(per, Reach.GOOD))
    assert [known["connection"] for known in stage.roster(eva)] == ["good", "good"]
    assert (stage.flows(per, eva), stage.flows(eva, per)) == (2, 2)


def test_another_transport_is_within_reach(stage: Stage) -> None:
    eva, per = stage.meeting()
    stage.do(ReachChanged(per, Reach.LOST))
    stage.publish(per, fresh=True)
    stage.publish(eva)
    assert [known["connection"] for known in stage.roster(eva)] == ["good", "good"]
    assert stage.flows(per, eva) == 2


def test_the_reach_of_who_has_no_transport_is_nothing(stage: Stage) -> None:
    eva = stage.clinician()
    for who in (eva, ParticipantId("p_none")):
        stage.do(ReachChanged(who, Reach.LOST))
        assert stage.last is not None
        assert stage.last.commands == ()


def test_quality_is_told_to_all_who_are_in_of_all_who_are_in(stage: Stage) -> None:
    eva, per = stage.meeting()
    guest = stage.by_link()
    stage.forget()
    stage.do(Scored({eva: Score(4.8, None), per: Score(2.1, Fault.UPLINK), guest: Score(1.0, None)}))
    message = {
        "type": "quality",
        "participants": [{"participant": eva, "score": 4.8}, {"participant": per, "score": 2.1, "reason": "uplink"}],
    }
    assert stage.told == {eva: [message], per: [message]}
    stage.do(Scored({guest: Score(1.0, None)}))
    assert stage.last is not None
    assert stage.last.commands == ()
