"""Which of the workers that run the tests runs what. Two cores carry one visit in browsers at a time, and the others beside it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
PAGE = "tests/web/page/"
"""Here a browser has one page and no media."""


@cache
def needs_a_browser(file: str) -> bool:
    """Whether any test of a file does, by its mark. `file` is as in a test's id, from the root."""
    return re.search(r"\bmark\.browser\b", (ROOT / file).read_text()) is not None


def place(file: str) -> int:
    """Where in a run a file's tests come: visits in browsers take longest and begin; pages are many and short, and end it on both cores."""
    if file.startswith(PAGE):
        return 2
    return 0 if needs_a_browser(file) else 1


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # has no types
    """A file goes to one worker whole, so that what its tests share is made once. All visits in browsers are one worker's."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "visits in browsers" if place(file) == 0 else file
