"""Offers of real clients are read; offers that cannot be served by one transport are refused, with the reason."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from aiortc.sdp import SessionDescription

from sfu.errors import Code, Refused
from sfu.signaling.sdp import ParsedOffer, parse_offer
from sfu.signaling.sdp.codecs import SERVED_CODECS
from sfu.signaling.sdp.lines import MAX_BYTES
from tests.signaling.sample_offers import OFFERS, SIMPLE, without

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["0F"] * 32)


def refusal(sdp: str) -> str:
    with pytest.raises(Refused) as caught:
        parse_offer(sdp)
    assert caught.value.code is Code.BAD_SDP
    return caught.value.message


def shape(offer: ParsedOffer) -> list[str]:
    """Each section in a few words: kind, direction, what is wrong with it."""
    return [
        " ".join([section.media, section.direction if section.live else "rejected", *section.rids])
        for section in offer.sections
    ]


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("chromium_sendrecv", ["audio sendrecv", "video sendrecv"]),
        ("chromium_max_bundle", ["audio sendrecv", "video sendrecv"]),
        ("chromium_send_receive", ["audio sendonly", "video sendonly"] + ["audio recvonly", "video recvonly"] * 2),
        ("chromium_simulcast", ["audio sendonly", "video sendonly q h f"]),
        ("chromium_screen", ["audio sendonly", "video sendonly", "video sendonly"]),
        ("chromium_inactive", ["audio sendonly", "video sendonly", "audio inactive", "video inactive"]),
        ("chromium_stopped", ["audio sendonly", "video sendonly", "video rejected"]),
        ("chromium_data_channel", ["audio sendonly", "application sendrecv"]),
        ("chromium_ice_restart", ["audio sendonly", "video sendonly"]),
        ("aiortc_send_receive", ["audio sendonly", "video sendonly", "audio recvonly", "video recvonly"]),
        ("firefox_send_receive", ["audio sendonly", "video sendonly q h f", "audio recvonly", "video recvonly"]),
    ],
)
def test_the_offers_of_real_clients_are_read(name: str, sections: list[str]) -> None:
    offer = parse_offer(OFFERS[name])
    assert shape(offer) == sections
    assert all(section.taken == (section.live and section.media != "application") for section in offer.sections)


@pytest.mark.parametrize("name", sorted(name for name in OFFERS if "firefox" not in name))
def test_what_aiortc_reads_too_is_read_the_same(name: str) -> None:
    """A second reader of the same text. (Firefox's bundle-only sections it does not know.)"""
    ours, theirs = parse_offer(OFFERS[name]), SessionDescription.parse(OFFERS[name])
    assert len(ours.sections) == len(theirs.media)
    for section, media in zip(ours.sections, theirs.media, strict=True):
        assert (section.media, section.mid) == (media.kind, media.rtp.muxId)
        if not section.taken:
            continue
        assert section.direction == media.direction
        assert media.ice is not None
        assert media.dtls is not None
        assert (ours.ice_ufrag, ours.ice_pwd) == (media.ice.usernameFragment, media.ice.password)
        assert ours.fingerprints == tuple((given.algorithm, given.value) for given in media.dtls.fingerprints)
        served = {name.lower() for name in SERVED_CODECS[section.media]}
        assert [(codec.payload_type, codec.name, codec.clock_rate) for codec in section.codecs] == [
            (codec.payloadType, codec.name.upper(), codec.clockRate)
            for codec in media.rtp.codecs
            if codec.name.lower() in served and not (section.media == "video" and codec.name == "red")
        ]
        extensions = [(extension.id, extension.uri) for extension in media.rtp.headerExtensions]
        assert all((extension.id, extension.uri) in extensions for extension in section.extensions)
        if section.peer_sends and not section.rids:
            assert sorted(section.ssrcs + section.rtx_ssrcs) == sorted(given.ssrc for given in media.ssrc)
            assert [list(pair) for pair in zip(section.ssrcs, section.rtx_ssrcs, strict=False)] == [
                group.items for group in media.ssrc_group
            ]


def test_codecs_of_chromium_are_those_we_serve_each_with_rtx() -> None:
    audio, video = parse_offer(SIMPLE).sections
    assert [codec.name for codec in audio.codecs] == ["OPUS", "RED"]
    assert {codec.name for codec in video.codecs} == {"VP8", "VP9", "H264", "AV1"}
    assert all(codec.rtx_payload_type is not None and codec.remb and codec.transport_cc for codec in video.codecs)
    assert len({codec.parameters for codec in video.codecs if codec.name == "H264"}) == 6


def test_the_transport_is_that_of_the_section_that_speaks_for_the_bundle() -> None:
    """Firefox's later sections are bundle-only and have neither ICE nor, but for the session's, a fingerprint."""
    offer = parse_offer(OFFERS["firefox_send_receive"])
    assert (offer.ice_ufrag, offer.ice_pwd) == ("c41f09ab", "5e0d7c9b1a2f48630d7be9c4f1a85263")
    assert [function for function, _ in offer.fingerprints] == ["sha-256"]


def test_all_fingerprints_are_given_in_one_form() -> None:
    lower = SIMPLE.replace("a=fingerprint:sha-256", "a=fingerprint:SHA-256")
    lines = [line.lower() if line.startswith("a=fingerprint") else line for line in lower.split("\r\n")]
    assert parse_offer("\r\n".join(lines)).fingerprints == parse_offer(SIMPLE).fingerprints
    assert len(parse_offer(OFFERS["aiortc_send_receive"]).fingerprints) == 3
    with_md5 = SIMPLE.replace("a=setup", "a=fingerprint:md5 00:11\r\na=setup")
    assert parse_offer(with_md5).fingerprints == parse_offer(SIMPLE).fingerprints


def test_fingerprints_of_a_section_stand_before_those_of_the_session() -> None:
    offer = parse_offer(SIMPLE.replace("a=extmap-allow-mixed", FINGERPRINT))
    assert offer.fingerprints == parse_offer(SIMPLE).fingerprints


def test_the_session_version_and_mixed_extensions_are_noted() -> None:
    offer = parse_offer(OFFERS["chromium_ice_restart"])
    assert offer.version == 3
    assert offer.extmap_allow_mixed
    assert not parse_offer(OFFERS["aiortc_send_receive"]).extmap_allow_mixed


def test_a_single_section_needs_no_bundle() -> None:
    sdp = without(OFFERS["chromium_data_channel"], "a=group").split("m=application")[0]
    assert not parse_offer(sdp).bundled


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("a=group:BUNDLE 0 1", "a=group:LS 0 1"), "one a=group:BUNDLE"),
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), "one a=group:BUNDLE"),
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 2"), "names the mid"),
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 1"), "names the mid"),
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1\r\na=group:BUNDLE 0 1"), "at most one"),
        (("a=mid:1", "a=mid:0"), "same mid"),
        (("a=mid:1", "a=mid:"), "has an a=mid"),
        (("a=mid:1", "a=mid:" + "1" * 17), "has an a=mid"),
        (("a=mid:1", "a=mid:<b>"), "has an a=mid"),
        (("a=mid:1\r\n", ""), "names the mid|has an a=mid"),
        (("a=setup:actpass", "a=setup:passive"), "actpass or active"),
        (("a=setup:actpass", "a=setup:holdconn"), "actpass or active"),
        (("t=0 0", "t=0 0\r\na=ice-lite"), "ICE-lite"),
        (("m=video", "m=Video"), "m= line"),
        (("m=audio", "m=audio x"), "m= line"),
        (("o=- ", "o=-"), "o= line"),
    ],
)
def test_an_offer_that_does_not_fit_together_is_refused(change: tuple[str, str], message: str) -> None:
    sdp = SIMPLE.replace(*change)
    assert sdp != SIMPLE
    assert any(part in refusal(sdp) for part in message.split("|"))


