"""What a client can say in `evisit.v1` (docs/protocol.md), once it is decoded (`decoding.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfu.admission.roles import Role
from sfu.ids import TrackId
from sfu.rooms import requests
from sfu.rooms.requests import SendSection


@dataclass(frozen=True, slots=True)
class JoinByTicket:
    ticket: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class JoinByLink:
    visit: str
    key: str = field(repr=False)
    name: str = field(repr=False)
    role: Role


@dataclass(frozen=True, slots=True)
class JoinByResume:
    token: str = field(repr=False)


Join = JoinByTicket | JoinByLink | JoinByResume


@dataclass(frozen=True, slots=True)
class EchoByTicket:
    ticket: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EchoByLink:
    visit: str
    key: str = field(repr=False)


Echo = EchoByTicket | EchoByLink
"""What proves that somebody may try their equipment against this server."""


@dataclass(frozen=True, slots=True)
class ReceiveBinding:
    """A section on which the client wants a track; its kind stands in the SDP."""

    mid: str
    track: TrackId


@dataclass(frozen=True, slots=True)
class OfferMessage:
    """An offer whose SDP has not been read yet."""

    sdp: str = field(repr=False)
    send: tuple[SendSection, ...]
    receive: tuple[ReceiveBinding, ...]


Asking = (
    OfferMessage
    | requests.Admit
    | requests.Deny
    | requests.Hold
    | requests.Remove
    | requests.Allow
    | requests.Lock
    | requests.SendNotice
    | requests.Silence
    | requests.Pin
    | requests.ReadLink
    | requests.End
    | requests.Mute
    | requests.View
    | requests.SendText
    | requests.Leave
)
"""What a participant can ask for: the requests of a room, with `OfferMessage` for `requests.Offer`."""
