"""The first view as it is served: markup with texts already in it, so that there is something to read before any script has come.

A page marks what it says as the scripts do: `data-text="key"` for the content of an element, `data-label="key"` for its accessible
name. The catalogues are the scripts' own (`js/texts`).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping

LANGUAGES = ("sv", "en")
"""What the page speaks; the first where nobody says what they read."""

Texts = Mapping[str, str]

_CATALOGUE = re.compile(r"^export const \w+ = (\{.*^\});$", re.MULTILINE | re.DOTALL)
_BARE_KEY = re.compile(r"^  (\w+):", re.MULTILINE)
_LAST_COMMA = re.compile(r",\s*\}$")
_CONTENT = re.compile(r'data-text="([^"]+)"[^>]*>')
_LABEL = re.compile(r'data-label="([^"]+)"')
_LANGUAGE_BUTTON = re.compile(r'(<button [^>]*\blang="(\w+)")')


def read_catalogue(module: bytes) -> Texts:
    """The texts of a module that exports one object of them, a key a line. Raises `ValueError` for anything else."""
    found = _CATALOGUE.search(module.decode())
    if found is None:
        raise ValueError("no catalogue of texts")
    texts = json.loads(_LAST_COMMA.sub("}", _BARE_KEY.sub(r'  "\1":', found[1])))
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a catalogue has texts alone")
    return dict(texts)


def spoken(page: str, language: str, texts: Texts) -> str:
    """The page in this language. A text that the catalogue has not: `KeyError`."""
    page = page.replace('<html lang="sv"', f'<html lang="{language}"', 1)
    page = _CONTENT.sub(lambda found: found[0] + html.escape(texts[found[1]], quote=False), page)
    page = _LABEL.sub(lambda found: f'{found[0]} aria-label="{html.escape(texts[found[1]])}"', page)
    return _LANGUAGE_BUTTON.sub(lambda found: f'{found[1]} aria-pressed="{str(found[2] == language).lower()}"', page)


def wished_language(asked: str | None, accepted: str) -> str:
    """What the address asks for, else the dearest of `Accept-Language` (RFC 9110, 12.5.4), as far as there are texts for it."""
    wishes = [(_weight(weight), tag) for tag, _, weight in (wish.partition(";") for wish in accepted.split(","))]
    wishes.sort(key=lambda wish: -wish[0])
    for weight, tag in [(1.0, asked or ""), *wishes]:
        primary = tag.strip().lower().partition("-")[0]
        if weight > 0 and primary in LANGUAGES:
            return primary
    return LANGUAGES[0]


def _weight(parameter: str) -> float:
    """Of a wish: 1 where none is given, 0 where it is nonsense."""
    value = re.fullmatch(r"\s*(?:q\s*=\s*([01](?:\.\d{0,3})?))?\s*", parameter, re.IGNORECASE)
    return 0.0 if value is None else float(value[1] or 1)
