"""Every peer of the endpoint: found by number, username fragment or source, and when each wants to be woken."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from sfu.transport.address import Source
from sfu.transport.parameters import PeerId
from sfu.transport.peer import Peer


class Peers:
    """The tables agree with each other after every call; whoever reads them may read them directly."""

    __slots__ = ("_timers", "by_id", "by_source", "by_ufrag", "media")

    def __init__(self) -> None:
        self.by_id: dict[PeerId, Peer] = {}
        self.by_ufrag: dict[bytes, Peer] = {}
        self.by_source: dict[Source, Peer] = {}
        self.media: dict[Source, PeerId] = {}
        """Valid sources of connected peers: all that an SRTP packet has to be looked up in."""
        self._timers: list[tuple[float, PeerId]] = []

    def __contains__(self, peer: Peer) -> bool:
        return peer.id in self.by_id

    def add(self, peer: Peer) -> None:
        """A new peer; it has no sources yet."""
        self.by_id[peer.id] = peer
        self.rename((), peer)
        self.schedule(peer)

    def remove(self, peer: Peer) -> None:
        """Take the peer out of every table; its sources are the caller's to `drop`."""
        del self.by_id[peer.id]
        for ufrag in peer.ice.ufrags:
            del self.by_ufrag[ufrag.encode()]

    def rename(self, before: tuple[str, ...], peer: Peer) -> None:
        """Its username fragments were `before`, and are what its ICE says now."""
        now = peer.ice.ufrags
        for ufrag in set(before) - set(now):
            del self.by_ufrag[ufrag.encode()]
        for ufrag in now:
            self.by_ufrag[ufrag.encode()] = peer

    def own(self, source: Source, peer: Peer) -> None:
        """The source is this peer's, and nobody else's."""
        self.by_source[source] = peer
        if peer.connected:
            self.media[source] = peer.id

    def connect(self, peer: Peer) -> None:
        """The peer has keys: media may come from its sources."""
        for source in peer.ice.sources:
            self.media[source] = peer.id

    def drop(self, source: Source) -> None:
        """The source is nobody's."""
        self.by_source.pop(source, None)
        self.media.pop(source, None)

    def schedule(self, peer: Peer) -> None:
        """Note when the peer wants to be woken, where that is earlier than noted. A later time is found out when woken."""
        due = peer.next_timer()
        if peer.wakes_at is None or due < peer.wakes_at:
            peer.wakes_at = due
            heappush(self._timers, (due, peer.id))

    def next_timer(self) -> float | None:
        """When the next peer is to be woken."""
        while self._timers and not self._is_current(*self._timers[0]):
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def due(self, now: float) -> Iterator[Peer]:
        """The peers that are to be woken now, one after the other; each is noted anew by `schedule`, and not woken again in this turn."""
        woken = []
        while self._timers and self._timers[0][0] <= now:
            due, number = heappop(self._timers)
            peer = self.by_id.get(number)
            if peer is not None and peer.wakes_at == due:
                peer.wakes_at = None
                woken.append(peer)
        # What is done for one may remove another.
        yield from (peer for peer in woken if peer in self)

    def _is_current(self, due: float, number: PeerId) -> bool:
        peer = self.by_id.get(number)
        return peer is not None and peer.wakes_at == due
