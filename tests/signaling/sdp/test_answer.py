"""The answer: nothing that was not offered, everything mirrored, and taken by aiortc."""

from __future__ import annotations

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

from sfu.signaling.sdp import EgressStream, answer, parse_offer
from tests.signaling.sample_offers import LOCAL, OFFERS, SIMPLE, egress_of, lines_of


def answered(sdp: str) -> str:
    offer = parse_offer(sdp)
    return answer(offer, LOCAL, egress_of(offer))


@pytest.mark.parametrize("name", sorted(OFFERS))
def test_every_line_of_what_media_are_was_offered(name: str) -> None:
    """Payload types, codecs, parameters, feedback, extension ids and rids are the client's own."""
    offered, given = OFFERS[name].split("\r\n"), answered(OFFERS[name]).split("\r\n")
    echoed = ("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=mid:", "a=rtcp-mux", "a=rtcp-rsize")
    assert {line for line in given if line.startswith(echoed)} <= set(offered)
    assert {line.replace(" recv", " send") for line in given if line.startswith("a=rid:")} <= set(offered)
    assert {line.split()[1] for line in given if line.startswith("a=extmap:")} <= {
        line.split()[1] for line in offered if line.startswith("a=extmap:")
    }


@pytest.mark.parametrize("name", sorted(OFFERS))
def test_sections_stand_in_the_order_of_the_offer(name: str) -> None:
    offer, given = parse_offer(OFFERS[name]), SessionDescription.parse(answered(OFFERS[name]))
    assert [(media.kind, media.rtp.muxId, media.port != 0) for media in given.media] == [
        (section.media, section.mid, section.taken) for section in offer.sections
    ]
    (bundle,) = given.group
    assert bundle.items == [section.mid for section in offer.sections if section.taken]


@pytest.mark.parametrize(
    ("offered", "given"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_directions_are_mirrored(offered: str, given: str) -> None:
    sdp = answered(SIMPLE.replace("a=sendrecv", f"a={offered}"))
    assert f"a={given}" in lines_of(sdp, "0")
    assert any(line.startswith("a=msid:") for line in lines_of(sdp, "0")) == (offered in ("sendrecv", "recvonly"))


def test_the_server_is_lite_and_passive_and_its_candidates_stand_once() -> None:
    sdp = answered(SIMPLE)
    assert "\r\na=ice-lite\r\n" in sdp.split("m=")[0]
    assert "a=setup:passive" in lines_of(sdp, "1")
    assert [line for line in sdp.split("\r\n") if "candidate" in line] == [
        "a=candidate:1 1 udp 2130706431 192.0.2.7 44444 typ host",
        "a=candidate:2 1 udp 2130706175 2001:db8::7 44444 typ host",
        "a=candidate:3 1 tcp 1520435199 192.0.2.7 44444 typ host tcptype passive",
        "a=candidate:4 1 tcp 1520434943 2001:db8::7 44444 typ host tcptype passive",
        "a=end-of-candidates",
    ]
    assert lines_of(sdp, "0")[:2] == ["m=audio 44444 UDP/TLS/RTP/SAVPF 111 63", "c=IN IP4 192.0.2.7"]


def test_nothing_of_the_clients_addresses_comes_back() -> None:
    assert "127.0.0.1" not in answered(SIMPLE)


def test_transport_wide_feedback_is_answered_beside_remb_which_carries_the_cap() -> None:
    for mid, answers_remb in (("0", False), ("1", True)):
        section = "\n".join(lines_of(answered(SIMPLE), mid))
        assert ("goog-remb" in section) == answers_remb
        assert " transport-cc" in section
        assert "draft-holmer-rmcat-transport-wide-cc-extensions-01" in section


def test_codecs_that_are_not_served_are_not_answered() -> None:
    sdp = answered(SIMPLE)
    for name in ("G722", "PCMU", "PCMA", "CN/", "telephone-event", "ulpfec", "red/90000"):
        assert name not in sdp


def test_directions_of_extensions_are_mirrored() -> None:
    lines = lines_of(answered(OFFERS["firefox_send_receive"]), "1")
    assert "a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" in lines
    assert "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid" in lines


def test_simulcast_is_answered_in_the_offered_order() -> None:
    lines = lines_of(answered(OFFERS["chromium_simulcast"]), "1")
    assert lines[-4:] == ["a=rid:q recv", "a=rid:h recv", "a=rid:f recv", "a=simulcast:recv q;h;f"]


def test_streams_that_we_send_are_named() -> None:
    offer = parse_offer(SIMPLE)
    streams = {"0": EgressStream(7, None, "p_ana", "t_a"), "1": EgressStream(8, 9, "p_ana", "t_v")}
    sdp = answer(offer, LOCAL, streams)
    assert {"a=msid:p_ana t_a", "a=ssrc:7 cname:p_ana"} <= set(lines_of(sdp, "0"))
    assert {"a=msid:p_ana t_v", "a=ssrc-group:FID 8 9", "a=ssrc:8 cname:p_ana", "a=ssrc:9 cname:p_ana"} <= set(
        lines_of(sdp, "1")
    )


def test_a_section_that_nothing_is_bound_to_names_no_stream() -> None:
    sdp = answer(parse_offer(SIMPLE), LOCAL, {"0": EgressStream(7, None), "1": EgressStream(8, 9)})
    assert "a=msid:" not in sdp
    assert "a=ssrc" not in sdp


def test_a_section_that_is_not_taken_is_answered_with_port_0() -> None:
    assert lines_of(answered(OFFERS["chromium_data_channel"]), "1") == [
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
        "a=mid:1",
    ]


def test_the_session_version_rises_with_the_offers() -> None:
    assert answered(SIMPLE).split("\r\n")[1] == "o=- 1 2 IN IP4 0.0.0.0"


async def test_aiortc_takes_the_answers() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    try:
        for kind in ("audio", "video"):
            peer.addTransceiver(kind, direction="sendrecv")
            peer.addTransceiver(kind, direction="recvonly")
        for _ in range(2):
            await peer.setLocalDescription(await peer.createOffer())
            given = answered(peer.localDescription.sdp)
            await peer.setRemoteDescription(RTCSessionDescription(given, "answer"))
        assert peer.signalingState == "stable"
        assert [transceiver.currentDirection for transceiver in peer.getTransceivers()] == [
            "sendrecv",
            "recvonly",
            "sendrecv",
            "recvonly",
        ]
    finally:
        await peer.close()
