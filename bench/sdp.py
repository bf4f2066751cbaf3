"""Offers as Chromium writes them, for Opus and VP8; what a client needs of the server's answer, or of its offer; answers to that."""

from __future__ import annotations

from dataclasses import dataclass, field

OPUS = 111  # payload types and extension ids are those of Chromium
VP8 = 96
VP8_RTX = 97
LEVEL_EXTENSION = 1
NUMBER_EXTENSION = 3  # of transport-wide congestion control
MID_EXTENSION = 4
RID_EXTENSION = 10

_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_ECHOED = ("a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:")
"""Lines of a server's offer that our answer repeats."""
_MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
_NUMBER_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


class BadAnswer(Exception):
    """The server's answer lacks what a client cannot do without."""


@dataclass(frozen=True, slots=True)
class MediaSection:
    """One section of an offer."""

    mid: str
    kind: str
    """`audio` or `video`."""
    ssrcs: tuple[int, ...] = ()
    """What is sent on it: the media SSRC and, for video, the RTX SSRC. Empty on a section that receives, and of simulcast."""
    rids: tuple[str, ...] = ()
    """The simulcast layers that are sent on it, lowest first, as browsers list them; their SSRCs are not told (RFC 8853)."""

    @property
    def direction(self) -> str:
        return "sendonly" if self.ssrcs or self.rids else "recvonly"


@dataclass(slots=True)
class AnsweredSection:
    """One section of an answer."""

    mid: str = ""
    direction: str = "sendrecv"
    rejected: bool = False
    ssrcs: list[int] = field(default_factory=list)
    """SSRCs the server will send, the media's first."""
    numbers: int = 0
    """The id of the header extension with transport-wide numbers; 0 where they were not agreed upon."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: where it is, how to authenticate it, and what it sends where."""

    address: tuple[str, int]
    ice_ufrag: str
    ice_pwd: str
    fingerprint: tuple[str, str]
    sections: dict[str, AnsweredSection]

    @property
    def numbers(self) -> int:
        """The id of the header extension with transport-wide numbers, the same in all sections (RFC 8843 9.1); 0 for none."""
        return max(section.numbers for section in self.sections.values())


def offer(
    sections: list[MediaSection],
    ice_ufrag: str,
    ice_pwd: str,
    fingerprint: tuple[str, str],
    cname: str,
    *,
    setup: str = "actpass",
    candidate: tuple[str, int] | None = None,
) -> str:
    """A bundled offer; `fingerprint` as (hash function, upper-case hex with colons).

    `setup` is `active` for servers that would make themselves the DTLS client. `candidate` is told to servers with full ICE.
    """
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(section.mid for section in sections),
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
    ]
    for section in sections:
        lines += _section(section, cname)
        lines += _transport(ice_ufrag, ice_pwd, fingerprint, setup, candidate)
    return "\r\n".join(lines) + "\r\n"


def answer(offered: str, ice_ufrag: str, ice_pwd: str, fingerprint: tuple[str, str], candidate: tuple[str, int]) -> str:
    """The answer to a server's offer: everything it sends is received, by its own numbers; we are the DTLS client."""
    lines = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    sections = 0
    for line in offered.splitlines():
        if line.startswith("a=group:BUNDLE"):
            lines.append(line)
        elif line.startswith("m="):
            kind, _, protocol, *types = line.removeprefix("m=").split()
            lines += [f"m={kind} 9 {protocol} {' '.join(types)}", "c=IN IP4 0.0.0.0", "a=recvonly", "a=rtcp-mux"]
            lines += _transport(ice_ufrag, ice_pwd, fingerprint, "active", candidate)
            sections += 1
        elif sections and (line.startswith(_ECHOED) or _is_known_extension(line)):
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def _is_known_extension(line: str) -> bool:
    return line.startswith("a=extmap:") and line.split()[1] in (_MID_URI, _LEVEL_URI, _NUMBER_URI)


