"""The three ways to join: by ticket, by shared link, by resume token (protocol.md, Joining).

What is checked comes in this order, so that nobody learns more than what they have proved entitles them to:

    ticket   revoked · ended · not open · turned away · [a place to take] · [own staff: in] · passed on too often · locked · full
    link     renewed · ended · not open · name · knocked too often · locked · full
    resume   unknown or not the token · turned away · revoked · ended · too late · too often

Own staff come in while the visit is locked, before it opens and beyond the capacity: nobody who is responsible for a
visit is shut out of it. That holds beside another device of theirs, too: for some seconds after a crash the old one still
looks connected. They are own staff by a ticket's first use only: used again it proves no unit, and its holder waits.

Who is booked always finds a place to wait. Somebody who comes back to a place does not knock, so a lock and a full lobby
do not concern them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sfu.admission import waiting_room
from sfu.admission.limits import RESUME_PERIOD, RESUMES_PER_PERIOD, Knocks
from sfu.admission.names import is_good_name
from sfu.admission.records import Action
from sfu.admission.resume import is_token_of, resume_digest, resume_token
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Visit
from sfu.admission.waiting_room import Ground, State
from sfu.admission.windows import iso, window
from sfu.errors import Code, Refused
from sfu.ids import ParticipantId, PersonId
from sfu.rooms.draft import Actor, Draft
from sfu.rooms.events import LinkPresented, ResumePresented, TicketPresented
from sfu.rooms.participant import Participant

FRAME_BYTES = 65536
"""The largest frame of the signalling channel (protocol.md, Channel)."""


def join_by_ticket(draft: Draft, event: TicketPresented) -> tuple[ParticipantId, str]:
    """Take a join with a ticket. Gives the participant and its resume token."""
    ticket = event.ticket
    _check_ticket(draft, ticket)
    _check_open(draft, early=ticket.role is Role.CLINICIAN)
    _check_person(draft, ticket.person)
    used = ticket.jti in draft.tickets_used
    draft.tickets_used |= {ticket.jti}
    if not used:
        earlier = _earlier(draft, ticket)
        if earlier is not None:
            return _take_place(draft, earlier, event)
    newcomer, token = _newcomer(
        draft,
        person=ticket.person,
        name=ticket.name,
        role=ticket.role,
        verified=True,
        second_device=used or _is_there(draft, ticket.person),
        units=() if used else ticket.units,
        ticket=ticket.jti,
    )
    own_staff = newcomer.is_own_staff(draft.visit)
    if not own_staff:
        if used:
            # A ticket that is passed on is a link like any other.
            _count_knock(draft, f"ticket {ticket.jti}")
        _check_lobby(draft, has_place=_has_place_kept(newcomer))
    draft.arrive(newcomer, event.channel)
    draft.log(Action.JOINED, _by(newcomer), newcomer, "second_device" if newcomer.second_device else "ticket")
    if own_staff:
        draft.admit(draft.participants[newcomer.participant], Ground.OWN_UNIT, _by(newcomer))
    return newcomer.participant, token


def join_by_link(draft: Draft, event: LinkPresented) -> tuple[ParticipantId, str]:
    """Take a join with the shared link: somebody new, verified by nothing, who waits whatever role they stated."""
    check_knock(draft, event)
    newcomer, token = _newcomer(
        draft,
        person=None,
        name=event.name,
        role=event.role,
        verified=False,
        second_device=False,
        link_generation=event.generation,
    )
    draft.arrive(newcomer, event.channel)
    draft.log(Action.JOINED, _by(newcomer), newcomer, "link")
    return newcomer.participant, token


def check_knock(draft: Draft, event: LinkPresented) -> None:
    """Whether a join with the shared link finds a place; raises `Refused`. Counts the knock in `draft`."""
    _check_link(draft, event.generation)
    _check_open(draft, early=False)
    if not is_good_name(event.name):
        raise Refused(Code.BAD_MESSAGE, "A name has 1 to 80 characters, all of them visible.")
    _count_knock(draft, f"link {event.generation}")
    _check_lobby(draft)


def join_by_resume(draft: Draft, event: ResumePresented) -> tuple[ParticipantId, str]:
    """Bring a participant back as itself, in the state that it had.

    It is written where the participant was away. Where a newer channel takes over from one that is there (a second tab, or a
    loss that the server has not seen yet), nobody has come or gone.
    """
    participant = draft.participants.get(event.participant)
    digest = participant.resume_digest if participant else draft.departed.get(event.participant)
    if not is_token_of(event.token, digest if digest is not None else bytes(32)) or digest is None:
        raise Refused(Code.TICKET_INVALID, "This link is not valid.")
    if participant is None:
        _check_not_ended(draft)
        raise _too_late()
    if participant.turned_away:
        raise turned_away(participant.state)
    if participant.person is not None and draft.turned_away.get(participant.person) is State.REMOVED:
        raise turned_away(State.REMOVED)
    if participant.ticket in draft.tickets_revoked:
        raise turned_away(State.REMOVED)
    _check_not_ended(draft)
    if participant.lost_at is not None and draft.now >= participant.lost_at + draft.limits.resume_seconds:
        raise _too_late()
    if participant.resumes.within(draft.now, RESUME_PERIOD) >= RESUMES_PER_PERIOD:
        raise Refused(Code.RATE_LIMITED, "This place has been resumed too often. Try again in a minute.")
    draft.arrive(replace(participant, resumes=participant.resumes.with_one(draft.now, RESUME_PERIOD)), event.channel)
    if not participant.connected:
        draft.log(Action.RESUMED, _by(participant), participant)
    return participant.participant, event.token


def check_test(draft: Draft, way: Ticket | int) -> None:
    """Whether a ticket, or a generation of the shared link, is good for a test of somebody's equipment, days before or now.

    Raises `Refused` where it leads nowhere any more. Too early and locked are no hindrance: nobody is let in by a test.
    """
    if isinstance(way, int):
        _check_link(draft, way)
        _check_not_over(draft)
        return
    _check_ticket(draft, way)
    _check_not_over(draft)
    _check_person(draft, way.person)


def visit_facts(visit: Visit, participant: Participant) -> dict[str, object]:
    """What somebody is told of the visit.

    Where and why is told to those only whose identity was proved: not to the holder of a shared link, nor of a ticket that
    went astray. A second device of own staff has proved it by a ticket of its own.
    """
    about: dict[str, object] = {
        "visit": visit.visit,
        "starts_at": iso(visit.starts_at),
        "ends_at": iso(visit.ends_at),
    }
    if participant.verified and (participant.is_own_staff(visit) or not participant.second_device):
        about |= {"title": visit.title, "unit_name": visit.unit_name}
    return about


def join_answer(visit: Visit, participant: Participant, token: str) -> dict[str, object]:
    """The fields of the answer to a join."""
    return {
        "participant": participant.participant,
        "state": participant.state.value,
        "role": participant.role.value,
        "name": participant.name,
        "verified": participant.verified,
        "may_admit": participant.may_admit(visit),
        "second_device": participant.second_device,
        "resume": token,
        "language": visit.language,
        "visit": visit_facts(visit, participant),
        "ice_servers": [],
        "limits": {"frame_bytes": FRAME_BYTES},
    }


def turned_away(state: State) -> Refused:
    """The answer to somebody who was denied or removed."""
    if state is State.DENIED:
        return Refused(Code.DENIED, "Care staff have not let you in.")
    return Refused(Code.REMOVED, "Care staff have ended your part in this visit.")


def _newcomer(
    draft: Draft,
    *,
    person: PersonId | None,
    name: str,
    role: Role,
    verified: bool,
    second_device: bool,
    units: tuple[str, ...] = (),
    ticket: str | None = None,
    link_generation: int | None = None,
) -> tuple[Participant, str]:
    identifier = ParticipantId(f"p_{draft.new_token()}")
    token = resume_token(draft.visit.visit, identifier, draft.new_token())
    newcomer = Participant(
        participant=identifier,
        person=person,
        name=name,
        role=role,
        verified=verified,
        booked=person is not None and draft.visit.names(person),
        second_device=second_device,
        units=units,
        ticket=ticket,
        link_generation=link_generation,
        resume_digest=resume_digest(token),
        place=waiting_room.knock(draft.wall),
        channel=None,
        lost_at=None,
    )
    return newcomer, token


def _earlier(draft: Draft, ticket: Ticket) -> Participant | None:
    """The same person, in the same role, who has lost the channel; None while another device of theirs is there."""
    if _is_there(draft, ticket.person):
        return None
    lost = [
        participant
        for participant in draft.participants.values()
        if participant.person == ticket.person
        and participant.role is ticket.role
        and not participant.turned_away
        and not participant.connected
    ]
    return min(lost, key=lambda participant: participant.second_device, default=None)


def _take_place(draft: Draft, earlier: Participant, event: TicketPresented) -> tuple[ParticipantId, str]:
    """Give a place, with the state it has, to the ticket that proves the same person anew.

    The participant stays the same, its resume token does not. It is on a second device no more: the portal has just
    identified the person. What the lost device sends and receives ends with its place: it may be in anybody's hands by now.
    """
    token = resume_token(draft.visit.visit, earlier.participant, draft.new_token())
    taken = replace(
        earlier,
        name=event.ticket.name,
        units=event.ticket.units,
        ticket=event.ticket.jti,
        second_device=False,
        resume_digest=resume_digest(token),
        media=None,
        views=(),
        muted=frozenset(),
    )
    draft.arrive(taken, event.channel)
    draft.log(Action.RESUMED, _by(taken), taken, "new_ticket")
    if taken.waiting and taken.is_own_staff(draft.visit):
        draft.admit(draft.participants[taken.participant], Ground.OWN_UNIT, _by(taken))
    return taken.participant, token


def _is_there(draft: Draft, person: PersonId) -> bool:
    """Whether a device of the person is connected.

    One that waits as a second device does not count: by a forwarded link it may be anybody's, and must not keep the person
    out of their own place.
    """
    return any(
        participant.person == person
        and participant.connected
        and not (participant.waiting and participant.second_device)
        for participant in draft.participants.values()
    )


def _check_ticket(draft: Draft, ticket: Ticket) -> None:
    if ticket.visit != draft.visit.visit or ticket.jti in draft.tickets_revoked:
        raise Refused(Code.TICKET_INVALID, "This link is not valid.")


def _check_link(draft: Draft, generation: int) -> None:
    if generation != draft.visit.link_generation:
        raise Refused(Code.LINK_REVOKED, "This link has been replaced. Ask for the new one.")


def _check_not_ended(draft: Draft) -> None:
    if draft.visit.closed is not None:
        raise Refused(Code.VISIT_ENDED, "This visit is over.")


def _check_not_over(draft: Draft) -> datetime:
    """Gives when the visit opens."""
    _check_not_ended(draft)
    limits = draft.limits
    times = window(
        draft.visit,
        opens_before_minutes=limits.opens_before_minutes,
        closes_after_minutes=limits.closes_after_minutes,
    )
    if draft.visit_time >= times.closes_at:
        raise Refused(Code.VISIT_ENDED, "This visit is over.")
    return times.opens_at


def _check_open(draft: Draft, *, early: bool) -> None:
    """`early`: verified clinicians may come from the visit's creation on."""
    opens_at = _check_not_over(draft)
    if draft.visit_time < opens_at and not early:
        raise Refused(Code.VISIT_NOT_OPEN, "This visit is not open yet.", opens_at=iso(opens_at))


