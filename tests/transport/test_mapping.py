"""Which codec of one section is which of another."""

from __future__ import annotations

import pytest

from sfu.transport.mapping import NO_CODEC, NO_RED, format_parameters, mapping
from sfu.transport.parameters import Codec
from tests.transport.plane_world import OPUS, RED, receives, sends


def h264(payload_type: int, parameters: str) -> Codec:
    return Codec(payload_type, "H264", 90_000, parameters)


def vp9(payload_type: int, parameters: str) -> Codec:
    return Codec(payload_type, "VP9", 90_000, parameters)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Codec(96, "VP8", 90_000), Codec(120, "VP8", 90_000), True),
        (Codec(96, "VP8", 90_000), Codec(96, "VP9", 90_000), False),
        (Codec(96, "AV1", 90_000), Codec(45, "AV1", 90_000, "level-idx=5;profile=0;tier=0"), True),
        (Codec(96, "AV1", 90_000), Codec(45, "AV1", 90_000, "profile=1"), False),
        (vp9(98, ""), vp9(99, "profile-id=0"), True),
        (vp9(98, "profile-id=0"), vp9(99, "profile-id=2"), False),
        (
            h264(1, "profile-level-id=42001f;packetization-mode=1"),
            h264(2, "packetization-mode=1;profile-level-id=420034"),
            True,
        ),
        (
            h264(1, "profile-level-id=42e01f;packetization-mode=1"),
            h264(2, "profile-level-id=42E034; packetization-mode=1"),
            True,
        ),
        (h264(1, "profile-level-id=42001f;packetization-mode=1"), h264(2, "profile-level-id=42001f"), False),
        (
            h264(1, "profile-level-id=42001f;packetization-mode=1"),
            h264(2, "profile-level-id=64001f;packetization-mode=1"),
            False,
        ),
        (h264(1, "profile-level-id=42001f"), h264(2, "profile-level-id=42001f;packetization-mode=0"), True),
        (Codec(96, "OPUS", 48_000, "stereo=1"), Codec(97, "OPUS", 48_000), True),
        (Codec(96, "OPUS", 48_000), Codec(96, "OPUS", 16_000), False),
    ],
)
def test_codecs_match_by_name_rate_and_profile(one: Codec, other: Codec, same: bool) -> None:
    way = mapping(sends("0", "video", codecs=(one,)), receives("0", "video", codecs=(other,)))
    assert way.payload_types[one.payload_type] == (other.payload_type if same else NO_CODEC)
    assert sum(number != NO_CODEC for number in way.payload_types) == int(same)


def test_each_profile_finds_its_own() -> None:
    sending = (h264(102, "packetization-mode=1;profile-level-id=42001f"), h264(127, "profile-level-id=42001f"))
    receiving = (h264(97, "profile-level-id=420020"), h264(126, "packetization-mode=1;profile-level-id=42001f"))
    way = mapping(sends("0", "video", codecs=sending), receives("0", "video", codecs=receiving))
    assert (way.payload_types[102], way.payload_types[127]) == (126, 97)


def test_rtx_is_the_receivers() -> None:
    one = Codec(96, "VP8", 90_000, rtx_payload_type=97)
    with_rtx, without = Codec(120, "VP8", 90_000, rtx_payload_type=124), Codec(120, "VP8", 90_000)
    sending = sends("0", "video", codecs=(one,))
    assert mapping(sending, receives("0", "video", codecs=(with_rtx,))).rtx_payload_types[96] == 124
    assert mapping(sending, receives("0", "video", codecs=(without,))).rtx_payload_types[96] == NO_CODEC


@pytest.mark.parametrize(
    ("receiving", "red_becomes", "strip"),
    [
        ((OPUS, RED), 63, NO_RED),
        ((Codec(111, "OPUS", 48_000), Codec(99, "RED", 48_000)), 99, NO_RED),
        ((OPUS,), 111, 63),
        ((Codec(109, "OPUS", 48_000), RED), 109, 63),
        ((RED,), NO_CODEC, NO_RED),
        ((), NO_CODEC, NO_RED),
    ],
)
def test_red_is_passed_only_to_whom_can_read_its_blocks(
    receiving: tuple[Codec, ...], red_becomes: int, strip: int
) -> None:
    way = mapping(sends("0", "audio", codecs=(OPUS, RED)), receives("0", "audio", codecs=receiving))
    assert (way.payload_types[63], way.strip_red) == (red_becomes, strip)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        (" A=1 ; b=x=y;c;", {"a": "1", "b": "x=y", "c": ""}),
        (";;=;", {}),
        ("111/111", {"111/111": ""}),
    ],
)
def test_format_parameters_are_read_leniently(text: str, values: dict[str, str]) -> None:
    assert format_parameters(text) == values
