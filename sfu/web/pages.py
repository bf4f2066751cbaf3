"""The page: read into memory at start, served by exact name. A request never reaches the file system."""

from __future__ import annotations

import hashlib
import html
import mimetypes
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

from sfu.web.branding import Brand

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")

STATIC = "/static/"
COLOURS = "brand/colours.css"
LOGO = "brand/logo."


class Pages:
    """The files of `sfu/web/static`: `GET /join` gives `join.html`, `GET /test` `test.html`, `GET /static/…` the rest.

    The operator's colours and logo are served as files too, since the policy lets no style stand in a page.
    """

    def __init__(self, brand: Brand | None = None) -> None:
        self._brand = brand or Brand()
        self._files: dict[str, tuple[bytes, str, str]] = {}
        self._read(resources.files("sfu.web") / "static", "")
        if self._brand.style:
            self._add(COLOURS, self._brand.style.encode())
        if self._brand.logo is not None:
            self._add(LOGO + self._brand.logo_kind, self._brand.logo)

    def _read(self, folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            name = prefix + entry.name
            if entry.is_dir():
                self._read(entry, name + "/")
            else:
                self._add(name, self._branded(entry.read_bytes()) if name.endswith(".html") else entry.read_bytes())

    def _add(self, name: str, body: bytes) -> None:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # A strong validator: the page is small, so an unchanged file costs the browser one 304.
        self._files[name] = (body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    def _branded(self, page: bytes) -> bytes:
        """The page with what its scripts show of the operator, as attributes: no style and no script stands in it."""
        brand = self._brand
        told = {
            "help-phone": brand.help_phone,
            "brand": brand.name,
            "logo": STATIC + LOGO + brand.logo_kind if brand.logo is not None else "",
        }
        attributes = "".join(f' data-{name}="{html.escape(value)}"' for name, value in told.items() if value)
        page = page.replace(b"<body>", f"<body{attributes}>".encode(), 1)
        if brand.style:
            sheet = f'  <link rel="stylesheet" href="{STATIC}{COLOURS}">\n  </head>'
            page = page.replace(b"</head>", sheet.encode(), 1)
        return page

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
