"""What is known of a source by its sequence numbers: what came, what is missing and to be asked for, and how the way is.

Statistics are those of RFC 3550 6.4.1 and A.3, A.8; restarts are found as in A.1, except that a new source is believed at once: its
packets are authenticated, and the first one begins a keyframe.
"""

from __future__ import annotations

from sfu.rtp.ntp import middle, short
from sfu.rtp.rtcp import ReportBlock
from sfu.rtp.seq import distance, distance32

NEVER = float("inf")
"""A moment that does not come."""

# What `received` makes of a packet.
NEW = 0
"""Ahead of all others: forward it."""
RECOVERED = 1
"""Late or sent again, and missing until now: forward it."""
DUPLICATE = 2
"""Was here already: drop it."""
TOO_OLD = 3
"""So far behind that nobody knows whether it was here already: drop it."""
JUMPED = 4
"""Far ahead of all others: a stray packet, or the first of a source that started anew. Drop it."""
RESTARTED = 5
"""The second in a row that was far off: the source has started anew. Forward it; whatever maps its numbers begins anew too."""

WINDOW = 1024  # packets behind the highest that are known one by one; a power of two
MAX_DROPOUT = 3000  # packets; a longer gap is a jump (RFC 3550 A.1)
MAX_MISSING = 512  # packets asked for at a time; more are not repaired but given up, and a keyframe is the better cure

REORDER_PACKETS = 3  # a packet that so many have overtaken is lost; by fewer it is reordered …
REORDER_TIME = 0.02  # … for so many seconds
MAX_NACKS = 10  # times that a packet is asked for
MIN_NACK_INTERVAL = 0.02  # seconds, where the round trip is shorter or not known
NACK_ROUND_TRIPS = 1.25
"""From one question for a packet to the next, where its answer may be lost. Senders pace what they send again, and do not send it twice
within the round trip that they measured: who asks a moment too early is not heard, and has lost a whole round trip more."""

_SLOT = WINDOW - 1  # the bits of a number that say where in the window it stands
_MAX_TRANSIT_STEP = 5  # seconds; a greater change of the way's length is a source that moved its timestamps, not jitter


class _Missing:
    __slots__ = ("due", "nacks")

    def __init__(self, due: float) -> None:
        self.due = due
        self.nacks = 0