@pytest.mark.parametrize("start", ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=rtcp-mux"])
def test_an_offer_without_its_transport_is_refused(start: str) -> None:
    assert "is missing" in refusal(without(SIMPLE, start))


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("ice-ufrag", "abc", "a=ice-ufrag has"),
        ("ice-ufrag", "a" * 257, "a=ice-ufrag has"),
        ("ice-ufrag", "ab:cd", "a=ice-ufrag has"),
        ("ice-pwd", "a" * 21, "a=ice-pwd has"),
        ("ice-pwd", "a" * 257, "a=ice-pwd has"),
        ("fingerprint", "sha-256 00:11", "has 32 bytes"),
        ("fingerprint", "sha-256 " + "00" * 32, "hexadecimal bytes"),
        ("fingerprint", "sha-256", "hexadecimal bytes"),
        ("fingerprint", "sha-1 " + ":".join(["00"] * 20), "is missing, or by none of"),
        ("fingerprint", "md5 " + ":".join(["00"] * 16), "is missing, or by none of"),
    ],
)
def test_credentials_that_cannot_be_are_refused(attribute: str, value: str, message: str) -> None:
    lines = [f"a={attribute}:{value}" if line.startswith(f"a={attribute}:") else line for line in SIMPLE.split("\r\n")]
    assert message in refusal("\r\n".join(lines))


