"""Who makes an admitted place, seen while the tests run: what reading the code could miss, such as a name made at run time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FrameType

import pytest

from sfu.admission.waiting_room import Place, State

TESTS = Path(__file__).parent
SFU = TESTS.parent / "sfu"

WAYS = frozenset(
    {
        ("waiting_room.admit", "draft.Draft.admit", "admitting.admit"),
        ("waiting_room.admit", "draft.Draft.admit", "joining.join_by_ticket"),
        ("waiting_room.admit", "draft.Draft.admit", "joining._take_place"),
        ("waiting_room.admit", "waiting_room.restored", "room._restored"),
    }
)
"""The functions of the server that stand behind an admitted place, the innermost first."""


def watched(patch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Has every admitted place that is made looked at; the ways that are none of the known gather in what this gives.

    Tests may call any part of a way themselves: what they call is judged as far as the server's own code goes.
    """
    others: list[tuple[str, ...]] = []
    make = Place.__init__

    def init(place: Place, *args: object, **named: object) -> None:
        make(place, *args, **named)  # type: ignore[arg-type]
        if place.state is State.ADMITTED:
            way = tuple(islice(_callers(sys._getframe(1)), 3))
            if way and not any(known[: len(way)] == way for known in WAYS):
                others.append(way)

    patch.setattr(Place, "__init__", init)
    return others


def _callers(frame: FrameType | None) -> Iterator[str]:
    """The server's functions from a frame outwards, until a test; what Python itself does in between is passed over."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(TESTS):
            return
        if path.is_relative_to(SFU):
            yield f"{path.stem}.{frame.f_code.co_qualname}"
        frame = frame.f_back
