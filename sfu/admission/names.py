"""Names that people see of one another, and the opaque ids of tickets."""

from __future__ import annotations

import unicodedata

NAME_LENGTH = 80
"""Characters (protocol.md, Joining)."""
_JOINERS = frozenset("\u200c\u200d")
"""Format characters that some scripts cannot be spelt without."""
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Control, format, unassigned, private, surrogate, line and paragraph separators: what turns text round or hides it."""


def is_good_name(name: str) -> bool:
    """Whether this can stand on a roster: 1–80 characters, something to see, nothing that hides or turns text."""
    return 1 <= len(name) <= NAME_LENGTH and not name.isspace() and is_plain(name)


def is_plain(text: str) -> bool:
    """Whether the text holds only what can be seen, spaces, and the joiners that some scripts need."""
    return all(unicodedata.category(character) not in _UNSEEN or character in _JOINERS for character in text)
