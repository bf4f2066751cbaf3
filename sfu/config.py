"""The configuration: one frozen tree, read from a TOML file. Loading nothing gives the defaults.

`config.toml` at the root shows every key with its default and what it trades off. What cannot be served is a
`ConfigError` whose message is one line: the file, the key, and what the key may be. It never quotes the value.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import tomllib
import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from sfu.errors import ConfigError
from sfu.redact import Redacted

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
MAX_SECRET_BYTES = 4_096
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
Origin = Annotated[
    str, AfterValidator(_origin), Field(description='a web origin without a path, such as "https://evisit.example"')
]


Embedder = Annotated[
    str, AfterValidator(_embedder), Field(description='a web origin with https, such as "https://portal.example"')
]
Line = Annotated[str, AfterValidator(_line), Field(description="one line of at most 200 printable characters")]
File = Annotated[str, AfterValidator(_line), Field(description="empty, or a path")]
Color = Annotated[str, AfterValidator(_color), Field(description='empty, or a colour such as "#0b5568"')]


class Section(BaseModel):
    """A table of the file. Frozen, and without keys of its own making."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Web(Section):
    """`[web]`: pages, signalling and the portal API."""

    listen: Listen = "127.0.0.1:8080"
    public_url: Origin = "http://localhost:8080"
    metrics_listen: Listen = "127.0.0.1:9090"
    allowed_origins: tuple[Origin, ...] = ()
    allowed_embedders: tuple[Embedder, ...] = ()
    drain_minutes: int = Field(default=60, ge=0, le=1_440)


class Media(Section):
    """`[media]`: the one port, UDP and TCP."""

    listen: Listen = "0.0.0.0:44444"
    advertise: tuple[
        Annotated[str, AfterValidator(_ip), Field(description='an IP address, such as "203.0.113.7"')], ...
    ] = ()
    tcp: bool = Field(default=True, description="true or false")
    sender_cap_kbps: int = Field(default=2_500, ge=100, le=50_000)
    receiver_cap_kbps: int = Field(default=20_000, ge=100, le=100_000)


class Admission(Section):
    """`[admission]`: the waiting room."""

    resume_seconds: int = Field(default=120, ge=5, le=3_600)
    room_capacity: int = Field(default=12, ge=2, le=100)
    lobby_capacity: int = Field(default=50, ge=1, le=1_000)
    knocks_per_link_hour: int = Field(default=60, ge=1, le=10_000)


class Visits(Section):
    """`[visits]`: when a visit can be joined, and by whom."""

    opens_before_minutes: int = Field(default=30, ge=0, le=1_440)
    closes_after_minutes: int = Field(default=120, ge=0, le=1_440)
    guardian_age: int = Field(default=13, ge=0, le=18)
    keep_days: int = Field(default=30, ge=2, le=3_650)


class Tickets(Section):
    """`[tickets]`: personal ways in."""

    lifetime_minutes: int = Field(default=15, ge=1, le=120)


class Database(Section):
    """`[database]`: what outlives the process."""

    directory: Annotated[str, AfterValidator(_filled), Field(description="the path of a folder")] = "data"
    url: Annotated[
        str,
        AfterValidator(_database_url),
        Field(
            description='empty, "sqlite:///" and the path of a file, or "postgresql://user@host/name" without a password'
        ),
    ] = ""
    password_file: File = ""

    @property
    def on_server(self) -> bool:
        """Whether it is PostgreSQL."""
        return self.url.startswith("postgresql:")

    def address(self, environment: Mapping[str, str] = os.environ) -> Redacted[str]:
        """The URL to open, with the password where there is one. Raises `ConfigError` where that cannot be read."""
        if not self.on_server:
            return Redacted(self.url or f"sqlite:///{Path(self.directory) / 'evisit.db'}")
        variable = "EVISIT_DATABASE_PASSWORD"
        if not self.password_file and not environment.get(variable):
            return Redacted(self.url)  # the server knows us otherwise: by the socket's user, or a certificate
        password = read_secret("database.password_file", self.password_file, variable, environment).reveal()
        parts = urlsplit(self.url)
        user, at, host = parts.netloc.rpartition("@")
        return Redacted(parts._replace(netloc=f"{user}:{quote(password, safe='')}{at}{host}").geturl())

    @property
    def keys(self) -> Path:
        """The folder of the server's own keys."""
        return Path(self.directory) / "keys"


class Audit(Section):
    """`[audit]`: the access log."""

    keep_years: int = Field(default=10, ge=5, le=100)


class Limits(Section):
    """`[limits]`: what one client, or all strangers together, may take."""

    messages_per_second: int = Field(default=20, ge=1, le=1_000)
    message_burst: int = Field(default=60, ge=1, le=10_000)
    half_open_handshakes: int = Field(default=256, ge=1, le=100_000)
    tests: int = Field(default=20, ge=0, le=1_000)
    portal_calls_per_second: int = Field(default=50, ge=1, le=10_000)
    portal_call_burst: int = Field(default=200, ge=1, le=100_000)


