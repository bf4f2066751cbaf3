"""Canned bitstreams: real VP8 and Opus, encoded once a process from a moving synthetic picture and a synthetic voice.

Encoding takes under a second, so nothing is cached and nothing binary is committed. One seed, one thread and no look-ahead
make a clip the same bytes on every run with the same libvpx and libopus.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

VIDEO_WIDTH = 640  # pixels
VIDEO_HEIGHT = 480  # pixels
VIDEO_RATE = 30  # frames per second
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

    @property
    def interval(self) -> float:
        """Seconds from one frame to the next."""
        return self.ticks / self.clock

    @property
    def bit_rate(self) -> float:
        """Bits per second of the frames alone."""
        return 8 * sum(map(len, self.frames)) / (len(self.frames) * self.interval)


def vp8_clip(seconds: float = 3.0, bit_rate: int = 1_500_000) -> Clip:
    """640×480, 30 frames a second: a textured picture that pans, which costs an encoder about what a face in a room does.

    One keyframe at the start and none after: whoever sends it starts anew where a keyframe is asked for.
    """
    count = round(seconds * VIDEO_RATE)
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = VIDEO_WIDTH, VIDEO_HEIGHT, "yuv420p"
    encoder.time_base = Fraction(1, VIDEO_RATE)
    encoder.framerate = Fraction(VIDEO_RATE)
    encoder.bit_rate = bit_rate
    encoder.thread_count = 1
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "error-resilient": "1",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "g": str(count),
        "minrate": str(bit_rate),
        "maxrate": str(bit_rate),
        "bufsize": str(bit_rate // 3),
        "max-intra-rate": "300",
    }
    frames: list[bytes] = []
    for number, luma in enumerate(_panned(count)):
        picture = av.VideoFrame(VIDEO_WIDTH, VIDEO_HEIGHT, "yuv420p")
        picture.planes[0].update(luma)
        for plane in picture.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        picture.pts = number
        frames += map(bytes, encoder.encode(picture))
    frames += map(bytes, encoder.encode(None))
    return Clip("VP8", VIDEO_CLOCK, VIDEO_CLOCK // VIDEO_RATE, tuple(frames))


def opus_clip(seconds: float = 3.0, bit_rate: int = 32_000) -> Clip:
    """Mono, 20 ms frames: a tone that glides and swells, somewhat as a voice does."""
    count = round(seconds * AUDIO_CLOCK / AUDIO_FRAME)
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_CLOCK, "mono", "s16"
    encoder.bit_rate = bit_rate
    encoder.options = {"application": "voip", "frame_duration": "20"}
    time = np.arange(count * AUDIO_FRAME) / AUDIO_CLOCK
    voice = np.sin(2 * np.pi * (180 * time + 6 * np.sin(2 * np.pi * 1.5 * time))) * (
        0.2 + 0.1 * np.sin(8 * np.pi * time)
    )
    samples = (voice * 32_767).astype(np.int16).reshape(count, 1, AUDIO_FRAME)
    frames: list[bytes] = []
    for number in range(count):
        sound = av.AudioFrame.from_ndarray(samples[number], format="s16", layout="mono")
        sound.sample_rate, sound.pts = AUDIO_CLOCK, number * AUDIO_FRAME
        frames += map(bytes, encoder.encode(sound))
    return Clip("OPUS", AUDIO_CLOCK, AUDIO_FRAME, tuple(frames))


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


def _panned(count: int) -> list[bytes]:
    """`count` luma planes: a window that moves 3 pixels right and 2 down a frame over a fixed texture of 4-pixel squares."""
    square, right, down = 4, 3, 2
    rows = -(-(VIDEO_HEIGHT + down * count) // square)
    columns = -(-(VIDEO_WIDTH + right * count) // square)
    squares = np.random.default_rng(1).integers(16, 236, (rows, columns), dtype=np.uint8)
    texture = squares.repeat(square, axis=0).repeat(square, axis=1)
    return [
        texture[down * n : down * n + VIDEO_HEIGHT, right * n : right * n + VIDEO_WIDTH].tobytes() for n in range(count)
    ]
