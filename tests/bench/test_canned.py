from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.canned import LAYER_RATES, opus_clip, vp8_clip, vp8_layers
from bench.clip import AUDIO_FRAME, VIDEO_HEIGHT, VIDEO_WIDTH, Clip, split, vp8_descriptor, vp8_frames


@pytest.fixture(scope="module")
def video() -> Clip:
    return vp8_clip(seconds=1.0)


@pytest.fixture(scope="module")
def audio() -> Clip:
    return opus_clip(seconds=1.0)


def test_video_decodes_to_moving_pictures_of_the_right_size(video: Clip) -> None:
    decoder = av.CodecContext.create("vp8", "r")
    pictures = [picture for frame in video.frames for picture in decoder.decode(av.Packet(frame))]
    assert len(pictures) == len(video.frames) == 30
    assert {(picture.width, picture.height) for picture in pictures} == {(VIDEO_WIDTH, VIDEO_HEIGHT)}
    lumas = [picture.to_ndarray()[:VIDEO_HEIGHT].astype(int) for picture in pictures]
    changes = [np.abs(after - before).mean() for before, after in pairwise(lumas)]
    assert min(changes) > 5


def test_video_is_of_the_wanted_bit_rate(video: Clip) -> None:
    assert video.bit_rate == pytest.approx(1_500_000, rel=0.2)


def test_simulcast_is_one_picture_in_three_sizes_each_at_its_bit_rate() -> None:
    for layer, clip in enumerate(vp8_layers()):
        decoder = av.CodecContext.create("vp8", "r")
        pictures = [picture for frame in clip.frames for picture in decoder.decode(av.Packet(frame))]
        scale = 4 >> layer
        assert {(picture.width, picture.height) for picture in pictures} == {
            (VIDEO_WIDTH // scale, VIDEO_HEIGHT // scale)
        }
        assert clip.bit_rate == pytest.approx(LAYER_RATES[layer], rel=0.3)


def test_only_the_first_video_frame_is_a_keyframe(video: Clip) -> None:
    # RFC 7741 4.3: the lowest bit of the payload header is 0 in a keyframe.
    assert [frame[0] & 1 for frame in video.frames] == [0] + [1] * 29


def test_audio_decodes_to_sound_that_is_not_silence(audio: Clip) -> None:
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    sounds = [sound for frame in audio.frames for sound in decoder.decode(av.Packet(frame))]
    assert {sound.samples for sound in sounds[1:]} == {AUDIO_FRAME}
    assert np.abs(np.concatenate([sound.to_ndarray() for sound in sounds], axis=1).astype(float)).max() > 1_000


def test_speech_is_told_from_silence_by_its_level_and_its_size(audio: Clip) -> None:
    speech = [len(frame) for frame, level in zip(audio.frames, audio.levels, strict=True) if level & 0x80]
    quiet = [len(frame) for frame, level in zip(audio.frames, audio.levels, strict=True) if not level & 0x80]
    assert len(speech) == 20
    assert len(quiet) == 30
    assert np.mean(quiet) < 0.7 * np.mean(speech)
    assert all(level & 0x7F < 25 for level in audio.levels[:20])
    assert all(level > 60 for level in audio.levels[20:])


def test_a_clip_is_the_same_bytes_every_time(audio: Clip) -> None:
    assert opus_clip(seconds=1.0) == audio


@given(st.binary(min_size=1, max_size=5_000), st.integers(1, 1_200))
def test_a_split_frame_has_equal_pieces_but_the_last_and_loses_nothing(frame: bytes, limit: int) -> None:
    pieces = split(frame, limit)
    assert b"".join(pieces) == frame
    assert {len(piece) for piece in pieces[:-1]} <= {len(pieces[0])}
    assert 0 < len(pieces[-1]) <= len(pieces[0]) <= limit


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), st.integers(1, 100))
def test_frames_survive_the_payload_format(frames: list[bytes], limit: int) -> None:
    payloads = [
        vp8_descriptor(number, index == 0) + piece
        for number, frame in enumerate(frames)
        for index, piece in enumerate(split(frame, limit))
    ]
    assert vp8_frames(payloads) == frames


def test_a_descriptor_carries_a_long_picture_id_and_the_start_of_the_frame() -> None:
    assert vp8_descriptor(0x1234, True) == b"\x90\x80\x92\x34"
    assert vp8_descriptor(0x7FFF, False) == b"\x80\x80\xff\xff"
