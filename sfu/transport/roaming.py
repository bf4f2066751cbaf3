"""Peers that have moved without knowing: behind a NAT that gives out another port. They are asked at the address that they seem to have."""

from __future__ import annotations

from sfu.rtp.packet import FIXED_LENGTH, is_rtcp
from sfu.transport.address import Source, is_connection, port
from sfu.transport.parameters import PeerId
from sfu.transport.peer import Peer
from sfu.transport.peers import Peers
from sfu.transport.ports import MediaPlane
from sfu.transport.slab import Slab

SILENCE = 0.1
"""Seconds without a packet after which a peer may have moved: sound alone comes every 20 ms."""
LOOK_EVERY = 0.01
"""Seconds from one look for whose SSRC a stranger's packet has to the next, so that a flood of them costs next to nothing."""
MAX_ASKED = 256
"""Checks of ours to all peers that wait for an answer."""


class Roaming:
    """Of all peers of an endpoint. `heard` is when a packet last came from a valid source of each."""

    def __init__(self, peers: Peers, heard: dict[PeerId, float], plane: MediaPlane) -> None:
        self._peers = peers
        self._heard = heard
        self._plane = plane
        self._asked: dict[bytes, PeerId] = {}
        self._look_after = 0.0

    def ask(self, slab: Slab, offset: int, length: int, source: Source, now: float) -> bytes | None:
        """SRTP or SRTCP has come from a source that has passed no check. The check to be sent there; None for nearly everybody.

        A stranger gets silence, also one who knows an SSRC: it takes a packet of the peer's own, and one that was not here before.
        """
        if now < self._look_after or length < FIXED_LENGTH or is_connection(source) or port(source) == 0:
            return None
        self._look_after = now + LOOK_EVERY
        at = offset + (4 if is_rtcp(slab.view[offset + 1]) else 8)
        number = self._plane.owner(int.from_bytes(slab.view[at : at + 4], "big"))
        peer = self._peers.by_id.get(number) if number is not None else None
        if peer is None or peer.ice.selected is None or is_connection(peer.ice.selected):
            return None
        if now - self._heard.get(peer.id, now) < SILENCE:
            return None
        if not self._plane.is_authentic(peer.id, slab, offset, length):
            return None
        asked = peer.ice.ask(source, now)
        if asked is None:
            return None
        transaction, check = asked
        self._asked[transaction] = peer.id
        if len(self._asked) > MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        return check

    def who_was_asked(self, transaction: bytes) -> Peer | None:
        """Whom a check with this transaction id went to, while it waits for its answer and the peer is there."""
        return self._peers.by_id.get(self._asked.get(transaction, 0))

    def answered(self, transaction: bytes) -> None:
        """An authentic answer has come: another counts for nothing."""
        del self._asked[transaction]
