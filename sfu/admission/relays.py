"""Relays for those who are let in: time-limited TURN credentials, as coturn checks them (draft-uberti-behave-turn-rest-00).

The relay and this server share a secret. A credential names nobody: its user is the moment at which it ends and random digits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sfu.redact import Redacted


class Relays:
    """The relays that clients are told of, none where there are no `urls`."""

    def __init__(self, urls: Sequence[str] = (), secret: Redacted[str] | None = None, *, minutes: int = 10) -> None:
        """`urls` are `turn:` and `turns:` URIs (RFC 7065); `minutes` is how long a credential holds."""
        assert secret is not None or not urls, "who has relays shares a secret with them"
        self._urls = list(urls)
        self._secret = secret
        self.lifetime = timedelta(minutes=minutes)
        """Of a credential. A connection through a relay that is up outlives it."""

    def __bool__(self) -> bool:
        return bool(self._urls)

    def ice_servers(self, wall: datetime, token: str) -> list[dict[str, Any]]:
        """What an RTCPeerConnection takes as `iceServers` (W3C WebRTC 4.2.2), good from now on. `token` is random, 128 bits."""
        if self._secret is None or not self._urls:
            return []
        username = f"{int((wall + self.lifetime).timestamp())}:{token}"
        digest = hmac.digest(self._secret.reveal().encode(), username.encode(), hashlib.sha1)
        return [{"urls": list(self._urls), "username": username, "credential": base64.b64encode(digest).decode()}]
