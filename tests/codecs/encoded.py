"""Real bitstreams of a moving picture and of speech-like sound, encoded by PyAV, and what decoders make of them."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

import av
import numpy

RATE = 30
"""Pictures a second."""
_LAYERS = (
    "ts_number_layers=3:ts_target_bitrate=60,90,150:ts_rate_decimator=4,2,1:ts_periodicity=4:ts_layer_id=0,2,1,2"
    ":ts_layering_mode=3"
)
_VPX = {
    "deadline": "realtime",
    "cpu-used": "-8",  # of 8 libvpx makes what the machine has time for at that moment
    "lag-in-frames": "0",
    "error-resilient": "1",
    "ts-parameters": _LAYERS,
}
TEMPORAL = ((0, False), (2, True), (1, True), (2, False))
"""Of each picture of a round of four its temporal layer, and whether it is predicted from the lowest one alone."""

ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "VP8": ("libvpx", _VPX),
    "VP9": ("libvpx-vp9", _VPX),
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "forced-idr": "1"}),
}
# opus_defines.h
_VOIP, _SET_BITRATE, _SET_DTX = 2048, 4002, 4016
_SAMPLES = 960
DECODERS = {"VP8": "libvpx", "VP9": "libvpx-vp9", "H264": "h264", "AV1": "libdav1d"}


@dataclass(frozen=True, slots=True)
class Encoded:
    """One picture, as its encoder gave it."""

    data: bytes
    keyframe: bool
    temporal: int
    sync: bool


class Encoder:
    """One layer of a camera: every call is the next picture of it."""

    def __init__(self, codec: str, width: int, height: int, *, slice_bytes: int = 0) -> None:
        """`slice_bytes`, of H264: the most of a slice."""
        name, options = ENCODERS[codec]
        self._codec = codec
        self._context = _context(name, "w")
        self._context.width, self._context.height = width, height
        self._context.pix_fmt = "yuv420p"
        self._context.time_base, self._context.framerate = Fraction(1, RATE), Fraction(RATE)
        self._context.bit_rate = 150_000
        self._context.gop_size = 10_000
        self._context.max_b_frames = 0
        sliced = {"x264-params": f"slice-max-size={slice_bytes}"} if slice_bytes else {}
        self._context.options = {**options, **sliced}
        self._noise = numpy.random.default_rng(width)
        self._scene = self._noise.integers(0, 255, (height // 8, width // 8, 3), numpy.uint8).repeat(8, 0).repeat(8, 1)
        self._count = 0

    def next(self, *, keyframe: bool = False) -> Encoded:
        """A key frame that is asked for in the midst of a round of temporal layers comes with the next round."""
        place = self._count % len(TEMPORAL)
        layered = self._codec != "H264"
        scene = numpy.roll(self._scene, 3 * self._count, axis=1)
        scene[:16, :16] = self._noise.integers(0, 255, (16, 16, 3), numpy.uint8)  # no picture is like another
        frame = av.VideoFrame.from_ndarray(scene, format="rgb24").reformat(format="yuv420p")
        frame.pts = self._count
        if keyframe and not (layered and place):
            frame.pict_type = av.video.frame.PictureType.I
        self._count += 1
        (packet,) = self._context.encode(frame)
        temporal, sync = TEMPORAL[place] if layered else (0, False)
        return Encoded(bytes(packet), packet.is_keyframe, temporal, sync)


def decoded(codec: str, pictures: Iterable[bytes]) -> list[str]:
    """What a decoder that shares nothing with us makes of them: of each picture its size and a hash. Raises where it cannot decode one."""
    context = _context(DECODERS[codec], "r")
    context.thread_count = 1
    found: list[str] = []
    for data in pictures:
        found += [_seen(frame) for frame in context.decode(av.Packet(data))]
    return found + [_seen(frame) for frame in context.decode(None)]


def _context(name: str, mode: Literal["r", "w"]) -> Any:
    """PyAV types what is common to sound and picture alone."""
    return av.CodecContext.create(name, mode)


def _seen(frame: av.VideoFrame) -> str:
    digest = hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()[:16]
    return f"{frame.width}x{frame.height}:{digest}"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A packet of Opus, 20 ms of sound, and when it is of."""

    data: bytes
    timestamp: int
    begins: bool
    """It is the first after a silence (RFC 7587 4.1: the marker bit)."""


def speech(*spells: tuple[float, bool]) -> list[Spoken]:
    """Opus with discontinuous transmission: so many seconds each, with a voice or without. What need not be sent is left out."""
    library = _libopus()
    encoder = ctypes.c_void_p(library.opus_encoder_create(48_000, 1, _VOIP, None))
    for request, value in ((_SET_BITRATE, 24_000), (_SET_DTX, 1)):
        assert library.opus_encoder_ctl(encoder, request, ctypes.c_int(value)) == 0
    room = ctypes.create_string_buffer(1_500)
    noise = numpy.random.default_rng(1)
    packets: list[Spoken] = []
    number = 0
    silent = True
    for seconds, voiced in spells:
        for _ in range(round(seconds * 50)):
            samples = numpy.zeros(_SAMPLES)
            if voiced:
                time = (numpy.arange(_SAMPLES) + number * _SAMPLES) / 48_000
                samples = 6_000 * numpy.sin(2 * numpy.pi * 220 * time) + noise.normal(0, 300, _SAMPLES)
            pcm = samples.astype(numpy.int16).tobytes()
            length = library.opus_encode(encoder, pcm, _SAMPLES, room, len(room))
            assert length > 0
            # RFC 7587 3.1.3: two bytes or fewer need not be sent.
            if length > 2:
                packets.append(Spoken(room.raw[:length], number * _SAMPLES, silent))
            silent = length <= 2
            number += 1
    library.opus_encoder_destroy(encoder)
    return packets


@cache
def _libopus() -> ctypes.CDLL:
    """The one that PyAV brings, which its own encoder does not let send less in silence; else the system's."""
    beside = Path(av.__file__).parent.parent / "av.libs"
    found = next((str(path) for path in beside.glob("libopus*")), None) or ctypes.util.find_library("opus")
    assert found is not None, "PyAV's wheel has libopus"
    library = ctypes.CDLL(found)
    library.opus_encoder_create.restype = ctypes.c_void_p
    return library
