"""The lines of a session description (RFC 8866), cut apart behind limits; what they mean is read elsewhere.

Everything here and in `offer` takes time linear in the text: attributes stand in dictionaries, nothing is searched twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sfu.errors import Code, Refused

MAX_BYTES: Final = 32 * 1024
MAX_SECTIONS: Final = 24
"""A full room of twelve: two sections sent on, and two for each of the eleven others."""
MAX_SSRC_LINES: Final = 64
MAX_LINES: Final = 2_000
"""Chromium writes about 100 lines a video section with every codec it has; 32 KiB of such lines are fewer than 1,000."""
MAX_LINE_BYTES: Final = 1_024
"""The longest lines in use are `a=fmtp` with H264 parameter sets, a few hundred bytes."""

_OTHER_THAN_TEXT: Final = re.compile(r"[^\x20-\x7e\r\n]")
_UNREAD_ATTRIBUTES: Final = frozenset({"candidate", "end-of-candidates", "remote-candidates"})
"""A client's addresses are never used, so they are never read."""


@dataclass(slots=True)
class Block:
    """The session part, or one media section: its `m=` value and its attributes by name, values in the order of the text."""

    media: str = ""
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def all(self, name: str) -> list[str]:
        """Every value of an attribute; a flag such as `a=rtcp-mux` has the value `""`."""
        return self.attributes.get(name, [])

    def one(self, name: str) -> str | None:
        """The value of an attribute that can stand once; None where it is absent. `Refused` where two say different things."""
        values = self.all(name)
        if not values:
            return None
        if any(value != values[0] for value in values[1:]):
            raise bad_sdp(f"a={name} stands more than once in one section, with different values.")
        return values[0]

    def has(self, name: str) -> bool:
        return name in self.attributes


@dataclass(frozen=True, slots=True)
class Description:
    """A session description, cut apart."""

    origin: str
    """The value of `o=`."""
    session: Block
    sections: tuple[Block, ...]


def bad_sdp(message: str) -> Refused:
    """The one error of this package. `message` says what is wrong and never repeats what the client wrote."""
    return Refused(Code.BAD_SDP, message)


def read(sdp: str) -> Description:
    """Cut a description into its parts. Raises `Refused(BAD_SDP)` for whatever is too much or is not SDP."""
    if len(sdp) > MAX_BYTES:
        raise bad_sdp(
            "An SDP is at most 32 KiB. Offer fewer codecs (setCodecPreferences), and send it before candidates are gathered."
        )
    if _OTHER_THAN_TEXT.search(sdp):
        raise bad_sdp("An SDP holds printable ASCII and line ends only.")
    lines = sdp.split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) > MAX_LINES:
        raise bad_sdp(f"An SDP has at most {MAX_LINES} lines.")
    if not lines or lines[0].rstrip("\r") != "v=0":
        raise bad_sdp("An SDP begins with v=0.")

    origin: str | None = None
    session = current = Block()
    sections: list[Block] = []
    ssrc_lines = 0
    for number, line in enumerate(lines, start=1):
        kind, value = _split(line, number)
        if kind == "m":
            if len(sections) == MAX_SECTIONS:
                raise bad_sdp(f"An SDP has at most {MAX_SECTIONS} media sections.")
            current = Block(media=value)
            sections.append(current)
        elif kind == "a":
            name, _, content = value.partition(":")
            if name == "ssrc":
                ssrc_lines += 1
                if ssrc_lines > MAX_SSRC_LINES:
                    raise bad_sdp(f"An SDP has at most {MAX_SSRC_LINES} a=ssrc lines.")
            if name not in _UNREAD_ATTRIBUTES:
                current.attributes.setdefault(name, []).append(content)
        elif kind == "o" and origin is None:
            origin = value
    if origin is None:
        raise bad_sdp("An SDP has an o= line.")
    return Description(origin=origin, session=session, sections=tuple(sections))


def _split(line: str, number: int) -> tuple[str, str]:
    if line.endswith("\r"):
        line = line[:-1]
    if len(line) > MAX_LINE_BYTES:
        raise bad_sdp(f"Line {number} is longer than {MAX_LINE_BYTES} bytes.")
    if len(line) < 2 or line[1] != "=" or not line[0].isalpha() or "\r" in line:
        raise bad_sdp(f"Line {number} is not of the form <letter>=<value>.")
    return line[0], line[2:]