@pytest.mark.parametrize(
    "other", ["a=ice-ufrag:other", "a=ice-pwd:" + "x" * 24, FINGERPRINT, "a=setup:active"], ids=lambda line: line[:12]
)
def test_sections_of_one_bundle_have_one_transport(other: str) -> None:
    audio, video = SIMPLE.split("m=video")
    name = other.partition(":")[0]
    video = "".join(other + "\r\n" if line.startswith(name + ":") else line for line in video.splitlines(keepends=True))
    assert "max-bundle" in refusal(audio + "m=video" + video)


def test_an_offer_with_nothing_live_is_refused() -> None:
    sdp = "\r\n".join(
        f"{line.split()[0]} 0 {' '.join(line.split()[2:])}" if line.startswith("m=") else line
        for line in SIMPLE.split("\r\n")
    )
    assert "no live media section" in refusal(sdp)
    assert "no live media section" in refusal(SIMPLE.split("m=")[0].replace("a=group:BUNDLE 0 1", "a=group:BUNDLE"))


def test_ssrcs_of_sections_that_only_receive_are_none_of_ours() -> None:
    assert parse_offer(OFFERS["aiortc_send_receive"]).sections[3].ssrcs == ()


def with_ssrcs(*lines: str) -> str:
    return without(without(SIMPLE, "a=ssrc"), "a=ssrc-group") + "".join(f"a={line}\r\n" for line in lines)


def test_ssrcs_with_an_rtx_stand_first() -> None:
    video = parse_offer(
        with_ssrcs("ssrc:1 cname:x", "ssrc:2 cname:x", "ssrc:3 cname:x", "ssrc-group:FID 2 3", "ssrc-group:SIM 1 2")
    ).sections[1]
    assert (video.ssrcs, video.rtx_ssrcs) == ((2, 1), (3,))


def test_an_ssrc_of_forward_error_correction_is_no_media() -> None:
    video = parse_offer(with_ssrcs("ssrc:1 cname:x", "ssrc:2 cname:x", "ssrc-group:FEC-FR 1 2")).sections[1]
    assert (video.ssrcs, video.rtx_ssrcs) == ((1,), ())


@pytest.mark.parametrize(
    "lines",
    [
        ["ssrc:0 cname:x"],
        ["ssrc:4294967296 cname:x"],
        ["ssrc:x cname:x"],
        ["ssrc:1 cname:x", "ssrc-group:FID 1 2"],
        ["ssrc:1 cname:x", "ssrc-group:FID 1 1"],
        ["ssrc:1 cname:x", "ssrc-group:FID 1"],
        ["ssrc:1 cname:x", "ssrc:2 cname:x", "ssrc-group:FID 1 2", "ssrc-group:FID 2 1"],
        ["ssrc:1 cname:x", "ssrc:2 cname:x", "ssrc:3 cname:x", "ssrc-group:FID 1 2", "ssrc-group:FID 1 3"],
        ["ssrc:1 cname:x", "ssrc:2 cname:x", "ssrc:3 cname:x", "ssrc-group:FID 1 3", "ssrc-group:FID 2 3"],
    ],
)
def test_ssrcs_that_contradict_each_other_are_refused(lines: list[str]) -> None:
    refusal(with_ssrcs(*lines))


def test_an_ssrc_belongs_to_one_section() -> None:
    sdp = OFFERS["chromium_screen"]
    first, second = (section.ssrcs[0] for section in parse_offer(sdp).sections[1:])
    assert "same SSRC" in refusal(sdp.replace(f":{second} ", f":{first} ").replace(f"FID {second} ", f"FID {first} "))


