"""The answer to an offer: ICE-lite, DTLS-passive, one bundle, nothing that the client did not offer (RFC 3264, 9143, 9429)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sfu.signaling.sdp.codecs import CodecPlan
from sfu.signaling.sdp.offer import OfferedSection, ParsedOffer

_MIRRORED: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_HOST_PREFERENCE: Final = 126
"""RFC 8445 5.1.2.2: the recommended type preference of host candidates."""
_TCP_HOST_PREFERENCE: Final = 90
"""Below that of UDP, so that TCP is used where nothing else works (RFC 6544 4.2); as Chromium has it for its own."""
_PASSIVE_PREFERENCE: Final = 4
"""RFC 6544 4.2: the direction preference of passive host candidates."""


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """Our side of the transport. Field by field `sfu.transport.parameters.LocalParameters`."""

    ice_ufrag: str
    ice_pwd: str = field(repr=False)
    fingerprint: tuple[str, str]
    candidates: tuple[tuple[str, int], ...]
    """(address, UDP port) of each host candidate, best first; at least one."""
    tcp_candidates: tuple[tuple[str, int], ...] = ()
    """(address, TCP port) of each passive one (RFC 6544), best first."""


@dataclass(frozen=True, slots=True)
class EgressStream:
    """What we send on a section."""

    ssrc: int
    rtx_ssrc: int | None
    stream: str = ""
    """The media stream id, and CNAME, that audio and video of one sender share; empty while no track is bound."""
    track: str = ""
    """The track id; empty while no track is bound."""


def answer(offer: ParsedOffer, local: LocalAnswer, egress: Mapping[str, EgressStream]) -> str:
    """The answer, with CRLF line ends.

    `egress` has, by mid, the stream of every accepted section on which the peer receives. At least one section of the
    offer is taken (`bind` sees to it).
    """
    taken = [section.mid for section in offer.sections if section.taken]
    lines = ["v=0", f"o=- 1 {offer.version} IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite", "a=ice-options:ice2"]
    if offer.bundled:
        lines.append(f"a=group:BUNDLE {' '.join(taken)}")
    if offer.extmap_allow_mixed:
        lines.append("a=extmap-allow-mixed")
    lines.append("a=msid-semantic: WMS *")
    for section in offer.sections:
        if section.taken:
            lines += _accepted(section, local, egress, first=section.mid == taken[0])
        else:
            lines += _rejected(section)
    return "\r\n".join(lines) + "\r\n"


def _rejected(section: OfferedSection) -> list[str]:
    lines = [f"m={section.media} 0 {section.protocol} {' '.join(section.formats)}", "c=IN IP4 0.0.0.0", "a=inactive"]
    if section.mid:
        lines.append(f"a=mid:{section.mid}")
    return lines


def _accepted(
    section: OfferedSection, local: LocalAnswer, egress: Mapping[str, EgressStream], *, first: bool
) -> list[str]:
    address, port = local.candidates[0]
    formats = [
        str(payload_type)
        for codec in section.codecs
        for payload_type in (codec.payload_type, codec.rtx_payload_type)
        if payload_type is not None
    ]
    lines = [
        f"m={section.media} {port} {section.protocol} {' '.join(formats)}",
        f"c=IN IP{ipaddress.ip_address(address).version} {address}",
        f"a=mid:{section.mid}",
        f"a={_MIRRORED[section.direction]}",
        f"a=ice-ufrag:{local.ice_ufrag}",
        f"a=ice-pwd:{local.ice_pwd}",
        f"a=fingerprint:{local.fingerprint[0]} {local.fingerprint[1]}",
        "a=setup:passive",
        "a=rtcp-mux",
    ]
    if section.rtcp_rsize:
        lines.append("a=rtcp-rsize")
    if first:
        lines += _candidates(local)
    for extension in section.extensions:
        direction = f"/{_MIRRORED[extension.direction]}" if extension.stated else ""
        lines.append(f"a=extmap:{extension.id}{direction} {extension.uri}")
    for codec in section.codecs:
        lines += _codec(codec)
    if section.peer_receives:
        lines += _stream(egress[section.mid])
    lines += [f"a=rid:{rid} recv" for rid in section.rids]
    if section.simulcast:
        lines.append(f"a=simulcast:recv {';'.join(section.rids)}")
    return lines


def _candidates(local: LocalAnswer) -> list[str]:
    """Host candidates of component 1 (RFC 8839 5.1, RFC 6544 4.5), each address and transport a foundation of its own.

    Priorities are those of RFC 8445 5.1.2.1; of TCP, with the local preference of RFC 6544 4.2.
    """
    lines = []
    for index, (address, port) in enumerate(local.candidates):
        priority = _priority(_HOST_PREFERENCE, 65535 - index)
        lines.append(f"a=candidate:{index + 1} 1 udp {priority} {address} {port} typ host")
    for index, (address, port) in enumerate(local.tcp_candidates):
        priority = _priority(_TCP_HOST_PREFERENCE, (_PASSIVE_PREFERENCE << 13) + 8191 - index)
        foundation = len(local.candidates) + index + 1
        lines.append(f"a=candidate:{foundation} 1 tcp {priority} {address} {port} typ host tcptype passive")
    return [*lines, "a=end-of-candidates"]


def _priority(type_preference: int, local_preference: int) -> int:
    return (type_preference << 24) | (local_preference << 8) | (256 - 1)


def _codec(codec: CodecPlan) -> list[str]:
    payload_type = codec.payload_type
    lines = [f"a=rtpmap:{payload_type} {codec.encoding}"]
    if codec.parameters:
        lines.append(f"a=fmtp:{payload_type} {codec.parameters}")
    feedback = {
        "goog-remb": codec.remb,
        "transport-cc": codec.transport_cc,
        "ccm fir": codec.fir,
        "nack": codec.nack,
        "nack pli": codec.pli,
    }
    lines += [f"a=rtcp-fb:{payload_type} {kind}" for kind, answered in feedback.items() if answered]
    if codec.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={payload_type}")
    return lines


def _stream(stream: EgressStream) -> list[str]:
    if not stream.stream:
        return []
    lines = [f"a=msid:{stream.stream} {stream.track}"]
    if stream.rtx_ssrc is not None:
        lines.append(f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}")
    ssrcs = [stream.ssrc] if stream.rtx_ssrc is None else [stream.ssrc, stream.rtx_ssrc]
    return lines + [f"a=ssrc:{ssrc} cname:{stream.stream}" for ssrc in ssrcs]
