from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription

from bench.clip import RIDS
from bench.sdp import NUMBER_EXTENSION, BadAnswer, MediaSection, answer, offer, read_answer
from sfu.rtp.extensions import URI_TRANSPORT_CC
from sfu.signaling.sdp.offer import parse_offer
from sfu.signaling.sdp.plan import sections as plans

SECTIONS = [MediaSection("0", "audio", (1111,)), MediaSection("1", "video", (2222, 3333)), MediaSection("2", "video")]
ANSWER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-lite
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdef01234567
a=fingerprint:SHA-256 aa:bb
a=candidate:1 1 tcp 2130706430 192.0.2.1 9 typ host tcptype passive
a=candidate:2 1 udp 2130706431 127.0.0.1 40000 typ host
a=mid:0
a=sendonly
a=ssrc:77 cname:x
m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=mid:1
a=recvonly
a=ssrc-group:FID 88 99
a=ssrc:99 cname:x
a=ssrc:88 cname:x
m=video 0 UDP/TLS/RTP/SAVPF 0
a=mid:2
a=inactive
"""


def test_another_implementation_reads_our_offer() -> None:
    read = SessionDescription.parse(offer(SECTIONS, "ufrag", "password", ("sha-256", "AA:BB"), "name"))
    assert [(media.kind, media.direction, media.rtp.muxId) for media in read.media] == [
        ("audio", "sendonly", "0"),
        ("video", "sendonly", "1"),
        ("video", "recvonly", "2"),
    ]
    assert [[ssrc.ssrc for ssrc in media.ssrc] for media in read.media] == [[1111], [2222, 3333], []]
    assert [codec.mimeType for codec in read.media[1].rtp.codecs] == ["video/VP8", "video/rtx"]
    assert {
        extension.uri.rpartition(":")[2].rpartition("/")[2] for extension in read.media[0].rtp.headerExtensions
    } == {
        "draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "mid",
        "ssrc-audio-level",
    }
    assert read.media[2].ice is not None
    assert read.media[0].dtls is not None
    assert read.media[2].ice.usernameFragment == "ufrag"
    assert read.media[0].dtls.fingerprints[0].value == "AA:BB"


def test_simulcast_is_offered_by_rids_and_answered_by_our_server() -> None:
    sections = [MediaSection("0", "audio", (1111,)), MediaSection("1", "video", rids=RIDS)]
    text = offer(sections, "ufrag", "p" * 24, ("sha-256", ":".join(["AA"] * 32)), "name")
    assert "a=simulcast:send q;h;f\r\n" in text
    [_, plan] = plans(parse_offer(text))
    assert (plan.peer_sends, plan.rids, plan.ssrcs) == (True, RIDS, ())


def test_transport_wide_numbers_are_agreed_upon_with_our_server() -> None:
    text = offer(SECTIONS, "ufrag", "p" * 24, ("sha-256", ":".join(["AA"] * 32)), "name")
    for plan in plans(parse_offer(text)):
        assert (NUMBER_EXTENSION, URI_TRANSPORT_CC) in plan.extensions
        assert plan.codecs[0].transport_cc


def test_an_answer_tells_where_packets_are_numbered() -> None:
    assert read_answer(ANSWER).numbers == 0
    line = f"a=extmap:{NUMBER_EXTENSION} {URI_TRANSPORT_CC}\n"
    numbered = read_answer(ANSWER.replace("a=mid:1\n", "a=mid:1\n" + line))
    assert numbered.numbers == NUMBER_EXTENSION
    assert {mid: section.numbers for mid, section in numbered.sections.items()} == {
        "0": 0,
        "1": NUMBER_EXTENSION,
        "2": 0,
    }


def test_an_offer_s_lines_end_as_the_grammar_asks() -> None:
    text = offer(SECTIONS, "ufrag", "password", ("sha-256", "AA:BB"), "name")
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")


def test_an_answer_tells_where_who_and_what() -> None:
    answer = read_answer(ANSWER)
    assert answer.address == ("127.0.0.1", 40_000)
    assert (answer.ice_ufrag, answer.ice_pwd) == ("abcd", "0123456789abcdef01234567")
    assert answer.fingerprint == ("sha-256", "AA:BB")
    assert {mid: (s.direction, s.ssrcs, s.rejected) for mid, s in answer.sections.items()} == {
        "0": ("sendonly", [77], False),
        "1": ("recvonly", [88, 99], False),
        "2": ("inactive", [], True),
    }


@pytest.mark.parametrize("missing", ["a=candidate:2", "a=ice-ufrag", "a=ice-pwd", "a=fingerprint"])
def test_an_answer_without_what_a_client_needs_is_refused(missing: str) -> None:
    text = "\n".join(line for line in ANSWER.splitlines() if not line.startswith(missing))
    with pytest.raises(BadAnswer):
        read_answer(text)


def test_an_offer_for_full_ice_tells_the_candidate_and_who_begins_the_handshake() -> None:
    made = offer(SECTIONS, "u", "p", ("sha-256", "AA"), "n", setup="active", candidate=("192.0.2.7", 4000))
    assert made.count("a=candidate:1 1 udp 2130706431 192.0.2.7 4000 typ host\r\n") == len(SECTIONS)
    assert made.count("a=setup:active\r\n") == len(SECTIONS)


def test_a_server_s_offer_is_answered_by_its_own_numbers() -> None:
    theirs = offer(SECTIONS, "theirs", "secret", ("sha-256", "AA"), "n")
    made = answer(theirs, "ours", "password", ("sha-256", "BB"), ("192.0.2.7", 4000))
    read = SessionDescription.parse(made)
    assert [(media.kind, media.direction, media.rtp.muxId) for media in read.media] == [
        ("audio", "recvonly", "0"),
        ("video", "recvonly", "1"),
        ("video", "recvonly", "2"),
    ]
    assert made.count("a=ice-ufrag:ours\r\n") == made.count("a=setup:active\r\n") == len(SECTIONS)
    assert [codec.payloadType for codec in read.media[0].rtp.codecs] == [111]
    assert "theirs" not in made
