"""Resume tokens: `v_….p_….<secret>`. They name visit and participant, so that whoever reads one can find the room."""

from __future__ import annotations

import hashlib
import hmac
import re

from sfu.ids import ParticipantId, VisitId

RESUME_TOKEN_LENGTH = 256
"""Characters; ours have about 104."""
_FORM = re.compile(r"(v_[0-9a-z]{1,64})\.(p_[0-9a-z]{1,64})\.[0-9a-z]{1,64}", re.ASCII)


def resume_token(visit: VisitId, participant: ParticipantId, secret: str) -> str:
    """The token of a participant. `secret` is 128 random bits in hexadecimal (`NewToken`)."""
    return f"{visit}.{participant}.{secret}"


def parse_resume_token(token: str) -> tuple[VisitId, ParticipantId] | None:
    """Visit and participant that a token names, None where it is none. Proves nothing: the room compares the digest."""
    if len(token) > RESUME_TOKEN_LENGTH:
        return None
    match = _FORM.fullmatch(token)
    return (VisitId(match[1]), ParticipantId(match[2])) if match else None


def resume_digest(token: str) -> bytes:
    """What is stored of a token: SHA-256. The token has 128 random bits, so nothing slower is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def is_token_of(token: str, digest: bytes) -> bool:
    """Whether the token has this digest, in constant time."""
    return hmac.compare_digest(resume_digest(token), digest)
