"""The portal API (docs/portal-api.md): what a care record and a patient portal call, server to server."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary

from sfu import clock
from sfu.admission.links import link_key
from sfu.admission.records import AccessEntry, Action, ParticipantRecord
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import Visit, VisitState
from sfu.admission.waiting_room import State
from sfu.admission.windows import Window, window
from sfu.config import Config
from sfu.errors import Refused, StoreUnavailable
from sfu.ids import VISIT_ID, NewToken, PersonId, VisitId, new_token
from sfu.visits.bookings import Body, BookedVisit, Booking, BrokenRule, Changes, NotAGuardian, TicketWanted
from sfu.visits.keys import Keys
from sfu.visits.statements import Wanted
from sfu.visits.store import MintedTicket, Store
from sfu.visits.transaction import Unsure
from sfu.web.answers import (
    AuditAnswer,
    EntryAnswer,
    LinkAnswer,
    ParticipantAnswer,
    ParticipantsAnswer,
    TicketAnswer,
    VisitAnswer,
    VisitsAnswer,
)
from sfu.web.idempotency import Repeatable, Seal
from sfu.web.operations import PREFIX, Call, Reply
from sfu.web.problems import BodyError, Problem, ProblemCode
from sfu.web.queries import AuditQuery, Query, VisitsQuery, cursor, read_cursor

TICKET_ID = re.compile(r"k_[0-9a-z]{1,60}", re.ASCII)

B = TypeVar("B", bound=Body)
Q = TypeVar("Q", bound=Query)


@dataclass(frozen=True, slots=True)
class Present:
    """A participant of a live visit."""

    record: ParticipantRecord
    connected: bool


class LiveVisits(Protocol):
    """The running side of the house, as the portal API needs it. Each call may raise `Refused` or `StoreUnavailable`."""

    def draining(self) -> bool:
        """Whether new visits are refused."""
        ...

    def active(self, visit: VisitId) -> bool:
        """Whether somebody is admitted and connected now."""
        ...

    async def participants(self, visit: VisitId) -> Sequence[Present]:
        """Everybody the visit knows of, in any state."""
        ...

    async def booking_changed(self, visit: Visit) -> None:
        """The store has the visit as its portal has changed it. A visit that nobody has come to learns it when it is read."""
        ...

    async def link_renewed(self, visit: VisitId, generation: int, *, unsure: bool = False) -> int:
        """The store has this generation of the shared link: older links are dead from now on. Gives the one that is good.

        `unsure`: it may have it. Then it is written anew, as soon as it can be.
        """
        ...

    async def ticket_revoked(self, visit: VisitId, ticket: str) -> None:
        """The store has the ticket as revoked: whoever is in with it is removed. May be told again."""
        ...

    async def close(self, visit: VisitId, state: VisitState, by: str) -> None:
        """End or cancel the visit, in the name of `by`; writes it. On a closed visit: nothing."""
        ...


class PortalApi:
    """The handlers. Every one is called with a known caller, a scope that fits, and a body that keeps the rules."""

    def __init__(
        self,
        config: Config,
        keys: Keys,
        store: Store,
        live: LiveVisits,
        *,
        wall: Callable[[], datetime] = clock.wall,
        new_token: NewToken = new_token,
    ) -> None:
        self._config = config
        self._store = store
        self._live = live
        self._wall = wall
        self._new_token = new_token
        self._signers = {portal.id: keys.signer(portal.id) for portal in config.portals}
        self._link_secret = keys.link
        self._seal = Seal(keys.answer)
        self._changing: WeakValueDictionary[VisitId, asyncio.Lock] = WeakValueDictionary()

    async def create_visit(self, call: Call) -> Reply:
        body = _body(call, Booking)
        if self._live.draining():
            raise Problem(ProblemCode.DRAINING)
        repeatable = Repeatable.of(call, body, self._wall(), self._seal)
        if earlier := await self._earlier(repeatable):
            return earlier
        visit = VisitId(f"v_{self._new_token()}")
        try:
            booked = body.booked(visit, portal=call.caller.id, guardian_age=self._config.visits.guardian_age)
        except NotAGuardian:
            raise _not_guardians() from None
        reply = Reply.of(self._visit_answer(booked), {"Location": f"{PREFIX}/visits/{visit}"})
        # Whose visit it is has to be in the log itself: the visit will be deleted long before it.
        entry = self._entry(call, visit, Action.CREATED, person=PersonId(body.patient.person))
        answered = await self._store.create_visit(booked, entry, repeatable.once(reply))
        return reply if answered is None else repeatable.earlier(answered)

    async def list_visits(self, call: Call) -> Reply:
        asked = _query(call, VisitsQuery)
        found = await self._store.visits(
            Wanted(
                portals=call.caller.sees,
                unit=asked.unit,
                person=asked.person,
                starts_from=asked.starts_from,
                starts_before=asked.starts_before,
                after=None if asked.cursor is None else read_cursor(asked.cursor),
                limit=asked.limit + 1,
            )
        )
        page = found[: asked.limit]
        last = page[-1].visit if len(found) > asked.limit else None
        return Reply.of(
            VisitsAnswer(
                visits=tuple(self._visit_answer(booked) for booked in page),
                next=None if last is None else cursor(last.starts_at, last.visit),
            )
        )

    async def change_visit(self, call: Call) -> Reply:
        body = _body(call, Changes)
        visit = (await self._visit(call)).visit.visit

        def change(booked: BookedVisit) -> BookedVisit:
            self._open_until_closed(booked)
            return body.applied(booked, guardian_age=self._config.visits.guardian_age)

        # One change of a visit after the other, so that the live side learns of them in the order in which they were written.
        async with self._changing.setdefault(visit, asyncio.Lock()):
            try:
                booked = await self._store.change_visit(visit, change, self._entry(call, visit, Action.CHANGED))
            except BrokenRule as broken:
                error = BodyError(pointer=broken.pointer, message=broken.message)
                raise Problem(ProblemCode.INVALID, (error,)) from None
            except NotAGuardian:
                raise _not_guardians() from None
            if booked is None:
                raise Problem(ProblemCode.NOT_FOUND)
            await self._live.booking_changed(booked.visit)
        return Reply.of(self._visit_answer(booked))

    async def read_visit(self, call: Call) -> Reply:
        return Reply.of(self._visit_answer(await self._visit(call)))

    async def end_visit(self, call: Call) -> Reply:
        return Reply.of(self._visit_answer(await self._close(call, VisitState.ENDED)))

    async def cancel_visit(self, call: Call) -> Reply:
        await self._close(call, VisitState.CANCELLED)
        return Reply()

    async def mint_ticket(self, call: Call) -> Reply:
        body = _body(call, TicketWanted)
        role = Role(body.role)
        call.caller.need("tickets:staff" if role is Role.CLINICIAN else "tickets:citizen")
        booked = await self._visit(call)
        repeatable = Repeatable.of(call, body, self._wall(), self._seal)
        if earlier := await self._earlier(repeatable):
            return earlier
        wall = self._open_until_closed(booked)
        lifetime = timedelta(minutes=self._config.tickets.lifetime_minutes)
        expires_at = min(wall + lifetime, self._window(booked.visit).closes_at).replace(microsecond=0)
        if expires_at <= wall:
            raise Problem(ProblemCode.VISIT_ENDED)
        ticket = Ticket(
            jti=f"k_{self._new_token()}",
            issuer=call.caller.id,
            person=PersonId(body.person),
            visit=booked.visit.visit,
            role=role,
            name=_name(booked, body, role),
            units=body.units,
            expires_at=expires_at,
        )
        try:
            words = self._signers[call.caller.id].mint(ticket, wall)
        except ValueError:
            errors = (BodyError(pointer="/units", message="are too many for one ticket"),)
            raise Problem(ProblemCode.INVALID, errors) from None
        reply = Reply.of(
            TicketAnswer(
                id=ticket.jti,
                ticket=words,
                join_url=f"{self._config.web.public_url}/join#ticket={words}",
                expires_at=ticket.expires_at,
            )
        )
        minted = MintedTicket(
            visit=ticket.visit, ticket=ticket.jti, person=ticket.person, role=role, expires_at=ticket.expires_at
        )
        entry = self._entry(call, ticket.visit, Action.TICKET_MINTED, person=ticket.person, detail=role.value)
        answered = await self._store.ticket_minted(minted, entry, repeatable.once(reply))
        return reply if answered is None else repeatable.earlier(answered)

    async def revoke_ticket(self, call: Call) -> Reply:
        visit = (await self._visit(call)).visit.visit
        id_ = call.request.match_info["ticket"]
        ticket = await self._store.ticket(visit, id_) if TICKET_ID.fullmatch(id_) else None
        if ticket is None:
            raise Problem(ProblemCode.NOT_FOUND)
        call.caller.need("tickets:staff" if ticket.role is Role.CLINICIAN else "tickets:citizen")
        entry = self._entry(call, visit, Action.TICKET_REVOKED, person=ticket.person)
        try:
            await self._store.ticket_revoked(visit, id_, entry)
        except Unsure:
            # It may have happened. Doubt takes away, and who revokes asks again.
            with contextlib.suppress(StoreUnavailable, Refused):
                await self._live.ticket_revoked(visit, id_)
            raise
        # Told even where it was revoked before: the first time, the telling may have failed.
        await self._live.ticket_revoked(visit, id_)
        return Reply()

    async def read_link(self, call: Call) -> Reply:
        booked = await self._visit(call)
        self._open_until_closed(booked)
        visit = booked.visit.visit
        await self._store.note(self._entry(call, visit, Action.LINK_READ))
        # After a renewal whose commit went unanswered the two may differ: the link that is handed out is the one that works.
        generation = await self._live.link_renewed(visit, booked.visit.link_generation)
        return Reply.of(self._link_answer(visit, generation))

    async def renew_link(self, call: Call) -> Reply:
        booked = await self._visit(call)
        self._open_until_closed(booked)
        visit = booked.visit.visit
        try:
            generation = await self._store.renew_link(visit, self._entry(call, visit, Action.LINK_RENEWED))
        except Unsure:
            # It may have happened. Doubt takes away: the old link is dead, and who renews asks again.
            with contextlib.suppress(StoreUnavailable, Refused):
                await self._live.link_renewed(visit, booked.visit.link_generation + 1, unsure=True)
            raise
        generation = await self._live.link_renewed(visit, generation)
        return Reply.of(self._link_answer(visit, generation))

    async def read_participants(self, call: Call) -> Reply:
        visit = (await self._visit(call)).visit.visit
        await self._store.note(self._entry(call, visit, Action.PARTICIPANTS_READ))
        there = await self._live.participants(visit)
        return Reply.of(
            ParticipantsAnswer(
                participants=tuple(
                    ParticipantAnswer.of(each.record, each.connected)
                    for each in there
                    if each.record.state in (State.WAITING, State.ADMITTED)
                )
            )
        )

    async def read_audit(self, call: Call) -> Reply:
        visit = (await self._visit(call)).visit.visit
        asked = _query(call, AuditQuery)
        await self._store.note(self._entry(call, visit, Action.AUDIT_READ))
        rows = await self._store.log(visit, after=asked.after, limit=asked.limit + 1)
        entries = tuple(EntryAnswer.of(row) for row in rows[: asked.limit])
        return Reply.of(AuditAnswer(entries=entries, next=entries[-1].number if len(rows) > asked.limit else None))

    async def _visit(self, call: Call) -> BookedVisit:
        """The visit that the path names. One and the same 404 for unknown, malformed and foreign ones."""
        id_ = call.request.match_info["visit"]
        found = await self._store.visit(VisitId(id_)) if VISIT_ID.fullmatch(id_) else None
        if found is None or not call.caller.may_see(found.visit):
            raise Problem(ProblemCode.NOT_FOUND)
        return found

    async def _close(self, call: Call, state: VisitState) -> BookedVisit:
        booked = await self._visit(call)
        if booked.visit.closed not in (None, state):
            raise Problem(ProblemCode.VISIT_ENDED)
        await self._live.close(booked.visit.visit, state, call.caller.actor)
        return replace(booked, visit=booked.visit.with_closed(state))

    def _window(self, visit: Visit) -> Window:
        times = self._config.visits
        return window(
            visit, opens_before_minutes=times.opens_before_minutes, closes_after_minutes=times.closes_after_minutes
        )

    def _open_until_closed(self, booked: BookedVisit) -> datetime:
        """The time of day. Raises `Problem` 409 where nobody can join the visit any more."""
        wall = self._wall()
        if booked.visit.closed is not None or wall >= self._window(booked.visit).closes_at:
            raise Problem(ProblemCode.VISIT_ENDED)
        return wall

    def _visit_answer(self, booked: BookedVisit) -> VisitAnswer:
        visit, times, wall = booked.visit, self._window(booked.visit), self._wall()
        if visit.closed is not None:
            state = visit.closed
        elif self._live.active(visit.visit):
            state = VisitState.ACTIVE
        elif wall >= times.closes_at:
            state = VisitState.ENDED
        else:
            state = VisitState.OPEN if wall >= times.opens_at else VisitState.BOOKED
        return VisitAnswer.of(booked, state, times)

    def _link_answer(self, visit: VisitId, generation: int) -> LinkAnswer:
        key = link_key(self._link_secret.reveal(), visit, generation)
        return LinkAnswer(share_url=f"{self._config.web.public_url}/join#visit={visit}&key={key}")

    def _entry(
        self, call: Call, visit: VisitId, action: Action, *, person: PersonId | None = None, detail: str = ""
    ) -> AccessEntry:
        return AccessEntry(
            visit=visit,
            at=self._wall(),
            action=action,
            actor=call.caller.actor,
            subject_person=person,
            detail=detail,
        )

    async def _earlier(self, repeatable: Repeatable) -> Reply | None:
        """What was answered when this call came before; None where it is new."""
        if repeatable.key is None:
            return None
        answer = await self._store.earlier_answer(
            repeatable.portal, repeatable.key, repeatable.request, at=repeatable.at
        )
        return None if answer is None else repeatable.earlier(answer)


def _body(call: Call, kind: type[B]) -> B:
    assert isinstance(call.body, kind), "the operation names the type of its body"
    return call.body


def _query(call: Call, kind: type[Q]) -> Q:
    assert isinstance(call.query, kind), "the operation names the type of its query"
    return call.query


def _not_guardians() -> Problem:
    return Problem(ProblemCode.GUARDIAN_AGE, (BodyError(pointer="/guardians", message="too old"),))


def _name(booked: BookedVisit, body: TicketWanted, role: Role) -> str:
    """The name on a ticket. Raises `Problem` where the booking does not let this person come in this role."""
    named = booked.booked_as(PersonId(body.person))
    if role is not Role.CLINICIAN and named is None:
        raise Problem(ProblemCode.NOT_BOOKED)
    if role in (Role.PATIENT, Role.GUARDIAN) and (named is None or named.role is not role):
        raise Problem(ProblemCode.NOT_BOOKED)
    # Asked at every ticket, not only when it was booked: the visit may have been moved past the birthday.
    if role is Role.GUARDIAN and not booked.guardians_may_come():
        raise Problem(ProblemCode.GUARDIAN_AGE)
    name = body.name or (named.name if named else None)
    if name is None:
        error = BodyError(pointer="/name", message="must be given for somebody whom the booking does not name")
        raise Problem(ProblemCode.INVALID, (error,))
    return name
