"""The plane's small interface: plain values in, plain values out. No object of the layers above, no callback per packet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PeerId = int
"""A transport of this process, numbered from 1 and never used again."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec of a section, by what the peer offered and we answered."""

    payload_type: int
    name: str
    """As in SDP, upper case: `OPUS`, `RED`, `VP8`, `VP9`, `H264`, `AV1`."""
    clock_rate: int
    parameters: str = ""
    """The `a=fmtp` value as offered; two H264 or VP9 codecs match only where their profiles do."""
    rtx_payload_type: int | None = None
    nack: bool = False
    pli: bool = False
    fir: bool = False
    remb: bool = False
    transport_cc: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One media section as negotiated. A peer sends on it, or receives on it, or neither (`inactive`)."""

    mid: str
    kind: str
    """`audio` or `video`."""
    peer_sends: bool
    peer_receives: bool
    codecs: tuple[Codec, ...]
    """Those answered, in the order of the offer."""
    extensions: tuple[tuple[int, str], ...]
    """(id, URI) of the header extensions answered."""
    ssrcs: tuple[int, ...] = ()
    """Media SSRCs the peer declared (`a=ssrc`), empty for simulcast by rid."""
    rtx_ssrcs: tuple[int, ...] = ()
    """RTX SSRCs declared, pairwise with `ssrcs` (`a=ssrc-group:FID`)."""
    rids: tuple[str, ...] = ()
    """Simulcast layers in the offer's order."""
    stream: str = ""
    """On sections the peer sends on: a CNAME (an opaque id) that its audio and video share."""


@dataclass(frozen=True, slots=True)
class RemoteParameters:
    """What the peer's offer says of its ICE and DTLS."""

    ice_ufrag: str
    ice_pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    """(hash function in lower case, upper-case hex with colons)."""


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """What our answer says."""

    ice_ufrag: str
    ice_pwd: str
    fingerprint: tuple[str, str]
    candidates: tuple[tuple[str, int], ...]
    """(address, UDP port) of each host candidate, best first."""


@dataclass(frozen=True, slots=True)
class Egress:
    """The streams we send on a section that the peer receives on; ours for the section's whole life."""

    ssrc: int
    rtx_ssrc: int | None


class Stage(StrEnum):
    """How far a transport had come when it failed; a metric label."""

    ICE = "ice"
    DTLS = "dtls"
    SRTP = "srtp"
    CONSENT = "consent"
    CLOSED_BY_PEER = "closed_by_peer"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Connected:
    """The DTLS handshake is done, the fingerprint is right, media may flow."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class Failed:
    """The transport is gone for good."""

    peer: PeerId
    stage: Stage


@dataclass(frozen=True, slots=True)
class FirstForwarded:
    """The first packet from `peer`, or to it, was handed to the kernel; told once a direction and transport."""

    peer: PeerId
    incoming: bool


@dataclass(frozen=True, slots=True)
class AudioLevels:
    """The loudest RFC 6464 level since the last report of each section that sends audio: 0 loudest … 127 silence (-dBov)."""

    levels: tuple[tuple[PeerId, str, int], ...]
    """(peer, mid, level)."""


Report = Connected | Failed | FirstForwarded | AudioLevels
