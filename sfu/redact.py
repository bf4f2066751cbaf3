"""Redaction by type: what identifies a person is wrapped, and a wrapped value prints as `***`."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Redacted(Generic[T]):
    """Holds a value that must not be printed. `reveal()` is the one way to it, and easy to search for."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redacted) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)
