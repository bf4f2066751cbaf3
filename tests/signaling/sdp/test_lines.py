"""The text of a description, before it means anything."""

from __future__ import annotations

import pytest

from sfu.errors import Code, Refused
from sfu.signaling.sdp import lines

HEAD = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"


def refusal(sdp: str) -> str:
    with pytest.raises(Refused) as caught:
        lines.read(sdp)
    assert caught.value.code is Code.BAD_SDP
    return caught.value.message


def test_attributes_stand_by_name_in_their_order() -> None:
    read = lines.read(HEAD + "a=group:BUNDLE 0\r\nm=audio 9 X 1\r\na=fmtp:1 a=b:c\r\na=fmtp:2 d\r\na=rtcp-mux\r\n")
    assert read.origin == "- 1 2 IN IP4 0.0.0.0"
    assert read.session.all("group") == ["BUNDLE 0"]
    (section,) = read.sections
    assert section.media == "audio 9 X 1"
    assert section.all("fmtp") == ["1 a=b:c", "2 d"]
    assert section.has("rtcp-mux")
    assert section.one("mid") is None


def test_line_ends_may_be_bare_and_the_last_may_be_missing() -> None:
    assert lines.read((HEAD + "m=audio 9 X 1").replace("\r", "")).sections[0].media == "audio 9 X 1"


def test_candidates_are_not_even_kept() -> None:
    read = lines.read(HEAD + "m=audio 9 X 1\r\n" + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 400)
    assert read.sections[0].attributes == {}


def test_an_attribute_that_says_two_things_is_refused() -> None:
    (section,) = lines.read(
        HEAD + "m=audio 9 X 1\r\na=mid:0\r\na=mid:0\r\na=setup:active\r\na=setup:passive\r\n"
    ).sections
    assert section.one("mid") == "0"
    with pytest.raises(Refused, match="a=setup"):
        section.one("setup")


@pytest.mark.parametrize(
    ("sdp", "message"),
    [
        ("", "begins with v=0"),
        ("v=1\r\n", "begins with v=0"),
        ("v=0\r\n", "has an o= line"),
        (HEAD + "nonsense\r\n", "Line 3 is not of the form"),
        (HEAD + "\r\n\r\n", "Line 3 is not of the form"),
        (HEAD + "a=x\ry\r\n", "Line 3 is not of the form"),
        (HEAD + "s=Återbesök\r\n", "printable ASCII"),
        (HEAD + "s=\x00\r\n", "printable ASCII"),
        (HEAD + "s=\x0b\r\n", "printable ASCII"),
        (HEAD + "s=" + "x" * 1_023 + "\r\n", "Line 3 is longer than 1024 bytes"),
        (HEAD + "b=AS:1\n" * 2_000, "at most 2000 lines"),
        (HEAD + "m=audio 9 X 1\r\n" * 25, "at most 24 media sections"),
        (HEAD + "m=audio 9 X 1\r\n" + "a=ssrc:1 cname:x\r\n" * 65, "at most 64 a=ssrc lines"),
        (HEAD + "s=" + "x" * 32_768, "at most 32 KiB"),
    ],
    ids=lambda value: value[:20] if len(value) < 100 else "large",
)
def test_what_is_too_much_or_no_sdp_is_refused(sdp: str, message: str) -> None:
    assert message in refusal(sdp)


def test_as_much_as_is_allowed_is_read() -> None:
    sdp = HEAD + "m=audio 9 X 1\r\n" * 24 + "a=ssrc:1 cname:x\r\n" * 64
    assert len(lines.read(sdp).sections) == 24
