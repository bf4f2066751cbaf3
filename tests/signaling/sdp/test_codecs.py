"""Which codecs, feedback and header extensions of a section are taken up."""

from __future__ import annotations

import pytest

from sfu.errors import Code, Refused
from sfu.signaling.sdp.codecs import CodecPlan, Extension, payload_types, served_codecs, served_extensions
from sfu.signaling.sdp.lines import Block

LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


def block(*attributes: str) -> Block:
    made = Block()
    for attribute in attributes:
        name, _, value = attribute.partition(":")
        made.attributes.setdefault(name, []).append(value)
    return made


def refusal(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(Refused) as caught:
        call(*arguments)
    assert caught.value.code is Code.BAD_SDP
    return caught.value.message


def test_video_codecs_come_with_their_rtx_and_feedback_in_the_offered_order() -> None:
    section = block(
        "rtpmap:98 VP9/90000", "rtpmap:96 vp8/90000", "rtpmap:97 rtx/90000", "rtpmap:99 ulpfec/90000",
        "fmtp:97 apt=96", "fmtp:98 profile-id=2",
        "rtcp-fb:* nack", "rtcp-fb:96 nack pli", "rtcp-fb:96 ccm fir", "rtcp-fb:96 goog-remb", "rtcp-fb:96 transport-cc",
    )  # fmt: skip
    assert served_codecs("video", [96, 97, 98, 99], section) == (
        CodecPlan(96, "VP8", 90_000, "", 97, nack=True, pli=True, fir=True, remb=True, transport_cc=True),
        CodecPlan(98, "VP9", 90_000, "profile-id=2", None, nack=True),
    )


def test_opus_is_taken_and_red_only_with_it() -> None:
    opus, red = "rtpmap:111 opus/48000/2", "rtpmap:63 red/48000/2"
    both = served_codecs("audio", [63, 111], block(red, opus, "fmtp:63 111/111", "fmtp:111 minptime=10;useinbandfec=1"))
    assert [codec.name for codec in both] == ["RED", "OPUS"]
    assert both[1].parameters == "minptime=10;useinbandfec=1"
    for fmtp in ("fmtp:63 111/0", "fmtp:63 112/112", "fmtp:63 63/63", "fmtp:63 x"):
        assert [codec.name for codec in served_codecs("audio", [63, 111], block(red, opus, fmtp))] == ["OPUS"]
    assert served_codecs("audio", [63], block(red, "fmtp:63 111/111")) == ()


@pytest.mark.parametrize(
    "rtpmap",
    ["0 PCMU/8000", "1 opus/48000", "1 opus/48000/1", "1 opus/8000/2", "1 VP8/90000", "1 telephone-event/48000", "1 CN/8000", "1", "1 "],
)  # fmt: skip
def test_other_audio_is_not(rtpmap: str) -> None:
    assert served_codecs("audio", [0, 1], block(f"rtpmap:{rtpmap}")) == ()


def test_rtx_of_another_clock_rate_or_of_nothing_is_passed_over() -> None:
    section = block(
        "rtpmap:96 VP8/90000", "rtpmap:97 rtx/48000", "fmtp:97 apt=96", "rtpmap:98 rtx/90000", "fmtp:98 x=1"
    )
    assert served_codecs("video", [96, 97, 98], section)[0].rtx_payload_type is None


def test_a_codec_that_the_m_line_does_not_list_is_not_offered() -> None:
    assert served_codecs("video", [97], block("rtpmap:96 VP8/90000")) == ()


@pytest.mark.parametrize(
    "attribute",
    [
        "rtpmap:x VP8/90000",
        "rtpmap:128 VP8/90000",
        "fmtp:-1 x",
        "fmtp:",
        "rtcp-fb: nack",
        "rtcp-fb:999 nack",
        "fmtp:97 apt=x",
    ],
)
def test_a_payload_type_that_is_none_is_refused(attribute: str) -> None:
    assert "is a number from 0 to 127" in refusal(
        served_codecs, "video", [96, 97], block("rtpmap:96 VP8/90000", "rtpmap:97 rtx/90000", attribute)
    )


def test_two_meanings_of_one_payload_type_are_refused() -> None:
    section = block("rtpmap:96 VP8/90000", "rtpmap:96 VP9/90000")
    assert "say different things" in refusal(served_codecs, "video", [96], section)


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (["96", "96"], "stands twice"),
        (["72"], "collide with RTCP"),
        (["128"], "from 0 to 127"),
        (["9" * 500], "from 0 to 127"),
        ([str(number) for number in range(65)], "at most 64"),
    ],
)
def test_the_payload_types_of_a_section_are_checked(formats: list[str], message: str) -> None:
    assert message in refusal(payload_types, formats)


def test_extensions_that_we_serve_are_taken_with_their_direction() -> None:
    section = block(
        f"extmap:1/recvonly {LEVEL}", f"extmap:4 {MID} attribute", "extmap:3 http://example/unknown",
        "extmap:5/inactive urn:3gpp:video-orientation", f"extmap:9 {MID}",
        "extmap:15 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "extmap:7 urn:ietf:params:rtp-hdrext:encrypt " + LEVEL,
    )  # fmt: skip
    assert served_extensions(section) == (
        Extension(1, LEVEL, "recvonly", stated=True),
        Extension(4, MID, "sendrecv", stated=False),
    )


@pytest.mark.parametrize(
    ("extmaps", "message"),
    [
        ([f"extmap:0 {MID}"], "from 1 to 4351"),
        ([f"extmap: {MID}"], "from 1 to 4351"),
        ([f"extmap:1/both {MID}"], "direction"),
        ([f"extmap:1 {MID}", f"extmap:1 {LEVEL}"], "same id"),
    ],
)
def test_extensions_that_cannot_be_are_refused(extmaps: list[str], message: str) -> None:
    assert message in refusal(served_extensions, block(*extmaps))
