"""Real VP8 and Opus, encoded and packetised by aiortc, as lists of RTP payloads."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder

FRAMES = 15


@dataclass(frozen=True)
class Payload:
    """One RTP payload, its timestamp in the codec's clock, and whether it ends a frame."""

    data: bytes
    timestamp: int
    marker: int


@cache
def vp8() -> tuple[Payload, ...]:
    """Half a second of a moving picture, 320×240 at 30 a second; begins with a keyframe."""
    encoder = Vp8Encoder()
    payloads: list[Payload] = []
    rows, columns = numpy.mgrid[0:240, 0:320]
    for number in range(FRAMES):
        picture = numpy.stack([(rows + 7 * number) % 256, (columns * 3 + number) % 256, (rows * columns) % 256], axis=2)
        frame = av.VideoFrame.from_ndarray(picture.astype(numpy.uint8), format="rgb24")
        frame.pts, frame.time_base = number * 3000, Fraction(1, 90000)
        packets, timestamp = encoder.encode(frame)
        payloads += [Payload(data, timestamp, int(data is packets[-1])) for data in packets]
    return tuple(payloads)


@cache
def opus() -> tuple[Payload, ...]:
    """Half a second of a 440 Hz tone, 20 ms a packet."""
    encoder = OpusEncoder()
    payloads: list[Payload] = []
    for number in range(25):
        time = (numpy.arange(960) + number * 960) / 48000
        tone = (8000 * numpy.sin(2 * numpy.pi * 440 * time)).astype(numpy.int16)
        frame = av.AudioFrame.from_ndarray(numpy.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * 960, Fraction(1, 48000)
        packets, timestamp = encoder.encode(frame)
        payloads += [Payload(data, timestamp, 0) for data in packets]
    return tuple(payloads)
