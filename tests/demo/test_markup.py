"""HTML as values: what is text stays text."""

from __future__ import annotations

from html import unescape

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.demo.markup import joined, tag


@settings(max_examples=50)
@given(st.text(alphabet="<>&\"'ax /="))
def test_text_is_never_markup(text: str) -> None:
    made = tag("p", text, title=text)
    assert made.count("<") == made.count(">") == 2
    assert made.count('"') == 2
    assert unescape(made) == f'<p title="{text}">{text}</p>'


def test_elements_stand_in_one_another() -> None:
    assert tag("p", tag("b", "a & b"), [" ", None, tag("br")], class_="x", hidden=True, id=None, aria_label="'") == (
        '<p class="x" hidden aria-label="&#x27;"><b>a &amp; b</b> <br></p>'
    )
    assert joined(None) == ""
