"""Requests in `evisit.v1` (docs/protocol.md), decoded strictly.

Fields that are not known are passed over, so that newer clients can talk to older servers. A field that is known and is
not what it should be is refused, with a message that names the field and what would be right, and never repeats the input.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from sfu.admission.roles import Role
from sfu.errors import Code, Refused
from sfu.ids import ParticipantId, TrackId
from sfu.rooms import requests
from sfu.rooms.requests import SendSection, Source
from sfu.signaling.messages import (
    Asking,
    Echo,
    EchoByLink,
    EchoByTicket,
    Join,
    JoinByLink,
    JoinByResume,
    JoinByTicket,
    OfferMessage,
    ReceiveBinding,
)

MAX_NAME: Final = 80  # characters
MAX_TEXT: Final = 500  # characters; protocol.md
MAX_REASON: Final = 200  # characters
MAX_SECTIONS: Final = 24
"""As many as an SDP may have."""
MAX_TICKET: Final = 4_096  # characters; threats.md: larger tokens are refused before anything looks at them
MAX_TOKEN: Final = 256  # characters; ids, link keys and resume tokens are a fraction of it
MAX_PIXELS: Final = 16_384  # the widest that VP8 can say
MAX_FRAME_RATE: Final = 240  # the fastest screens
MAX_PRIORITY: Final = 255


def message_type(fields: Mapping[str, object]) -> str | None:
    """The `type` of a request; None where it is none of the protocol's. Fit for a metric label."""
    value = fields.get("type")
    return value if isinstance(value, str) and (value in ("join", "test", "ping") or value in _ASKING) else None


def decode_join(fields: Mapping[str, object]) -> Join:
    """A `join`. Raises `Refused(BAD_MESSAGE)`."""
    ways = [name for name in _JOIN if name in fields]
    if len(ways) != 1:
        raise Refused(Code.BAD_MESSAGE, "A join has exactly one of ticket, visit (with key, name and role), resume.")
    return _validated(_JOIN[ways[0]], fields).message()


def decode_test(fields: Mapping[str, object]) -> Echo:
    """A `test`. Raises `Refused(BAD_MESSAGE)`."""
    ways = [name for name in _TEST if name in fields]
    if len(ways) != 1:
        raise Refused(Code.BAD_MESSAGE, "A test has exactly one of ticket, visit (with key).")
    return _validated(_TEST[ways[0]], fields).message()


def decode_asking(fields: Mapping[str, object]) -> Asking:
    """Any request but a join and a test. Raises `Refused(BAD_MESSAGE)`."""
    wire = _ASKING.get(message_type(fields) or "")
    if wire is None:
        raise Refused(Code.BAD_MESSAGE, "type: should be that of a request of this protocol.")
    return _validated(wire, fields).message()


def _printable(name: str) -> str:
    for character in name:
        category = unicodedata.category(character)
        # Format characters are invisible and can reorder text, so that one name is made to look like another. Persian,
        # Indic scripts and emoji need the two joiners.
        if category in ("Cc", "Co", "Cs", "Zl", "Zp") or (category == "Cf" and character not in "\u200c\u200d"):
            raise PydanticCustomError("name", "should hold no control, formatting or line-breaking characters")
    name = name.strip()
    if not name:
        raise PydanticCustomError("name", "should not be blank")
    return name


_Token = Annotated[str, Field(min_length=1, max_length=MAX_TOKEN)]


_Mid = Annotated[str, Field(min_length=1, max_length=16)]


_Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_printable)]


_Reason = Annotated[str, Field(max_length=MAX_REASON)]


_Pixels = Annotated[int, Field(ge=0, le=MAX_PIXELS)]


_Role = Annotated[Role, Field(strict=False)]


_Source = Annotated[Source, Field(strict=False)]
"""Strict mode asks for the enum itself, which JSON cannot carry; the value is compared exactly all the same."""


