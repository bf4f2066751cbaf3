"""The care record's forms, and what is read from them: booking, moving, cancelling, inviting."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sfu.demo import day
from sfu.demo.api import Visit
from sfu.demo.markup import Content, Markup, tag
from sfu.demo.page import ZONE, at, button_link, field, form
from sfu.demo.register import Citizen, Clinician, citizen, guardians_of
from sfu.demo.texts import LANGUAGES, weekday
from sfu.demo.visitor import Shown, Visitor

LENGTH = timedelta(minutes=30)  # of what is booked here
ONCE = re.compile(r"[0-9a-f]{32}")
EVERYBODY = 20  # whom one invitation can go to

Fields = Mapping[str, str]


def booking(
    visitor: Visitor, patients: Sequence[Citizen], starts_at: datetime, given: Fields, problem: str
) -> list[Content]:
    """Book a time. `given` is what was filled in before `problem`."""
    t = visitor.t
    chosen = given.get("patient")
    options = [
        tag(
            "option",
            t("care.years", name=each.name, years=str(each.years)),
            value=each.person,
            selected=each.person == chosen,
        )
        for each in patients
    ]
    tick = tag("input", type="checkbox", id="guardians", name="guardians", value="yes", checked="guardians" in given)
    return [
        form(
            visitor,
            "/book",
            _once(given),
            _fault(problem),
            field(t("care.field.patient"), tag("select", options, id="patient", name="patient"), "patient"),
            _when(visitor, starts_at, given),
            field(t("care.field.title"), _line("title", given.get("title", t("care.title.return"))), "title"),
            tag("div", tick, tag("label", t("care.field.guardians"), for_="guardians"), class_="tick"),
            tag("button", t("care.book"), class_="button primary", data_testid="book"),
            class_="stack",
        )
    ]


def moving(visitor: Visitor, visit: Visit, given: Fields, problem: str) -> list[Content]:
    t = visitor.t
    return [
        _of(visitor, visit),
        tag("p", t("care.move.lead")),
        form(
            visitor,
            f"/visits/{visit.visit}/move",
            _fault(problem),
            _when(visitor, visit.starts_at, given),
            tag("button", t("care.move"), class_="button primary", data_testid="move"),
            class_="stack",
        ),
    ]


def cancelling(visitor: Visitor, visit: Visit) -> list[Content]:
    t = visitor.t
    yes = tag("button", t("care.cancel.yes"), class_="button danger", data_testid="cancel-yes")
    return [
        _of(visitor, visit),
        tag("p", t("care.cancel.lead")),
        tag(
            "div",
            form(visitor, f"/visits/{visit.visit}/cancel", yes),
            button_link(t("care.cancel.no"), f"/visits/{visit.visit}"),
            class_="actions",
        ),
    ]


def invitation(
    visitor: Visitor, visit: Visit, *, sends: bool, drafts: bool, given: Fields, problem: str
) -> list[Content]:
    """Whom to invite, by a mail that the server sends, or by a draft for one's own mail program."""
    t, base = visitor.t, f"/visits/{visit.visit}"
    languages = [
        tag("option", name, value=code, lang=code, selected=code == given.get("language", visit.language))
        for code, name in LANGUAGES
    ]
    message = tag("textarea", given.get("message", ""), id="message", name="message", rows="3", maxlength="1000")
    to = tag(
        "textarea",
        given.get("to", ""),
        id="to",
        name="to",
        rows="3",
        required=True,
        spellcheck="false",
        autocomplete="off",
    )
    send = tag("button", t("care.invite.send"), class_="button primary", data_testid="send")
    kind = "plain" if sends else "primary"
    draft = tag("button", t("care.draft"), formaction=f"{base}/draft", class_=f"button {kind}", data_testid="draft")
    return [
        _of(visitor, visit),
        tag("p", t("care.invite.lead")),
        None if drafts or sends else tag("p", t("care.invite.off"), class_="note", data_testid="mail-off"),
        form(
            visitor,
            f"{base}/{'invite' if sends else 'draft'}",
            _once(given),
            _fault(problem),
            field(t("care.invite.to"), to, "to"),
            field(t("care.invite.language"), tag("select", languages, id="language", name="language"), "language"),
            field(t("care.invite.message"), message, "message"),
            tag("p", t("care.draft.lead"), class_="hint") if not sends else None,
            tag("div", send if sends else None, draft, class_="actions"),
            class_="stack",
        ),
    ]


def once(fields: Fields) -> str:
    """The form's own number, for `Idempotency-Key`: the same form sent twice is one call."""
    if not ONCE.fullmatch(fields.get("once", "")):
        raise Shown("problem.form", 403)
    return fields["once"]


def read_invitation(fields: Fields) -> dict[str, Any]:
    """The body of the call that invites."""
    to = [address for address in re.split(r"[\s,;]+", fields.get("to", "")) if address]
    body: dict[str, Any] = {"to": to[: EVERYBODY + 1], "language": "en" if fields.get("language") == "en" else "sv"}
    message = fields.get("message", "").replace("\r\n", "\n").strip()
    return body | ({"message": message} if message else {})


def read_time(fields: Fields) -> datetime | None:
    """The day and time of the form, here; None where there is none."""
    try:
        moment = datetime.fromisoformat(f"{fields.get('day', '')}T{fields.get('time', '')}")
    except ValueError:
        return None
    return moment.replace(tzinfo=ZONE) if moment.tzinfo is None and 2000 <= moment.year < 2099 else None


def read_booking(fields: Fields, me: Clinician, language: str, today: date) -> dict[str, Any] | None:
    """The body of the call that books; None where the form names no patient or no time."""
    patient, starts_at = citizen(fields.get("patient", "")), read_time(fields)
    if patient is None or starts_at is None:
        return None
    guardians = guardians_of(patient) if "guardians" in fields else ()
    return day.booking(
        once(fields), starts_at, LENGTH, patient, me, fields.get("title", ""), guardians, today=today, language=language
    )


def _of(visitor: Visitor, visit: Visit) -> Markup:
    """Which booking this is about."""
    when = f"{weekday(visitor.language, visit.starts_at.astimezone(ZONE).date())} {visitor.t('at', time=at(visit.starts_at))}"
    return tag("p", tag("strong", visit.patient.name), f" · {visit.title} · {when}", class_="lead")


def _when(visitor: Visitor, starts_at: datetime, given: Fields) -> Markup:
    here = starts_at.astimezone(ZONE)
    on = tag("input", type="date", id="day", name="day", value=given.get("day", f"{here:%Y-%m-%d}"), required=True)
    clock = tag("input", type="time", id="time", name="time", value=given.get("time", f"{here:%H:%M}"), required=True)
    return tag(
        "div",
        field(visitor.t("care.field.day"), on, "day"),
        field(visitor.t("care.field.time"), clock, "time"),
        class_="pair",
    )


def _line(name: str, value: str) -> Markup:
    return tag(
        "input", type="text", id=name, name=name, value=value, maxlength="120", required=True, autocomplete="off"
    )


def _once(given: Fields) -> Markup:
    return tag("input", type="hidden", name="once", value=given.get("once") or secrets.token_hex(16))


def _fault(problem: str) -> Markup | None:
    return tag("p", problem, class_="fault", role="alert", data_testid="fault") if problem else None
