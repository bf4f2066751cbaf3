from __future__ import annotations

import pytest

from sfu.web.first_view import read_catalogue, spoken

MODULE = b"""/** Some. */

/** @type {Record<string, string>} */
export const sv = {
  brand: "Bes\xc3\xb6k",
  "a.b": "Say \\"yes\\" & {name}: <b>",
  "a.long":
    "On a line of its own, {with} braces};",
};
"""


def test_a_catalogue_is_read_as_the_scripts_read_it() -> None:
    texts = {"brand": "Besök", "a.b": 'Say "yes" & {name}: <b>', "a.long": "On a line of its own, {with} braces};"}
    assert read_catalogue(MODULE) == texts


@pytest.mark.parametrize(
    "module", [b"", b"export const sv = {\n  a: 1,\n};\n", b"export const sv = {\n  a: `b`,\n};\n"]
)
def test_anything_else_is_an_error_at_start(module: bytes) -> None:
    with pytest.raises(ValueError, match=r"catalogue|Expecting"):
        read_catalogue(module)


def test_texts_and_names_stand_where_they_are_marked_and_are_never_markup() -> None:
    page = '<html lang="sv"><p class="x" data-text="a.b" id="y"></p><div data-label="a.b"></div><button class="z" lang="en">'
    assert spoken(page, "en", read_catalogue(MODULE)) == (
        '<html lang="en"><p class="x" data-text="a.b" id="y">Say "yes" &amp; {name}: &lt;b&gt;</p>'
        '<div data-label="a.b" aria-label="Say &quot;yes&quot; &amp; {name}: &lt;b&gt;"></div>'
        '<button class="z" lang="en" aria-pressed="true">'
    )


def test_a_text_that_is_missing_is_an_error_at_start() -> None:
    with pytest.raises(KeyError):
        spoken('<p data-text="a.c"></p>', "sv", read_catalogue(MODULE))
