from __future__ import annotations

import pytest

from sfu.rtp.levels import LOUDEST, SILENCE, level, voice


@pytest.mark.parametrize(
    ("value", "expected", "speech"),
    [(0x00, LOUDEST, False), (0x80, LOUDEST, True), (0x7F, SILENCE, False), (0xFF, SILENCE, True), (0x9E, 30, True)],
)
def test_level_and_voice_share_a_byte(value: int, expected: int, speech: bool) -> None:
    assert level(value) == expected
    assert voice(value) is speech
