"""Tickets: a JWS (RFC 7515, EdDSA) that a portal had minted for one person and one visit.

The server mints them when a portal asks, and verifies them when somebody joins. What a ticket says of itself chooses
nothing: the algorithm is ours, the key comes from our own table by issuer and `kid`, and every claim has one form.
All that is wrong with a ticket is one and the same error; only a ticket that was good and is too old is told so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn, TypeGuard

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode

from sfu.admission.names import is_good_name, is_plain
from sfu.admission.roles import Role
from sfu.errors import Code, Refused
from sfu.ids import PersonId, VisitId

if TYPE_CHECKING:
    from joserfc._rfc7515.model import JWSAlgModel  # only its type; joserfc names it nowhere else

ALGORITHM = "EdDSA"
TYPE = "ticket+jwt"
"""Explicit type, so that no other token signed with these keys can be taken for a ticket (RFC 8725 3.11)."""
AUDIENCE = "evisit"
TICKET_BYTES = 4096
"""Ours have under a kilobyte; whatever parses a larger one only does a stranger's work."""
LEEWAY = timedelta(seconds=60)
"""By how much clocks may differ, both ways."""
LONGEST_LIFETIME = timedelta(hours=24)
"""A ticket starts a join; one that would live longer was not minted by a sane server."""
UNITS = 256
_IDENTIFIER_LENGTH = 200
_VISIT = re.compile(r"v_[0-9a-z]{1,64}", re.ASCII)
_YEAR_3000 = 32_503_680_000
_ROLES = frozenset(role.value for role in Role)
_HEADER = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The claims of a ticket that has been found good."""

    jti: str
    issuer: str
    """Id of the portal that asked for it."""
    person: PersonId
    visit: VisitId
    role: Role
    name: str
    units: tuple[str, ...]
    expires_at: datetime


class TicketKey:
    """An Ed25519 key of one issuer. Prints without its secret."""

    __slots__ = ("issuer", "jwk", "kid")

    def __init__(self, issuer: str, kid: str, material: bytes) -> None:
        """`material` is the private key: 32 raw bytes, or PEM (PKCS#8). Raises `ValueError` for anything else."""
        if not issuer or not kid:
            raise ValueError("a ticket key needs an issuer and a kid")
        self.issuer = issuer
        self.kid = kid
        self.jwk = OKPKey.import_key(_private_key(material))

    def __repr__(self) -> str:
        return f"TicketKey({self.issuer!r}, {self.kid!r})"


class TicketSigner:
    """Mints tickets with one key."""

    __slots__ = ("_key",)

    def __init__(self, key: TicketKey) -> None:
        self._key = key

    def mint(self, ticket: Ticket, wall: datetime) -> str:
        """A ticket that is good from now until `expires_at`.

        Raises `ValueError` for what no verifier would take: another issuer, a bad name, too long a life, too large.
        """
        claims: dict[str, object] = {
            "iss": ticket.issuer,
            "aud": AUDIENCE,
            "sub": ticket.person,
            "jti": ticket.jti,
            "nbf": int(wall.timestamp()),
            "exp": int(ticket.expires_at.timestamp()),
            "visit": ticket.visit,
            "role": ticket.role.value,
            "name": ticket.name,
            "units": list(ticket.units),
        }
        if ticket.issuer != self._key.issuer:
            raise ValueError("this key belongs to another issuer")
        try:
            _read_claims(claims, wall)
        except Refused as refused:
            raise ValueError("a ticket must have claims that can be verified") from refused
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": TYPE}
        token = jws.serialize_compact(
            header, json.dumps(claims, ensure_ascii=False, separators=(",", ":")), self._key.jwk, registry=_REGISTRY
        )
        if len(token) > TICKET_BYTES:
            raise ValueError(f"a ticket must fit {TICKET_BYTES} bytes")
        return token


class TicketKeys:
    """Our own table of keys by (issuer, kid). Several keys of an issuer may stand in it while keys are changed."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[TicketKey]) -> None:
        self._keys: dict[tuple[str, str], OKPKey] = {}
        for key in keys:
            if self._keys.setdefault((key.issuer, key.kid), key.jwk) is not key.jwk:
                raise ValueError(f"issuer {key.issuer!r} has two ticket keys with kid {key.kid!r}")

    def verify(self, token: str, wall: datetime) -> Ticket:
        """The ticket in `token`. Raises `Refused`: `ticket_expired` for a good one that is too old, else `ticket_invalid`."""
        if len(token) > TICKET_BYTES or not token.isascii():
            _invalid()
        header, claims = _open(token)
        if header.keys() != _HEADER or header["alg"] != ALGORITHM or header["typ"] != TYPE:
            _invalid()
        issuer, kid = claims.get("iss"), header["kid"]
        key = self._keys.get((issuer, kid)) if isinstance(issuer, str) and isinstance(kid, str) else None
        if key is None:
            _invalid()
        try:
            jws.deserialize_compact(token, key, registry=_REGISTRY)
        except (JoseError, ValueError):
            _invalid()
        return _read_claims(claims, wall)


class _Ed25519Only(jws.JWSRegistry):
    """Knows one algorithm.

    joserfc warns of the name `EdDSA`, because it covers Ed448 as well (RFC 9864). Here every key in the table is Ed25519.
    """

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError("not ours")
        return self.algorithms[ALGORITHM]


_REGISTRY = _Ed25519Only(algorithms=[ALGORITHM])


def _invalid() -> NoReturn:
    raise Refused(Code.TICKET_INVALID, "This link is not valid.") from None


def _private_key(material: bytes) -> Ed25519PrivateKey:
    if len(material) == 32:
        return Ed25519PrivateKey.from_private_bytes(material)
    try:
        key = load_pem_private_key(material, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("the ticket key must be an unencrypted Ed25519 private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the ticket key must be an Ed25519 private key")
    return key


def _open(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims, read strictly and not believed yet."""
    segments = token.split(".")
    if len(segments) != 3:
        _invalid()
    return _object(segments[0]), _object(segments[1])


def _object(segment: str) -> dict[str, object]:
    try:
        # Decoded here: given bytes, `json` would also take UTF-16, UTF-32 and a byte order mark.
        text = urlsafe_b64decode(segment.encode("ascii")).decode("utf-8")
        value = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _invalid()
    if not isinstance(value, dict):
        _invalid()
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError("not JSON")


def _read_claims(claims: Mapping[str, object], wall: datetime) -> Ticket:
    """Every claim in its one form, and the times against the clock. Claims that we do not know are ignored (RFC 7519 4)."""
    if claims.get("aud") != AUDIENCE:
        _invalid()
    visit = _text(claims, "visit")
    role = _text(claims, "role")
    name = _text(claims, "name")
    units = claims.get("units")
    if not (
        _VISIT.fullmatch(visit)
        and role in _ROLES
        and is_good_name(name)
        and isinstance(units, list)
        and len(units) <= UNITS
        and all(_is_identifier(unit) for unit in units)
    ):
        _invalid()
    issuer, person, jti = (_identifier(claims, claim) for claim in ("iss", "sub", "jti"))
    not_before, expires_at = _moment(claims, "nbf"), _moment(claims, "exp")
    if not_before > wall + LEEWAY or not timedelta(0) < expires_at - not_before <= LONGEST_LIFETIME:
        _invalid()
    if expires_at + LEEWAY <= wall:
        raise Refused(Code.TICKET_EXPIRED, "This link is too old. Open the visit again from where you found it.")
    return Ticket(
        jti=jti,
        issuer=issuer,
        person=PersonId(person),
        visit=VisitId(visit),
        role=Role(role),
        name=name,
        units=tuple(units),
        expires_at=expires_at,
    )


def _text(claims: Mapping[str, object], claim: str) -> str:
    value = claims.get(claim)
    if not isinstance(value, str):
        _invalid()
    return value


def _identifier(claims: Mapping[str, object], claim: str) -> str:
    value = claims.get(claim)
    if not _is_identifier(value):
        _invalid()
    return value


def _is_identifier(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= _IDENTIFIER_LENGTH and is_plain(value)


def _moment(claims: Mapping[str, object], claim: str) -> datetime:
    """A NumericDate (RFC 7519 2) in whole seconds; up to the year 3000, so that arithmetic with it cannot fail."""
    value = claims.get(claim)
    if type(value) is not int or not 0 <= value < _YEAR_3000:
        _invalid()
    return datetime.fromtimestamp(value, UTC)
