"""When the packets of one transport arrived, by their transport-wide number, until its sender has been told.

The other end of `sfu.rtp.bandwidth`: from this browsers estimate what they may send (draft-holmer-rmcat-transport-wide-cc-extensions-01).
"""

from __future__ import annotations

from sfu.rtp.seq import Unroller
from sfu.rtp.transport_feedback import DELTA_UNIT, REFERENCE_UNIT, TransportFeedback

MAX_STATUSES = 400
"""Numbers that one feedback packet spans: at three bytes each, at most, it fits a datagram."""
MAX_WAITING = 2_048
"""Arrivals kept between two feedbacks; what comes beyond is told as lost, and is far more than anybody may send in that time."""
REMEMBERED = 1_024
"""Numbers behind the newest feedback of which a late arrival is still told."""

MISSING_EACH = 3
"""Missing numbers that are told for each arrival, and as many as fit one packet beside them. Beyond 75 % loss nobody needs them told one
by one, and whoever makes his numbers jump does not have us write a page for each packet."""

_UNITS_A_REFERENCE = round(REFERENCE_UNIT / DELTA_UNIT)
_MOST, _LEAST = 32_767, -32_768  # units that a delta can say: eight seconds


class ArrivalLog:
    """`note` is called with every packet; `feedback` tells of those noted since the last one."""

    __slots__ = ("_arrivals", "_count", "_missing", "_numbers", "_told")

    def __init__(self) -> None:
        self._numbers = Unroller()
        self._arrivals: list[tuple[int, float]] = []
        self._told = -1
        self._count = 0
        self._missing = 0

    @property
    def waiting(self) -> int:
        """Arrivals not told yet."""
        return len(self._arrivals)

    def note(self, number: int, now: float) -> bool:
        """A packet with this number, 0 … 65,535, arrived. True where it is the first since the last feedback."""
        arrivals = self._arrivals
        if len(arrivals) < MAX_WAITING:
            arrivals.append((self._numbers.unroll(number), now))
        return len(arrivals) == 1

    def feedback(self, sender_ssrc: int, media_ssrc: int) -> list[TransportFeedback]:
        """What has arrived since the last time: numbers without gap from the last told one on, and late ones again from where they are."""
        entries: list[tuple[int, float]] = []
        last = -1
        # In the order in which they were sent; of two with one number the one that came first.
        for entry in sorted(self._arrivals):
            number = entry[0]
            if number != last and (number > self._told - REMEMBERED or self._told < 0):
                entries.append(entry)
            last = number
        self._arrivals.clear()
        packets: list[TransportFeedback] = []
        self._missing = MAX_STATUSES + MISSING_EACH * len(entries)
        begin = 0
        while begin < len(entries):
            first = entries[begin][0]
            if first > self._told >= 0 and first - self._told < min(MAX_STATUSES, self._missing):
                # What is missing before it is told as missing, once.
                first = self._told + 1
            packet, begin = self._packet(entries, begin, first, sender_ssrc, media_ssrc)
            packets.append(packet)
            self._told = max(self._told, entries[begin - 1][0])
        return packets

    def _packet(
        self, entries: list[tuple[int, float]], begin: int, first: int, sender_ssrc: int, media_ssrc: int
    ) -> tuple[TransportFeedback, int]:
        """One packet that begins with the status of `first`; and which of `entries`, numbers and arrivals, the next one begins with."""
        number, arrival = entries[begin]
        reference = int(arrival / REFERENCE_UNIT)
        clock = reference * _UNITS_A_REFERENCE
        statuses: list[int | None] = []
        following = first
        self._missing -= number - first
        index = begin
        while index < len(entries):
            number, arrival = entries[index]
            # Between two late ones stand some that were told as arrived: nothing is to be said of them again.
            if number - first >= MAX_STATUSES or (following < number and following <= self._told):
                break
            if index > begin:
                self._missing -= number - following
                if self._missing < 0:
                    break
            units = round(arrival / DELTA_UNIT)
            if not _LEAST <= units - clock <= _MOST:
                break
            while following < number:
                statuses.append(None)
                following += 1
            statuses.append(units - clock)
            clock = units
            following = number + 1
            index += 1
        packet = TransportFeedback(
            sender_ssrc, media_ssrc, first & 0xFFFF, reference & 0xFFFFFF, self._count, tuple(statuses)
        )
        self._count = (self._count + 1) & 0xFF
        return packet, index
