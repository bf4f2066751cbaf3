"""What an offer comes to, and what its message binds."""

from __future__ import annotations

import dataclasses

import pytest

from sfu.errors import Code, Refused
from sfu.ids import TrackId
from sfu.rooms.requests import ReceiveSection, SendSection, Source
from sfu.signaling.messages import OfferMessage, ReceiveBinding
from sfu.signaling.sdp import CodecPlan, LocalAnswer, SectionPlan, bind, parse_offer, sections
from sfu.transport.parameters import Codec, LocalParameters, Section
from tests.signaling.sample_offers import OFFERS, SIMPLE

TRACK = TrackId("t_1")


def asks(*, send: dict[str, Source] | None = None, receive: list[str] | None = None) -> OfferMessage:
    return OfferMessage(
        sdp="",
        send=tuple(SendSection(mid, source) for mid, source in (send or {}).items()),
        receive=tuple(ReceiveBinding(mid, TRACK) for mid in receive or []),
    )


def fields_of(kind: type) -> list[tuple[str, object]]:
    return [(field.name, field.type) for field in dataclasses.fields(kind)]


def test_a_plan_is_field_by_field_what_the_transport_takes() -> None:
    assert fields_of(CodecPlan) == fields_of(Codec)
    assert fields_of(LocalAnswer) == fields_of(LocalParameters)
    plan = [(name, str(kind).replace("CodecPlan", "Codec")) for name, kind in fields_of(SectionPlan)]
    assert [*plan, ("stream", "str")] == fields_of(Section)


def test_only_what_the_answer_accepts_is_planned() -> None:
    assert [plan.mid for plan in sections(parse_offer(OFFERS["chromium_stopped"]))] == ["0", "1"]
    assert [plan.mid for plan in sections(parse_offer(OFFERS["chromium_data_channel"]))] == ["0"]


def test_a_plan_says_which_way_media_goes() -> None:
    plans = sections(parse_offer(OFFERS["chromium_inactive"]))
    assert [(plan.kind, plan.peer_sends, plan.peer_receives) for plan in plans] == [
        ("audio", True, False),
        ("video", True, False),
        ("audio", False, False),
        ("video", False, False),
    ]


def test_a_plan_has_the_layers_or_the_ssrcs_of_what_is_sent() -> None:
    (_, simulcast), (audio, video) = (
        sections(parse_offer(OFFERS[name])) for name in ("chromium_simulcast", "chromium_sendrecv")
    )
    assert (simulcast.rids, simulcast.ssrcs) == (("q", "h", "f"), ())
    assert (len(audio.ssrcs), len(audio.rtx_ssrcs)) == (1, 0)
    assert (len(video.ssrcs), len(video.rtx_ssrcs)) == (1, 1)
    assert (4, "urn:ietf:params:rtp-hdrext:sdes:mid") in video.extensions


def test_a_message_binds_sections_of_its_sdp() -> None:
    offer = parse_offer(OFFERS["chromium_send_receive"])
    message = asks(send={"0": Source.MICROPHONE, "1": Source.SCREEN}, receive=["2", "5"])
    assert bind(message, offer) == (
        (SendSection("0", Source.MICROPHONE), SendSection("1", Source.SCREEN)),
        (ReceiveSection("2", "audio", TRACK), ReceiveSection("5", "video", TRACK)),
    )


def test_a_section_need_not_be_bound() -> None:
    assert bind(asks(), parse_offer(SIMPLE)) == ((), ())


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (asks(send={"9": Source.CAMERA}), "chromium_sendrecv"),
        (asks(send={"0": Source.CAMERA}), "chromium_sendrecv"),
        (asks(send={"1": Source.SCREEN_AUDIO}), "chromium_sendrecv"),
        (asks(send={"3": Source.CAMERA}), "chromium_send_receive"),
        (asks(send={"3": Source.CAMERA}), "chromium_inactive"),
        (asks(send={"2": Source.CAMERA}), "chromium_stopped"),
        (asks(send={"1": Source.CAMERA}), "chromium_data_channel"),
        (asks(receive=["9"]), "chromium_sendrecv"),
        (asks(receive=["1"]), "chromium_send_receive"),
        (asks(receive=["2"]), "chromium_inactive"),
        (asks(receive=["1", "1"]), "chromium_sendrecv"),
        (asks(send={"1": Source.CAMERA}, receive=["1"]), "chromium_sendrecv"),
        (OfferMessage("", (SendSection("1", Source.CAMERA), SendSection("1", Source.SCREEN)), ()), "chromium_sendrecv"),
    ],
)
def test_a_message_that_does_not_fit_its_sdp_is_refused(message: OfferMessage, name: str) -> None:
    with pytest.raises(Refused) as caught:
        bind(message, parse_offer(OFFERS[name]))
    assert caught.value.code is Code.BAD_MESSAGE
    assert caught.value.message.startswith(("send", "receive"))


def only_ulpfec(sdp: str) -> str:
    return "\r\n".join(
        line for line in sdp.split("\r\n") if not line.endswith(("VP8/90000", "VP9/90000", "H264/90000", "AV1/90000"))
    )


@pytest.mark.parametrize("message", [asks(send={"1": Source.CAMERA}), asks(receive=["1"])])
def test_a_section_that_is_named_offers_a_codec_that_is_served(message: OfferMessage) -> None:
    offer = parse_offer(only_ulpfec(SIMPLE))
    assert bind(asks(send={"0": Source.MICROPHONE}), offer)[0]
    with pytest.raises(Refused) as caught:
        bind(message, offer)
    assert caught.value.code is Code.MEDIA_UNSUPPORTED


def test_an_offer_of_nothing_that_is_served_is_refused() -> None:
    offer = parse_offer(only_ulpfec(SIMPLE).replace("opus/48000/2", "L16/48000/2"))
    with pytest.raises(Refused) as caught:
        bind(asks(), offer)
    assert caught.value.code is Code.MEDIA_UNSUPPORTED
