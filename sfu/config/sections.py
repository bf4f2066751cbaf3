"""The sections of the file, and the tree of them. Every key has a default."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from sfu.config.secret import read_secret
from sfu.config.values import (
    Address,
    Color,
    DatabaseUrl,
    Embedder,
    File,
    Folder,
    Host,
    Id,
    KeyHash,
    Line,
    Listen,
    MailAddress,
    Origin,
    PortalId,
    Scope,
    TimeZone,
    TurnUrl,
    WebhookEvent,
    WebhookUrl,
)
from sfu.redact import Redacted


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
    advertise: tuple[Address, ...] = ()
    tcp: bool = Field(default=True, description="true or false")
    sender_cap_kbps: int = Field(default=2_500, ge=100, le=50_000)
    receiver_cap_kbps: int = Field(default=20_000, ge=100, le=100_000)


class Admission(Section):
    """`[admission]`: the waiting room."""

    resume_seconds: int = Field(default=120, ge=5, le=3_600)
    room_capacity: int = Field(default=12, ge=2, le=100)
    lobby_capacity: int = Field(default=50, ge=1, le=120)
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

    directory: Folder = "data"
    url: DatabaseUrl = ""
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

    id: Id
    key_hash: KeyHash
    scopes: tuple[Scope, ...] = ()
    shares_with: tuple[PortalId, ...] = ()


class Invitations(Section):
    """`[invitations]`: what invitations by mail and the signature say of the region."""

    region: Line = ""
    motto: Line = ""
    help_phone: Line = ""
    logo_file: File = ""
    templates: File = ""
    time_zone: TimeZone = "Europe/Stockholm"


class Branding(Section):
    """`[branding]`: how the page is the operator's own."""

    name: Line = ""
    logo_file: File = ""
    accent_color: Color = ""
    header_color: Color = ""
    help_phone: Line = ""


class Smtp(Section):
    """`[smtp]`: the mail server that takes invitations."""

    host: Host = ""
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: MailAddress = ""
    username: Line = ""
    password_file: File = ""

    def password(self, environment: Mapping[str, str] = os.environ) -> Redacted[str] | None:
        """The password; None where there is no user. Raises `ConfigError` where it cannot be read."""
        if not self.username:
            return None
        return read_secret("smtp.password_file", self.password_file, "EVISIT_SMTP_PASSWORD", environment)


class Webhook(Section):
    """`[[webhooks]]`: who is told of what happens in visits."""

    id: Id
    url: WebhookUrl
    secret_file: File = ""
    events: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
    portals: tuple[PortalId, ...] = ()

    def secret(self, environment: Mapping[str, str] = os.environ) -> Redacted[str]:
        """What signs, as `whsec_…`. Raises `ConfigError` where it cannot be read."""
        variable = "EVISIT_WEBHOOK_SECRET_" + self.id.upper().replace("-", "_")
        return read_secret(f"webhooks {json.dumps(self.id)} secret_file", self.secret_file, variable, environment)


class Turn(Section):
    """`[turn]`: relays for networks that let clients reach this server no other way."""

    urls: tuple[TurnUrl, ...] = ()
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
