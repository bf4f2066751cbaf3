"""Probes: a short burst at a higher rate, to see whether it arrives as fast as it was sent.

Without them an estimate grows by eight per cent a second, and not at all while less is sent than it allows. They go out as
retransmissions and padding, which a receiver can do without; media that is sent meanwhile is part of them.
"""

from __future__ import annotations

FIRST = (3.0, 6.0)
"""Times the start rate."""
AGAIN = 2.0
"""A probe that got through is followed by one at so many times what it found."""
GOT_THROUGH = 0.7
"""Of the probe's rate."""
FURTHER = 2.0
"""Times the estimate, of the probes while less is sent than it allows, or while nothing speaks against more …"""
FURTHER_INTERVAL = 5.0
"""… each so many seconds."""
QUIET = 4.0
"""Seconds since the estimate last fell, after which nothing does: on a full link it falls every few seconds."""
RECOVERY = 0.85
"""Of the rate before a drop: the link may have been busy for a moment only."""
RECOVERY_AFTER, RECOVERY_WITHIN = 2.0, 15.0
"""Seconds after the drop in which that is tried, once."""
DROP = 0.66
"""What the rate falls to, of before, in a drop."""
DURATION = 0.015  # seconds of a probe at least …
MIN_PACKETS = 5  # … and packets: fewer tell nothing but the jitter
INTERVAL = 0.002  # seconds between two lots of it at least; timers may be as much late, and a lot so much larger
TIMEOUT = 1.0  # seconds after which a probe that has not come back is forgotten
ARRIVED = 0.8  # of its packets and bytes must have arrived
CREDIBLE = 2.0
"""Arriving so many times faster than sent tells of a link that holds packets back, not of its rate."""
SATURATED = 0.9
"""Arriving slower than this share of the sending rate: the link was full, and what arrived is what it carries …"""
TARGET = 0.95  # … of which this is used, so that the queue drains


class Probe:
    """One probe, from its first packet to its result. `total` and `number` are those of the transport's `SentPackets`."""

    __slots__ = (
        "_arrived_bytes",
        "_arrived_packets",
        "_began",
        "_end",
        "_first_arrival",
        "_first_number",
        "_first_sent",
        "_first_size",
        "_last_arrival",
        "_last_sent",
        "_last_sizes",
        "_total",
        "_wanted",
        "rate",
    )

    def __init__(self, rate: float, total: int, number: int, now: float) -> None:
        self.rate = rate
        self._began = now
        self._total = total
        self._first_number = number
        self._end = -1
        self._wanted = rate * DURATION / 8
        self._arrived_packets = 0
        self._arrived_bytes = 0
        self._first_sent = self._last_sent = 0.0
        self._first_arrival = self._last_arrival = 0.0
        self._first_size = self._last_sizes = 0

    def due(self, total: int, now: float) -> int:
        """Bytes to send now, beside the media, so that the rate is kept; 0 where enough was sent for the moment."""
        if self.sent:
            return 0
        return max(0, 1 + int(self.rate * (now - self._began) / 8) - (total - self._total))  # the first packet at once

    def wake(self, size: int, now: float) -> float:
        """When to look at `due` again, where packets are of `size` bytes."""
        return now + max(INTERVAL, size * 8 / self.rate)

    def note(self, total: int, number: int) -> None:
        """After a lot of it: `total` bytes have been sent, and the next number is `number`."""
        if not self.sent and total - self._total >= self._wanted and number - self._first_number >= MIN_PACKETS:
            self._end = number

    def give_up(self, number: int) -> None:
        """There is nothing to send it with: what was sent so far is all of it."""
        if not self.sent:
            self._end = number

    @property
    def sent(self) -> bool:
        return self._end >= 0

    def expired(self, now: float) -> bool:
        return now - self._began > TIMEOUT

    def arrived(self, number: int, sent: float, arrival: float, size: int) -> None:
        """A packet arrived, of the probe or not."""
        if number < self._first_number or 0 <= self._end <= number:
            return
        if not self._arrived_packets:
            self._first_sent = self._last_sent = sent
            self._first_arrival = self._last_arrival = arrival
            self._first_size = size
        if sent > self._last_sent:
            self._last_sent = sent
            self._last_sizes = 0
        if sent == self._last_sent:
            self._last_sizes += size
        if arrival < self._first_arrival:
            self._first_arrival = arrival
            self._first_size = size
        self._last_arrival = max(self._last_arrival, arrival)
        self._arrived_packets += 1
        self._arrived_bytes += size

    def result(self) -> float:
        """The rate that it found; 0 while, or where, it tells nothing."""
        packets = self._end - self._first_number
        if not self.sent or packets < MIN_PACKETS or self._arrived_packets < max(packets * ARRIVED, MIN_PACKETS - 1):
            return 0.0
        sending = self._last_sent - self._first_sent
        arriving = self._last_arrival - self._first_arrival
        if sending <= 0 or arriving <= 0:
            return 0.0
        # Nothing is known of how long the last lot took to send, nor of how long the first packet took to arrive.
        send_rate = 8.0 * (self._arrived_bytes - self._last_sizes) / sending
        arrival_rate = 8.0 * (self._arrived_bytes - self._first_size) / arriving
        if send_rate <= 0 or arrival_rate > CREDIBLE * send_rate:
            return 0.0
        if arrival_rate < SATURATED * send_rate:
            return TARGET * arrival_rate
        return min(send_rate, arrival_rate)


class ProbePlan:
    """When to probe, and at which rate."""

    __slots__ = ("_before", "_dropped_at", "_enough", "_fell_at", "_next", "_probed_at")

    def __init__(self, start: float) -> None:
        self._next = [start * times for times in FIRST]
        self._probed_at = float("-inf")
        self._before = 0.0
        self._dropped_at = float("-inf")
        self._fell_at = float("-inf")
        self._enough = False
        """Whether the last probe was at all that anybody has use for."""

    def moved(self, rate: float) -> None:
        """The way is another one, of which nothing is known but that the last one took `rate`."""
        self._before = 0.0
        self._fell_at = self._probed_at = float("-inf")
        self._next = [AGAIN * rate]

    def fell(self, before: float, after: float, now: float) -> None:
        """The estimate was lowered."""
        self._next.clear()
        self._fell_at = now
        if after < before * DROP and now - self._dropped_at > RECOVERY_WITHIN:
            self._before = before
            self._dropped_at = now

    def found(self, probed: float, rate: float) -> None:
        """A probe at `probed` found `rate`."""
        if not self._next and not self._enough and rate > GOT_THROUGH * probed:
            self._next.append(AGAIN * rate)

    def may(self, now: float) -> bool:
        """Whether there may be a rate to probe at; if not, `next` has none."""
        return bool(self._next) or self._before > 0 or now - self._probed_at >= FURTHER_INTERVAL

    def next(self, estimate: float, wanted: float, limited: bool, now: float) -> float:
        """The rate to probe at now; 0 for none. `wanted`: beyond this nobody has use for it. `limited`: less is sent than would go."""
        rate = 0.0
        if self._next:
            rate = self._next.pop(0)
        elif self._before and RECOVERY_AFTER <= now - self._dropped_at <= RECOVERY_WITHIN:
            rate, self._before = RECOVERY * self._before, 0.0
        elif now - self._probed_at >= FURTHER_INTERVAL and (limited or now - self._fell_at >= QUIET):
            rate = FURTHER * estimate
        self._enough = rate >= wanted
        rate = min(rate, wanted)
        if rate <= estimate:
            return 0.0
        self._probed_at = now
        return rate
