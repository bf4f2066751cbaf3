"""Whatever text is taken for a ticket, a link key, a resume token or a name: an answer, or `Refused`, and nothing else."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from sfu.admission.names import is_good_name
from sfu.admission.resume import parse_resume_token
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket, TicketKey, TicketKeys, TicketSigner
from sfu.errors import Code, Refused
from sfu.ids import PersonId, VisitId

NOW = datetime(2026, 11, 23, 8, 50, tzinfo=UTC)
SECRET = bytes(range(32))
KEY = TicketKey("cosmic", "a", SECRET)
KEYS = TicketKeys([KEY])
TICKET = Ticket(
    jti="0" * 32,
    issuer="cosmic",
    person=PersonId("1177:per"),
    visit=VisitId("v_1"),
    role=Role.PATIENT,
    name="Per P",
    units=(),
    expires_at=NOW + timedelta(minutes=15),
)
TOKEN = TicketSigner(KEY).mint(TICKET, NOW)
HEADER = TOKEN.split(".")[0]
CLAIMS = json.loads(base64.urlsafe_b64decode(TOKEN.split(".")[1] + "=="))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def taken(token: str) -> Ticket | Code:
    """What comes of a token: a ticket, or the code of its refusal. Anything else fails the test."""
    try:
        return KEYS.verify(token, NOW)
    except Refused as refused:
        return refused.code


@given(st.text(max_size=400) | st.text("ABCabc012-_.=", max_size=5000))
@example("\ud800.\ud800.\ud800")
def test_any_text_is_an_invalid_ticket(text: str) -> None:
    assert taken(text) is Code.TICKET_INVALID


@given(st.integers(0, len(TOKEN)), st.integers(0, len(TOKEN)), st.text(max_size=20))
def test_a_ticket_that_was_cut_and_filled_is_invalid(start: int, end: int, filling: str) -> None:
    mutant = TOKEN[: min(start, end)] + filling + TOKEN[max(start, end) :]
    assert taken(mutant) == (TICKET if mutant == TOKEN else Code.TICKET_INVALID)


@given(JSON, JSON)
def test_any_json_in_its_place_is_invalid(header: object, claims: object) -> None:
    parts = [b64(json.dumps(part).encode()) for part in (header, claims)]
    assert taken(f"{parts[0]}.{parts[1]}.{b64(bytes(64))}") is Code.TICKET_INVALID


@given(st.sampled_from(sorted(CLAIMS)), JSON)
def test_a_signed_ticket_with_any_value_of_a_claim_is_read_strictly(claim: str, value: object) -> None:
    signing_input = f"{HEADER}.{b64(json.dumps(CLAIMS | {claim: value}).encode())}"
    signature = b64(Ed25519PrivateKey.from_private_bytes(SECRET).sign(signing_input.encode()))
    outcome = taken(f"{signing_input}.{signature}")
    assert outcome in (Code.TICKET_INVALID, Code.TICKET_EXPIRED) or isinstance(outcome, Ticket)
    if isinstance(outcome, Ticket):
        assert isinstance(value, str | list | int)


@given(st.binary(max_size=3000))
def test_signed_bytes_are_invalid(data: bytes) -> None:
    signing_input = f"{HEADER}.{b64(data)}"
    signature = b64(Ed25519PrivateKey.from_private_bytes(SECRET).sign(signing_input.encode()))
    assert taken(f"{signing_input}.{signature}") is Code.TICKET_INVALID


@given(st.text(max_size=400))
def test_any_text_can_be_looked_at_as_a_resume_token_or_a_name(text: str) -> None:
    parse_resume_token(text)
    assert is_good_name(text) in (True, False)
