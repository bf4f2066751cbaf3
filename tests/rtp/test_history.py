from __future__ import annotations

import random

import pytest

from sfu.rtp.history import VIDEO_CHUNK, VIDEO_CHUNKS, History


def content(sequence: int, size: int) -> bytes:
    return random.Random(sequence).randbytes(size)


def kept(history: History, sequence: int) -> bytes | None:
    packet = history.get(sequence)
    return None if packet is None else bytes(packet)


def test_what_is_stored_is_given_back() -> None:
    history = History.for_video()
    slab = memoryview(bytearray(4096))
    for sequence in range(65500, 65600):
        size = 20 + sequence % 1200
        slab[100 : 100 + size] = content(sequence, size)
        history.store(sequence & 0xFFFF, slab, 100, size, 0.0)
    for sequence in range(65500, 65600):
        assert kept(history, sequence & 0xFFFF) == content(sequence, 20 + sequence % 1200)


def test_the_copy_does_not_follow_the_slab() -> None:
    history = History.for_audio()
    slab = bytearray(b"before")
    history.store(1, slab, 0, 6, 0.0)
    slab[:] = b"behind"
    assert kept(history, 1) == b"before"


@pytest.mark.parametrize("sequence", [0, 1, 3, 1026, 65535])
def test_what_was_not_stored_is_not_there(sequence: int) -> None:
    history = History.for_video()
    history.store(2, b"packet", 0, 6, 0.0)
    assert kept(history, sequence) is None


def test_a_number_of_another_round_is_not_mistaken() -> None:
    history = History(8, 1000, 1)
    history.store(1, b"old", 0, 3, 0.0)
    history.store(9, b"new", 0, 3, 0.0)
    assert kept(history, 1) is None
    assert kept(history, 9) == b"new"


@pytest.mark.parametrize(
    ("bits_per_second", "kib"), [(300_000, 128), (1_500_000, 320), (5_000_000, 768), (7_600_000, 1024)]
)
def test_a_second_of_video_is_kept_and_memory_follows_the_bit_rate(bits_per_second: int, kib: int) -> None:
    history = History.for_video()
    step = 1200 * 8 / bits_per_second
    for index in range(int(10 / step)):
        now = index * step
        history.store(index & 0xFFFF, content(index % 7, 1200), 0, 1200, now)
        oldest = index - int(1.0 / step)
        if oldest >= 0:
            assert kept(history, oldest & 0xFFFF) == content(oldest % 7, 1200)
    assert history.size <= kib * 1024


def test_memory_has_a_limit_and_the_newest_are_kept() -> None:
    history = History.for_video()
    for index in range(5000):
        history.store(index, b"x" * 1400, 0, 1400, 0.0)
    assert history.size == VIDEO_CHUNK * VIDEO_CHUNKS
    assert kept(history, 4999) is not None
    assert kept(history, 4999 - 700) is not None
    assert kept(history, 4999 - 1000) is None


def test_a_chunk_that_is_used_again_ends_what_was_in_it() -> None:
    history = History(1024, 100, 2)
    for sequence in range(3):
        history.store(sequence, bytes([sequence]) * 60, 0, 60, 0.0)
    assert kept(history, 0) is None
    assert kept(history, 1) == b"\x01" * 60
    assert kept(history, 2) == b"\x02" * 60


def test_one_chunk_alone_is_enough() -> None:
    history = History(16, 100, 1)
    for sequence in range(10):
        history.store(sequence, bytes([sequence]) * 30, 0, 30, 0.0)
    assert [sequence for sequence in range(10) if kept(history, sequence) is not None] == [9]


def test_what_does_not_fit_a_chunk_is_not_kept() -> None:
    history = History(16, 100, 2)
    history.store(1, bytes(101), 0, 101, 0.0)
    assert kept(history, 1) is None
    history.store(2, bytes(100), 0, 100, 0.0)
    assert kept(history, 2) == bytes(100)


def test_after_a_restart_nothing_of_before_is_given() -> None:
    history = History.for_audio()
    history.store(5, b"before", 0, 6, 0.0)
    history.clear()
    assert kept(history, 5) is None
    history.store(5, b"after", 0, 5, 0.0)
    assert kept(history, 5) == b"after"


def test_audio_takes_little() -> None:
    history = History.for_audio()
    for index in range(500):
        history.store(index, content(index, 100), 0, 100, index * 0.02)
    assert history.size <= 32_768
    assert kept(history, 450) == content(450, 100)
