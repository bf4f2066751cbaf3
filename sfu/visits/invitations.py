"""Invitations by mail: what may be asked for, and the mail that comes of it, for one recipient or as a draft.

Subject, body and file names carry a time, a link and how to join: no patient, no clinic, no title, no reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from sfu.admission.names import is_plain
from sfu.admission.roles import Role
from sfu.config import MAIL_ADDRESS
from sfu.ids import VisitId
from sfu.visits import calendar
from sfu.visits.bookings import Body, BookedVisit, looks_like_identity_number
from sfu.visits.wording import Language, Wording

MAX_RECIPIENTS = 20  # of one invitation
MAX_OF_VISIT = 100  # mails of one visit: a key that leaked makes no spam
MESSAGE_LENGTH = 1_000
LOGO_ID = "logo@evisit"
FILE_NAMES: dict[Language, tuple[str, str]] = {
    "sv": ("inbjudan-videobesok.eml", "videobesok.ics"),
    "en": ("invitation-video-visit.eml", "video-visit.ics"),
}
POLICY = policy.SMTP.clone(cte_type="7bit", utf8=False)
"""CRLF, ASCII alone: no server on the way has to know more than RFC 5321."""


def _mail_address(value: str) -> str:
    if not MAIL_ADDRESS.fullmatch(value):
        raise PydanticCustomError("mail_address", "must be one mail address, in ASCII, without a name")
    return value


def _addressed_once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len({address.casefold() for address in value}) < len(value):
        raise PydanticCustomError("address_twice", "each address may stand in it once")
    return value


def _message(value: str) -> str:
    lines = value.replace("\r\n", "\n").split("\n")
    if not all(is_plain(line) for line in lines):
        raise PydanticCustomError("plain_text", "must hold visible text and line ends, without control characters")
    if looks_like_identity_number(value):
        raise PydanticCustomError("identity_number", "must not hold a personal identity number")
    return "\n".join(lines).strip()


_AS_MAIL = Field(json_schema_extra={"format": "email"})


class InvitationWanted(Body):
    """`POST /api/v1/visits/{visit}/invitations`. Without `language`, it is the visit's."""

    to: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=254), AfterValidator(_mail_address), _AS_MAIL], ...],
        Field(min_length=1, max_length=MAX_RECIPIENTS),
        AfterValidator(_addressed_once),
    ]
    language: Literal["sv", "en"] | None = None
    message: Annotated[str, StringConstraints(max_length=MESSAGE_LENGTH), AfterValidator(_message)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What a mail is made of."""

    visit: VisitId
    starts_at: datetime
    ends_at: datetime
    language: Language
    message: str
    link: str
    """The shared link. A secret: it stands in mails alone."""


def telling(message: str, booked: BookedVisit) -> bool:
    """Whether a message holds what no mail may: the name of patient or guardian, the clinic, the title."""
    visit = booked.visit
    said = " ".join(_words(message))
    for person in visit.people:
        if person.role in (Role.PATIENT, Role.GUARDIAN) and _holds(said, person.name):
            return True
    return any(_holds(said, words) for words in (visit.unit_name, visit.unit, visit.title, booked.booking))


def mail(invitation: Invitation, wording: Wording, *, sender: str, id_: str, at: datetime) -> bytes:
    """The mail for one recipient, who stands in the envelope alone: all that it says, it could say to anybody.

    `id_`: of the mail; sent again after a crash, it has the same Message-ID.
    """
    message = _message_of(invitation, wording, domain=sender.rpartition("@")[2], at=at)
    message["From"] = Address(wording.region, addr_spec=sender)
    # RFC 5322 3.4: a group without members. Some servers would put the envelope's recipient into a header that is missing.
    message["To"] = "undisclosed-recipients:;"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{id_}@{sender.rpartition('@')[2]}>"
    # RFC 3834: keeps absence notes from answering it.
    message["Auto-Submitted"] = "auto-generated"
    return message.as_bytes(policy=POLICY)


def draft(invitation: Invitation, wording: Wording, *, to: Sequence[str], domain: str, at: datetime) -> bytes:
    """An .eml file that mail programs open for editing, with everybody in Bcc. The program removes Bcc when it sends."""
    message = _message_of(invitation, wording, domain=domain, at=at)
    message["Bcc"] = [Address(addr_spec=address) for address in to]
    message["X-Unsent"] = "1"
    return message.as_bytes(policy=POLICY)


def _message_of(invitation: Invitation, wording: Wording, *, domain: str, at: datetime) -> EmailMessage:
    words = wording.invitation(
        invitation.language,
        invitation.starts_at,
        invitation.ends_at,
        link=invitation.link,
        message=invitation.message,
        logo=f"cid:{LOGO_ID}" if wording.logo else "",
    )
    message = EmailMessage(policy=POLICY)
    message["Subject"] = words.subject
    message.set_content(words.text, cte="quoted-printable")
    message.add_alternative(words.html, subtype="html", cte="quoted-printable")
    if wording.logo:
        *_, html = message.iter_parts()
        assert isinstance(html, EmailMessage)
        html.add_related(wording.logo, "image", "png", cid=f"<{LOGO_ID}>", disposition="inline")
    entry = calendar.entry(
        f"{invitation.visit}@{domain}",
        at=at,
        starts_at=invitation.starts_at,
        ends_at=invitation.ends_at,
        summary=words.subject,
        link=invitation.link,
    )
    message.add_attachment(entry, subtype="calendar", filename=FILE_NAMES[invitation.language][1], cte="base64")
    message["Content-Language"] = invitation.language
    return message


def _words(text: str) -> Iterator[str]:
    return (match[0].casefold() for match in re.finditer(r"\w+", text))


def _holds(said: str, words: str) -> bool:
    """Whether `words` stand in `said`, whatever their case and what is between them."""
    looked_for = " ".join(_words(words))
    return bool(looked_for) and f" {looked_for} " in f" {said} "
