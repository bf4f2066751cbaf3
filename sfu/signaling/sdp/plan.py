"""What an offer comes to: the sections that are carried, and which of them the client's message binds to tracks."""

from __future__ import annotations

from dataclasses import dataclass

from sfu.errors import Code, Refused
from sfu.rooms.requests import ReceiveSection, SendSection
from sfu.signaling.messages import OfferMessage
from sfu.signaling.sdp.codecs import CodecPlan
from sfu.signaling.sdp.offer import OfferedSection, ParsedOffer


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """A section that the answer accepts. Field by field `sfu.transport.parameters.Section`, without `stream`, which is the app's."""

    mid: str
    kind: str
    peer_sends: bool
    peer_receives: bool
    codecs: tuple[CodecPlan, ...]
    extensions: tuple[tuple[int, str], ...]
    ssrcs: tuple[int, ...]
    rtx_ssrcs: tuple[int, ...]
    rids: tuple[str, ...]


def sections(offer: ParsedOffer) -> tuple[SectionPlan, ...]:
    """The sections that the answer accepts, in the order of the offer."""
    return tuple(
        SectionPlan(
            mid=section.mid,
            kind=section.media,
            peer_sends=section.peer_sends,
            peer_receives=section.peer_receives,
            codecs=section.codecs,
            extensions=tuple((extension.id, extension.uri) for extension in section.extensions),
            ssrcs=section.ssrcs,
            rtx_ssrcs=section.rtx_ssrcs,
            rids=section.rids,
        )
        for section in offer.sections
        if section.taken
    )


def bind(message: OfferMessage, offer: ParsedOffer) -> tuple[tuple[SendSection, ...], tuple[ReceiveSection, ...]]:
    """What the message binds, checked against the SDP that came with it.

    Raises `Refused`: `BAD_MESSAGE` where message and SDP do not fit together, `MEDIA_UNSUPPORTED` where a section that the
    message names, or every section there is, offers no codec that is served.
    """
    if not any(section.taken for section in offer.sections):
        raise Refused(Code.MEDIA_UNSUPPORTED, f"No section offers a codec that is served. {_SERVED}")
    by_mid = {section.mid: section for section in offer.sections if section.live}

    for send in message.send:
        section = _named(by_mid, send.mid, "send", "sendrecv or sendonly")
        if not section.peer_sends:
            raise _misfit("send", "sendrecv or sendonly")
        if section.media != send.source.kind:
            raise Refused(Code.BAD_MESSAGE, f"send: the section for a {send.source} is of kind {send.source.kind}.")

    received = []
    for receive in message.receive:
        section = _named(by_mid, receive.mid, "receive", "sendrecv or recvonly")
        if not section.peer_receives:
            raise _misfit("receive", "sendrecv or recvonly")
        received.append(ReceiveSection(mid=receive.mid, kind=section.media, track=receive.track))
    mids = [send.mid for send in message.send] + [receive.mid for receive in message.receive]
    if len(set(mids)) != len(mids):
        raise Refused(Code.BAD_MESSAGE, "send, receive: a mid stands once in both together.")
    return message.send, tuple(received)


_SERVED = "Served are Opus (also as RED), VP8, VP9, H264 and AV1."


def _named(by_mid: dict[str, OfferedSection], mid: str, field: str, directions: str) -> OfferedSection:
    section = by_mid.get(mid)
    if section is None or section.media not in ("audio", "video"):
        raise _misfit(field, directions)
    if not section.taken:
        raise Refused(Code.MEDIA_UNSUPPORTED, f"{field}: a section offers no codec that is served. {_SERVED}")
    return section


def _misfit(field: str, directions: str) -> Refused:
    return Refused(
        Code.BAD_MESSAGE, f"{field}: each mid is that of a live {directions} audio or video section of the SDP."
    )
