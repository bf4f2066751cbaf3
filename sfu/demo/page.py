"""The page around the content of both portals: header, menu, languages, and the forms and fields that both have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from sfu.demo.markup import Content, Markup, tag
from sfu.demo.texts import LANGUAGES, clock
from sfu.demo.visitor import TOKEN, Visitor

ZONE = ZoneInfo("Europe/Stockholm")


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the content of a portal."""

    title: str
    """A key of the texts: the portal's name."""
    navigation: tuple[tuple[str, str], ...]
    """Paths of the menu, and keys of their texts."""
    names: dict[str, str]
    """Of those whom one can be."""

    def page(
        self,
        visitor: Visitor,
        title: str,
        *content: Content,
        here: str = "/",
        status: int = 200,
        done: str = "",
        narrow: bool = False,
    ) -> web.Response:
        """A whole page. `here` is the path that a change of language comes back to, `done` a text that tells of what was done."""
        t = visitor.t
        head = tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="robots", content="noindex"),
            tag("title", f"{title} – {t(self.title)}"),
            tag("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
            tag("link", rel="stylesheet", href="/static/demo.css"),
            tag("script", src="/static/demo.js", type="module"),
        )
        body = tag(
            "body",
            tag("a", t("skip"), href="#main", class_="skip"),
            self._header(visitor, here),
            tag("p", done, role="status", class_="status", id="status", data_testid="status"),
            tag("main", tag("h1", title), content, id="main", class_="narrow" if narrow else "wide"),
            data_copied=t("copy.done"),
            data_not_copied=t("copy.failed"),
        )
        document = "<!doctype html>" + tag("html", head, body, lang=visitor.language)
        return web.Response(status=status, text=document, content_type="text/html")

    def _header(self, visitor: Visitor, here: str) -> Markup:
        t = visitor.t
        parts: list[Content] = [
            tag("span", t(self.title), " ", tag("span", t("demo"), class_="demo-mark"), class_="brand")
        ]
        if visitor.person:
            links = [
                tag("a", t(key), href=path, aria_current="page" if path == here.partition("?")[0] else None)
                for path, key in self.navigation
            ]
            parts.append(tag("nav", links, aria_label=t("menu")))
            leave = form(visitor, "/logout", tag("button", t("login.out"), class_="quiet", data_testid="logout"))
            parts.append(tag("div", tag("span", self.names[visitor.person], class_="who"), leave, class_="me"))
        languages = [
            tag(
                "button",
                name,
                name="language",
                value=code,
                lang=code,
                class_="quiet language",
                aria_pressed="true" if code == visitor.language else "false",
                data_testid=f"language-{code}",
            )
            for code, name in LANGUAGES
        ]
        back = tag("input", type="hidden", name="to", value=here)
        parts.append(tag("form", back, languages, method="post", action="/language", class_="languages"))
        return tag("header", tag("div", parts, class_="header"), tag("p", t("demo.line"), class_="demo-line"))


def form(
    visitor: Visitor,
    action: str,
    *content: Content,
    class_: str | None = None,
    id_: str | None = None,
    new_tab: bool = False,
) -> Markup:
    """A form with the token by which we know our own."""
    token = tag("input", type="hidden", name=TOKEN, value=visitor.token)
    opened: dict[str, str] = {"target": "_blank", "rel": "noopener"} if new_tab else {}
    return tag("form", token, content, method="post", action=action, class_=class_, id=id_, **opened)


def field(label: str, control: Markup, id_: str, hint: str = "") -> Markup:
    """A labelled control; `id_` is that of the control."""
    return tag(
        "div", tag("label", label, for_=id_), tag("p", hint, class_="hint") if hint else None, control, class_="field"
    )


def link_field(visitor: Visitor, label: str, url: str) -> Markup:
    """The shared link, to read and to copy."""
    shown = tag("input", id="link", value=url, readonly=True, type="text", autocomplete="off", data_testid="link")
    copy = tag(
        "button", visitor.t("copy"), type="button", class_="button primary", data_copies="link", data_testid="copy"
    )
    return tag("div", field(label, shown, "link"), tag("p", copy), class_="stack")


def button_link(text: str, path: str, *, kind: str = "plain", label: str | None = None) -> Markup:
    """A link that looks like a button. `label` is its name where `text` is but a sign."""
    return tag("a", text, href=path, class_=f"button {kind}", aria_label=label)


def at(moment: datetime) -> str:
    """The time of day as people here say it."""
    return clock(moment, ZONE)
