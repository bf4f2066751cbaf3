"""One transport as the plane sees it: its SRTP, the SSRCs it may use, its sections."""

from __future__ import annotations

import random
from array import array

from sfu.rtp.arrival_log import ArrivalLog
from sfu.rtp.bandwidth.unnumbered import UnnumberedEstimator
from sfu.rtp.budget import Budget
from sfu.rtp.extensions import MID, REPAIRED_RID, RID, Elements
from sfu.rtp.packet import Header
from sfu.rtp.resends import NAMED_BURST, NAMED_PER_SECOND
from sfu.transport.downlink import Downlink
from sfu.transport.incoming import Feed, IncomingStream
from sfu.transport.outbox import Outbox, Outboxes
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import PeerId, Section
from sfu.transport.srtp import SrtpSession
from sfu.transport.ssrcs import MAX_MEDIA_SSRCS, MAX_REPORTERS, MAX_RETIRED, SsrcAllocator

RTCP_BURST = 20_000
"""Bytes of RTCP that a peer may send at once …"""
RTCP_PER_SECOND = 40_000
"""… and over time. What says most in a byte takes us 1 µs a byte, so 4 % of a core. A browser's NACKs, one in 20 ms of each of 16 lossy
streams, are 36,000."""
STATUSES_BURST, STATUSES_PER_SECOND = 2_000, 5_000
"""A receiver of 1,000 packets a second needs a fifth; at 2 µs each they take 1 % of a core."""
MAX_PICTURES = 4 * 64
"""Numbers in `MediaPeer.pictures`: three layers of sixty pictures a second need 18 of the 64 places."""
MAX_CLOCK_STEP = 1.0
"""Seconds by which the peer's clock may leave ours before we take it to have been set anew."""


