"""A canned bitstream, and how its frames are cut into packets and put together again."""

from __future__ import annotations

from dataclasses import dataclass

VIDEO_WIDTH = 640  # pixels
VIDEO_HEIGHT = 480  # pixels
VIDEO_RATE = 30  # frames per second
RIDS = ("q", "h", "f")  # of simulcast, lowest first: a quarter, a half and the whole of width and height
VIDEO_CLOCK = 90_000  # RTP timestamp units per second (RFC 7741 4.1)
AUDIO_CLOCK = 48_000  # RTP timestamp units per second (RFC 7587 4.1)
AUDIO_FRAME = 960  # samples: 20 ms
VP8_DESCRIPTOR = 4  # bytes: X, I and a 15-bit picture id, as browsers send it


@dataclass(frozen=True, slots=True)
class Clip:
    """Encoded frames, to be sent one every `ticks` of `clock` and begun anew at the end. The first one is a keyframe."""

    codec: str
    """As in SDP, upper case."""
    clock: int
    """RTP timestamp units per second."""
    ticks: int
    """RTP timestamp units from one frame to the next."""
    frames: tuple[bytes, ...]
    levels: tuple[int, ...] = ()
    """Of sound, the byte of RFC 6464 for each frame: -dBov, and the highest bit where somebody speaks. None: speech at -30 dBov."""

    @property
    def interval(self) -> float:
        """Seconds from one frame to the next."""
        return self.ticks / self.clock

    @property
    def bit_rate(self) -> float:
        """Bits per second of the frames alone."""
        return 8 * sum(map(len, self.frames)) / (len(self.frames) * self.interval)


def split(frame: bytes, limit: int) -> list[bytes]:
    """Cut a frame into pieces of equal size, at most `limit` bytes, of which only the last may be shorter.

    Equal sizes let a frame go out by one UDP_SEGMENT call; browsers too cut a frame evenly.
    """
    pieces = -(-len(frame) // limit)
    size = -(-len(frame) // pieces)
    return [frame[start : start + size] for start in range(0, len(frame), size)]


def vp8_descriptor(picture_id: int, first: bool) -> bytes:
    """The payload descriptor (RFC 7741 4.2) with a 15-bit picture id; S is set on the first packet of a frame."""
    return bytes((0x90 if first else 0x80, 0x80, 0x80 | picture_id >> 8 & 0x7F, picture_id & 0xFF))


def vp8_frames(payloads: list[bytes]) -> list[bytes]:
    """Put frames together again from payloads in order, as `vp8_descriptor` and `split` made them."""
    frames: list[bytes] = []
    for payload in payloads:
        if payload[0] & 0x10:
            frames.append(b"")
        frames[-1] += payload[VP8_DESCRIPTOR:]
    return frames
