"""SSRC numbers: those we give out, and how many of a peer's we take.

libsrtp looks streams up one after the other, so whoever may add SSRCs at will makes every packet dear, forged ones too.
"""

from __future__ import annotations

import random
from collections.abc import Container

MAX_MEDIA_SSRCS = 16
"""Places a peer has for the SSRCs it sends media and RTX under: a camera and a screen of three layers each, and audio."""
MAX_REPORTERS = 24
"""Places for SSRCs that only send reports: Firefox has one of its own for every section it receives on."""
MAX_RETIRED = 1024
"""SSRCs that a peer has given up. Beyond that it gets no new one until its next handshake."""


class SsrcAllocator:
    """Gives out SSRCs for one transport, none of them ever twice: an SSRC that came back would start its packet index
    over, under the same key (RFC 3711 9.1).

    A random start and a random odd step walk through all 2³² numbers, so nothing has to be remembered.
    """

    __slots__ = ("_next", "_step")

    def __init__(self, rng: random.Random) -> None:
        self._next = rng.getrandbits(32)
        self._step = rng.getrandbits(32) | 1

    def allocate(self, taken: Container[int]) -> int:
        """The next SSRC that is neither 0 nor in `taken`, which is what the peer itself uses."""
        while True:
            ssrc = self._next
            self._next = (self._next + self._step) & 0xFFFFFFFF
            if ssrc and ssrc not in taken:
                return ssrc
