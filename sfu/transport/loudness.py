"""Telling how loud everybody is: the loudest level of each section since it was told last."""

from __future__ import annotations

from collections.abc import Callable

from sfu.transport.incoming import Feed
from sfu.transport.media_peer import MediaPeer
from sfu.transport.parameters import AudioLevels, PeerId
from sfu.transport.timers import EVERYBODY, Timers

INTERVAL = 0.15
"""Seconds between two reports."""


class Loudness:
    """The levels (RFC 6464) of all sections of a plane."""

    def __init__(self, peers: dict[PeerId, MediaPeer], timers: Timers, tell: Callable[[AudioLevels], None]) -> None:
        self._peers = peers
        self._timers = timers
        self._tell = tell
        self._heard: list[Feed] = []

    def hear(self, feed: Feed, loudness: int, now: float) -> None:
        """The first level that is heard of a section since the last report."""
        feed.loudest = loudness
        if not self._heard:
            self._timers.at(now + INTERVAL, EVERYBODY, self._due)
        self._heard.append(feed)

    def _due(self, now: float) -> None:
        heard, self._heard = self._heard, []
        levels = []
        for feed in heard:
            peer = self._peers.get(feed.peer)
            if peer is not None and peer.feeds.get(feed.section.mid) is feed:
                levels.append((feed.peer, feed.section.mid, feed.loudest))
            feed.loudest = -1
        if levels:
            self._tell(AudioLevels(tuple(levels)))
