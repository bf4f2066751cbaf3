"""The rate that the delay allows: up while it stays, down when it grows (draft-ietf-rmcat-gcc-02 5.5)."""

from __future__ import annotations

from sfu.rtp.bandwidth.overuse import Usage

BETA = 0.85
"""Of what arrives, what is left to send when the queue grows: enough below to let it drain."""
ETA = 1.08
"""Growth a second while the link's rate is not known."""
HEADROOM = 1.5
"""The estimate is at most this times what arrives: what was never tried is not known."""
HEADROOM_BITS = 10_000  # bits per second beside it, for a start from next to nothing
MIN_STEP = 1_000.0  # bits per second of each growth
MIN_SLOPE = 4_000.0  # bits per second a second, near the link's rate
PACKET_BITS = 8 * 1_200
FRAME_RATE = 30.0
RESPONSE_TIME = 0.1
"""Seconds that a change takes to show beyond the round trip."""
REDUCE_INTERVAL_LEAST, REDUCE_INTERVAL_MOST = 0.01, 0.2
"""Seconds between two decreases: a round trip, within these."""
HOLD = 1.0
"""Seconds after the link was found to take far less, in which nothing speaks for more: what arrives is what waited on it."""
SMOOTHING = 0.95  # of the link's rate, what stays with each decrease
DEVIATIONS = 3.0
"""Within so many deviations of the link's rate the growth is slow."""
MIN_VARIANCE, MAX_VARIANCE = 0.4, 2.5
"""Of the link's rate, divided by it, in kbit/s."""


class LinkRate:
    """Where the link was found to be full, by what arrived at the time."""

    __slots__ = ("_variance", "rate")

    def __init__(self) -> None:
        self.rate = 0.0
        """Bits per second; 0 while unknown."""
        self._variance = MIN_VARIANCE

    def full(self, rate: float) -> None:
        if not self.rate:
            self.rate = rate
            return
        off = rate - self.rate
        self.rate = SMOOTHING * self.rate + (1 - SMOOTHING) * rate
        normal = off * off / max(self.rate, 1.0) / 1000.0
        variance = SMOOTHING * self._variance + (1 - SMOOTHING) * normal
        self._variance = min(max(variance, MIN_VARIANCE), MAX_VARIANCE)

    def forget(self) -> None:
        self.rate = 0.0
        self._variance = MIN_VARIANCE

    def spread(self) -> float:
        return DEVIATIONS * float((self._variance * self.rate * 1000.0) ** 0.5)


class RateControl:
    """Increase, hold, decrease. Within `least` and `most`, to which the caller may set others at any time."""

    __slots__ = ("_changed_at", "_holding", "_link", "_narrowed_at", "least", "most", "rate")

    def __init__(self, rate: float, least: float, most: float) -> None:
        self.rate = rate
        self.least = least
        self.most = most
        self._holding = True
        self._changed_at = -1.0
        self._narrowed_at = float("-inf")
        self._link = LinkRate()

    def set(self, rate: float, now: float) -> None:
        """Something better than the delay says what the link carries: a probe."""
        self.rate = min(max(rate, self.least), self.most)
        self._changed_at = now

    def narrow(self, carried: float, now: float) -> bool:
        """The link suddenly takes so much, which is far less than before. False: no less than is sent already."""
        if BETA * carried >= self.rate:
            return False
        self._link.forget()
        self._link.full(carried)
        self.rate = max(BETA * carried, self.least)
        self._holding = True
        self._changed_at = self._narrowed_at = now
        return True

    def forget(self) -> None:
        """What was found of the link is not of this one."""
        self._link.forget()

    def update(self, usage: Usage, acknowledged: float, round_trip: float, now: float, unfilled: bool = False) -> None:
        """What the detector says now, and what arrives (0: not known).

        `unfilled`: far less is sent than the rate, and it arrives. Then what arrives is no measure of the link.
        """
        if usage is Usage.OVERUSED:
            self._decrease(acknowledged, round_trip, now, unfilled)
        elif usage is Usage.UNDERUSED:
            self._holding = True
        elif self._holding:
            self._holding = False
            self._changed_at = now
        else:
            self._increase(acknowledged, round_trip, now)

    def _increase(self, acknowledged: float, round_trip: float, now: float) -> None:
        step = min(now - self._changed_at, 1.0) if self._changed_at >= 0 else 0.0
        self._changed_at = now
        if now - self._narrowed_at < HOLD:
            return
        link = self._link
        rate = self.rate
        if link.rate and acknowledged > link.rate + link.spread():
            link.forget()
        if link.rate:
            rate += self._slope(round_trip) * step
        else:
            rate += max(rate * (ETA**step - 1.0), MIN_STEP * step)
        if acknowledged:
            # What arrives without a growing delay is carried: nobody has to find that out in small steps.
            rate = max(min(rate, HEADROOM * acknowledged + HEADROOM_BITS), self.rate, acknowledged)
        self.rate = min(max(rate, self.least), self.most)

    def _slope(self, round_trip: float) -> float:
        """Near the link's rate: a packet more in a response time."""
        frame_bits = self.rate / FRAME_RATE
        packet_bits = frame_bits / max(-(-frame_bits // PACKET_BITS), 1.0)
        return max(MIN_SLOPE, packet_bits / (round_trip + RESPONSE_TIME))

    def _decrease(self, acknowledged: float, round_trip: float, now: float, unfilled: bool) -> None:
        interval = min(max(round_trip, REDUCE_INTERVAL_LEAST), REDUCE_INTERVAL_MOST)
        far_above = acknowledged and acknowledged < self.rate / 2 and not unfilled
        if self._changed_at >= 0 and self._holding and now - self._changed_at < interval and not far_above:
            return
        link = self._link
        if unfilled:
            # A stall, or somebody else: sound alone would make of 500 kbit/s the 50 that it takes, and no picture came back for seconds.
            self.rate = max(BETA * self.rate, self.least)
            self._holding = True
            self._changed_at = now
            return
        lowered = BETA * acknowledged if acknowledged else self.rate / 2
        if lowered > self.rate and link.rate:
            lowered = BETA * link.rate
        if acknowledged:
            if link.rate and acknowledged < link.rate - link.spread():
                link.forget()
            link.full(acknowledged)
        self.rate = min(max(min(lowered, self.rate), self.least), self.most)
        self._holding = True
        self._changed_at = now
