"""A request over the participant's own channel: whether it may ask, and who answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

from sfu.admission.roles import NEEDS_CHARGE, Ask, may
from sfu.admission.waiting_room import Act
from sfu.errors import Code, Refused
from sfu.ids import ParticipantId
from sfu.rooms import admitting, sending
from sfu.rooms.draft import Draft
from sfu.rooms.events import Requested
from sfu.rooms.joining import turned_away
from sfu.rooms.participant import Participant
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
    ReadLink,
    Remove,
    Request,
    SendNotice,
    SendText,
    Silence,
    View,
)

ASKS: Mapping[type, Ask] = MappingProxyType(
    {
        Admit: Ask.ADMIT,
        Deny: Ask.DENY,
        Hold: Ask.HOLD,
        Remove: Ask.REMOVE,
        Allow: Ask.ALLOW,
        Lock: Ask.LOCK,
        SendNotice: Ask.NOTICE,
        Silence: Ask.SILENCE,
        Pin: Ask.PIN,
        ReadLink: Ask.LINK,
        End: Ask.END,
        Offer: Ask.OFFER,
        Mute: Ask.MUTE,
        View: Ask.VIEW,
        SendText: Ask.TEXT,
        Leave: Ask.LEAVE,
    }
)
"""What each request asks for, as the table of rights names it."""


def take_request(draft: Draft, event: Requested) -> Mapping[str, object]:
    """Do what is asked, or raise `Refused`. Gives the fields of the answer."""
    return _granted(draft, check_may(draft, event.participant, ASKS[type(event.request)]), event.request)


def check_may(draft: Draft, participant: ParticipantId, ask: Ask) -> Participant:
    """Who asks, if this one may ask for that as things stand; else raises `Refused`."""
    by = _asker(draft, participant)
    if not may(by.standing(draft.visit), ask):
        if ask in NEEDS_CHARGE:
            raise Refused(Code.NOT_ALLOWED, "Only care staff of this visit can do that.")
        raise Refused(Code.NOT_ADMITTED, "You have not been let in yet.")
    return by


def _asker(draft: Draft, participant: ParticipantId) -> Participant:
    by = draft.participants.get(participant)
    if by is not None and by.turned_away:
        raise turned_away(by.state)
    if draft.visit.closed is not None:
        raise Refused(Code.VISIT_ENDED, "This visit is over.")
    if by is None or not by.connected:
        raise Refused(Code.JOIN_REQUIRED, "Join first.")
    return by


def _granted(draft: Draft, by: Participant, request: Request) -> Mapping[str, object]:
    match request:
        case Admit():
            admitting.admit(draft, by, request)
        case Deny():
            admitting.deny(draft, by, request)
        case Hold():
            admitting.hold(draft, by, request)
        case Remove():
            admitting.remove(draft, by, request)
        case Allow():
            admitting.allow(draft, by, request)
        case Lock():
            admitting.lock(draft, by, request)
        case SendNotice():
            admitting.notice(draft, by, request)
        case Silence():
            admitting.silence(draft, by, request)
        case Pin():
            admitting.pin(draft, by, request)
        case ReadLink():
            return admitting.read_link(draft, by)
        case End():
            admitting.end(draft, by, request)
        case Offer():
            return sending.offer(draft, by, request)
        case Mute():
            sending.mute(draft, by, request)
        case View():
            sending.view(draft, by, request)
        case SendText():
            sending.text(draft, by, request)
        case Leave():
            draft.move(by, Act.LEAVE, admitting.actor(by))
        case _:
            assert_never(request)
    return {}