class MediaPeer:
    """What belongs to one peer and dies with it. The plane decides; this holds, and counts the places of the SSRC list."""

    __slots__ = (
        "_clock_offset",
        "_reporters",
        "_retired",
        "arrivals",
        "arrivals_ssrc",
        "arrivals_told",
        "bulk",
        "downlink",
        "feeds",
        "fir_number",
        "forwarded_from",
        "forwarded_to",
        "inbound",
        "named",
        "number",
        "outbound",
        "outgoing",
        "outgoing_by_ssrc",
        "pictures",
        "remb_wanted",
        "report_at",
        "report_ssrc",
        "reporting",
        "round_trip",
        "ssrcs",
        "statuses",
        "streams",
        "unnumbered",
        "urgent",
    )

    def __init__(self, number: PeerId, outboxes: Outboxes, downlink: Downlink, rng: random.Random) -> None:
        self.number = number
        self.downlink = downlink
        self.arrivals = ArrivalLog()
        """What came with a transport-wide number, to be told to the peer."""
        self.arrivals_ssrc = 0
        """Of a stream that such a packet came on: browsers take feedback only for an SSRC that they send."""
        self.arrivals_told = 0
        """How many arrivals the last feedback told of."""
        self.unnumbered: UnnumberedEstimator | None = None
        """What its way takes, where pictures come without transport-wide numbers; made with the first of them."""
        self.pictures = array("d")
        """Of each that has come since it was last looked at: SSRC, timestamp, bytes, and when its last packet came."""
        self.inbound: SrtpSession | None = None
        self.outbound: SrtpSession | None = None
        self.feeds: dict[str, Feed] = {}
        self.outgoing: dict[str, OutgoingStream] = {}
        self.outgoing_by_ssrc: dict[int, OutgoingStream] = {}
        self.streams: dict[int, IncomingStream] = {}
        """The allow-list of media SSRCs."""
        self.urgent = Outbox(outboxes, urgent=True)
        """Audio and RTCP."""
        self.bulk = Outbox(outboxes)
        """Video and retransmissions: what is dropped first when the kernel is full."""
        self.ssrcs = SsrcAllocator(rng)
        self.report_ssrc = self.ssrcs.allocate(())
        """Whom our reports and feedback are from, and under whom all RTCP to the peer is encrypted."""
        self.round_trip = 0.0
        """Seconds, smoothed over reports, of each the least of any stream that we send; 0.0 while unknown."""
        self.report_at: float | None = None
        """When the next reports are due."""
        self.remb_wanted = False
        """The first video packet has come; the sender waits for leave to send more."""
        self.reporting = Budget(RTCP_PER_SECOND, RTCP_BURST)
        """Bytes of RTCP that are read."""
        self.named = Budget(NAMED_PER_SECOND, NAMED_BURST)
        """Sequence numbers that its NACKs may name."""
        self.statuses = Budget(STATUSES_PER_SECOND, STATUSES_BURST)
        """Packets that its transport-wide feedback may tell of."""
        self.fir_number = 0
        self.forwarded_from = False
        self.forwarded_to = False
        self._clock_offset: float | None = None
        self._reporters: dict[int, None] = {}
        self._retired: set[int] = set()

    def connected(self) -> bool:
        return self.outbound is not None and self.urgent.destination is not None

    def sends_as(self, ssrc: int) -> bool:
        """Whether media or reports of this peer bear this SSRC."""
        return ssrc in self.streams or ssrc in self._reporters

    def may_take(self, ssrc: int) -> bool:
        """Whether an unknown media SSRC would get a place, if a packet under it turned out to be the peer's."""
        if ssrc in self._retired:
            return False
        return len(self.streams) < MAX_MEDIA_SSRCS or self._replaceable() is not None

    def take(self, ssrc: int) -> IncomingStream:
        """Give an SSRC its place, that of one which is out of use if there is no other."""
        if len(self.streams) >= MAX_MEDIA_SSRCS:
            replaceable = self._replaceable()
            assert replaceable is not None, "may_take says whether there is room"
            if replaceable.feed is not None:
                self._unbind(replaceable, replaceable.feed)
            del self.streams[replaceable.ssrc]
            self._retire(replaceable.ssrc)
        self._reporters.pop(ssrc, None)
        stream = self.streams[ssrc] = IncomingStream(ssrc)
        return stream

    def may_report(self, ssrc: int) -> bool:
        """Whether RTCP under this SSRC is looked at."""
        return ssrc not in self._retired and (
            ssrc in self.streams
            or ssrc in self._reporters
            or len(self._reporters) < MAX_REPORTERS
            or len(self._retired) < MAX_RETIRED
        )

    def note_reporter(self, ssrc: int) -> None:
        """Authenticated RTCP came under this SSRC. The one silent for longest makes room for a new one."""
        if ssrc in self.streams:
            return
        self._reporters.pop(ssrc, None)
        if len(self._reporters) >= MAX_REPORTERS:
            silent = next(iter(self._reporters))
            del self._reporters[silent]
            self._retire(silent)
        self._reporters[ssrc] = None

    def _replaceable(self) -> IncomingStream | None:
        if len(self._retired) >= MAX_RETIRED:
            return None
        return next((stream for stream in self.streams.values() if stream.feed is None or stream.ended), None)

    def _retire(self, ssrc: int) -> None:
        """libsrtp forgets the SSRC, so its old packets could be replayed: it never comes back."""
        self._retired.add(ssrc)
        if self.inbound is not None:
            self.inbound.remove_stream(ssrc)

    def declare(self, feed: Feed) -> None:
        """Give the SSRCs that the section declares their places, as far as there are any."""
        section = feed.section
        for index, ssrc in enumerate(section.ssrcs):
            stream = self._declared(ssrc)
            if stream is None:
                continue
            if stream.feed is None:
                stream.bind(feed)
            if stream.feed is feed and stream.primary is None and index < len(section.rtx_ssrcs):
                rtx = self._declared(section.rtx_ssrcs[index])
                if rtx is not None and rtx.feed is None:
                    rtx.bind_rtx(stream)

    def _declared(self, ssrc: int) -> IncomingStream | None:
        stream = self.streams.get(ssrc)
        return stream if stream is not None or not self.may_take(ssrc) else self.take(ssrc)

    def undeclare(self, feed: Feed, before: Section) -> None:
        """A new negotiation of the section names other SSRCs: those that it no longer names are nobody's."""
        gone = (set(before.ssrcs) | set(before.rtx_ssrcs)) - set(feed.section.ssrcs) - set(feed.section.rtx_ssrcs)
        for ssrc in gone:
            stream = self.streams.get(ssrc)
            if stream is not None and stream.feed is feed:
                self._unbind(stream, feed)

    def forget_feed(self, feed: Feed) -> None:
        """The section is not sent on any more."""
        for stream in list(self.streams.values()):
            if stream.feed is feed:
                self._unbind(stream, feed)

    def _unbind(self, stream: IncomingStream, feed: Feed) -> None:
        if stream in feed.streams:
            feed.streams.remove(stream)
        feed.selection.depart(stream)
        if self.unnumbered is not None:
            self.unnumbered.forget(stream.ssrc)
        for other in self.streams.values():
            if other.primary is stream:
                other.unbind()
        stream.unbind()

    def bind(self, stream: IncomingStream, view: memoryview, header: Header, elements: Elements) -> bool:
        """Find the section of an SSRC that was not declared, by an authenticated packet under it (RFC 8843 9.2).

        By the mid and, of layers, the rid of its header extension; without a mid by the payload type, where only one
        section has it. False: not yet known.
        """
        feed = self._feed_of(view, header, elements)
        if feed is None:
            return False
        if header.payload_type in feed.media_of_rtx:
            repaired = elements.value(view, REPAIRED_RID).decode("ascii", "replace")
            primary = feed.stream_of(repaired)
            if primary is None or bool(feed.section.rids) is not bool(repaired):
                return False
            stream.bind_rtx(primary)
            return True
        rid = elements.value(view, RID).decode("ascii", "replace")
        if feed.section.rids and rid not in feed.section.rids:
            return False
        before = feed.stream_of(rid if feed.section.rids else "")
        if before is not None:
            # The sender goes on under another SSRC (RFC 3550 8.2, or a new encoder).
            self._unbind(before, feed)
        stream.bind(feed, rid if feed.section.rids else "")
        return True

    def _feed_of(self, view: memoryview, header: Header, elements: Elements) -> Feed | None:
        elements.present = 0
        named: Feed | None = None
        for feed in self.feeds.values():
            # In a bundle an id means the same in all sections that use it (RFC 8843 9.1), so the first mid found counts.
            feed.reader.read(view, header.extension_profile, header.extension_offset, header.extension_length, elements)
            if elements.has(MID):
                named = self.feeds.get(elements.value(view, MID).decode("ascii", "replace"))
                if named is None:
                    return None
                break
        knowing = [feed for feed in self.feeds.values() if _knows(feed, header.payload_type)]
        if named is None and len(knowing) == 1:
            named = knowing[0]
        if named is None or named not in knowing:
            return None
        # Its rids have ids in its own section alone.
        named.reader.read(view, header.extension_profile, header.extension_offset, header.extension_length, elements)
        return named

    def clock_offset(self, ntp: float, ours: float) -> None:
        """A sender report came in: the peer's clock says `ntp` when ours says `ours`, in seconds.

        The first one sets the offset for all the peer's streams: one offset keeps sound and picture together, as different delays
        of two reports would not. Only a clock that was set anew changes it.
        """
        offset = ours - ntp
        if self._clock_offset is None or abs(offset - self._clock_offset) > MAX_CLOCK_STEP:
            self._clock_offset = offset

    def to_their_clock(self, ours: float) -> float | None:
        """What the peer's clock says when ours says `ours`; None before its first sender report."""
        return None if self._clock_offset is None else ours - self._clock_offset


def _knows(feed: Feed, payload_type: int) -> bool:
    return payload_type in feed.codecs or payload_type in feed.media_of_rtx
