"""How the care record shows its bookings: the schedule, the visit list, the web schedule, and a booking's actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sfu.demo.api import Visit
from sfu.demo.markup import Content, Markup, tag
from sfu.demo.page import ZONE, at, button_link, form, link_field
from sfu.demo.texts import weekday
from sfu.demo.visitor import Visitor


def schedule(visitor: Visitor, visits: Iterable[Visit]) -> Markup:
    """The day by the clock."""
    return _list(_booking(visitor, visit, tag("span", at(visit.starts_at), class_="time")) for visit in visits)


def visit_list(visitor: Visitor, visits: Iterable[Visit], waiting: Mapping[str, int], now: datetime) -> list[Markup]:
    """The day by how far each visit has come. `waiting` are those that can be joined, and how many wait in them."""
    parts: dict[str, list[Markup]] = {"care.now": [], "care.later": [], "care.before": []}
    for visit in visits:
        part = "care.before" if visit.over else "care.now" if visit.starts_at <= now else "care.later"
        count = waiting.get(visit.visit, 0)
        here = visitor.t("care.waiting", count=str(count)) if count else ""
        badge = tag("span", here, class_="badge", data_testid="waiting") if count else None
        parts[part].append(_booking(visitor, visit, tag("span", at(visit.starts_at), class_="time"), badge))
    return [tag("section", tag("h2", visitor.t(key)), _list(shown)) for key, shown in parts.items() if shown]


def web_schedule(visitor: Visitor, visits: Iterable[Visit]) -> Markup:
    """The day with the links to pass on."""

    def entry(visit: Visit) -> Markup:
        copy = None
        if not visit.over:
            copy = form(visitor, f"/visits/{visit.visit}/link", _copy_button(visitor, visit, "button plain"))
        return tag(
            "li",
            tag("span", at(visit.starts_at), class_="time"),
            _who(visitor, visit),
            _state(visitor, visit),
            copy,
            class_="booking",
            data_testid="booking",
            data_visit=visit.visit,
        )

    return _list(map(entry, visits))


def of_visit(visitor: Visitor, visit: Visit, invited: Mapping[str, int]) -> list[Content]:
    """All of one visit, and everything that can be done with it, without a menu."""
    t = visitor.t
    when = f"{weekday(visitor.language, visit.starts_at.astimezone(ZONE).date())} {t('at', time=at(visit.starts_at))}"
    facts = [
        (t("care.field.time"), when),
        (t("care.field.title"), visit.title),
        (t("care.field.unit"), visit.unit_name),
        (t("care.field.staff"), ", ".join(each.name for each in visit.staff)),
        (t("care.guardians"), ", ".join(each.name for each in visit.guardians)),
        (t("care.invited"), ", ".join(t(f"care.outcome.{kind}", count=str(count)) for kind, count in invited.items())),
    ]
    shown = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value]
    parts: list[Content] = [tag("p", _state(visitor, visit)), tag("dl", shown, class_="facts")]
    if visit.over:
        return parts
    base = f"/visits/{visit.visit}"
    join = tag("button", t("join"), class_="button primary", data_testid="join")
    renew = tag("button", t("care.renew"), class_="button plain", data_testid="renew")
    parts += [
        form(visitor, f"{base}/join", join, new_tab=True),
        tag(
            "div",
            form(visitor, f"{base}/link", _copy_button(visitor, visit, "button plain")),
            button_link(t("care.invite"), f"{base}/invite"),
            button_link(t("care.draft"), f"{base}/draft"),
            button_link(t("care.move"), f"{base}/move"),
            button_link(t("care.cancel"), f"{base}/cancel", kind="danger-plain"),
            class_="actions",
        ),
        tag("p", t("care.renew.hint"), class_="hint"),
        form(visitor, f"{base}/renew", renew),
    ]
    return parts


def link(visitor: Visitor, visit: Visit, url: str) -> list[Content]:
    """The link, for browsers in which it could not be copied at once."""
    label = visitor.t("link.label", patient=visit.patient.name, time=at(visit.starts_at))
    return [tag("p", visitor.t("link.lead"), class_="lead"), link_field(visitor, label, url)]


def _list(entries: Iterable[Markup]) -> Markup:
    return tag("ul", entries, class_="bookings")


def _booking(visitor: Visitor, visit: Visit, *marks: Content) -> Markup:
    """A booking with its menu: by the right mouse button, by the keys for it, and by a button that can be seen."""
    time, *badges = marks
    return tag(
        "li",
        time,
        _who(visitor, visit),
        tag("span", badges, _state(visitor, visit), class_="marks"),
        None if visit.over else _menu(visitor, visit),
        class_="booking",
        data_testid="booking",
        data_visit=visit.visit,
    )


def _who(visitor: Visitor, visit: Visit) -> Markup:
    staff = ", ".join(each.name for each in visit.staff)
    guardians = ", ".join(each.name for each in visit.guardians)
    more = [visit.title, visitor.t("care.with", names=guardians) if guardians else "", staff]
    return tag(
        "div",
        tag("a", visit.patient.name, href=f"/visits/{visit.visit}", class_="patient"),
        tag("span", " · ".join(part for part in more if part), class_="soft"),
        class_="who-what",
    )


def _state(visitor: Visitor, visit: Visit) -> Markup:
    told = visitor.t(f"state.{visit.state}")
    if visit.state == "booked":
        told = visitor.t("opens", time=at(visit.opens_at))
    return tag("span", told, class_=f"mark {visit.state}", data_testid="state")


def _menu(visitor: Visitor, visit: Visit) -> list[Markup]:
    t, base, id_ = visitor.t, f"/visits/{visit.visit}", visit.visit

    def item(text: str, path: str, testid: str, kind: str | None = None) -> Markup:
        return tag("a", text, href=path, role="menuitem", tabindex="-1", class_=kind, data_testid=testid)

    def button(text: str, of: str, testid: str, *, copies: bool = False) -> Markup:
        return tag(
            "button", text, form=of, role="menuitem", tabindex="-1", data_copies_answer=copies, data_testid=testid
        )

    return [
        tag(
            "button",
            t("care.actions"),
            type="button",
            class_="button plain opener",
            aria_haspopup="menu",
            aria_expanded="false",
            aria_controls=f"menu-{id_}",
            aria_label=t("care.actions.of", patient=visit.patient.name, time=at(visit.starts_at)),
            data_testid="actions",
        ),
        # The forms stand beside the menu, since a menu holds nothing but its items.
        form(visitor, f"{base}/join", id_=f"join-{id_}", new_tab=True, class_="beside"),
        form(visitor, f"{base}/link", id_=f"link-{id_}", class_="beside"),
        tag(
            "div",
            button(t("join"), f"join-{id_}", "menu-join"),
            button(t("copy"), f"link-{id_}", "menu-copy", copies=True),
            item(t("care.invite"), f"{base}/invite", "menu-invite"),
            item(t("care.draft"), f"{base}/draft", "menu-draft"),
            item(t("care.move"), f"{base}/move", "menu-move"),
            item(t("care.cancel"), f"{base}/cancel", "menu-cancel", "danger"),
            role="menu",
            id=f"menu-{id_}",
            aria_label=t("care.actions.of", patient=visit.patient.name, time=at(visit.starts_at)),
            class_="menu",
            hidden=True,
            data_testid="menu",
        ),
    ]


def _copy_button(visitor: Visitor, visit: Visit, kind: str) -> Markup:
    label = f"{visitor.t('copy')}: {visit.patient.name} {at(visit.starts_at)}"
    return tag("button", visitor.t("copy"), class_=kind, aria_label=label, data_copies_answer=True, data_testid="copy")
