"""Packets sent in one burst, as one: how the gaps between bursts have changed on the way (draft-ietf-rmcat-gcc-02 5.2)."""

from __future__ import annotations

BURST = 0.005
"""Seconds: packets sent, or arriving queued, within this belong together: within a frame the gaps tell of the link's rate alone."""
MAX_BURST = 0.1
"""Seconds of arrivals that a group spans at most, however the packets follow."""
MAX_REORDERED = 3
"""Groups in a row that arrive before those sent earlier; then the receiver's clock was set anew and all begins again."""


class ArrivalGroups:
    """Fed with packets in the order they were sent. `add` says when a group is over; then the deltas are those of the last two."""

    __slots__ = (
        "_arrived",
        "_first_arrival",
        "_first_sent",
        "_previous_arrived",
        "_previous_sent",
        "_reordered",
        "_sent",
        "arrival_delta",
        "send_delta",
    )

    def __init__(self) -> None:
        self.send_delta = 0.0
        """Seconds between the last packets of the two groups, as they were sent …"""
        self.arrival_delta = 0.0
        """… and as they arrived."""
        self._reset()

    def _reset(self) -> None:
        self._first_sent = -1.0
        self._sent = -1.0
        self._first_arrival = 0.0
        self._arrived = 0.0
        self._previous_sent = -1.0
        self._previous_arrived = 0.0
        self._reordered = 0

    def add(self, sent: float, arrival: float) -> bool:
        """Note a packet that arrived. True: another group is over, and the deltas say how it compares with the one before."""
        if self._first_sent < 0:
            self._begin(sent, arrival)
            return False
        if sent < self._first_sent:
            return False
        if not self._is_over(sent, arrival):
            self._sent = max(self._sent, sent)
            self._arrived = arrival
            return False
        measured = self._measure()
        if measured or self._previous_sent < 0:
            self._previous_sent = self._sent
            self._previous_arrived = self._arrived
        if self._reordered >= MAX_REORDERED:
            self._reset()
        self._begin(sent, arrival)
        return measured

    def _begin(self, sent: float, arrival: float) -> None:
        self._first_sent = self._sent = sent
        self._first_arrival = self._arrived = arrival

    def _is_over(self, sent: float, arrival: float) -> bool:
        arrival_gap = arrival - self._arrived
        # What was queued and let go at once, as radio links do, tells nothing of a queue that grows or shrinks.
        queued = arrival_gap < sent - self._sent and -BURST <= arrival_gap <= BURST
        if sent == self._sent or (queued and arrival - self._first_arrival < MAX_BURST):
            return False
        return sent - self._first_sent > BURST

    def _measure(self) -> bool:
        if self._previous_sent < 0:
            return False
        arrival_delta = self._arrived - self._previous_arrived
        if arrival_delta < 0:
            self._reordered += 1
            return False
        self._reordered = 0
        self.send_delta = self._sent - self._previous_sent
        self.arrival_delta = arrival_delta
        return True