class ReceiveLog:
    """One source, by the SSRC that its media comes on. `clock_rate` is that of its timestamps."""

    __slots__ = (
        "_base",
        "_clock_rate",
        "_expected_before",
        "_hurried",
        "_last_arrival",
        "_last_timestamp",
        "_missing",
        "_received",
        "_received_before",
        "_seen",
        "_sr_at",
        "_sr_middle",
        "_ssrc",
        "_started",
        "_suspect",
        "duplicates",
        "fraction_lost",
        "given_up",
        "highest",
        "jitter",
        "nacks_at",
        "recovered",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._seen = bytearray(WINDOW)
        self._missing: dict[int, _Missing] = {}
        self._sr_middle = 0
        self._sr_at = 0.0
        self._started = False
        self._base = 0
        self.highest = 0
        """The highest sequence number, extended: it goes on rising where the sixteen bits wrap."""
        self._hurried = 0
        self._suspect = -1
        self.nacks_at = NEVER
        """What `next_timer` says, as a number: for whoever looks with every packet."""
        self._received = 0
        self._received_before = 0
        self._expected_before = 0
        self._last_timestamp = -1
        self._last_arrival = 0.0
        self.duplicates = 0
        self.recovered = 0
        """Missing packets that came after all, late or sent again."""
        self.given_up = 0
        """Missing packets that are not asked for any more. Where it rises, a video receiver needs a keyframe."""
        self.jitter = 0.0
        """Interarrival jitter in units of the clock rate."""
        self.fraction_lost = 0
        """Of the last report: lost packets in 1/256 of the expected."""

    def received(self, sequence: int, timestamp: int, now: float, repaired: bool = False) -> int:
        """Note a packet; gives `NEW`, `RECOVERED`, `DUPLICATE`, `TOO_OLD`, `JUMPED` or `RESTARTED`.

        `repaired`: it came as a retransmission on another SSRC (RTX). It fills its gap, and stays lost in the statistics, because
        those tell the sender how the way is.
        """
        extended = self.highest + 1
        if sequence == extended & 0xFFFF and not self._missing and not repaired and self._started:
            # The next in order and nothing missing: nearly every packet.
            self.highest = extended
            self._suspect = -1
            self._seen[extended & _SLOT] = 1
            self._received += 1
            if timestamp != self._last_timestamp:
                self._measure(timestamp, now)
            return NEW
        if not self._started:
            self._started = True
            self._begin(sequence)
            return self._newest(sequence, timestamp, now, repaired, NEW)
        ahead = distance(sequence, self.highest & 0xFFFF)
        if 0 < ahead < MAX_DROPOUT:
            self._suspect = -1
            if ahead > 1:
                self._gap(ahead, now)
            return self._newest(self.highest + ahead, timestamp, now, repaired, NEW)
        if -WINDOW < ahead <= 0:
            return self._late(self.highest + ahead, repaired)
        return self._jump(sequence, ahead, timestamp, now, repaired)

    def abandon(self) -> None:
        """Ask for nothing that is missing now: nobody needs the stream, or nobody did until now."""
        self._missing.clear()
        self.nacks_at = NEVER

    def extended(self, sequence: int) -> int:
        """A sequence number extended as `highest` is: the one that is nearest to it."""
        return self.highest + distance(sequence, self.highest & 0xFFFF)

    def nacks_due(self, now: float, round_trip: float) -> list[int]:
        """The sequence numbers to ask the sender for now, oldest first, at most `MAX_MISSING`; each counts as asked for.

        `round_trip` in seconds, to the sender and back.
        """
        due: list[int] = []
        if now < self.nacks_at:
            return due
        again = now + max(NACK_ROUND_TRIPS * round_trip, MIN_NACK_INTERVAL)
        nacks_at = NEVER
        gone: list[int] = []
        for extended, missing in self._missing.items():
            if self.highest - extended >= WINDOW or (missing.due <= now and missing.nacks >= MAX_NACKS):
                gone.append(extended)
                continue
            if missing.due <= now:
                missing.nacks += 1
                missing.due = again
                due.append(extended & 0xFFFF)
            nacks_at = min(nacks_at, missing.due)
        for extended in gone:
            del self._missing[extended]
        self.given_up += len(gone)
        self.nacks_at = nacks_at
        return due

    def next_timer(self) -> float | None:
        """When `nacks_due` is to be asked, and `given_up` looked at. There may be nothing then: the packet has come meanwhile."""
        return self.nacks_at if self.nacks_at < NEVER else None

    def sender_report(self, ntp: int, now: float) -> None:
        """A sender report of this source came in, of this 64-bit NTP time."""
        self._sr_middle = middle(ntp)
        self._sr_at = now

    def report_block(self, now: float) -> ReportBlock:
        """What a receiver report says of the source, and the beginning of the next report's interval."""
        expected = self.expected
        expected_interval = expected - self._expected_before
        lost_interval = expected_interval - (self._received - self._received_before)
        self._expected_before = expected
        self._received_before = self._received
        self.fraction_lost = 0
        if expected_interval > 0 and lost_interval > 0:
            self.fraction_lost = min((lost_interval << 8) // expected_interval, 255)
        return ReportBlock(
            ssrc=self._ssrc,
            fraction_lost=self.fraction_lost,
            cumulative_lost=max(-0x800000, min(self.lost, 0x7FFFFF)),
            highest_sequence=self.highest & 0xFFFFFFFF,
            jitter=int(self.jitter),
            last_sr=self._sr_middle,
            delay_since_last_sr=short(now - self._sr_at) if self._sr_middle else 0,
        )

    @property
    def expected(self) -> int:
        """Packets sent since the first, or since the last restart, as far as one knows."""
        return self.highest - self._base + 1 if self._started else 0

    @property
    def lost(self) -> int:
        """Those of the expected that never came on the media SSRC."""
        return self.expected - self._received

    def _begin(self, sequence: int) -> None:
        """Start with `sequence` as the first number."""
        self._base = sequence
        self.highest = sequence
        self._hurried = sequence
        self._suspect = -1
        self._seen = bytearray(WINDOW)
        self._missing.clear()
        self.nacks_at = NEVER
        self._received = 0
        self._received_before = 0
        self._expected_before = 0
        self._last_timestamp = -1
        self._last_arrival = 0.0

    def _newest(self, extended: int, timestamp: int, now: float, repaired: bool, verdict: int) -> int:
        self.highest = extended
        self._seen[extended & _SLOT] = 1
        if self._missing:
            self._hurry(extended, now)
        if not repaired:
            self._received += 1
            if timestamp != self._last_timestamp:
                self._measure(timestamp, now)
        return verdict

    def _late(self, extended: int, repaired: bool) -> int:
        slot = extended & _SLOT
        if self._seen[slot]:
            self.duplicates += 1
            return DUPLICATE
        self._seen[slot] = 1
        self._missing.pop(extended, None)
        self._base = min(self._base, extended)
        self.recovered += 1
        if not repaired:
            self._received += 1
        return RECOVERED

    def _jump(self, sequence: int, ahead: int, timestamp: int, now: float, repaired: bool) -> int:
        if repaired:
            return TOO_OLD
        if sequence == self._suspect:
            self._begin(sequence)
            return self._newest(sequence, timestamp, now, repaired, RESTARTED)
        self._suspect = (sequence + 1) & 0xFFFF
        return TOO_OLD if ahead < 0 else JUMPED

    def _gap(self, ahead: int, now: float) -> None:
        """The numbers between the highest and the one `ahead` of it are missing."""
        first = self.highest + 1
        end = self.highest + ahead
        for extended in range(max(first, end - WINDOW), end):
            self._seen[extended & _SLOT] = 0
        count = ahead - 1
        if len(self._missing) + count > MAX_MISSING:
            self.given_up += len(self._missing) + count
            self._missing.clear()
            self.nacks_at = now
            return
        if not self._missing:
            self._hurried = first
        self.nacks_at = min(self.nacks_at, now + REORDER_TIME)
        for extended in range(first, end):
            self._missing[extended] = _Missing(now + REORDER_TIME)

    def _hurry(self, extended: int, now: float) -> None:
        """What `REORDER_PACKETS` have overtaken is asked for at once. `extended` is the newest of them."""
        end = extended - REORDER_PACKETS + 1
        for overtaken in range(self._hurried, end):
            missing = self._missing.get(overtaken)
            if missing is not None and missing.nacks == 0:
                missing.due = now
                self.nacks_at = min(self.nacks_at, now)
        self._hurried = max(self._hurried, end)

    def _measure(self, timestamp: int, now: float) -> None:
        """Interarrival jitter (RFC 3550 A.8), once a timestamp: a frame's packets are spread by its sender, not by the way."""
        if self._last_timestamp >= 0:
            passed = (now - self._last_arrival) * self._clock_rate
            step = abs(passed - distance32(timestamp, self._last_timestamp))
            if step < _MAX_TRANSIT_STEP * self._clock_rate:
                self.jitter += (step - self.jitter) / 16.0
        self._last_timestamp = timestamp
        self._last_arrival = now
