"""A wrapped value cannot be printed by accident."""

from __future__ import annotations

from sfu.redact import Redacted


def test_no_way_of_printing_shows_the_value() -> None:
    wrapped = Redacted("Per P")
    assert {str(wrapped), repr(wrapped), f"{wrapped}", f"{wrapped:>3}", f"{wrapped!r}"} == {"***"}
    assert "Per" not in repr([wrapped])
    assert wrapped.reveal() == "Per P"


def test_wrapped_values_compare_as_what_they_hold() -> None:
    assert Redacted("a") == Redacted("a")
    assert Redacted("a") != Redacted("b")
    assert Redacted("a") != "a"
    assert len({Redacted("a"), Redacted("a")}) == 1
