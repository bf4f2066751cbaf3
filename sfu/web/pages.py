"""The page: read into memory at start, served by exact name. A request never reaches the file system."""

from __future__ import annotations

import hashlib
import html
import mimetypes
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

mimetypes.add_type("text/javascript", ".js")

STATIC = "/static/"


class Pages:
    """The files of `sfu/web/static`: `GET /join` gives `join.html`, `GET /test` `test.html`, `GET /static/…` the rest."""

    def __init__(self, help_phone: str = "") -> None:
        """`help_phone` is the number that the pages tell people to call; empty: none."""
        self._help_phone = help_phone
        self._files: dict[str, tuple[bytes, str, str]] = {}
        self._read(resources.files("sfu.web") / "static", "")

    def _read(self, folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            name = prefix + entry.name
            if entry.is_dir():
                self._read(entry, name + "/")
                continue
            body = self._with_help(entry.read_bytes()) if entry.name.endswith(".html") else entry.read_bytes()
            kind = mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
            # A strong validator: the page is small, so an unchanged file costs the browser one 304.
            self._files[name] = (body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    def _with_help(self, page: bytes) -> bytes:
        if not self._help_phone:
            return page
        return page.replace(b"<body>", f'<body data-help-phone="{html.escape(self._help_phone)}">'.encode(), 1)

    def set_up(self, router: web.UrlDispatcher) -> None:
        router.add_get("/join", self.join)
        router.add_get("/test", self.test)
        router.add_get(STATIC + "{name:.+}", self.static)

    async def join(self, request: web.Request) -> web.Response:
        """`GET /join`. The same for everybody: who comes, and to what, stands in the fragment, which is not sent."""
        return self._answer(request, "join.html")

    async def test(self, request: web.Request) -> web.Response:
        """`GET /test`: to try one's equipment. As `/join`, with the same fragment or none."""
        return self._answer(request, "test.html")

    async def static(self, request: web.Request) -> web.Response:
        """`GET /static/…`."""
        return self._answer(request, request.match_info["name"])

    def _answer(self, request: web.Request, name: str) -> web.Response:
        try:
            body, kind, tag = self._files[name]
        except KeyError:
            raise web.HTTPNotFound from None
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
        return web.Response(body=body, content_type=kind, charset="utf-8" if text else None, headers=headers)