class Logging(Section):
    """`[logging]`: what is told, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Portal(Section):
    """`[[portals]]`: who may call the portal API."""

    id: Annotated[
        str,
        _matches(PORTAL_ID),
        Field(description="1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"),
    ]
    key_hash: Annotated[
        str, _matches(KEY_HASH), Field(description='"sha256:" and 64 hex digits, as `portal add` prints')
    ]
    scopes: tuple[Scope, ...] = ()
    shares_with: tuple[Annotated[str, _matches(PORTAL_ID), Field(description="the id of a portal")], ...] = ()


class Invitations(Section):
    """`[invitations]`: what invitations by mail and the signature say of the region."""

    region: Line = ""
    motto: Line = ""
    help_phone: Line = ""
    logo_file: File = ""
    templates: File = ""
    time_zone: Annotated[
        str, AfterValidator(_time_zone), Field(description='the name of a time zone, such as "Europe/Stockholm"')
    ] = "Europe/Stockholm"


class Branding(Section):
    """`[branding]`: how the page is the operator's own."""

    name: Line = ""
    logo_file: File = ""
    accent_color: Color = ""
    header_color: Color = ""
    help_phone: Line = ""


class Smtp(Section):
    """`[smtp]`: the mail server that takes invitations."""

    host: Annotated[str, AfterValidator(_host), Field(description="empty, or the name or address of a host")] = ""
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[
        str,
        AfterValidator(_mail_address),
        Field(description='empty, or a mail address, such as "evisit@region.example"'),
    ] = ""
    username: Line = ""
    password_file: File = ""

    def password(self, environment: Mapping[str, str] = os.environ) -> Redacted[str] | None:
        """The password; None where there is no user. Raises `ConfigError` where it cannot be read."""
        if not self.username:
            return None
        return read_secret("smtp.password_file", self.password_file, "EVISIT_SMTP_PASSWORD", environment)


class Webhook(Section):
    """`[[webhooks]]`: who is told of what happens in visits."""

    id: Annotated[
        str,
        _matches(PORTAL_ID),
        Field(description="1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"),
    ]
    url: Annotated[
        str,
        AfterValidator(_webhook_url),
        Field(description="an https:// URL without user and fragment; http:// to this machine alone"),
    ]
    secret_file: File = ""
    events: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
    portals: tuple[Annotated[str, _matches(PORTAL_ID), Field(description="the id of a portal")], ...] = ()

    def secret(self, environment: Mapping[str, str] = os.environ) -> Redacted[str]:
        """What signs, as `whsec_…`. Raises `ConfigError` where it cannot be read."""
        variable = "EVISIT_WEBHOOK_SECRET_" + self.id.upper().replace("-", "_")
        return read_secret(f"webhooks {json.dumps(self.id)} secret_file", self.secret_file, variable, environment)


class Turn(Section):
    """`[turn]`: relays for networks that let clients reach this server no other way."""

    urls: tuple[
        Annotated[
            str,
            AfterValidator(_turn_url),
            Field(description='a TURN URI, such as "turns:relay.example:443?transport=tcp"'),
        ],
        ...,
    ] = ()
    secret_file: File = ""
    lifetime_minutes: int = Field(default=10, ge=1, le=10)

    def secret(self, environment: Mapping[str, str] = os.environ) -> Redacted[str] | None:
        """What is shared with the relays; None where there are none. Raises `ConfigError` where it cannot be read."""
        if not self.urls:
            return None
        return read_secret("turn.secret_file", self.secret_file, "EVISIT_TURN_SECRET", environment)


class Config(Section):
    """All of it."""

    web: Web = Web()
    media: Media = Media()
    admission: Admission = Admission()
    visits: Visits = Visits()
    tickets: Tickets = Tickets()
    database: Database = Database()
    audit: Audit = Audit()
    limits: Limits = Limits()
    logging: Logging = Logging()
    portals: tuple[Portal, ...] = ()
    branding: Branding = Branding()
    invitations: Invitations = Invitations()
    smtp: Smtp = Smtp()
    webhooks: tuple[Webhook, ...] = ()
    turn: Turn = Turn()


def load(path: str | Path | None = None) -> Config:
    """The configuration in the file at `path`; the defaults where there is none. Raises `ConfigError` for the first fault."""
    if path is None:
        return Config()
    config, faults = read(Path(path))
    if config is None:
        raise ConfigError(faults[0])
    return config


def read(path: Path) -> tuple[Config | None, tuple[str, ...]]:
    """The configuration, or every fault of the file, a line each."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        return None, (f"{path}: cannot be read: {error.strerror}",)
    except UnicodeDecodeError:
        return None, (f"{path}: is not UTF-8",)
    config, faults = parse(text)
    return config, tuple(f"{path}: {fault}" for fault in faults)


def parse(text: str) -> tuple[Config | None, tuple[str, ...]]:
    """The configuration that `text` states, or its faults, a line each, without a file's name."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, (f"is not TOML: {error}",)
    except RecursionError:
        return None, ("is not TOML: nested too deeply",)
    try:
        config = Config.model_validate({key: _as_tuples(value) for key, value in tree.items()})
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return None, tuple(_fault(each["loc"], each["type"]) for each in found)
    faults = tuple(_contradictions(config))
    return (None, faults) if faults else (config, ())


