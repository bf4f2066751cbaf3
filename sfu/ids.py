"""Identifiers. Each public one is a prefix and 128 random bits, so that knowing one tells nothing of another."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import NewType

VisitId = NewType("VisitId", str)
ParticipantId = NewType("ParticipantId", str)
TrackId = NewType("TrackId", str)
PersonId = NewType("PersonId", str)
"""The portal's own opaque id of a person. Personal data: it never reaches a log, a label or a URL."""
ChannelId = NewType("ChannelId", int)
"""A signalling channel of this process, numbered from 1."""

VISIT_ID = re.compile(r"v_[0-9a-z]{1,64}", re.ASCII)
"""What the id of a visit looks like. Nothing else is looked up: a database may take no offence at what is no id, or may."""

NewToken = Callable[[], str]
"""Gives 128 random bits as 32 hexadecimal digits. Rooms take it as an argument, so that tests can count instead."""


def new_token() -> str:
    """128 random bits from the operating system, as 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)
