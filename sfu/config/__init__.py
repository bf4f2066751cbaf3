"""The configuration: one frozen tree, read from a TOML file. Loading nothing gives the defaults.

`config.toml` at the root shows every key with its default and what it trades off. What cannot be served is a
`ConfigError` whose message is one line: the file, the key, and what the key may be. It never quotes the value.
"""

from __future__ import annotations

from sfu.config.file import load, parse, read
from sfu.config.sections import (
    Admission,
    Audit,
    Branding,
    Config,
    Database,
    Invitations,
    Limits,
    Logging,
    Media,
    Portal,
    Smtp,
    Tickets,
    Turn,
    Visits,
    Web,
    Webhook,
)
from sfu.config.values import LOOPBACK, MAIL_ADDRESS, Scope, WebhookEvent

__all__ = [
    "LOOPBACK",
    "MAIL_ADDRESS",
    "Admission",
    "Audit",
    "Branding",
    "Config",
    "Database",
    "Invitations",
    "Limits",
    "Logging",
    "Media",
    "Portal",
    "Scope",
    "Smtp",
    "Tickets",
    "Turn",
    "Visits",
    "Web",
    "Webhook",
    "WebhookEvent",
    "load",
    "parse",
    "read",
]
