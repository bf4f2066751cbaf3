"""What mails and the signature say: templates with a fixed list of fields, read and checked when the server starts.

A template cannot tell what it has no field for, and there is no field for patient, clinic, title or reason.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from sfu.config import Invitations
from sfu.errors import ConfigError

Language = Literal["sv", "en"]
BUILT_IN = Path(__file__).parent / "templates"
MAX_TEMPLATE_BYTES = 64 * 1024
MAX_LOGO_BYTES = 100 * 1024  # each mail carries it
PNG = b"\x89PNG\r\n\x1a\n"
SUBJECT: Final = "Subject: "

OF_REGION = frozenset({"region", "motto", "help_phone"})
OF_VISIT = frozenset({"date", "starts", "ends", "zone", "link"})
FIELDS: Mapping[str, frozenset[str]] = {
    "signature.txt": OF_REGION,
    "signature.html": OF_REGION | {"logo"},
    "invitation.txt": OF_REGION | OF_VISIT | {"message", "signature"},
    "invitation.html": OF_REGION | OF_VISIT | {"message", "signature", "logo"},
}
NEEDED: Mapping[str, frozenset[str]] = {
    "signature": frozenset({"help_phone"}),
    "invitation": frozenset({"date", "starts", "link", "signature"}),
}
IN_SUBJECT = frozenset({"date", "starts", "ends", "zone", "region"})
TELLING = re.compile(
    r"patient|clinic|clinician|unit|title|reason|booking|name|person|staff|guardian|birth", re.IGNORECASE
)
"""Fields that somebody may wish for, and that are told apart from a misspelt one."""
LOADED = re.compile(
    r"<\s*(?:script|iframe|object|embed|link|form|base|svg|meta\s+http-equiv)\b|\son\w+\s*=|url\s*\(|@import"
    r"|\b(?:src|srcset|background|poster|data)\s*=(?!\s*\"\$logo\")",
    re.IGNORECASE,
)
"""What a mail program would load or run: nobody learns from it who has opened a mail, where, and when."""

DAYS: Mapping[Language, tuple[str, ...]] = {
    "sv": ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS: Mapping[Language, tuple[str, ...]] = {
    "sv": (
        *("januari", "februari", "mars", "april", "maj", "juni"),
        *("juli", "augusti", "september", "oktober", "november", "december"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


@dataclass(frozen=True, slots=True)
class Words:
    """What one invitation says."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Wording:
    """All templates, the region's own where it has any, and the logo."""

    region: str
    motto: str
    help_phone: str
    logo: bytes | None
    """A PNG."""
    zone: ZoneInfo
    templates: Mapping[str, str]
    """By file name, such as `invitation.sv.html`."""

    @classmethod
    def load(cls, settings: Invitations) -> Wording:
        """Read templates and logo. Raises `ConfigError` for the first fault, which names the file."""
        folder = Path(settings.templates) if settings.templates else None
        templates = {name: _read(BUILT_IN / name) for name in _names()}
        if folder is not None:
            for name in _found(folder):
                templates[name] = _read(folder / name)
        for name, text in templates.items():
            for fault in faults(name, text):
                raise ConfigError(f"{(folder or BUILT_IN) / name}: {fault}")
        return cls(
            region=settings.region,
            motto=settings.motto,
            help_phone=settings.help_phone,
            logo=_logo(settings.logo_file) if settings.logo_file else None,
            zone=ZoneInfo(settings.time_zone),
            templates=templates,
        )

    def signature(self, language: Language, *, logo: str) -> tuple[str, str]:
        """The standard text, as plain text and as HTML. `logo`: where its image is found; empty: nowhere."""
        values = self._of_region()
        return (
            filled(self.templates[f"signature.{language}.txt"], values),
            filled(self.templates[f"signature.{language}.html"], _escaped({**values, "logo": logo})),
        )

    def invitation(
        self, language: Language, starts_at: datetime, ends_at: datetime, *, link: str, message: str, logo: str
    ) -> Words:
        """An invitation's words."""
        values = {
            **self._of_region(),
            **told_time(starts_at, ends_at, language, self.zone),
            "link": link,
            "message": message,
        }
        signature, signature_html = self.signature(language, logo=logo)
        subject, _, text = self.templates[f"invitation.{language}.txt"].partition("\n")
        return Words(
            subject=filled(subject.removeprefix(SUBJECT), values).strip(),
            text=filled(text.lstrip("\n"), {**values, "signature": signature.strip("\n")}),
            html=filled(
                self.templates[f"invitation.{language}.html"],
                {**_escaped({**values, "logo": logo}), "signature": signature_html.strip("\n")},
            ),
        )

    def _of_region(self) -> dict[str, str]:
        return {"region": self.region, "motto": self.motto, "help_phone": self.help_phone}


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its fields' values. A line with a field that is empty is left out, and so are blank lines too many."""
    lines = []
    for line in template.splitlines():
        here = string.Template(line)
        if all(values[field] for field in here.get_identifiers()):
            lines.append(here.substitute(values))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def faults(name: str, text: str) -> Iterator[str]:
    """What a template may not hold, and what it must."""
    kind, _, form = name.partition(".")
    known = FIELDS[f"{kind}.{form.partition('.')[2]}"]
    template = string.Template(text)
    if not template.is_valid():
        yield 'holds a "$" that begins no field; a dollar sign is written "$$"'
        return
    fields = set(template.get_identifiers())
    for field in sorted(fields - known):
        if TELLING.search(field):
            yield f"may not hold ${field}: an invitation tells nothing of patient, clinic, title or reason"
        else:
            yield f"holds ${field}, which is unknown; known here: {', '.join(sorted(known))}"
    for field in sorted(NEEDED[kind] - fields):
        yield f"must hold ${field}"
    if name.endswith(".html") and (found := LOADED.search(text)):
        yield f'may not hold {found[0].strip()!r}: a mail loads and runs nothing; the logo is src="$logo"'
    if kind == "invitation" and name.endswith(".txt"):
        first = text.partition("\n")[0]
        if not first.startswith(SUBJECT):
            yield f'must begin with a line "{SUBJECT}…"'
        elif not set(string.Template(first).get_identifiers()) <= IN_SUBJECT:
            yield f"may hold in its subject only: {', '.join(sorted(IN_SUBJECT))}"


