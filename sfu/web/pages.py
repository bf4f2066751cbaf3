"""The page: read into memory at start, served by exact name. A request never reaches the file system."""

from __future__ import annotations

import gzip
import hashlib
import html
import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

from sfu.web.branding import Brand
from sfu.web.first_view import LANGUAGES, Texts, read_catalogue, spoken, wished_language
from sfu.web.preload import imported, joined

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")

STATIC = "/static/"
LOGO = "brand/logo."
TOKENS = "css/tokens.css"
PAGES = ("join", "test")
CATALOGUE = "js/texts/{}{}.js"
_EDITION = re.compile(r"v-[0-9a-f]{16}/")
_SCRIPT = re.compile(r'<script type="module" src="/static/([^"]+)"></script>')
_LATER = re.compile(r'(<template id="\w+") data-modules="([^"]+)" data-texts="([^"]*)">')


@dataclass(frozen=True, slots=True)
class _File:
    """A body with its strong validator, as it is and compressed. None of them holds a secret that its size could tell."""

    kind: str
    body: bytes
    tag: str
    packed: bytes | None
    """None where it would save nothing."""

    @classmethod
    def of(cls, name: str, body: bytes) -> _File:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        packed = gzip.compress(body, mtime=0)
        tag = hashlib.sha256(body).hexdigest()[:32]
        return cls(kind, body, tag, packed if len(packed) < len(body) else None)

    @property
    def is_text(self) -> bool:
        return self.kind.startswith("text/") or self.kind == "image/svg+xml"


class Pages:
    """The files of `sfu/web/static`: `GET /join` gives `join.html`, `GET /test` `test.html`, `GET /static/…` the rest.

    What a page names has the *edition* in its address, a hash of all files together, and is kept by browsers for good. What is asked
    for by another edition (of a page that was opened before the server was renewed) or by none is asked for anew each time.
    """

    def __init__(self, brand: Brand | None = None) -> None:
        brand = brand or Brand()
        bodies = dict(_read(resources.files("sfu.web") / "static", ""))
        templates = {page: bodies.pop(f"{page}.html").decode() for page in PAGES}
        # Colours are a part of the sheet that has all others, so that they need no file of their own.
        bodies[TOKENS] += brand.style.encode()
        bodies |= {name: joined(name, bodies) for name in bodies if name.endswith(".css")}
        if brand.logo is not None:
            bodies[LOGO + brand.logo_kind] = brand.logo
        self._files = {name: _File.of(name, body) for name, body in bodies.items()}
        tags = "".join(f"{name} {file.tag}\n" for name, file in sorted(self._files.items()))
        self._edition = f"v-{hashlib.sha256(tags.encode()).hexdigest()[:16]}/"
        self._pages: dict[tuple[str, str], _File] = {}
        for language in LANGUAGES:
            texts = read_catalogue(bodies[CATALOGUE.format(language, "")])
            for page, template in templates.items():
                told = spoken(_branded(template, brand, texts), language, texts)
                told = _preloaded(told, bodies, language)
                body = told.replace(f'="{STATIC}', f'="{STATIC}{self._edition}').encode()
                self._pages[page, language] = _File.of(f"{page}.html", body)

    def set_up(self, router: web.UrlDispatcher) -> None:
        router.add_get("/join", self.join)
        router.add_get("/test", self.test)
        router.add_get(STATIC + "{name:.+}", self.static)

    async def join(self, request: web.Request) -> web.Response:
        """`GET /join`. By language alone: who comes, and to what, stands in the fragment, which is not sent."""
        return self._page(request, "join")

    async def test(self, request: web.Request) -> web.Response:
        """`GET /test`: to try one's equipment. As `/join`, with the same fragment or none."""
        return self._page(request, "test")

    async def static(self, request: web.Request) -> web.Response:
        """`GET /static/…`, with or without an edition."""
        asked = request.match_info["name"]
        file = self._files.get(_EDITION.sub("", asked, count=1) if _EDITION.match(asked) else asked)
        if file is None:
            raise web.HTTPNotFound
        kept = asked.startswith(self._edition)
        return _answer(request, file, "public, max-age=31536000, immutable" if kept else "no-cache")

    def _page(self, request: web.Request, page: str) -> web.Response:
        language = wished_language(request.query.get("lang"), request.headers.get("Accept-Language", ""))
        return _answer(request, self._pages[page, language], "no-cache", ["Accept-Language"])


def _answer(request: web.Request, file: _File, kept: str, varies: list[str] | None = None) -> web.Response:
    packed = file.packed if _takes_gzip(request) else None
    tag = f'"{file.tag}{"-gzip" if packed is not None else ""}"'
    headers = {"ETag": tag, "Cache-Control": kept}
    vary = [*(varies or []), *(["Accept-Encoding"] if file.packed is not None else [])]
    if vary:
        headers["Vary"] = ", ".join(vary)
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


def _branded(page: str, brand: Brand, texts: Texts) -> str:
    """The page with the operator's name, logo and number: as content, and for its scripts as attributes."""
    told = {"help-phone": brand.help_phone, "brand": brand.name}
    attributes = "".join(f' data-{name}="{html.escape(value)}"' for name, value in told.items() if value)
    page = page.replace("<body>", f"<body{attributes}>", 1)
    page = page.replace("</title>", f" – {html.escape(brand.name or texts['brand'])}</title>", 1)
    if brand.name:
        page = page.replace('<span data-text="brand"></span>', f"<span>{html.escape(brand.name)}</span>", 1)
    logo = f'<img class="logo" src="{STATIC}{LOGO}{brand.logo_kind}" alt="">' if brand.logo is not None else ""
    page = page.replace("<!-- logo -->", logo, 1)
    return page.replace("<!-- help -->", _help(brand.help_phone), 1)


def _help(number: str) -> str:
    """As the scripts' `helpLine`."""
    if not number:
        return ""
    dialled = re.sub(r"[^\d+]", "", number)
    return (
        '<p class="help" data-testid="help"><span data-text="help.call"></span> '
        f'<a href="tel:{dialled}">{html.escape(number)}</a></p>'
    )


def _preloaded(page: str, files: Mapping[str, bytes], language: str) -> str:
    """The page, naming before its script every module that the script needs, and in its templates those that come later, each once."""
    found: dict[str, None] = {}

    def fresh(entries: Sequence[str]) -> list[str]:
        modules = [name for entry in entries for name in (entry, *imported(entry, files)) if name not in found]
        found.update(dict.fromkeys(modules))
        return list(dict.fromkeys(modules))

    def before(script: re.Match[str]) -> str:
        return "".join(f"{_module(name)}\n    " for name in fresh([script[1]])[1:]) + script[0]

    def later(template: re.Match[str]) -> str:
        texts = [CATALOGUE.format(language, part) for part in template[3].split(" ")]
        return "\n      ".join([f"{template[1]}>", *map(_module, fresh([*template[2].split(), *texts]))])

    return _LATER.sub(later, _SCRIPT.sub(before, page))


def _module(name: str) -> str:
    return f'<link rel="modulepreload" href="{STATIC}{name}">'


def _takes_gzip(request: web.Request) -> bool:
    """RFC 9110 12.5.3; a weight of none is the only one that matters here."""
    codings = (coding.partition(";") for coding in request.headers.get("Accept-Encoding", "").lower().split(","))
    return any(
        name.strip() in ("gzip", "*") and weight.replace(" ", "").rstrip("0.") != "q=" for name, _, weight in codings
    )