def _transport(
    ice_ufrag: str, ice_pwd: str, fingerprint: tuple[str, str], setup: str, candidate: tuple[str, int] | None
) -> list[str]:
    lines = [
        f"a=ice-ufrag:{ice_ufrag}",
        f"a=ice-pwd:{ice_pwd}",
        "a=ice-options:trickle",
        f"a=fingerprint:{fingerprint[0]} {fingerprint[1]}",
        f"a=setup:{setup}",
    ]
    if candidate is not None:
        host, port = candidate
        lines += [f"a=candidate:1 1 udp 2130706431 {host} {port} typ host", "a=end-of-candidates"]
    return lines


def _section(section: MediaSection, cname: str) -> list[str]:
    audio = section.kind == "audio"
    types = str(OPUS) if audio else f"{VP8} {VP8_RTX}"
    lines = [
        f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {types}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        f"a=extmap:{MID_EXTENSION} {_MID_URI}",
        f"a=extmap:{NUMBER_EXTENSION} {_NUMBER_URI}",
        f"a={section.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    if audio:
        lines += [
            f"a=extmap:{LEVEL_EXTENSION} {_LEVEL_URI}",
            f"a=rtpmap:{OPUS} opus/48000/2",
            f"a=rtcp-fb:{OPUS} transport-cc",
            f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
        ]
    else:
        lines += [
            f"a=rtpmap:{VP8} VP8/90000",
            *(
                f"a=rtcp-fb:{VP8} {feedback}"
                for feedback in ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
            ),
            f"a=rtpmap:{VP8_RTX} rtx/90000",
            f"a=fmtp:{VP8_RTX} apt={VP8}",
        ]
    if section.rids:
        lines += [f"a=msid:{cname} {section.kind}", f"a=extmap:{RID_EXTENSION} {_RID_URI}"]
        lines += [f"a=rid:{rid} send" for rid in section.rids]
        lines.append("a=simulcast:send " + ";".join(section.rids))
    if section.ssrcs:
        lines.append(f"a=msid:{cname} {section.kind}")
        if len(section.ssrcs) > 1:
            lines.append("a=ssrc-group:FID " + " ".join(map(str, section.ssrcs)))
        lines += [f"a=ssrc:{ssrc} cname:{cname}" for ssrc in section.ssrcs]
    return lines


def read_answer(sdp: str) -> Answer:
    """Read what matters of an answer, or of a server's offer. Raises `BadAnswer`."""
    found: dict[str, str] = {}
    address: tuple[str, int] | None = None
    sections: list[AnsweredSection] = []
    for line in sdp.splitlines():
        name, _, value = line.removeprefix("a=").partition(":")
        if line.startswith("m="):
            sections.append(AnsweredSection(rejected=line.split()[1] == "0"))
        elif name in ("ice-ufrag", "ice-pwd", "fingerprint"):
            found.setdefault(name, value)
        elif name == "candidate" and address is None:
            fields = value.split()
            if fields[2].lower() == "udp":
                address = fields[4], int(fields[5])
        elif sections:
            _read_attribute(sections[-1], name, value)
    if address is None or len(found) != 3:
        raise BadAnswer("the answer names no UDP candidate, or no ICE or DTLS parameters")
    function, _, digest = found["fingerprint"].partition(" ")
    return Answer(
        address,
        found["ice-ufrag"],
        found["ice-pwd"],
        (function.lower(), digest.upper()),
        {section.mid: section for section in sections},
    )


def _read_attribute(section: AnsweredSection, name: str, value: str) -> None:
    if name == "mid":
        section.mid = value
    elif name in ("sendrecv", "sendonly", "recvonly", "inactive"):
        section.direction = name
    elif name == "extmap" and value.split()[1] == _NUMBER_URI:
        section.numbers = int(value.partition(" ")[0].partition("/")[0])
    elif name == "ssrc-group" and value.startswith("FID "):
        section.ssrcs = [int(ssrc) for ssrc in value.split()[1:]]
    elif name == "ssrc":
        ssrc = int(value.split()[0])
        if ssrc not in section.ssrcs:
            section.ssrcs.append(ssrc)
