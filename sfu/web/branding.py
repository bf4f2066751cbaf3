"""How the page is the operator's own: name, logo, colours, number to call.

Colours are checked where they are read, so that no configuration can make a page that somebody cannot read (WCAG 2.1, 1.4.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sfu.config import Branding
from sfu.errors import ConfigError

MAX_LOGO = 50_000  # bytes; everybody who opens the page loads it, on a phone
LEAST_CONTRAST = 4.5  # of text (WCAG 2.1, 1.4.3)
WHITE = (255, 255, 255)
PAGE = (243, 246, 247)  # --color-page in tokens.css
DARK = (22, 36, 43)  # --color-text in tokens.css
STRONG = 0.28  # share of black in what is under the pointer
SOFT = 0.12  # share of the colour in what is marked by it
HOVER = 0.15  # share of the text's colour in a button of the header under the pointer

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Brand:
    """What the pages show. Without anything it is the page as it comes."""

    name: str = ""
    help_phone: str = ""
    logo: bytes | None = None
    logo_kind: str = ""
    """`png` or `svg`."""
    style: str = ""
    """A style sheet that sets the tokens of `tokens.css` anew; empty: none."""

    @classmethod
    def load(cls, settings: Branding, help_phone: str = "") -> Brand:
        """Read the logo and check the colours. `help_phone` is taken where the settings name none. Raises `ConfigError`."""
        logo, kind = _logo(settings.logo_file) if settings.logo_file else (None, "")
        return cls(
            name=settings.name,
            help_phone=settings.help_phone or help_phone,
            logo=logo,
            logo_kind=kind,
            style=_style(settings),
        )


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.1, contrast ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        share / 12.92 if (share := channel / 255) <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for channel in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _style(settings: Branding) -> str:
    tokens: dict[str, Colour] = {}
    if settings.accent_color:
        accent = _colour(settings.accent_color)
        _readable("accent_color", accent, WHITE, "white")
        _readable("accent_color", accent, PAGE, "the page's light grey")
        tokens |= {
            "accent": accent,
            "accent-strong": _mixed((0, 0, 0), accent, STRONG),
            "accent-soft": _mixed(accent, WHITE, SOFT),
        }
    if settings.header_color:
        header = _colour(settings.header_color)
        text = max(WHITE, DARK, key=lambda candidate: contrast(candidate, header))
        _readable("header_color", header, text, "white or dark text")
        hover = _mixed(text, header, HOVER)
        if contrast(text, hover) < LEAST_CONTRAST:
            hover = header
        tokens |= {"header": header, "on-header": text, "brand": text, "header-hover": hover, "header-line": header}
    if not tokens:
        return ""
    lines = (f"  --color-{name}: #{red:02x}{green:02x}{blue:02x};" for name, (red, green, blue) in tokens.items())
    return "\n".join((":root {", *lines, "}", ""))


def _colour(value: str) -> Colour:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _mixed(of: Colour, into: Colour, share: float) -> Colour:
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(of, into, strict=True))
    return red, green, blue


def _readable(key: str, colour: Colour, against: Colour, named: str) -> None:
    found = contrast(colour, against)
    if found < LEAST_CONTRAST:
        # Cut, not rounded: what is refused never reads as enough.
        raise ConfigError(
            f"branding.{key} must have a contrast of {LEAST_CONTRAST}:1 with {named}; it has {int(found * 10) / 10}:1"
        )


def _logo(file: str) -> tuple[bytes, str]:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"branding.logo_file: {file}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_LOGO:
        raise ConfigError(f"branding.logo_file: {file}: must be at most {MAX_LOGO // 1000} KB")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data, "png"
    if b"<svg" in data[:1_000]:
        return data, "svg"
    raise ConfigError(f"branding.logo_file: {file}: must be a PNG or an SVG")
