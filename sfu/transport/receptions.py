"""How the ways to and from peers are, every two seconds, for quality scores."""

from __future__ import annotations

from sfu.rtp.rtcp import ReportBlock
from sfu.transport.media_peer import MediaPeer
from sfu.transport.parameters import PeerId, PeerReceptions, Reception, Receptions
from sfu.transport.timers import EVERYBODY, Timers

INTERVAL = 2.0
"""Seconds between two reports."""


class WayDown:
    """What one peer's receiver reports have told since the last report of ours, of all its streams."""

    __slots__ = ("_highest", "expected", "jitter", "lost")

    def __init__(self) -> None:
        self.expected = 0
        self.lost = 0.0
        self.jitter = 0.0
        """Seconds; the worst."""
        self._highest: dict[int, int] = {}

    def block(self, block: ReportBlock, clock_rate: int) -> int:
        """A report of one of the streams that the peer is sent; gives how many packets it is of."""
        before = self._highest.get(block.ssrc)
        self._highest[block.ssrc] = block.highest_sequence
        if before is None:
            return 0
        packets = (block.highest_sequence - before) & 0xFFFFFFFF
        if packets > 0x7FFFFFFF:
            return 0
        self.expected += packets
        self.lost += packets * block.fraction_lost / 256
        self.jitter = max(self.jitter, block.jitter / clock_rate)
        return packets

    def forget(self, ssrc: int) -> None:
        """The stream has ended."""
        self._highest.pop(ssrc, None)

    def take(self) -> Reception | None:
        """What was told; None for nothing. Begins anew."""
        if not self.expected:
            return None
        reception = Reception(min(self.lost / self.expected, 1.0), self.jitter)
        self.expected = 0
        self.lost = self.jitter = 0.0
        return reception


class WayUp:
    """What one peer's own packets show since the last report."""

    __slots__ = ("_counted",)

    def __init__(self) -> None:
        self._counted: dict[int, tuple[int, int]] = {}

    def take(self, peer: MediaPeer) -> Reception | None:
        """Of all media streams together; None where nothing came."""
        expected = lost = 0
        jitter = 0.0
        counted: dict[int, tuple[int, int]] = {}
        for stream in peer.streams.values():
            if stream.feed is None or stream.primary is not None:
                continue
            log = stream.log
            now = counted[stream.ssrc] = (log.expected, log.lost)
            before = self._counted.get(stream.ssrc, (0, 0))
            # Whatever began anew since is counted from its beginning.
            packets = now[0] - before[0] if now[0] >= before[0] else now[0]
            if packets > 0:
                expected += packets
                lost += max(now[1] - before[1] if now[0] >= before[0] else now[1], 0)
                jitter = max(jitter, log.jitter / stream.feed.clock_rate)
        self._counted = counted
        return Reception(min(lost / expected, 1.0), jitter) if expected else None


class Ways:
    """Both ways of all peers of a plane."""

    def __init__(self, peers: dict[PeerId, MediaPeer], timers: Timers) -> None:
        self._peers = peers
        self._timers = timers
        self._down: dict[PeerId, WayDown] = {}
        self._up: dict[PeerId, WayUp] = {}
        self.waiting: Receptions | None = None
        """What was measured, until it is told."""
        self._running = False

    def open(self, peer: PeerId, now: float) -> None:
        self._down[peer] = WayDown()
        self._up[peer] = WayUp()
        if not self._running:
            self._running = True
            self._timers.at(now + INTERVAL, EVERYBODY, self._measure)

    def close(self, peer: PeerId) -> None:
        self._down.pop(peer, None)
        self._up.pop(peer, None)

    def down(self, peer: PeerId) -> WayDown:
        return self._down[peer]

    def _measure(self, now: float) -> None:
        receptions = []
        for number, peer in self._peers.items():
            up, down = self._up[number].take(peer), self._down[number].take()
            if up is not None or down is not None:
                receptions.append(PeerReceptions(number, peer.round_trip or None, up, down))
        if receptions:
            self.waiting = Receptions(tuple(receptions))
        self._running = bool(self._peers)
        if self._running:
            self._timers.at(now + INTERVAL, EVERYBODY, self._measure)
