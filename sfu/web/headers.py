"""Headers of every answer: a strict content policy, no referrer, no framing, no sniffing."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web


def content_security_policy(public_url: str) -> str:
    """What the page may load and speak to: this server, and nothing else.

    `'self'` covers WebSockets in current browsers; the explicit origin is for Safari before 15.4, where it did not.
    """
    origin = urlsplit(public_url)
    socket = f"{'wss' if origin.scheme == 'https' else 'ws'}://{origin.netloc}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
        f"connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """Sets the headers on each response as it is prepared, errors included."""

    def __init__(self, public_url: str) -> None:
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

    async def on_prepare(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        # aiohttp names itself and its version; nobody needs to know.
        response.headers["Server"] = "evisit"