def _check_person(draft: Draft, person: PersonId) -> None:
    state = draft.turned_away.get(person)
    if state is not None:
        raise turned_away(state)


def _check_lobby(draft: Draft, *, has_place: bool = False) -> None:
    """A place is kept for everybody who is booked: strangers with a link cannot fill the lobby before them."""
    if draft.visit.locked:
        raise Refused(Code.LOCKED, "Care staff have locked this visit.")
    if has_place:
        return
    taken = sum(known.waiting and not _has_place_kept(known) for known in draft.participants.values())
    if taken >= draft.limits.lobby_capacity:
        raise Refused(Code.FULL, "The waiting room is full. Try again in a moment.")


def _has_place_kept(participant: Participant) -> bool:
    """At most one device of a booked person in each role: another beside it is a second device."""
    return participant.booked and not participant.second_device


def _count_knock(draft: Draft, door: str) -> None:
    knocks = draft.knocks.get(door, Knocks())
    if knocks.within(draft.now) >= draft.limits.knocks_per_link_hour:
        raise Refused(Code.RATE_LIMITED, "This link has been used too often. Try again later.")
    draft.knocks = {**draft.knocks, door: knocks.with_one(draft.now)}


def _by(participant: Participant) -> Actor:
    return Actor(participant.participant, participant.person)


def _too_late() -> Refused:
    return Refused(Code.TICKET_EXPIRED, "Too long away. Open your link again.")
