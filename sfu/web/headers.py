"""Headers of every answer: a strict content policy, no referrer, no framing but by named portals, no sniffing."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp import web

FRAMED = frozenset({"/join", "/test"})
"""Paths that a portal may show in a frame: the page, and where it leads whoever comes too early. Nothing else has a reason to be in one."""


def content_security_policy(public_url: str, embedders: Sequence[str] = ()) -> str:
    """What the page may load and speak to: this server, and nothing else; and whose pages may show it in a frame.

    `'self'` covers WebSockets in current browsers; the explicit origin is for Safari before 15.4, where it did not.
    """
    origin = urlsplit(public_url)
    socket = f"{'wss' if origin.scheme == 'https' else 'ws'}://{origin.netloc}"
    ancestors = " ".join(embedders) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
        f"connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )


class SecurityHeaders:
    """Sets the headers on each response as it is prepared, errors included."""

    def __init__(self, public_url: str, embedders: Sequence[str] = ()) -> None:
        self._headers = {
            "Content-Security-Policy": content_security_policy(public_url),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        }
        if public_url.startswith("https://"):
            self._headers["Strict-Transport-Security"] = "max-age=31536000"
        self._framed = self._headers
        if embedders:
            # X-Frame-Options cannot name an origin. Browsers that know frame-ancestors need nothing else.
            self._framed = {name: value for name, value in self._headers.items() if name != "X-Frame-Options"}
            self._framed["Content-Security-Policy"] = content_security_policy(public_url, embedders)

    async def on_prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in (self._framed if request.path in FRAMED else self._headers).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        # aiohttp names itself and its version; nobody needs to know.
        response.headers["Server"] = "evisit"
