"""Every error the project raises on purpose.

    EvisitError
    ├── ConfigError         a configuration that cannot be served; the message names the key
    ├── MalformedPacket     bytes from the network that are not what they should be (RTP, RTCP, STUN, payload descriptors)
    ├── IllegalTransition   a state machine was asked for a step that its table does not have; nothing changed
    ├── Refused             a request that is answered with a protocol error; nothing changed
    └── StoreUnavailable    the database cannot be read or written now; whoever asked is not let in

A parser raises exactly one of these, a caller catches exactly one of these. Anything else is a bug: it closes one
participant, is counted in `evisit_bugs_total`, and is logged once.
"""

from __future__ import annotations

from enum import StrEnum


class EvisitError(Exception):
    """The root of the tree."""


class ConfigError(EvisitError):
    """A configuration that cannot be served. The message is one line that names the key and what it may be."""


class MalformedPacket(EvisitError):
    """Bytes that are not a packet of the kind they were taken for."""


class IllegalTransition(EvisitError):
    """A step that the table does not have. Whoever asked finds everything as it was."""


class StoreUnavailable(EvisitError):
    """The database cannot be read or written now."""


class Code(StrEnum):
    """Error codes of the signalling protocol (protocol.md, Codes)."""

    BAD_MESSAGE = "bad_message"
    JOIN_REQUIRED = "join_required"
    TICKET_INVALID = "ticket_invalid"
    TICKET_EXPIRED = "ticket_expired"
    VISIT_UNKNOWN = "visit_unknown"
    VISIT_NOT_OPEN = "visit_not_open"
    VISIT_ENDED = "visit_ended"
    LINK_REVOKED = "link_revoked"
    DENIED = "denied"
    REMOVED = "removed"
    LOCKED = "locked"
    FULL = "full"
    NOT_ADMITTED = "not_admitted"
    NOT_ALLOWED = "not_allowed"
    AGREEMENT_REQUIRED = "agreement_required"
    PARTICIPANT_UNKNOWN = "participant_unknown"
    TRACK_UNKNOWN = "track_unknown"
    BAD_SDP = "bad_sdp"
    MEDIA_UNSUPPORTED = "media_unsupported"
    RATE_LIMITED = "rate_limited"
    DRAINING = "draining"
    INTERNAL = "internal"


class Refused(EvisitError):
    """A request answered with `{"type":"error","code":…,"message":…}`. Nothing has changed.

    `details` are further public fields of the answer, such as `opens_at` with `visit_not_open`.
    """

    def __init__(self, code: Code, message: str, **details: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details


class CloseCode:
    """WebSocket close codes of the signalling protocol (protocol.md, Codes)."""

    LEFT = 1000
    GOING_AWAY = 1001
    BAD_FRAME = 4400
    JOIN_REFUSED = 4401
    TURNED_AWAY = 4403
    TOO_SLOW = 4408
    REPLACED = 4409
    VISIT_ENDED = 4410
    RATE_LIMITED = 4429
