"""A stream that a client receives: loss and order by every packet's header, content and latency by every packet or a share.

Opening and checking a packet costs the generator more than all else it does with it, so at high rates it opens one in so
many. Loss and order are read from the header, which SRTP leaves in the clear, and so never from a sample.
"""

from __future__ import annotations

from bench.latency import Latencies
from bench.rtcp import ReportBlock
from bench.trailer import opened
from sfu.rtp import wire
from sfu.rtp.buffer import Buffer


class Incoming:
    """One RTP stream from the server. `source` is the number that its trailers must carry."""

    def __init__(self, ssrc: int, video: bool, source: int, latencies: Latencies, open_one_in: int = 1) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.octets = 0
        """UDP payload of the packets received."""
        self.first_arrived_ns: int | None = None
        """CLOCK_REALTIME of the first packet's arrival."""
        self.reordered = 0
        """Packets behind one with a higher sequence number."""
        self.checked = 0
        """Packets opened, whose content was looked at."""
        self.corrupt = 0
        """Packets whose content is not bit for bit what the right source sent."""
        self.refused = 0
        """Packets that libsrtp refused: forged, or twice the same."""
        self._video = video
        self.source = source
        self._latencies = latencies
        self._open_one_in = open_one_in
        self._clock = 90_000 if video else 48_000
        self._first: int | None = None
        self._highest = 0
        self._timestamp = -1
        self._transit = 0
        self._jitter = 0.0
        self._last_sr = 0
        self._last_sr_at = 0.0
        self._reported = (0, 0)

    @property
    def expected(self) -> int:
        """Packets from the first that arrived to the last, by their sequence numbers."""
        return 0 if self._first is None else self._highest - self._first + 1

    def arrive(self, sequence: int, timestamp: int, arrived_ns: int, length: int = 0) -> bool:
        """A packet's header, in the clear, and its length. Gives whether the packet is to be opened, for `check`."""
        self.received += 1
        self.octets += length
        if self._first is None:
            self.first_arrived_ns = arrived_ns
            self._first = self._highest = sequence
        else:
            ahead = (sequence - self._highest + 0x8000 & 0xFFFF) - 0x8000
            if ahead > 0:
                self._highest += ahead
            else:
                self.reordered += 1
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            self._observe_transit(timestamp, arrived_ns)
        return sequence % self._open_one_in == 0

    def check(self, view: Buffer, start: int, end: int, arrived_ns: int) -> None:
        """A packet that libsrtp has opened, at `view[start:end]`."""
        self.checked += 1
        content = self._content(view, start)
        trailer = opened(wire.read_bytes(view, content, end - content))
        if trailer is None or trailer[0] != self.source:
            self.corrupt += 1
        else:
            self._latencies.add(arrived_ns - trailer[2])

    def sender_report(self, middle: int, now: float) -> None:
        """A sender report for this stream has come."""
        self._last_sr, self._last_sr_at = middle, now

    def block(self, now: float) -> ReportBlock | None:
        """What to tell the server since the last call; None before the first packet."""
        if self._first is None:
            return None
        expected = self.expected
        expected_now, received_now = expected - self._reported[0], self.received - self._reported[1]
        self._reported = expected, self.received
        lost_now = max(0, expected_now - received_now)
        return ReportBlock(
            self.ssrc,
            min(255, 256 * lost_now // expected_now) if expected_now > 0 else 0,
            max(0, expected - self.received),
            self._highest,
            round(self._jitter),
            self._last_sr,
            round(65_536 * (now - self._last_sr_at)) & 0xFFFFFFFF if self._last_sr else 0,
        )

    def _content(self, view: Buffer, start: int) -> int:
        """Where the media begin: behind the header, the extensions and the VP8 descriptor."""
        first = view[start]
        at = start + 12 + 4 * (first & 0x0F)
        if first & 0x10:
            at += 4 + 4 * wire.read_pair(view, at)[1]
        if self._video:
            at += vp8_descriptor_size(view, at)
        return at

    def _observe_transit(self, timestamp: int, arrived_ns: int) -> None:
        # RFC 3550 6.4.1. The packets of a frame share a timestamp, so only the first of them tells of jitter.
        # In two steps: nanoseconds since 1970 times a clock rate are more than 64 bits.
        seconds, rest = arrived_ns // 1_000_000_000, arrived_ns % 1_000_000_000
        transit = seconds * self._clock + rest * self._clock // 1_000_000_000 - timestamp
        change = (transit - self._transit + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if self._transit:
            self._jitter += (abs(change) - self._jitter) / 16
        self._transit = transit


def vp8_descriptor_size(view: Buffer, at: int) -> int:
    """Bytes of the payload descriptor (RFC 7741 4.2) at `view[at]`."""
    if not view[at] & 0x80:
        return 1
    extra = view[at + 1]
    size = 2
    if extra & 0x80:
        size += 2 if view[at + 2] & 0x80 else 1
    if extra & 0x40:
        size += 1
    if extra & 0x30:
        size += 1
    return size
