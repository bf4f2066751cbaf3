"""Transport-wide congestion control as browsers do it (draft-holmer-rmcat-transport-wide-cc-extensions-01).

A client's packets are numbered, and it tells when those that it received came. A browser estimates its way from what it is told; a canned
sender does not: it sends what it sends.
"""

from __future__ import annotations

from sfu.rtp import rtcp, wire
from sfu.rtp.arrival_log import ArrivalLog
from sfu.rtp.buffer import Buffer

_PROFILE = 0xBEDE  # of extensions with headers of one byte (RFC 8285 4.2)


class Numbers:
    """Of one transport, for whatever it sends."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        """The next one, 0 … 65,535."""
        number = self._next
        self._next = number + 1 & 0xFFFF
        return number


class Arrivals:
    """What came to one transport, until it is told."""

    def __init__(self, identifier: int) -> None:
        """`identifier` is that of the header extension."""
        self._head = identifier << 4 | 1  # and its length: two bytes, less one
        self._log = ArrivalLog()
        self._ssrc = 0

    def note(self, view: Buffer, start: int, ssrc: int, arrived_ns: int) -> None:
        """A packet has come, and lies at `view[start]`. One without a number is nothing to us."""
        if not view[start] & 0x10:
            return
        at = start + 12 + 4 * (view[start] & 0x0F)
        profile, words = wire.read_pair(view, at)
        if profile != _PROFILE:
            return
        at += 4
        end = at + 4 * words
        while at < end - 2:
            head = view[at]
            if head == self._head:
                self._ssrc = ssrc
                self._log.note(view[at + 1] << 8 | view[at + 2], arrived_ns * 1e-9)
                return
            at += 2 + (head & 0x0F) if head else 1

    def feedback(self, report_ssrc: int) -> list[bytes]:
        """RTCP packets that tell of what has come since the last time. They need no report before them (RFC 5506)."""
        return [rtcp.build(packet) for packet in self._log.feedback(report_ssrc, self._ssrc)]
