"""Invitations by mail (docs/invitations.md): sent, or given as a draft; what became of them; the signature for staff."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field

from sfu import clock
from sfu.admission.links import link_key
from sfu.admission.records import AccessEntry, Action
from sfu.admission.windows import window
from sfu.config import Config, Scope
from sfu.ids import VISIT_ID, NewToken, VisitId, new_token
from sfu.redact import Redacted
from sfu.visits import mail_rows
from sfu.visits.bookings import BookedVisit
from sfu.visits.deliveries import Content, Envelope
from sfu.visits.invitations import FILE_NAMES, MAX_OF_VISIT, Invitation, InvitationWanted, draft, telling
from sfu.visits.keys import Keys
from sfu.visits.mail_rows import MailState, TooManyMails
from sfu.visits.store import Store
from sfu.visits.webhooks import Outcome
from sfu.visits.wording import Language, Wording
from sfu.web.answers import Answer, Moment
from sfu.web.idempotency import Repeatable, Seal
from sfu.web.operations import Call, Operation, Reply
from sfu.web.problems import BodyError, Problem, ProblemCode
from sfu.web.queries import Query


class InvitationQuery(Query):
    """`POST /api/v1/visits/{visit}/invitations`."""

    format: Annotated[
        Literal["eml"] | None, Field(description="`eml`: nothing is sent, a draft for a mail program is answered.")
    ] = None


class SignatureQuery(Query):
    """`GET /api/v1/invitations/signature`."""

    language: Annotated[Language, Field(description="Swedish or English.")] = "sv"


class RecipientAnswer(Answer):
    """What became of one mail. The address itself is erased once its turn is over, and is never told."""

    recipient: int
    """Its place in `to`, from 0."""
    outcome: Outcome
    attempts: int
    settled_at: Moment | None
    smtp_code: int | None
    """What the mail server last said against it."""


class InvitationAnswer(Answer):
    """One invitation, and what became of each of its mails."""

    invitation: str
    at: Moment
    language: Language
    recipients: tuple[RecipientAnswer, ...]


class InvitationsAnswer(Answer):
    invitations: tuple[InvitationAnswer, ...]


class SignatureAnswer(Answer):
    """`html` shows the logo by itself; `logo` is the same PNG in base64, null where the region has none."""

    language: Language
    text: str
    html: str
    logo: str | None


class Outbox(Protocol):
    """What sends, as far as it concerns whoever asks for it."""

    def wake(self) -> None:
        """There is a mail to send."""
        ...

    def drafted(self) -> None:
        """A draft was handed out."""
        ...


class InvitationApi:
    """The handlers. Every one is called with a known caller, the scope `invitations`, and a body that keeps the rules."""

    def __init__(
        self,
        config: Config,
        keys: Keys,
        store: Store,
        wording: Wording,
        outbox: Outbox,
        *,
        wall: Callable[[], datetime] = clock.wall,
        new_token: NewToken = new_token,
    ) -> None:
        self._config = config
        self._store = store
        self._wording = wording
        self._outbox = outbox
        self._wall = wall
        self._new_token = new_token
        self._link_secret = keys.link
        self._seal = Seal(keys.answer)
        self._envelope = Envelope(keys.mail)

    def operations(self) -> tuple[Operation, ...]:
        """The calls, for the table of the portal API."""
        scopes: frozenset[Scope] = frozenset({"invitations"})
        of_visit = "/visits/{visit}/invitations"
        return (
            Operation(
                name="invite",
                method="POST",
                path=of_visit,
                summary="Invite by mail: each recipient gets a mail of their own",
                scopes=scopes,
                handler=self.invite,
                status=HTTPStatus.ACCEPTED,
                body=InvitationWanted,
                answer=InvitationAnswer,
                problems=frozenset({ProblemCode.VISIT_ENDED, ProblemCode.MAIL_OFF}),
                query=InvitationQuery,
                creates=True,
                file="message/rfc822",
            ),
            Operation(
                name="readInvitations",
                method="GET",
                path=of_visit,
                summary="What became of each mail",
                scopes=scopes,
                handler=self.read_invitations,
                answer=InvitationsAnswer,
            ),
            Operation(
                name="readSignature",
                method="GET",
                path="/invitations/signature",
                summary="The standard text and logo, for the signature of staff's mail program",
                scopes=scopes,
                handler=self.read_signature,
                answer=SignatureAnswer,
                query=SignatureQuery,
            ),
        )

    async def invite(self, call: Call) -> Reply:
        assert isinstance(call.body, InvitationWanted)
        assert isinstance(call.query, InvitationQuery)
        body, booked, wall = call.body, await self._visit(call), self._wall()
        self._check_open(booked, wall)
        if telling(body.message, booked):
            raise _refused("/message", "must not name the patient, a guardian, the clinic or the visit's title")
        language: Language = body.language or ("en" if booked.visit.language == "en" else "sv")
        if call.query.format == "eml":
            return await self._draft(call, booked, body, language, wall)
        if not self._config.smtp.host:
            raise Problem(ProblemCode.MAIL_OFF)
        repeatable = Repeatable.of(call, body, wall, self._seal)
        id_, visit = f"i_{self._new_token()}", booked.visit.visit
        sealed = {}
        for address in body.to:
            mail = f"m_{self._new_token()}"
            sealed[mail] = self._envelope.close(mail, Content(Redacted(address), Redacted(body.message)))
        waiting = tuple(
            RecipientAnswer(recipient=place, outcome=Outcome.WAITING, attempts=0, settled_at=None, smtp_code=None)
            for place in range(len(body.to))
        )
        reply = Reply.of(InvitationAnswer(invitation=id_, at=wall, language=language, recipients=waiting))
        entry = _entry(call, visit, wall, "mail")
        once, generation = repeatable.once(reply), booked.visit.link_generation
        try:
            answered = await self._store.change(
                lambda connection: mail_rows.invite(
                    connection, entry, once, sealed, invitation=id_, language=language, link_generation=generation
                )
            )
        except TooManyMails:
            raise _refused("/to", f"would be more than {MAX_OF_VISIT} mails for this visit") from None
        self._outbox.wake()
        return reply if answered is None else repeatable.earlier(answered)

    async def read_invitations(self, call: Call) -> Reply:
        visit = (await self._visit(call)).visit.visit
        states = await self._store.look(lambda connection: mail_rows.states(connection, visit))
        return Reply.of(InvitationsAnswer(invitations=tuple(_answers(states))))

    async def read_signature(self, call: Call) -> Reply:
        assert isinstance(call.query, SignatureQuery)
        language = call.query.language
        logo = base64.b64encode(self._wording.logo).decode("ascii") if self._wording.logo else None
        text, html = self._wording.signature(language, logo=f"data:image/png;base64,{logo}" if logo else "")
        return Reply.of(SignatureAnswer(language=language, text=text, html=html, logo=logo))

    async def _draft(
        self, call: Call, booked: BookedVisit, body: InvitationWanted, language: Language, wall: datetime
    ) -> Reply:
        visit = booked.visit
        await self._store.note(_entry(call, visit.visit, wall, "draft"))
        invitation = Invitation(
            visit=visit.visit,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            language=language,
            message=body.message,
            link=shared_link(self._config.web.public_url, self._link_secret, visit.visit, visit.link_generation),
        )
        domain = urlsplit(self._config.web.public_url).hostname or "localhost"
        file = draft(invitation, self._wording, to=body.to, domain=domain, at=wall)
        self._outbox.drafted()
        return Reply(file=file, headers={"Content-Disposition": f'attachment; filename="{FILE_NAMES[language][0]}"'})

    async def _visit(self, call: Call) -> BookedVisit:
        """The visit that the path names. One and the same 404 for unknown, malformed and foreign ones."""
        id_ = call.request.match_info["visit"]
        found = await self._store.visit(VisitId(id_)) if VISIT_ID.fullmatch(id_) else None
        if found is None or not call.caller.may_see(found.visit):
            raise Problem(ProblemCode.NOT_FOUND)
        return found

    def _check_open(self, booked: BookedVisit, wall: datetime) -> None:
        times = self._config.visits
        closes_at = window(
            booked.visit,
            opens_before_minutes=times.opens_before_minutes,
            closes_after_minutes=times.closes_after_minutes,
        ).closes_at
        if booked.visit.closed is not None or wall >= closes_at:
            raise Problem(ProblemCode.VISIT_ENDED)


def shared_link(public_url: str, secret: Redacted[bytes], visit: VisitId, generation: int) -> str:
    """The shared link of one generation, as portals are told it too."""
    return f"{public_url}/join#visit={visit}&key={link_key(secret.reveal(), visit, generation)}"


def _entry(call: Call, visit: VisitId, wall: datetime, detail: str) -> AccessEntry:
    return AccessEntry(visit=visit, at=wall, action=Action.INVITED, actor=call.caller.actor, detail=detail)


def _refused(pointer: str, message: str) -> Problem:
    return Problem(ProblemCode.INVALID, (BodyError(pointer=pointer, message=message),))


def _answers(states: Iterable[MailState]) -> Iterable[InvitationAnswer]:
    for invitation, mails in groupby(states, key=lambda state: state.invitation):
        of_it = list(mails)
        yield InvitationAnswer(
            invitation=invitation,
            at=of_it[0].at,
            language="en" if of_it[0].language == "en" else "sv",
            recipients=tuple(
                RecipientAnswer(
                    recipient=mail.place,
                    outcome=mail.outcome,
                    attempts=mail.attempts,
                    settled_at=mail.settled_at,
                    smtp_code=mail.smtp_code,
                )
                for mail in of_it
            ),
        )
