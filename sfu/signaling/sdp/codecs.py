"""Which codecs and header extensions are served, and what of a media section's `rtpmap`, `fmtp`, `rtcp-fb` and `extmap` is taken up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sfu.signaling.sdp.lines import Block, bad_sdp

SERVED_CODECS: Final = {
    "audio": {"OPUS": "opus/48000/2", "RED": "red/48000/2"},
    "video": {"VP8": "VP8/90000", "VP9": "VP9/90000", "H264": "H264/90000", "AV1": "AV1/90000"},
}
"""By kind and name, the encoding as `a=rtpmap` writes it (RFC 7587, 2198, 7741, 9628, 6184, and AOM's for AV1)."""
_ENCODINGS: Final = {**SERVED_CODECS["audio"], **SERVED_CODECS["video"]}

TRANSPORT_CC: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
RTP_STREAM_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RTP_STREAM_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
SERVED_EXTENSIONS: Final = frozenset(
    {
        MID,
        RTP_STREAM_ID,
        REPAIRED_RTP_STREAM_ID,
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "urn:3gpp:video-orientation",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        TRANSPORT_CC,
    }
)
"""Not abs-send-time: a sender's value is wrong once we forward it, and while the server writes none of its own a receiver is
better off with its estimate from RTP timestamps."""

HIGHEST_ONE_BYTE_ID: Final = 14
"""RFC 8285 4.2. Every browser numbers what we serve below that; a higher id is not answered."""
MAX_FORMATS: Final = 64
"""Payload types of one section: 96–127 and 35–63 are all there are to give."""
_FEEDBACK: Final = frozenset({"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"})


@dataclass(frozen=True, slots=True)
class CodecPlan:
    """A codec that is offered and served. Field by field `sfu.transport.parameters.Codec`."""

    payload_type: int
    name: str
    clock_rate: int
    parameters: str = ""
    rtx_payload_type: int | None = None
    nack: bool = False
    pli: bool = False
    fir: bool = False
    remb: bool = False
    transport_cc: bool = False

    @property
    def encoding(self) -> str:
        """As `a=rtpmap` writes it."""
        return _ENCODINGS[self.name]


@dataclass(frozen=True, slots=True)
class Extension:
    """A header extension that is offered and served."""

    id: int
    uri: str
    direction: str
    """As offered: `sendrecv`, `sendonly` or `recvonly`."""
    stated: bool
    """Whether the offer wrote the direction, so that the answer does too."""


def payload_types(formats: list[str]) -> list[int]:
    """The payload types of an `m=` line. RFC 5761 4: 64–95 cannot be told from RTCP on one port."""
    if len(formats) > MAX_FORMATS:
        raise bad_sdp(f"A section has at most {MAX_FORMATS} payload types.")
    numbers = [number(text, 0, 127, "A payload type") for text in formats]
    if any(64 <= payload_type <= 95 for payload_type in numbers):
        raise bad_sdp("Payload types 64 to 95 collide with RTCP (RFC 5761).")
    if len(set(numbers)) != len(numbers):
        raise bad_sdp("A payload type stands twice in one m= line.")
    return numbers


def served_codecs(kind: str, formats: list[int], block: Block) -> tuple[CodecPlan, ...]:
    """The codecs of a section that are served, in the order of the offer."""
    encodings = _by_payload_type(block, "rtpmap")
    parameters = _by_payload_type(block, "fmtp")
    feedback = _feedback(block)
    names = {encoding.lower(): name for name, encoding in SERVED_CODECS[kind].items()}

    primary: dict[int, str] = {}
    rtx: dict[int, tuple[int, str]] = {}
    for payload_type in formats:
        encoding = encodings.get(payload_type, "").lower()
        if encoding in names:
            primary[payload_type] = names[encoding]
        elif encoding.startswith("rtx/"):
            repaired = _apt(parameters.get(payload_type, ""))
            if repaired is not None:
                rtx.setdefault(repaired, (payload_type, encoding[4:]))

    codecs = []
    for payload_type, name in primary.items():
        if name == "RED" and not _red_of_opus(parameters.get(payload_type, ""), primary):
            continue
        clock_rate = SERVED_CODECS[kind][name].split("/")[1]
        rtx_payload_type, rtx_clock_rate = rtx.get(payload_type, (None, clock_rate))
        offered = feedback.get(payload_type, frozenset()) | feedback.get(None, frozenset())
        codecs.append(
            CodecPlan(
                payload_type=payload_type,
                name=name,
                clock_rate=int(clock_rate),
                parameters=parameters.get(payload_type, ""),
                rtx_payload_type=rtx_payload_type if rtx_clock_rate == clock_rate else None,
                nack="nack" in offered,
                pli="nack pli" in offered,
                fir="ccm fir" in offered,
                remb="goog-remb" in offered,
                transport_cc="transport-cc" in offered,
            )
        )
    if all(codec.name == "RED" for codec in codecs):
        return ()
    return tuple(codecs)


def served_extensions(block: Block) -> tuple[Extension, ...]:
    """The header extensions of a section that are served (RFC 8285 5), each once."""
    extensions: dict[str, Extension] = {}
    ids: set[int] = set()
    for value in block.all("extmap"):
        mapping, _, rest = value.partition(" ")
        uri = rest.partition(" ")[0]
        local_id, _, stated = mapping.partition("/")
        extension_id = number(local_id, 1, 4351, "The id of an a=extmap")
        direction = stated or "sendrecv"
        if direction not in ("sendrecv", "sendonly", "recvonly", "inactive"):
            raise bad_sdp("The direction of an a=extmap is none of sendrecv, sendonly, recvonly, inactive.")
        if (
            uri not in SERVED_EXTENSIONS
            or uri in extensions
            or direction == "inactive"
            or extension_id > HIGHEST_ONE_BYTE_ID
        ):
            continue
        if extension_id in ids:
            raise bad_sdp("Two a=extmap of one section have the same id.")
        ids.add(extension_id)
        extensions[uri] = Extension(extension_id, uri, direction, stated=bool(stated))
    return tuple(extensions.values())


def number(text: str, lowest: int, highest: int, what: str) -> int:
    """A decimal number in a range. Only ASCII digits, and no more of them than the range needs."""
    if not text.isdecimal() or len(text) > len(str(highest)) or not lowest <= int(text) <= highest:
        raise bad_sdp(f"{what} is a number from {lowest} to {highest}.")
    return int(text)


def _by_payload_type(block: Block, attribute: str) -> dict[int, str]:
    values: dict[int, str] = {}
    for value in block.all(attribute):
        text, _, rest = value.partition(" ")
        payload_type = number(text, 0, 127, f"The payload type of an a={attribute}")
        if values.setdefault(payload_type, rest.strip()) != rest.strip():
            raise bad_sdp(f"Two a={attribute} of one payload type say different things.")
    return values


def _feedback(block: Block) -> dict[int | None, frozenset[str]]:
    """Kinds of feedback (RFC 4585 4.2) by payload type; under None those for all (`*`)."""
    feedback: dict[int | None, set[str]] = {}
    for value in block.all("rtcp-fb"):
        text, _, rest = value.partition(" ")
        payload_type = None if text == "*" else number(text, 0, 127, "The payload type of an a=rtcp-fb")
        kind = " ".join(rest.split())
        if kind in _FEEDBACK:
            feedback.setdefault(payload_type, set()).add(kind)
    return {payload_type: frozenset(kinds) for payload_type, kinds in feedback.items()}


def _apt(parameters: str) -> int | None:
    """The payload type that an RTX payload type repairs (RFC 4588 8.1); None where it does not say."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "apt":
            return number(value, 0, 127, "apt")
    return None


def _red_of_opus(parameters: str, primary: dict[int, str]) -> bool:
    """Whether a RED payload type carries nothing but the Opus of its section (RFC 2198 5: `a=fmtp:63 111/111`)."""
    blocks = parameters.split("/")
    return all(text.isdecimal() and len(text) <= 3 and primary.get(int(text)) == "OPUS" for text in blocks)
