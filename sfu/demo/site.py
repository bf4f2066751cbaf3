"""What both portals do alike: who somebody is, what goes wrong, headers, the few files."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from aiohttp import web

from sfu.demo.api import ApiProblem, PortalApi
from sfu.demo.markup import tag
from sfu.demo.page import Frame, button_link
from sfu.demo.visitor import Sessions, Shown, Visitor, read_fields

MAX_FORM = 64 * 1024  # bytes; the longest is an invitation of 20 addresses and 1,000 characters
VISIT = r"{visit:v_[0-9a-z]{1,64}}"
"""A visit's id in a path. Anything else finds no page, and never becomes part of a call."""
STATIC = {
    "demo.css": "text/css",
    "demo.js": "text/javascript",
    "menu.js": "text/javascript",
    "copy.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
"""What a browser calls the machine that it runs on, at whatever port."""
OPEN_TO_ALL = frozenset({"/login", "/language"})
TOLD_APART = frozenset(
    "visit_ended guardian_age not_booked not_found invalid mail_off rate_limited store_unavailable".split()
)
"""Codes of the API for which people get a text of their own."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody whom one can be."""

    person: str
    name: str
    word: str
    """Who that is, once in Swedish and once in English, by a key of the texts or as it stands."""


class Site:
    """A portal's application. Those that build on it add their pages in `routes`."""

    name = ""
    """Of its cookies."""

    def __init__(
        self,
        api: PortalApi,
        frame: Frame,
        *,
        secret: str,
        evisit: str,
        wall: Callable[[], datetime],
    ) -> None:
        """`secret` signs sessions. `evisit` is the origin to which people are sent when they join."""
        self.api = api
        self.frame = frame
        self.wall = wall
        self.sessions = Sessions(self.name, secret, frame.names)
        self._headers = {
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                # Browsers hold the redirect after a form to this too, and joining is one.
                f"base-uri 'none'; form-action 'self' {evisit}; frame-ancestors 'none'"
            ),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        folder = resources.files("sfu.demo") / "static"
        self._files = {name: (folder / name).read_bytes() for name in STATIC}

    def choices(self, visitor: Visitor) -> Sequence[Choice]:
        """Whom one can be."""
        raise NotImplementedError

    def routes(self, router: web.UrlDispatcher) -> None:
        """The portal's own pages. `/` is the first one."""
        raise NotImplementedError

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_FORM, middlewares=[self._answering])
        app.on_response_prepare.append(self._prepare)
        app.router.add_get("/login", self._who)
        app.router.add_post("/login", self._begin)
        app.router.add_post("/logout", self._end)
        app.router.add_post("/language", self._speak)
        app.router.add_get("/static/{name}", self._file)
        self.routes(app.router)
        return app

    def problem(self, visitor: Visitor, shown: Shown) -> web.Response:
        """A page that says what did not work."""
        told = visitor.t(shown.key, **shown.values)
        return self.frame.page(
            visitor,
            visitor.t(shown.title),
            tag("p", told, class_="lead", data_testid="problem", data_problem=shown.key.rpartition(".")[2]),
            tag("p", button_link(visitor.t("back"), "/")),
            status=shown.status,
            narrow=True,
        )

    @web.middleware
    async def _answering(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not OWN_HOST.fullmatch(request.host):
            # Another site's name that was pointed at this machine: its pages must not read ours (DNS rebinding).
            raise web.HTTPMisdirectedRequest
        visitor = self.sessions.visitor(request)
        if not visitor.person and request.path not in OPEN_TO_ALL and not request.path.startswith("/static/"):
            return see_other("/login")
        try:
            return await handler(request)
        except ApiProblem as problem:
            return self.problem(visitor, Shown(problem_key(problem), problem_status(problem)))
        except Shown as shown:
            return self.problem(visitor, shown)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return self.problem(visitor, Shown("problem.page", 404))

    async def _prepare(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = "evisit-demo"

    async def _who(self, request: web.Request) -> web.Response:
        visitor = Visitor(self.sessions.visitor(request).language)
        buttons = [
            tag(
                "button",
                tag("strong", each.name),
                tag("span", each.word, class_="soft"),
                class_="choice",
                name="person",
                value=each.person,
                data_testid="person",
                data_person=each.person,
            )
            for each in self.choices(visitor)
        ]
        return self.frame.page(
            visitor,
            visitor.t("login.title"),
            tag("p", visitor.t("login.lead"), class_="lead"),
            tag("form", buttons, method="post", action="/login", class_="people"),
            here="/login",
            narrow=True,
        )

    async def _begin(self, request: web.Request) -> web.Response:
        # Without a token: the most that another site could do is to choose somebody else of the demo.
        response = see_other("/")
        known = self.sessions.begin(response, (await read_fields(request)).get("person", ""))
        return response if known else see_other("/login")

    async def _end(self, request: web.Request) -> web.Response:
        await self.sessions.form(request)
        response = see_other("/login")
        self.sessions.end(response)
        return response

    async def _speak(self, request: web.Request) -> web.Response:
        fields = await read_fields(request)
        to = fields.get("to", "")
        # A path of our own, and nothing that a browser takes for another host.
        response = see_other(
            to if to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() else "/"
        )
        self.sessions.speak(response, "en" if fields.get("language") == "en" else "sv")
        return response

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=self._files[name], content_type=STATIC[name], charset="utf-8", headers=headers)


def see_other(url: str) -> web.Response:
    """Send the browser on. Where `url` is a way into a visit, its ticket stands in the fragment: no server is sent it."""
    return web.Response(status=303, headers={"Location": url})


def problem_key(problem: ApiProblem) -> str:
    """Which text tells people of it."""
    if problem.code == "invalid":
        for field in ("to", "message"):
            if any(pointer.startswith(f"/{field}") for pointer in problem.pointers):
                return f"problem.invalid.{field}"
    return f"problem.{problem.code}" if problem.code in TOLD_APART else "problem.unreachable"


def problem_status(problem: ApiProblem) -> int:
    """The status of our own answer: theirs where it is the asker's matter, else that of a gateway."""
    return problem.status if problem.status in (404, 409, 422, 429, 503) else 502
