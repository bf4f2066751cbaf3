"""What a value of the file may be: each kind with its check, and the words in which a fault tells of it."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field

Scope = Literal["visits:write", "visits:read", "tickets:staff", "tickets:citizen", "invitations", "audit:read"]
"""What a portal's key is good for (portal-api.md, Callers)."""

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
PORTAL_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
KEY_HASH = re.compile(r"sha256:[0-9a-f]{64}")
MAIL_ADDRESS = re.compile(
    r"(?=[^@]{1,64}@.{1,189}$)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
"""A mail address: RFC 5321's dot-string at a name with a dot in it, in ASCII. No quotes, no comments, nothing that folds."""
TURN_URL = re.compile(
    r"turns?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::[1-9][0-9]{0,4})?(?:\?transport=(?:udp|tcp))?"
)
"""RFC 7065 3.1, with a host that is a name or an address."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
POSTGRESQL_OPTIONS = frozenset(
    {"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "target_session_attrs"}
)
"""What may stand behind the `?` of a database's URL (libpq's parameter key words)."""

WebhookEvent = Literal[
    "visit.opened",
    "participant.waiting",
    "participant.admitted",
    "participant.denied",
    "participant.left",
    "participant.removed",
    "visit.ended",
]
"""What a webhook can tell of (docs/integrating-webhooks.md)."""


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not re.fullmatch(r"\d{1,5}", port) or int(port) > 65_535:
        raise ValueError
    if host.startswith("[") and host.endswith("]"):
        ipaddress.IPv6Address(host[1:-1])
    elif not HOST.fullmatch(host):
        raise ValueError
    return value


def _ip(value: str) -> str:
    address = ipaddress.ip_address(value)
    # A scope means something on this machine alone.
    if "%" in value or address.is_unspecified or address.is_multicast:
        raise ValueError
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError
    if parts.username is not None or parts.port == 0:  # reading `port` refuses what is no port number
        raise ValueError
    return value


def _embedder(value: str) -> str:
    parts = urlsplit(_origin(value))
    host = parts.hostname or ""
    # It becomes part of a policy, where other characters have a meaning.
    if not HOST.fullmatch(host) or (parts.scheme != "https" and host not in LOOPBACK):
        raise ValueError
    return value


def _database_url(value: str) -> str:
    if value.startswith("postgresql://"):
        parts = urlsplit(value)
        options = {name for name, _ in parse_qsl(parts.query, strict_parsing=True)} if parts.query else set()
        named = re.fullmatch(r"/[A-Za-z0-9_.-]{1,63}", parts.path)
        # A password is a secret, and this is not the place of one. Reading `port` refuses what is no port number.
        if not named or parts.fragment or parts.password is not None or parts.port == 0 or options - POSTGRESQL_OPTIONS:
            raise ValueError
    elif value and (not re.fullmatch(r"sqlite:///[^?#]+", value) or value.endswith(":memory:")):
        raise ValueError
    return value


def _line(value: str) -> str:
    if not value.isprintable() or len(value) > 200:
        raise ValueError
    return value


def _host(value: str) -> str:
    if value and not HOST.fullmatch(value) and value not in LOOPBACK:
        raise ValueError
    return value


def _mail_address(value: str) -> str:
    if value and not MAIL_ADDRESS.fullmatch(value):
        raise ValueError
    return value


def _time_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError from None
    return value


def _webhook_url(value: str) -> str:
    parts = urlsplit(value)
    # Reading `port` refuses what is no port number.
    if not parts.hostname or parts.port == 0 or parts.username is not None or parts.fragment or len(value) > 1_000:
        raise ValueError
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError
    return value


def _color(value: str) -> str:
    if value and not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError
    return value


def _turn_url(value: str) -> str:
    if not TURN_URL.fullmatch(value):
        raise ValueError
    return value


def _matches(pattern: re.Pattern[str]) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError
        return value

    return AfterValidator(check)


def _filled(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError
    return value


Listen = Annotated[
    str, AfterValidator(_listen), Field(description='an address and a port, such as "127.0.0.1:8080" or "[::1]:8080"')
]
Address = Annotated[str, AfterValidator(_ip), Field(description='an IP address, such as "203.0.113.7"')]
Origin = Annotated[
    str, AfterValidator(_origin), Field(description='a web origin without a path, such as "https://evisit.example"')
]
Embedder = Annotated[
    str, AfterValidator(_embedder), Field(description='a web origin with https, such as "https://portal.example"')
]
Host = Annotated[str, AfterValidator(_host), Field(description="empty, or the name or address of a host")]
MailAddress = Annotated[
    str,
    AfterValidator(_mail_address),
    Field(description='empty, or a mail address, such as "evisit@region.example"'),
]
TurnUrl = Annotated[
    str,
    AfterValidator(_turn_url),
    Field(description='a TURN URI, such as "turns:relay.example:443?transport=tcp"'),
]
WebhookUrl = Annotated[
    str,
    AfterValidator(_webhook_url),
    Field(description="an https:// URL without user and fragment; http:// to this machine alone"),
]
DatabaseUrl = Annotated[
    str,
    AfterValidator(_database_url),
    Field(
        description='empty, "sqlite:///" and the path of a file, or "postgresql://user@host/name" without a password'
    ),
]
Id = Annotated[
    str,
    _matches(PORTAL_ID),
    Field(description="1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"),
]
PortalId = Annotated[str, _matches(PORTAL_ID), Field(description="the id of a portal")]
"""An `Id` that stands elsewhere in the file."""
KeyHash = Annotated[str, _matches(KEY_HASH), Field(description='"sha256:" and 64 hex digits, as `portal add` prints')]
Line = Annotated[str, AfterValidator(_line), Field(description="one line of at most 200 printable characters")]
File = Annotated[str, AfterValidator(_line), Field(description="empty, or a path")]
Folder = Annotated[str, AfterValidator(_filled), Field(description="the path of a folder")]
Color = Annotated[str, AfterValidator(_color), Field(description='empty, or a colour such as "#0b5568"')]
TimeZone = Annotated[
    str, AfterValidator(_time_zone), Field(description='the name of a time zone, such as "Europe/Stockholm"')
]
