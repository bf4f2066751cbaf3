"""The sections of a peer as they are negotiated: what it sends on them and what it gets, made, changed and closed."""

from __future__ import annotations

import random
from collections.abc import Callable

from sfu.transport.control import Control
from sfu.transport.counters import Counters
from sfu.transport.incoming import Feed
from sfu.transport.mapping import mapping
from sfu.transport.media_peer import MediaPeer
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import Egress, Section


class Sections:
    """Those of all peers of a plane."""

    def __init__(self, control: Control, counters: Counters, clock: Callable[[], float], rng: random.Random) -> None:
        self._control = control
        self._counters = counters
        self._clock = clock
        self._rng = rng

    def set(self, peer: MediaPeer, sections: tuple[Section, ...]) -> None:
        """What has been negotiated for all of them, at first or anew."""
        named = {section.mid: section for section in sections}
        # A section of another kind is another section, whatever it is called.
        for mid, feed in list(peer.feeds.items()):
            if mid not in named or not named[mid].peer_sends or named[mid].kind != feed.section.kind:
                self._close_feed(peer, feed)
        for mid, stream in list(peer.outgoing.items()):
            if mid not in named or named[mid].kind != stream.section.kind:
                self._close_outgoing(peer, mid)
        for section in sections:
            if section.peer_sends:
                self._set_feed(peer, section)
            if section.peer_receives or section.mid in peer.outgoing:
                self._set_outgoing(peer, section)

    def close(self, peer: MediaPeer) -> None:
        """Of a peer that has gone."""
        for feed in list(peer.feeds.values()):
            self._close_feed(peer, feed)
        for stream in list(peer.outgoing.values()):
            detach(stream)
            stream.session = None

    def let_send(self, peer: MediaPeer, stream: OutgoingStream) -> None:
        """The stream sends from here on if the peer is connected and wants it to."""
        before = stream.session
        stream.session = peer.outbound if peer.connected() and stream.section.peer_receives else None
        if before is None and not stream.started:
            stream.routed_at = self._clock()
        if stream.feed is not None:
            stream.feed.selection.refresh()

    def _set_feed(self, peer: MediaPeer, section: Section) -> None:
        feed = peer.feeds.get(section.mid)
        if feed is None:
            feed = peer.feeds[section.mid] = Feed(peer.number, section)
        elif feed.section == section:
            return
        else:
            before = feed.section
            feed.update(section)
            peer.undeclare(feed, before)
            for stream in feed.receivers:
                stream.attach(feed, mapping(section, stream.section))
            feed.selection.place_all()
        peer.declare(feed)

    def _set_outgoing(self, peer: MediaPeer, section: Section) -> None:
        stream = peer.outgoing.get(section.mid)
        if stream is None:
            egress = Egress(peer.ssrcs.allocate(peer.streams), self._rtx_ssrc(peer, section, None))
            outbox = peer.urgent if section.kind == "audio" else peer.bulk
            stream = OutgoingStream(peer.number, section, egress, outbox, peer.downlink, self._counters, self._rng)
            peer.outgoing[section.mid] = stream
        elif stream.section != section:
            stream.update(section)
            stream.egress = Egress(stream.egress.ssrc, self._rtx_ssrc(peer, section, stream.egress.rtx_ssrc))
            if not section.peer_receives:
                detach(stream)
            elif stream.feed is not None:
                stream.attach(stream.feed, mapping(stream.feed.section, section))
        peer.outgoing_by_ssrc[stream.egress.ssrc] = stream
        self.let_send(peer, stream)

    def _rtx_ssrc(self, peer: MediaPeer, section: Section, before: int | None) -> int | None:
        if before is not None or all(codec.rtx_payload_type is None for codec in section.codecs):
            return before
        return peer.ssrcs.allocate(peer.streams)

    def _close_feed(self, peer: MediaPeer, feed: Feed) -> None:
        for stream in feed.receivers:
            stream.detach()
        feed.set_receivers(())
        for source in feed.streams:
            self._control.forget(source)
        peer.forget_feed(feed)
        del peer.feeds[feed.section.mid]

    def _close_outgoing(self, peer: MediaPeer, mid: str) -> None:
        stream = peer.outgoing.pop(mid)
        detach(stream)
        stream.session = None
        del peer.outgoing_by_ssrc[stream.egress.ssrc]
        self._control.ways.down(peer.number).forget(stream.egress.ssrc)
        if peer.outbound is not None:
            peer.outbound.remove_stream(stream.egress.ssrc)
            if stream.egress.rtx_ssrc is not None:
                peer.outbound.remove_stream(stream.egress.rtx_ssrc)


def detach(stream: OutgoingStream) -> None:
    """End its route, if it has one."""
    feed = stream.feed
    if feed is not None:
        feed.set_receivers(tuple(other for other in feed.receivers if other is not stream))
        stream.detach()
