"""What each key allows, but not both together."""

from __future__ import annotations

from collections.abc import Iterable

from sfu.config.sections import Config
from sfu.config.values import LOOPBACK


def contradictions(config: Config) -> Iterable[str]:
    """A line each for what does not go together in a configuration, its keys named."""
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
