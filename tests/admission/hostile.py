"""Tickets as they should be, and every way to make one that must be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sfu.admission.roles import Role
from sfu.admission.tickets import AUDIENCE, TICKET_BYTES, Ticket, TicketKey, TicketKeys
from sfu.ids import PersonId, VisitId

NOW = datetime(2026, 11, 23, 8, 50, tzinfo=UTC)
SECRET = bytes(range(32))
OTHER_SECRET = bytes(range(1, 33))
KEY = TicketKey("cosmic", "2026-11", SECRET)
KEYS = TicketKeys([KEY, TicketKey("1177", "a", OTHER_SECRET)])
TICKET = Ticket(
    jti="0" * 32,
    issuer="cosmic",
    person=PersonId("hsa:SE-A1"),
    visit=VisitId(f"v_{'9' * 32}"),
    role=Role.CLINICIAN,
    name="Dr Eva Ek",
    units=("SE1-EYE", "SE1-EAR"),
    expires_at=NOW + timedelta(minutes=15),
)


HEADER = {"alg": "EdDSA", "kid": "2026-11", "typ": "ticket+jwt"}


CLAIMS: dict[str, Any] = {
    "iss": "cosmic",
    "aud": AUDIENCE,
    "sub": "hsa:SE-A1",
    "jti": "0" * 32,
    "nbf": int(NOW.timestamp()),
    "exp": int(TICKET.expires_at.timestamp()),
    "visit": f"v_{'9' * 32}",
    "role": "clinician",
    "name": "Dr Eva Ek",
    "units": ["SE1-EYE", "SE1-EAR"],
}


MISSING = object()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: object = HEADER, claims: object = CLAIMS, secret: bytes = SECRET) -> str:
    """A token with a right signature over whatever it says; bytes and text are taken as they are."""
    parts = [
        b64(part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode())
        for part in (header, claims)
    ]
    signing_input = ".".join(parts)
    return f"{signing_input}.{b64(Ed25519PrivateKey.from_private_bytes(secret).sign(signing_input.encode()))}"


def with_header(**changes: object) -> str:
    return signed(header=changed(HEADER, changes))


def with_claims(**changes: object) -> str:
    return signed(claims=changed(CLAIMS, changes))


def changed(members: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**members, **changes}.items() if value is not MISSING}


def with_mac(alg: str, digest: Callable[[], Any], key: bytes) -> str:
    signing_input = f"{b64(json.dumps({**HEADER, 'alg': alg}).encode())}.{b64(json.dumps(CLAIMS).encode())}"
    return f"{signing_input}.{b64(hmac.new(key, signing_input.encode(), digest).digest())}"


def unsigned(alg: str) -> str:
    return f"{b64(json.dumps({**HEADER, 'alg': alg}).encode())}.{b64(json.dumps(CLAIMS).encode())}."


def edited(edit: Callable[[str, str, str], str]) -> str:
    return edit(*signed().split("."))


PUBLIC = Ed25519PrivateKey.from_private_bytes(SECRET).public_key()
PUBLIC_RAW = PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw)
PUBLIC_PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
MY_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(PUBLIC_RAW)}
JWE_HEADER = b'{"alg":"ECDH-ES","enc":"A128GCM","kid":"2026-11"}'
SECONDS = int(NOW.timestamp())
HOSTILE = {
    # The algorithm
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg nOnE": unsigned("nOnE"),
    "alg none with a signature": with_header(alg="none"),
    "alg empty": with_header(alg=""),
    "alg missing": with_header(alg=MISSING),
    "alg null": with_header(alg=None),
    "alg a list": with_header(alg=["EdDSA"]),
    "alg a number": with_header(alg=1),
    "alg in lower case": with_header(alg="eddsa"),
    "alg with a space": with_header(alg="EdDSA "),
    "alg Ed25519": with_header(alg="Ed25519"),
    "alg Ed448": with_header(alg="Ed448"),
    "alg RS256": with_header(alg="RS256"),
    "alg PS256": with_header(alg="PS256"),
    "alg ES256": with_header(alg="ES256"),
    "alg HS256 by the public key": with_mac("HS256", hashlib.sha256, PUBLIC_RAW),
    "alg HS256 by the public key in PEM": with_mac("HS256", hashlib.sha256, PUBLIC_PEM),
    "alg HS512 by the public key": with_mac("HS512", hashlib.sha512, PUBLIC_RAW),
    "alg HS256 by an empty key": with_mac("HS256", hashlib.sha256, b""),
    "alg EdDSA with a MAC by the public key": with_mac("EdDSA", hashlib.sha256, PUBLIC_RAW),
    # The header
    "a key of its own": signed({**HEADER, "jwk": MY_JWK}, secret=OTHER_SECRET),
    "its own jwk beside a right signature": with_header(jwk=MY_JWK),
    "jku": with_header(jku="https://evil.example/keys"),
    "x5u": with_header(x5u="https://evil.example/cert"),
    "x5c": with_header(x5c=["MII"]),
    "x5t": with_header(x5t="abc"),
    "crit": with_header(crit=["exp"]),
    "crit empty": with_header(crit=[]),
    "b64 false": with_header(b64=False, crit=["b64"]),
    "b64 true": with_header(b64=True),
    "cty JWT": with_header(cty="JWT"),
    "zip": with_header(zip="DEF"),
    "enc": with_header(alg="dir", enc="A256GCM"),
    "kid missing": with_header(kid=MISSING),
    "kid unknown": with_header(kid="2025-11"),
    "kid of another issuer": with_header(kid="a"),
    "kid a path": with_header(kid="../../etc/passwd"),
    "kid a query": with_header(kid="' OR 1=1 --"),
    "kid a list": with_header(kid=["2026-11"]),
    "kid null": with_header(kid=None),
    "kid empty": with_header(kid=""),
    "typ missing": with_header(typ=MISSING),
    "typ of another token": with_header(typ="JWT"),
    "header a list": signed(["EdDSA"]),
    "header a string": signed("EdDSA"),
    "header empty": signed({}),
    "header not JSON": signed(b"{"),
    "header not UTF-8": signed(b'{"alg":"\xff"}'),
    "header with alg twice": signed(b'{"alg":"none","alg":"EdDSA","kid":"2026-11","typ":"ticket+jwt"}'),
    "header with kid twice": signed(b'{"alg":"EdDSA","kid":"2026-11","kid":"a","typ":"ticket+jwt"}'),
    # The form
    "empty": "",
    "dots": "..",
    "one segment": "abc",
    "two segments": edited(lambda header, claims, _: f"{header}.{claims}"),
    "four segments": edited(lambda header, claims, signature: f"{header}.{claims}.{signature}.{signature}"),
    "five segments, as a JWE": edited(lambda header, claims, signature: f"{header}.{claims}.{signature}.x.y"),
    "a JWE by our public key": f"{b64(JWE_HEADER)}..{'A' * 16}.{'A' * 40}.{'A' * 22}",
    "JSON serialisation": json.dumps({"payload": b64(b"{}"), "signatures": []}),
    "signature missing": edited(lambda header, claims, _: f"{header}.{claims}."),
    "signature short": edited(lambda header, claims, signature: f"{header}.{claims}.{signature[:-4]}"),
    "signature long": edited(lambda header, claims, signature: f"{header}.{claims}.{signature}AAAA"),
    "signature padded": edited(lambda header, claims, signature: f"{header}.{claims}.{signature}=="),
    "signature of zeros": edited(lambda header, claims, _: f"{header}.{claims}.{b64(bytes(64))}"),
    "signature in the other base64": edited(lambda header, claims, signature: f"{header}.{claims}.{signature[:-1]}+"),
    "signature of another ticket": edited(
        lambda header, claims, _: f"{header}.{claims}.{with_claims(role='patient').split('.')[2]}"
    ),
    "claims of another ticket": edited(
        lambda header, _, signature: f"{header}.{with_claims(role='patient').split('.')[1]}.{signature}"
    ),
    "detached claims": edited(lambda header, _, signature: f"{header}..{signature}"),
    "a space before": " " + signed(),
    "a line after": signed() + "\n",
    "a zero byte": signed() + "\0",
    "not ASCII": signed() + "å",
    "a full-width letter": signed().replace("e", "\uff45", 1),
    "a lone surrogate": signed() + "\ud800",
    "too large": with_claims(note="x" * TICKET_BYTES),
    "very large": "a" * 1_000_000,
    "many dots": "." * TICKET_BYTES,
    "deeply nested claims": signed(claims=b"[" * 2000 + b"]" * 2000),
    "deeply nested header": f"{b64(b'[' * 2900)}.{b64(b'{}')}.{b64(bytes(64))}",
    # The keys
    "signed by another issuer's key": signed(secret=OTHER_SECRET),
    "signed by a stranger": signed(secret=bytes(32)),
    "another issuer, this key": with_claims(iss="1177"),
    # The claims
    "claims a list": signed(claims=["cosmic"]),
    "claims empty": signed(claims={}),
    "claims not JSON": signed(claims=b"iss=cosmic"),
    "claims with role twice": signed(claims=json.dumps(CLAIMS).replace('"role"', '"role": "patient", "role"').encode()),
    "claims with a constant that is not JSON": signed(claims=json.dumps(CLAIMS | {"note": float("nan")}).encode()),
    "claims after a byte order mark": signed(claims=b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode()),
    "claims in UTF-16": signed(claims=json.dumps(CLAIMS).encode("utf-16")),
    "claims in UTF-32": signed(claims=json.dumps(CLAIMS).encode("utf-32-le")),
    "aud of another service": with_claims(aud="elsewhere"),
    "aud a list": with_claims(aud=[AUDIENCE]),
    "aud a wildcard": with_claims(aud="*"),
    "iss unknown": with_claims(iss="nobody"),
    "iss a list": with_claims(iss=["cosmic"]),
    "iss an object": with_claims(iss={"a": 1}),
    "visit a wildcard": with_claims(visit="*"),
    "visit with a wildcard": with_claims(visit="v_*"),
    "visit empty": with_claims(visit=""),
    "visit a list": with_claims(visit=[f"v_{'9' * 32}"]),
    "visit with a line": with_claims(visit=f"v_{'9' * 32}\n"),
    "visit a path": with_claims(visit="v_../9"),
    "visit a participant": with_claims(visit="p_1"),
    "role unknown": with_claims(role="admin"),
    "role in capitals": with_claims(role="CLINICIAN"),
    "role a list": with_claims(role=["clinician"]),
    "role null": with_claims(role=None),
    "name empty": with_claims(name=""),
    "name blank": with_claims(name="   "),
    "name too long": with_claims(name="x" * 81),
    "name with a control character": with_claims(name="Eva\n"),
    "name that turns text round": with_claims(name="Eva\u202ekE"),
    "name with a lone surrogate": with_claims(name="\ud800"),
    "name a number": with_claims(name=7),
    "units text": with_claims(units="SE1-EYE"),
    "units of numbers": with_claims(units=[1]),
    "units with an empty one": with_claims(units=[""]),
    "units nested": with_claims(units=[["SE1-EYE"]]),
    "units an object": with_claims(units={"SE1-EYE": True}),
    "units too many": with_claims(units=["u"] * 257),
    "sub empty": with_claims(sub=""),
    "sub a number": with_claims(sub=1),
    "sub too long": with_claims(sub="x" * 201),
    "jti empty": with_claims(jti=""),
    "jti a number": with_claims(jti=0),
    # The times
    "exp text": with_claims(exp=str(SECONDS + 900)),
    "exp a fraction": with_claims(exp=SECONDS + 900.5),
    "exp true": with_claims(exp=True),
    "exp null": with_claims(exp=None),
    "exp huge": with_claims(exp=10**30),
    "exp negative": with_claims(exp=-1),
    "exp endless": signed(claims=json.dumps(CLAIMS | {"exp": 1}).replace('"exp": 1', '"exp": 1e999').encode()),
    "exp before nbf": with_claims(exp=SECONDS - 10),
    "exp at nbf": with_claims(exp=SECONDS),
    "exp too far": with_claims(exp=SECONDS + 24 * 3600 + 1),
    "nbf in the future": with_claims(nbf=SECONDS + 61),
    "nbf text": with_claims(nbf="0"),
    "nbf long ago": with_claims(nbf=0),
} | {f"{claim} missing": with_claims(**{claim: MISSING}) for claim in CLAIMS}
