"""How often, and how much, one receiver is sent again what it says it has lost.

A NACK costs its sender a few bytes and us a packet each: 1,400 bytes can name 5,899 packets. So every packet goes out again at most
once a round trip and `MAX_RESENDS` times, and all of them within a share of the media itself.
"""

from __future__ import annotations

from array import array

# What a receiver may name, in all its streams together; numbers above that are not even looked up.
NAMED_BURST = 512  # sequence numbers at once: as many as one compound names
NAMED_PER_SECOND = 5_120  # at 3 µs each 1.5 % of a core; a receiver of 5,000 packets/s names 1,000 at 20 % loss

MAX_RESENDS = 10  # times a packet; at 20 % loss each way the tenth is needed by one packet in 10^4
MIN_INTERVAL = 0.02  # seconds between two of the same packet, where the round trip is shorter or not known
WINDOW = 0.5  # seconds that the share is counted over
SHARE = 0.25  # of the media bytes of a window; carries 20 % loss, losses of the retransmissions included
MIN_ALLOWANCE = (
    6_000  # bytes a window (96 kbit/s): the last packets before a pause, and audio in DTX, can be asked for too
)

_SLOTS = 512  # packets remembered; whoever asks for more at once is cut by the share anyway
_EMPTY = -1


class Resends:
    """One route's retransmissions. Costs nothing while nobody asks: media is counted by the route's own total."""

    __slots__ = ("_at", "_media", "_previous", "_sequences", "_spent", "_times", "_window_at")

    def __init__(self) -> None:
        # By slot, made with the first NACK: outgoing sequence number, when it was last sent again, how often.
        self._sequences: array[int] = array("q")
        self._at: array[float] = array("d")
        self._times = bytearray()
        self._window_at = 0.0
        self._media = 0
        self._previous = 0
        self._spent = 0

    def may_resend(self, sequence: int, size: int, media_bytes: int, now: float, round_trip: float) -> bool:
        """Whether the packet that went out as `sequence`, `size` bytes long, goes out again now. True counts it as sent.

        `media_bytes` is all that the route has sent as media so far, `round_trip` the receiver's in seconds.
        """
        if not self._sequences:
            self._begin(media_bytes, now)
        slot = sequence & (_SLOTS - 1)
        known = self._sequences[slot] == sequence
        if known and (now - self._at[slot] < max(round_trip, MIN_INTERVAL) or self._times[slot] >= MAX_RESENDS):
            return False
        self._roll(media_bytes, now)
        media = max(self._previous, media_bytes - self._media)
        if self._spent + size > max(int(media * SHARE), MIN_ALLOWANCE):
            return False
        self._spent += size
        self._sequences[slot] = sequence
        self._at[slot] = now
        self._times[slot] = self._times[slot] + 1 if known else 1
        return True

    def _begin(self, media_bytes: int, now: float) -> None:
        self._sequences = array("q", [_EMPTY]) * _SLOTS
        self._at = array("d", [0.0]) * _SLOTS
        self._times = bytearray(_SLOTS)
        self._window_at = now
        self._media = media_bytes
        self._previous = 0

    def _roll(self, media_bytes: int, now: float) -> None:
        """Begin another window where this one is over; over a longer silence the media is averaged."""
        elapsed = now - self._window_at
        if elapsed < WINDOW:
            return
        self._previous = int((media_bytes - self._media) * WINDOW / elapsed)
        self._media = media_bytes
        self._window_at = now
        self._spent = 0
