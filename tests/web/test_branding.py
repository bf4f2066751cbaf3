"""A brand is read once, and one that somebody could not read is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.config import Branding
from sfu.errors import ConfigError
from sfu.web.branding import DARK, LEAST_CONTRAST, PAGE, WHITE, Brand, contrast

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
TOKENS = (Path(__file__).parents[2] / "sfu/web/static/css/tokens.css").read_text()
BUILT_IN = dict(re.findall(r"--color-([a-z-]+): (#[0-9a-f]{6});", TOKENS))
colours = st.tuples(*[st.integers(0, 255)] * 3)


def rgb(value: str) -> tuple[int, int, int]:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def tokens(brand: Brand) -> dict[str, tuple[int, int, int]]:
    return {name: rgb(value) for name, value in re.findall(r"--color-([a-z-]+): (#[0-9a-f]{6});", brand.style)}


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    # The grey that everybody knows to be just enough on white.
    assert contrast((118, 118, 118), WHITE) == pytest.approx(4.54, abs=0.01)


def test_the_colours_that_are_named_here_are_those_of_the_style_sheet() -> None:
    assert (rgb(BUILT_IN["page"]), rgb(BUILT_IN["text"]), rgb(BUILT_IN["surface"])) == (PAGE, DARK, WHITE)


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("text", "page"),
        ("text", "surface"),
        ("text-soft", "page"),
        ("accent", "surface"),
        ("accent", "page"),
        ("accent-strong", "accent-soft"),
        ("on-accent", "accent"),
        ("on-accent", "danger"),
        ("danger", "surface"),
        ("danger", "danger-soft"),
        ("warning-text", "warning-soft"),
        ("on-stage", "tile"),
    ],
)
def test_the_built_in_colours_are_readable(text: str, on: str) -> None:
    assert contrast(rgb(BUILT_IN[text]), rgb(BUILT_IN[on])) >= LEAST_CONTRAST


def test_nothing_set_changes_nothing() -> None:
    assert Brand.load(Branding()) == Brand()


def test_the_number_is_that_of_the_invitations_unless_another_is_named() -> None:
    assert Brand.load(Branding(), "08-1").help_phone == "08-1"
    assert Brand.load(Branding(help_phone="08-2"), "08-1").help_phone == "08-2"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            Branding(accent_color="#ffb020"),
            "branding.accent_color must have a contrast of 4.5:1 with white; it has 1.8:1",
        ),
        # Enough on white, too little on the page.
        (
            Branding(accent_color="#767676"),
            "branding.accent_color must have a contrast of 4.5:1 with the page's light grey; it has 4.1:1",
        ),
        (
            Branding(header_color="#808080"),
            "branding.header_color must have a contrast of 4.5:1 with white or dark text; it has 4.0:1",
        ),
    ],
)
def test_a_colour_that_cannot_be_read_is_refused_with_its_contrast(settings: Branding, fault: str) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(fault) + "$"):
        Brand.load(settings)


@given(colours)
def test_whatever_accent_is_taken_all_that_is_made_of_it_is_readable(colour: tuple[int, int, int]) -> None:
    red, green, blue = colour
    try:
        found = tokens(Brand.load(Branding(accent_color=f"#{red:02X}{green:02x}{blue:02x}")))
    except ConfigError:
        assert min(contrast(colour, WHITE), contrast(colour, PAGE)) < LEAST_CONTRAST
        return
    for text, on in (
        (found["accent"], WHITE),
        (found["accent"], PAGE),
        (WHITE, found["accent-strong"]),
        (found["accent-strong"], found["accent-soft"]),
        (DARK, found["accent-soft"]),
    ):
        assert contrast(text, on) >= LEAST_CONTRAST


@given(colours)
def test_whatever_header_is_taken_its_text_is_readable(colour: tuple[int, int, int]) -> None:
    red, green, blue = colour
    try:
        found = tokens(Brand.load(Branding(header_color=f"#{red:02x}{green:02x}{blue:02x}")))
    except ConfigError:
        assert max(contrast(colour, WHITE), contrast(colour, DARK)) < LEAST_CONTRAST
        return
    for text in ("on-header", "brand"):
        for on in ("header", "header-hover"):
            assert contrast(found[text], found[on]) >= LEAST_CONTRAST


@pytest.mark.parametrize(
    ("data", "kind"), [(PNG, "png"), (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "svg")]
)
def test_a_logo_is_a_png_or_an_svg(tmp_path: Path, data: bytes, kind: str) -> None:
    file = tmp_path / "logo"
    file.write_bytes(data)
    brand = Brand.load(Branding(logo_file=str(file)))
    assert (brand.logo, brand.logo_kind) == (data, kind)


@pytest.mark.parametrize(
    ("data", "fault"),
    [(b"GIF89a", "must be a PNG or an SVG"), (PNG + bytes(50_000), "must be at most 50 KB"), (None, "cannot be read")],
)
def test_a_logo_that_cannot_be_shown_is_refused(tmp_path: Path, data: bytes | None, fault: str) -> None:
    file = tmp_path / "logo"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(ConfigError, match=f"^branding.logo_file: {re.escape(str(file))}: {fault}"):
        Brand.load(Branding(logo_file=str(file)))
