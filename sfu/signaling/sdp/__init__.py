"""SDP: read a client's offer behind limits (RFC 8866, 9429), and write our answer. Nothing else reads or writes SDP."""

from __future__ import annotations

from sfu.signaling.sdp.answer import EgressStream, LocalAnswer, answer
from sfu.signaling.sdp.codecs import CodecPlan
from sfu.signaling.sdp.offer import OfferedSection, ParsedOffer, parse_offer
from sfu.signaling.sdp.plan import SectionPlan, bind, sections

__all__ = [
    "CodecPlan",
    "EgressStream",
    "LocalAnswer",
    "OfferedSection",
    "ParsedOffer",
    "SectionPlan",
    "answer",
    "bind",
    "parse_offer",
    "sections",
]
