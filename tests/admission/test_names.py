"""What may stand on a roster as a name."""

from __future__ import annotations

import pytest

from sfu.admission.names import NAME_LENGTH, is_good_name, is_plain


@pytest.mark.parametrize(
    "name", ["A", "Per P", "Åsa Öberg-Ek", "محمد", "山田 太郎", "Ngọc", "نمی\u200cدانم", "x" * NAME_LENGTH, "👩🏽‍⚕️"]
)
def test_a_name_of_any_script_is_good(name: str) -> None:
    assert is_good_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u2003 ",
        "x" * (NAME_LENGTH + 1),
        "Per\nP",
        "Per\x00",
        "\x1b[31mEva",
        "Eva\u202eakE rD",
        "\ufeffEva",
        "Eva\u200b",
        "Eva\u2028Ek",
        "Eva\u2066",
        "\ud800",
        "Eva\u00adEk",
        "\ue000",
        "\u0378",
    ],
)
def test_a_name_that_is_empty_long_or_hides_something_is_not(name: str) -> None:
    assert not is_good_name(name)


def test_plain_text_may_be_empty_and_long() -> None:
    assert is_plain("")
    assert is_plain("å" * 10_000)
