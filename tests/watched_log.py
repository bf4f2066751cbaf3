"""What our own code logs, looked at before anything is blanked: what the log's last step would hide from a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sfu.log import PRIVATE, Event

Step = Callable[[Any, str, Event], Event]


class Watch:
    """Stands in for the step of the log's chain that blanks, and has it do its work after a look at the line."""

    def __init__(self, blank: Step) -> None:
        self._blank = blank
        self.found: list[str] = []
        """What stood in lines of ours, with its logger: an address, a token, a personal number, SDP."""

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        name = str(event.get("logger", ""))
        # Libraries say what they like. Theirs is blanked, and that is all that can be done about it.
        if name.startswith(("sfu", "__main__")):
            texts = (text for key, value in event.items() if key != "timestamp" for text in _texts(value))
            self.found += [f"{name}: {text}" for text in texts if PRIVATE.search(text)]
        return self._blank(logger, method, event)

    def check(self) -> None:
        """Raises AssertionError where something was found."""
        assert not self.found, f"these lines identify somebody: {self.found}"


def _texts(value: object) -> Iterator[str]:
    """Every text of a value, however deep; of an object what it prints as."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _texts(inner)
    else:
        yield repr(value)
