"""The page: read into memory at start, served by exact name. A request never reaches the file system."""

from __future__ import annotations

import gzip
import hashlib
import html
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

from sfu.web.branding import Brand
from sfu.web.preload import imported

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")

STATIC = "/static/"
COLOURS = "brand/colours.css"
LOGO = "brand/logo."
_SCRIPT = re.compile(rb'<script type="module" src="/static/([^"]+)"></script>')


@dataclass(frozen=True, slots=True)
class _File:
    """A body with its strong validator, as it is and compressed. None of them holds a secret that its size could tell."""

    kind: str
    body: bytes
    tag: str
    packed: bytes | None
    """None where it would save nothing."""

    @property
    def is_text(self) -> bool:
        return self.kind.startswith("text/") or self.kind == "image/svg+xml"


class Pages:
    """The files of `sfu/web/static`: `GET /join` gives `join.html`, `GET /test` `test.html`, `GET /static/…` the rest.

    The operator's colours and logo are served as files too, since the policy lets no style stand in a page.
    """

    def __init__(self, brand: Brand | None = None) -> None:
        self._brand = brand or Brand()
        self._files: dict[str, _File] = {}
        bodies = dict(_read(resources.files("sfu.web") / "static", ""))
        for name, body in bodies.items():
            self._add(name, self._branded(_preloaded(body, bodies)) if name.endswith(".html") else body)
        if self._brand.style:
            self._add(COLOURS, self._brand.style.encode())
        if self._brand.logo is not None:
            self._add(LOGO + self._brand.logo_kind, self._brand.logo)

    def _add(self, name: str, body: bytes) -> None:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        packed = gzip.compress(body, mtime=0)
        # A strong validator: the page is small, so an unchanged file costs the browser one 304.
        tag = hashlib.sha256(body).hexdigest()[:32]
        self._files[name] = _File(kind, body, tag, packed if len(packed) < len(body) else None)

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
        file = self._files.get(name)
        if file is None:
            raise web.HTTPNotFound
        packed = file.packed if _takes_gzip(request) else None
        tag = f'"{file.tag}{"-gzip" if packed is not None else ""}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if file.packed is not None:
            headers["Vary"] = "Accept-Encoding"
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        charset = "utf-8" if file.is_text else None
        return web.Response(body=packed or file.body, content_type=file.kind, charset=charset, headers=headers)


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            yield from _read(entry, name + "/")
        else:
            yield name, entry.read_bytes()


def _preloaded(page: bytes, files: Mapping[str, bytes]) -> bytes:
    """The page, naming before its script every module that the script needs."""

    def named(script: re.Match[bytes]) -> bytes:
        modules = imported(script[1].decode(), files)
        links = "".join(f'<link rel="modulepreload" href="{STATIC}{module}">\n    ' for module in modules)
        return links.encode() + script[0]

    return _SCRIPT.sub(named, page)


def _takes_gzip(request: web.Request) -> bool:
    """RFC 9110 12.5.3; a weight of none is the only one that matters here."""
    codings = (coding.partition(";") for coding in request.headers.get("Accept-Encoding", "").lower().split(","))
    return any(
        name.strip() in ("gzip", "*") and weight.replace(" ", "").rstrip("0.") != "q=" for name, _, weight in codings
    )
