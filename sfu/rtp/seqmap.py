"""What one route makes of its source's sequence numbers and timestamps, so that the receiver sees one stream that goes on.

The stream belongs to the receiver's section; sources come and go under it (another track, hold and resume, later another layer).
Packets that we drop on purpose leave no gap, or the receiver would ask for them. Lost packets leave theirs, so that it does.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter

from sfu.rtp.seq import distance, distance32, newer32

REFUSED = -1
"""No outgoing number (or, in reverse, no incoming one)."""

MAX_STRETCHES = 256
"""Stretches between dropped packets that are remembered: about a second in which every second of 500 packets is dropped."""

MAX_DISAGREEMENT = 0.5
"""Seconds between what sources say has passed over a switch and what has passed here: delays of the way, and of a keyframe's sending."""

_first_in = itemgetter(0)


def _first_out(stretch: tuple[int, int]) -> int:
    return stretch[0] - stretch[1]


class SequenceMap:
    """Incoming to outgoing sequence numbers of a route, and back.

    `first` is the number before the first outgoing one; random, as RFC 3550 5.1 asks. Within a source, incoming and outgoing
    numbers differ by a shift that grows by one with each dropped packet; a stretch is where the shift is the same.
    """

    __slots__ = ("_highest_in", "_highest_out", "_shift", "_stretches", "_synced")

    def __init__(self, first: int) -> None:
        self._highest_out = first & 0xFFFF
        self._highest_in = 0
        self._shift = 0
        self._synced = False
        # (extended first incoming, shift) of each stretch, oldest first: both the first incoming and the first outgoing numbers rise.
        self._stretches: list[tuple[int, int]] = []

    def switch(self) -> None:
        """The next packet is the first of another source, of the same one after a pause, or after it started anew.

        It gets the next outgoing number. What the new source sent before that packet is refused from then on, and so is a reverse
        look-up of what went out before it: that belongs to the source of before.
        """
        self._synced = False

    def map(self, sequence: int) -> int:
        """The outgoing number of `sequence`, 0 … 65,535, or `REFUSED`.

        Refused is what cannot go out without taking a number that another packet had: it was sent before the switch, or was
        dropped before, or is so late that its stretch is forgotten. The caller sorts out duplicates (ReceiveLog): to a map the
        second copy is the same packet.
        """
        following = self._highest_in + 1
        if sequence == following & 0xFFFF and self._synced:
            # The next in order: nearly every packet.
            self._highest_in = following
            self._highest_out = out = following - self._shift
            return out & 0xFFFF
        if not self._synced:
            self._start(sequence)
            return self._highest_out & 0xFFFF
        extended = self._highest_in + distance(sequence, self._highest_in & 0xFFFF)
        if extended > self._highest_in:
            self._highest_in = extended
            self._highest_out = extended - self._shift
            return self._highest_out & 0xFFFF
        return self._map_late(extended)

    def drop(self, sequence: int) -> bool:
        """Leave `sequence` out. True: the numbers close up behind it, and it is refused if it comes again.

        False: it is late, packets after it have gone out, so its number stays a gap; the receiver will take it for lost and ask. Sending
        a late packet is therefore better than dropping it where there is a choice. Before the first packet of a source
        nothing needs to be left out: also False.
        """
        if not self._synced:
            return False
        extended = self._highest_in + distance(sequence, self._highest_in & 0xFFFF)
        if extended <= self._highest_in:
            return False
        self._highest_in = extended
        # A lost packet before this one keeps its number: what the receiver has seen ends one before the first of the new stretch.
        self._highest_out = extended - self._shift - 1
        self._shift += 1
        if self._stretches[-1][0] == extended:
            self._stretches[-1] = (extended + 1, self._shift)
        else:
            self._stretches.append((extended + 1, self._shift))
            if len(self._stretches) > MAX_STRETCHES:
                del self._stretches[: MAX_STRETCHES // 2]
        return True

    def reverse(self, sequence: int) -> int:
        """The incoming number, of the source at hand, of what went out as `sequence`; `REFUSED` if nothing did since the switch.

        A number of a packet that was lost on its way in is given too: whoever keeps the packets does not have it.
        """
        if not self._synced:
            return REFUSED
        extended = self._highest_out + distance(sequence, self._highest_out & 0xFFFF)
        if extended > self._highest_out:
            return REFUSED
        index = bisect_right(self._stretches, extended, key=_first_out) - 1
        return (extended + self._stretches[index][1]) & 0xFFFF if index >= 0 else REFUSED

    def _start(self, sequence: int) -> None:
        self._highest_out += 1
        self._highest_in = sequence
        self._shift = sequence - self._highest_out
        self._stretches.clear()
        self._stretches.append((sequence, self._shift))
        self._synced = True

    def _map_late(self, extended: int) -> int:
        stretches = self._stretches
        index = bisect_right(stretches, extended, key=_first_in)
        if index == 0:
            return REFUSED
        out = extended - stretches[index - 1][1]
        # The numbers of dropped packets at the end of a stretch are those of the stretch after it.
        end = _first_out(stretches[index]) if index < len(stretches) else self._highest_out + 1
        return out & 0xFFFF if out < end else REFUSED


class TimestampMap:
    """Incoming to outgoing timestamps of a route: a constant apart within a source, and never back over a switch."""

    __slots__ = ("_ahead", "_clock_rate", "_last_at", "_last_in", "_last_out", "_offset", "_sent", "_synced")

    def __init__(self, clock_rate: int, first: int) -> None:
        self._clock_rate = clock_rate
        self._last_in = -1  # what went out as `_last_out`; -1 while nothing of the source at hand did
        self._last_out = first & 0xFFFFFFFF
        self._last_at = 0.0
        self._offset = 0
        self._sent = False
        self._synced = False
        self._ahead: int | None = None

    def switch(self, ahead: int | None = None) -> None:
        """The next packet is of another source, or of the same one after a pause: as `SequenceMap.switch`.

        `ahead`, where both sources have said what time it is: by how much the timestamps of the one before are ahead of the next one's.
        """
        self._ahead = ahead if self._synced else None
        self._synced = False
        self._last_in = -1

    def map(self, timestamp: int, now: float) -> int:
        """The outgoing timestamp of a packet that is being forwarded at `now`.

        The first after a switch continues from the newest that went out, by the time that has passed since in units of the clock
        rate: by what the sources say of it where `switch` knew and it is near what has passed here, else by what has passed here. By
        one at least, so that two frames never share a timestamp. The very first is `first`.
        """
        if timestamp == self._last_in:
            return self._last_out  # another packet of the newest frame
        if not self._synced:
            self._start(timestamp, now)
            return self._last_out
        out = (timestamp + self._offset) & 0xFFFFFFFF
        if newer32(out, self._last_out):
            self._last_in = timestamp
            self._last_out = out
            self._last_at = now
        return out

    @property
    def newest(self) -> int:
        """The newest that went out."""
        return self._last_out

    def translate(self, timestamp: int) -> int:
        """The outgoing timestamp of any moment of the source at hand (for sender reports); `REFUSED` before its first packet."""
        if not self._synced:
            return REFUSED
        return (timestamp + self._offset) & 0xFFFFFFFF

    def _start(self, timestamp: int, now: float) -> None:
        if self._sent:
            elapsed = int((now - self._last_at) * self._clock_rate)
            if self._ahead is not None:
                said = distance32(timestamp + self._ahead + self._offset & 0xFFFFFFFF, self._last_out)
                if abs(said - elapsed) <= MAX_DISAGREEMENT * self._clock_rate:
                    elapsed = said
            self._last_out = (self._last_out + max(elapsed, 1)) & 0xFFFFFFFF
        self._last_at = now
        self._last_in = timestamp
        self._offset = self._last_out - timestamp
        self._sent = True
        self._synced = True
