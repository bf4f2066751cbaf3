"""Canned bitstreams: real VP8 and Opus, encoded once a process from a moving synthetic picture and a synthetic voice.

Encoding takes under a second, so nothing is cached and nothing binary is committed. One seed, one thread and no look-ahead
make a clip the same bytes on every run with the same libvpx and libopus.
"""

from __future__ import annotations

import math
from fractions import Fraction

import av
import numpy as np

from bench.clip import AUDIO_CLOCK, AUDIO_FRAME, RIDS, VIDEO_CLOCK, VIDEO_HEIGHT, VIDEO_RATE, VIDEO_WIDTH, Clip

SPEAKING = 0.4  # of the time: in a visit one speaks, the others listen
ROOM_NOISE = 0.00003  # of full scale, -90 dBov: what noise suppression leaves
QUIET = 50  # -dBov from which on nobody speaks
LAYER_RATES = (
    100_000,
    400_000,
    1_000_000,
)  # bits per second of simulcast layers, 1.5 Mbit/s together, about as browsers share it

Luma = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def vp8_layers() -> tuple[Clip, ...]:
    """The same picture as simulcast: one clip for each of `RIDS`."""
    return tuple(vp8_clip(bit_rate=rate, scale=1 << (len(RIDS) - 1 - layer)) for layer, rate in enumerate(LAYER_RATES))


def vp8_clip(seconds: float = 3.0, bit_rate: int = 1_500_000, scale: int = 1) -> Clip:
    """640×480, each side divided by `scale`, 30 frames a second: a textured picture that pans, which costs an encoder about what a face in
    a room does.

    One keyframe at the start and none after: whoever sends it starts anew where a keyframe is asked for.
    """
    width, height = VIDEO_WIDTH // scale, VIDEO_HEIGHT // scale
    count = round(seconds * VIDEO_RATE)
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, VIDEO_RATE)
    encoder.framerate = Fraction(VIDEO_RATE)
    encoder.bit_rate = bit_rate
    encoder.thread_count = 1
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "-8",  # of 8 libvpx makes what the machine has time for at that moment: another clip each time
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
        picture = av.VideoFrame(width, height, "yuv420p")
        _fill(picture.planes[0], luma[::scale, ::scale])
        for plane in picture.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        picture.pts = number
        frames += map(bytes, encoder.encode(picture))
    frames += map(bytes, encoder.encode(None))
    return Clip("VP8", VIDEO_CLOCK, VIDEO_CLOCK // VIDEO_RATE, tuple(frames))


def opus_clip(seconds: float = 10.0, bit_rate: int = 32_000) -> Clip:
    """Mono, 20 ms frames: a tone that glides and swells, somewhat as a voice does, then a quiet room for the rest of the time.

    Quiet frames are sent too, as browsers do, but are smaller; levels tell them apart.
    """
    count = round(seconds * AUDIO_CLOCK / AUDIO_FRAME)
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_CLOCK, "mono", "s16"
    encoder.bit_rate = bit_rate
    encoder.options = {"application": "voip", "frame_duration": "20", "vbr": "on"}
    time = np.arange(count * AUDIO_FRAME) / AUDIO_CLOCK
    voice = np.sin(2 * np.pi * (180 * time + 6 * np.sin(2 * np.pi * 1.5 * time))) * (
        0.2 + 0.1 * np.sin(8 * np.pi * time)
    )
    voice[round(SPEAKING * count) * AUDIO_FRAME :] = 0
    room = np.random.default_rng(2).normal(0, ROOM_NOISE, count * AUDIO_FRAME)
    samples = ((voice + room) * 32_767).astype(np.int16).reshape(count, 1, AUDIO_FRAME)
    frames: list[bytes] = []
    for number in range(count):
        sound = av.AudioFrame.from_ndarray(samples[number], format="s16", layout="mono")
        sound.sample_rate, sound.pts = AUDIO_CLOCK, number * AUDIO_FRAME
        frames += map(bytes, encoder.encode(sound))
    return Clip("OPUS", AUDIO_CLOCK, AUDIO_FRAME, tuple(frames), tuple(_level(each) for each in samples))


def _level(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> int:
    """The byte of RFC 6464: -dBov, and the highest bit where somebody speaks."""
    loudness = float(np.sqrt(np.mean(np.square(samples.astype(float))))) / 32_768
    level = min(127, round(-20 * math.log10(max(loudness, 1e-7))))
    return level | (0x80 if level < QUIET else 0)


def _fill(plane: av.video.plane.VideoPlane, luma: Luma) -> None:
    """A plane's rows may be longer than the picture is wide."""
    rows = np.zeros((plane.height, plane.line_size), np.uint8)
    rows[:, : plane.width] = luma
    plane.update(rows.tobytes())


def _panned(count: int) -> list[Luma]:
    """`count` luma planes: a window that moves 3 pixels right and 2 down a frame over a fixed texture of 4-pixel squares."""
    square, right, down = 4, 3, 2
    rows = -(-(VIDEO_HEIGHT + down * count) // square)
    columns = -(-(VIDEO_WIDTH + right * count) // square)
    squares = np.random.default_rng(1).integers(16, 236, (rows, columns), dtype=np.uint8)
    texture = squares.repeat(square, axis=0).repeat(square, axis=1)
    return [texture[down * n : down * n + VIDEO_HEIGHT, right * n : right * n + VIDEO_WIDTH] for n in range(count)]
