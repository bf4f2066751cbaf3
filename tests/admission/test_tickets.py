"""Tickets: good ones say who comes; of bad ones nothing is told but that they are bad."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.tickets import LEEWAY, Ticket, TicketKey, TicketKeys, TicketSigner
from sfu.errors import Code, Refused
from sfu.ids import VisitId
from tests.admission.hostile import (
    CLAIMS,
    HEADER,
    HOSTILE,
    KEY,
    KEYS,
    NOW,
    OTHER_SECRET,
    PUBLIC_PEM,
    SECONDS,
    SECRET,
    TICKET,
    b64,
    signed,
    with_claims,
)


def refusal(token: str, wall: datetime = NOW) -> Refused:
    with pytest.raises(Refused) as refused:
        KEYS.verify(token, wall)
    return refused.value


def test_a_minted_ticket_is_verified_and_says_the_same() -> None:
    assert KEYS.verify(TicketSigner(KEY).mint(TICKET, NOW), NOW) == TICKET


def test_the_wire_form_is_a_jws_with_the_claims_of_the_portal_api() -> None:
    token = TicketSigner(KEY).mint(TICKET, NOW)
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert header == HEADER
    assert claims == CLAIMS
    assert KEYS.verify(signed(), NOW) == TICKET


def test_claims_that_are_not_known_are_ignored() -> None:
    assert KEYS.verify(with_claims(iat=SECONDS, note={"a": [1]}), NOW) == TICKET


def test_there_are_many_hostile_tokens() -> None:
    assert len(HOSTILE) >= 60
    assert len(set(HOSTILE.values())) == len(HOSTILE)


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_token_is_refused_with_the_one_answer(token: str) -> None:
    refused = refusal(token)
    assert (refused.code, refused.message, refused.details) == (
        Code.TICKET_INVALID,
        "This link is not valid.",
        {},
    )
    assert refused.__cause__ is None
    assert refused.__suppress_context__


@given(st.integers(0, len(signed()) * 8 - 1))
def test_a_ticket_with_one_bit_flipped_is_refused(bit: int) -> None:
    data = bytearray(signed().encode())
    data[bit // 8] ^= 1 << bit % 8
    assert refusal(data.decode("latin-1")).code is Code.TICKET_INVALID


def test_every_signature_bit_counts() -> None:
    start, _, signature = signed().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert refusal(f"{start}.{b64(bytes(flipped))}").code is Code.TICKET_INVALID


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (timedelta(0), None),
        (-LEEWAY, None),
        (-LEEWAY - timedelta(seconds=1), Code.TICKET_INVALID),
        (timedelta(minutes=15), None),
        (timedelta(minutes=15) + LEEWAY - timedelta(seconds=1), None),
        (timedelta(minutes=15) + LEEWAY, Code.TICKET_EXPIRED),
        (timedelta(days=30), Code.TICKET_EXPIRED),
        (timedelta(days=-30), Code.TICKET_INVALID),
    ],
)
def test_a_ticket_is_good_for_its_time_and_a_minute_of_leeway(after: timedelta, code: Code | None) -> None:
    if code is None:
        assert KEYS.verify(signed(), NOW + after) == TICKET
    else:
        assert refusal(signed(), NOW + after).code is code


def test_an_expired_ticket_with_a_wrong_signature_is_not_told_that_it_is_old() -> None:
    assert refusal(signed(secret=OTHER_SECRET), NOW + timedelta(days=1)).code is Code.TICKET_INVALID


def test_keys_change_while_old_tickets_live() -> None:
    new = TicketKey("cosmic", "2026-12", OTHER_SECRET)
    both, only_new = TicketKeys([new, KEY]), TicketKeys([new])
    old_token, new_token = TicketSigner(KEY).mint(TICKET, NOW), TicketSigner(new).mint(TICKET, NOW)
    assert both.verify(old_token, NOW) == both.verify(new_token, NOW) == only_new.verify(new_token, NOW) == TICKET
    with pytest.raises(Refused):
        only_new.verify(old_token, NOW)


def test_one_key_may_serve_several_issuers_apart() -> None:
    keys = TicketKeys([KEY, TicketKey("1177", "2026-11", SECRET)])
    assert keys.verify(TicketSigner(KEY).mint(TICKET, NOW), NOW).issuer == "cosmic"


def test_two_keys_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two ticket keys"):
        TicketKeys([KEY, TicketKey("cosmic", "2026-11", OTHER_SECRET)])


@pytest.mark.parametrize(
    "bad",
    [
        replace(TICKET, issuer="1177"),
        replace(TICKET, name="\n"),
        replace(TICKET, visit=VisitId("*")),
        replace(TICKET, units=("",)),
        replace(TICKET, jti=""),
        replace(TICKET, expires_at=NOW + timedelta(days=2)),
        replace(TICKET, expires_at=NOW - timedelta(days=1)),
        replace(TICKET, units=tuple(f"unit-{index:0>30}" for index in range(200))),
    ],
)
def test_no_ticket_is_minted_that_could_not_be_verified(bad: Ticket) -> None:
    with pytest.raises(ValueError, match=r"issuer|claims|bytes"):
        TicketSigner(KEY).mint(bad, NOW)


def test_a_key_comes_raw_or_as_pem() -> None:
    private = Ed25519PrivateKey.from_private_bytes(SECRET)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert KEYS.verify(TicketSigner(TicketKey("cosmic", "2026-11", pem)).mint(TICKET, NOW), NOW) == TICKET


@pytest.mark.parametrize(
    "material",
    [
        b"",
        bytes(31),
        bytes(33),
        PUBLIC_PEM,
        Ed25519PrivateKey.from_private_bytes(SECRET).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        ),
        new_ec_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
    ids=["empty", "short", "long", "public", "encrypted", "P-256"],
)
def test_other_key_material_is_refused(material: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library words some of these
        TicketKey("cosmic", "2026-11", material)


def test_a_key_has_an_issuer_and_a_kid() -> None:
    for issuer, kid in (("", "a"), ("cosmic", "")):
        with pytest.raises(ValueError, match="issuer and a kid"):
            TicketKey(issuer, kid, SECRET)


def test_a_key_prints_without_its_secret() -> None:
    assert repr(KEY) == "TicketKey('cosmic', '2026-11')"