def told_time(starts_at: datetime, ends_at: datetime, language: Language, zone: ZoneInfo) -> dict[str, str]:
    """When a visit is, in the words of the language, in the region's time."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    clock = "%H.%M" if language == "sv" else "%H:%M"
    offset = start.strftime("%z")
    return {
        "date": f"{DAYS[language][start.weekday()]} {start.day} {MONTHS[language][start.month - 1]} {start.year}",
        "starts": start.strftime(clock),
        "ends": end.strftime(clock),
        "zone": f"UTC{offset[:3]}:{offset[3:5]}",
    }


def _names() -> list[str]:
    return [
        f"{kind}.{language}.{form}"
        for kind in ("invitation", "signature")
        for language in get_args(Language)
        for form in ("txt", "html")
    ]


def _found(folder: Path) -> list[str]:
    try:
        found = sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))
    except OSError as error:
        raise ConfigError(f"invitations.templates: {folder}: cannot be read: {error.strerror}") from error
    for name in found:
        if name not in _names():
            raise ConfigError(f"{folder / name}: is no template; known here: {', '.join(_names())}")
    return found


def _read(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_TEMPLATE_BYTES:
        raise ConfigError(f"{file}: has more than {MAX_TEMPLATE_BYTES} bytes")
    try:
        return raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8") from None


def _logo(name: str) -> bytes:
    try:
        raw = Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"invitations.logo_file: {name}: cannot be read: {error.strerror}") from error
    if not raw.startswith(PNG) or len(raw) > MAX_LOGO_BYTES:
        raise ConfigError(f"invitations.logo_file: {name}: must be a PNG of at most {MAX_LOGO_BYTES // 1024} KB")
    return raw


def _escaped(values: Mapping[str, str]) -> dict[str, str]:
    return {field: html.escape(value).replace("\n", "<br>\n") for field, value in values.items()}