class _Wire(BaseModel):
    """The fields of a message as they stand on the wire."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)


class _JoinWire(_Wire):
    def message(self) -> Join:
        raise NotImplementedError


class _EchoWire(_Wire):
    def message(self) -> Echo:
        raise NotImplementedError


class _AskingWire(_Wire):
    def message(self) -> Asking:
        raise NotImplementedError


class _Ticket(_JoinWire):
    ticket: Annotated[str, Field(min_length=1, max_length=MAX_TICKET)]

    def message(self) -> Join:
        return JoinByTicket(self.ticket)


class _Link(_JoinWire):
    visit: _Token
    key: _Token
    name: _Name
    role: _Role

    def message(self) -> Join:
        return JoinByLink(self.visit, self.key, self.name, self.role)


class _Resume(_JoinWire):
    resume: _Token

    def message(self) -> Join:
        return JoinByResume(self.resume)


class _EchoTicket(_EchoWire):
    ticket: Annotated[str, Field(min_length=1, max_length=MAX_TICKET)]

    def message(self) -> Echo:
        return EchoByTicket(self.ticket)


class _EchoLink(_EchoWire):
    visit: _Token
    key: _Token

    def message(self) -> Echo:
        return EchoByLink(self.visit, self.key)


class _Admit(_AskingWire):
    participant: _Token
    agreed: bool = False

    def message(self) -> Asking:
        return requests.Admit(ParticipantId(self.participant), self.agreed)


class _Deny(_AskingWire):
    participant: _Token
    reason: _Reason = ""

    def message(self) -> Asking:
        return requests.Deny(ParticipantId(self.participant), self.reason)


class _Hold(_AskingWire):
    participant: _Token

    def message(self) -> Asking:
        return requests.Hold(ParticipantId(self.participant))


class _Remove(_AskingWire):
    participant: _Token
    reason: _Reason = ""

    def message(self) -> Asking:
        return requests.Remove(ParticipantId(self.participant), self.reason)


class _Allow(_AskingWire):
    participant: _Token

    def message(self) -> Asking:
        return requests.Allow(ParticipantId(self.participant))


class _Lock(_AskingWire):
    locked: bool

    def message(self) -> Asking:
        return requests.Lock(self.locked)


class _Notice(_AskingWire):
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    participant: _Token | None = None

    def message(self) -> Asking:
        return requests.SendNotice(self.text, ParticipantId(self.participant) if self.participant else None)


class _Silence(_AskingWire):
    track: _Token

    def message(self) -> Asking:
        return requests.Silence(TrackId(self.track))


class _Pin(_AskingWire):
    participant: _Token
    pinned: bool

    def message(self) -> Asking:
        return requests.Pin(ParticipantId(self.participant), self.pinned)


class _ReadLink(_AskingWire):
    def message(self) -> Asking:
        return requests.ReadLink()


class _End(_AskingWire):
    def message(self) -> Asking:
        return requests.End()


class _Send(_Wire):
    mid: _Mid
    source: _Source


class _Receive(_Wire):
    mid: _Mid
    track: _Token


class _Offer(_AskingWire):
    sdp: str
    send: Annotated[list[_Send], Field(max_length=MAX_SECTIONS)] = []
    receive: Annotated[list[_Receive], Field(max_length=MAX_SECTIONS)] = []

    def message(self) -> Asking:
        return OfferMessage(
            sdp=self.sdp,
            send=tuple(SendSection(section.mid, section.source) for section in self.send),
            receive=tuple(ReceiveBinding(section.mid, TrackId(section.track)) for section in self.receive),
        )


class _Mute(_AskingWire):
    track: _Token
    muted: bool

    def message(self) -> Asking:
        return requests.Mute(TrackId(self.track), self.muted)


class _View(_AskingWire):
    track: _Token
    width: _Pixels
    height: _Pixels
    frame_rate: Annotated[int, Field(ge=1, le=MAX_FRAME_RATE)] | None = None
    priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)] | None = None
    paused: bool = False

    def message(self) -> Asking:
        return requests.View(TrackId(self.track), self.width, self.height, self.frame_rate, self.priority, self.paused)


class _Text(_AskingWire):
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    final: bool = True

    def message(self) -> Asking:
        return requests.SendText(self.text, self.final)


class _Leave(_AskingWire):
    def message(self) -> Asking:
        return requests.Leave()


_JOIN: Final[Mapping[str, type[_JoinWire]]] = {"ticket": _Ticket, "visit": _Link, "resume": _Resume}
_TEST: Final[Mapping[str, type[_EchoWire]]] = {"ticket": _EchoTicket, "visit": _EchoLink}
_ASKING: Final[Mapping[str, type[_AskingWire]]] = {
    "admit": _Admit,
    "deny": _Deny,
    "hold": _Hold,
    "remove": _Remove,
    "allow": _Allow,
    "lock": _Lock,
    "notice": _Notice,
    "silence": _Silence,
    "pin": _Pin,
    "link": _ReadLink,
    "end": _End,
    "offer": _Offer,
    "mute": _Mute,
    "view": _View,
    "text": _Text,
    "leave": _Leave,
}

W = TypeVar("W", bound=_Wire)


def _validated(wire: type[W], fields: Mapping[str, object]) -> W:
    try:
        return wire.model_validate(fields)
    except ValidationError as error:
        raise Refused(Code.BAD_MESSAGE, _explain(error)) from None


def _explain(error: ValidationError) -> str:
    """The first thing that is wrong, as `send[3].source: should be …`. Field names are ours, never the client's."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ""
    for step in first["loc"]:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    said = first["msg"].partition(" after validation")[0]
    for subject in ("Input ", "String ", "List "):
        said = said.removeprefix(subject)
    return f"{path}: {_REASONS.get(first['type'], said)}."


_REASONS: Final = {
    "missing": "is required",
    "string_unicode": "should be Unicode text without lone surrogates",
    "string_type": "should be a string",
    "int_type": "should be an integer",
    "bool_type": "should be true or false",
    "list_type": "should be an array",
    "model_type": "should be an object",
    "model_attributes_type": "should be an object",
}
"""Where pydantic's own words speak of Python."""