def with_layers(*lines: str) -> str:
    return without(SIMPLE, "a=ssrc") + "".join(f"a={line}\r\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "rids", "simulcast"),
    [
        (["rid:a send", "rid:b send pt=96", "simulcast:send b;~a"], ("b", "a"), True),
        (["rid:a send", "rid:b send", "rid:c recv", "simulcast:send a,b recv c"], ("a",), True),
        (["rid:c recv", "simulcast:recv c"], (), False),
        (["rid:a send"], ("a",), False),
    ],
)
def test_simulcast_layers_are_read(lines: list[str], rids: tuple[str, ...], simulcast: bool) -> None:
    video = parse_offer(with_layers(*lines)).sections[1]
    assert (video.rids, video.simulcast, video.ssrcs) == (rids, simulcast, ())


@pytest.mark.parametrize(
    "lines",
    [
        ["rid:a both"],
        ["rid:a/b send"],
        ["rid:" + "a" * 17 + " send"],
        ["rid:a send", "simulcast:send a;b"],
        ["rid:a send", "simulcast:send a;a"],
        ["rid:a send", "rid:a send"],
        ["rid:a send", "simulcast:a"],
        ["rid:a send", "simulcast:send a send a"],
        ["rid:a send", "simulcast:both a"],
        [f"rid:{number} send" for number in range(5)],
    ],
)
def test_layers_that_do_not_fit_together_are_refused(lines: list[str]) -> None:
    refusal(with_layers(*lines))


def test_layers_that_nothing_tells_apart_are_refused() -> None:
    sdp = without(OFFERS["chromium_simulcast"], "a=extmap:10 ")
    assert "rtp-stream-id" in refusal(sdp)


def test_a_live_section_outside_the_bundle_is_refused_even_alone() -> None:
    sdp = OFFERS["chromium_stopped"].replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 1")
    assert "one a=group:BUNDLE" in refusal(sdp)


def test_layers_of_a_section_that_does_not_send_are_passed_over() -> None:
    sdp = OFFERS["chromium_simulcast"].replace("a=sendonly", "a=recvonly")
    assert parse_offer(sdp).sections[1].rids == ()


def test_one_id_means_one_extension_in_the_whole_bundle() -> None:
    sdp = SIMPLE.replace("a=extmap:13 urn:3gpp:video-orientation", "a=extmap:1 urn:3gpp:video-orientation")
    assert "extmap id" in refusal(sdp)


def test_one_payload_type_means_one_codec_in_the_whole_bundle() -> None:
    audio, video = SIMPLE.split("m=video")
    video = video.replace("SAVPF 96", "SAVPF 111").replace(":96 ", ":111 ").replace("apt=96", "apt=111")
    assert "payload type means" in refusal(audio + "m=video" + video)


def test_the_direction_of_the_session_holds_where_a_section_has_none() -> None:
    sdp = without(SIMPLE, "a=sendrecv").replace("t=0 0", "t=0 0\r\na=recvonly")
    assert shape(parse_offer(sdp)) == ["audio recvonly", "video recvonly"]
    assert shape(parse_offer(without(SIMPLE, "a=sendrecv"))) == ["audio sendrecv", "video sendrecv"]
    assert "one direction" in refusal(SIMPLE.replace("a=sendrecv", "a=sendrecv\r\na=inactive"))


def test_a_section_in_a_profile_without_encryption_is_not_taken() -> None:
    audio, video = parse_offer(re.sub("m=video ([0-9]+) UDP/TLS/RTP/SAVPF", r"m=video \1 RTP/AVP", SIMPLE)).sections
    assert audio.taken
    assert (video.live, video.taken) == (True, False)


def test_reading_takes_time_in_proportion_to_the_text() -> None:
    """The worst that the limits let through, each of another kind, is read in a fraction of the 20 ms that are allowed."""
    head, audio, video = SIMPLE.partition("m=audio")[0], *(("m=" + part) for part in SIMPLE.split("m=")[1:])
    head += audio
    room = MAX_BYTES - len(head) - len(video) - 100
    for line in (
        "a=rtcp-fb:* nack\r\n",
        "a=rtcp-fb:96 x\r\n",
        "a=fmtp:96 " + ";" * 900 + "\r\n",
        "a=extmap:1 x\r\n",
        "a=ssrc-group:FID\r\n",
        "a=group:LS" + " 0" * 400 + "\r\n",
        "a=rid:a recv\r\n",
        "a=candidate:1\r\n",
        "a=mid:1\r\n",
    ):
        sdp = head + video + line * min(room // len(line), 1_500)
        started = time.thread_time()
        with contextlib.suppress(Refused):
            parse_offer(sdp)
        assert time.thread_time() - started < 0.2, line[:20]