def read_secret(key: str, file: str, variable: str, environment: Mapping[str, str]) -> Redacted[str]:
    """A secret from its file, or from the environment where `file` is empty. Raises `ConfigError`, which does not quote it."""
    if not file:
        if not environment.get(variable):
            raise ConfigError(f"{key} must name a file, or the environment must hold {variable}")
        return Redacted(environment[variable].strip())
    try:
        text = Path(file).read_bytes()[:MAX_SECRET_BYTES].decode().strip()
    except OSError as error:
        raise ConfigError(f"{key} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{key} is not text") from None
    if not text:
        raise ConfigError(f"{key} is empty")
    return Redacted(text)


def _as_tuples(value: object) -> object:
    """TOML's arrays as tuples, so that the tree is frozen all the way down."""
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _as_tuples(item) for key, item in value.items()}
    return value


def _contradictions(config: Config) -> Iterable[str]:
    """What each key allows, but not both together."""
    ids = [portal.id for portal in config.portals]
    hashes = [portal.key_hash for portal in config.portals]
    for index, portal in enumerate(config.portals):
        if portal.id in ids[:index]:
            yield f"portals[{index}].id must differ from that of portals[{ids.index(portal.id)}]"
        if portal.key_hash in hashes[:index]:
            yield f"portals[{index}].key_hash must differ from that of portals[{hashes.index(portal.key_hash)}]"
        for place, other in enumerate(portal.shares_with):
            if other not in ids:
                yield f"portals[{index}].shares_with[{place}] must be the id of a portal in this file"
    endpoints = [webhook.id for webhook in config.webhooks]
    for index, webhook in enumerate(config.webhooks):
        if webhook.id in endpoints[:index]:
            yield f"webhooks[{index}].id must differ from that of webhooks[{endpoints.index(webhook.id)}]"
        for place, other in enumerate(webhook.portals):
            if other not in ids:
                yield f"webhooks[{index}].portals[{place}] must be the id of a portal in this file"
    if config.smtp.host:
        # A mail goes to people outside: it has to say who sends it, and whom they can call.
        for given, key in (
            (config.smtp.sender, "smtp.sender"),
            (config.invitations.region, "invitations.region"),
            (config.invitations.help_phone, "invitations.help_phone"),
        ):
            if not given:
                yield f"{key} must be given where smtp.host is"
        if config.smtp.security == "none" and config.smtp.host not in LOOPBACK:
            yield 'smtp.security must be "starttls" or "tls" unless smtp.host is this machine'
    if config.limits.message_burst < config.limits.messages_per_second:
        yield "limits.message_burst must be at least limits.messages_per_second"
    if config.limits.portal_call_burst < config.limits.portal_calls_per_second:
        yield "limits.portal_call_burst must be at least limits.portal_calls_per_second"


def _fault(place: tuple[int | str, ...], kind: str) -> str:
    """One line for what pydantic found at `place`."""
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{_written(step)}" for step in place).removeprefix(".")
    if kind == "extra_forbidden":
        table = _at(place[:-1])
        assert isinstance(table, type)
        known = ", ".join(sorted(table.model_fields))
        return f"{key} is unknown; known here: {known}"
    may_be = _may_be(_at(place))
    return f"{key} is missing; it must be {may_be}" if kind == "missing" else f"{key} must be {may_be}"


def _written(key: str) -> str:
    """A key as TOML writes it: bare, or quoted where it must be, so that a fault stays one line."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _at(place: tuple[int | str, ...]) -> type[Section] | FieldInfo:
    """The section or field at a place of the tree; an item of an array is a field of the items' type."""
    here: type[Section] | FieldInfo = Config
    for step in place:
        if isinstance(step, str):
            assert isinstance(here, type)
            here = here.model_fields[step]
            kind = here.annotation
        else:
            assert isinstance(here, FieldInfo)
            here = FieldInfo.from_annotation(get_args(here.annotation)[0])
            kind = here.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            here = kind
    return here


def _may_be(what: type[Section] | FieldInfo) -> str:
    if isinstance(what, type):
        return "a table"
    kind = what.annotation
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if isinstance(item, type) and issubclass(item, Section):
            return "an array of tables"
        return f"an array; each item {_may_be(FieldInfo.from_annotation(item))}"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f'"{word}"' for word in get_args(kind))
    low = [rule.ge for rule in what.metadata if hasattr(rule, "ge")]
    high = [rule.le for rule in what.metadata if hasattr(rule, "le")]
    if low and high:
        return f"a whole number from {low[0]} to {high[0]}"
    assert what.description is not None, "a key without bounds says in words what it may be"
    return what.description
