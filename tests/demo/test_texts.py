"""Both languages say everything, and nothing is said that no page uses."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from sfu.demo.texts import TEXTS, weekday

SOURCE = "".join(
    path.read_text() for path in (Path(__file__).parents[2] / "sfu" / "demo").glob("*.py") if path.name != "texts.py"
)


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_have_the_same_fields(key: str) -> None:
    swedish, english = TEXTS[key]
    assert set(re.findall(r"\{\w+\}", swedish)) == set(re.findall(r"\{\w+\}", english))
    assert swedish.strip()
    assert english.strip()


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_is_used(key: str) -> None:
    assembled = ("state.", "problem.", "care.done.", "care.outcome.")
    assert f'"{key}"' in SOURCE or f"'{key}'" in SOURCE or key.startswith(assembled)


@pytest.mark.parametrize("key", sorted(set(re.findall(r'\bt\(\s*"([\w.]+)"', SOURCE))))
def test_what_a_page_says_is_a_text(key: str) -> None:
    assert key in TEXTS


def test_a_day_is_told_as_people_say_it() -> None:
    assert weekday("sv", date(2026, 11, 23)) == "måndag 23 november"
    assert weekday("en", date(2026, 3, 1)) == "Sunday 1 March"
