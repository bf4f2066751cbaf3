"""The plane's small interface: plain values in, plain values out. No object of the layers above, no callback per packet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PeerId = int
"""A transport of this process, numbered from 1 and never used again."""
CLOCK_RATES = {"audio": 48_000, "video": 90_000}
"""Hz, of all codecs of a kind that we forward (RFC 7587 4.1, RFC 7741 4.1 and its like)."""


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
    tcp_candidates: tuple[tuple[str, int], ...] = ()
    """(address, TCP port) of each passive one (RFC 6544), best first."""


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


class Consent(StrEnum):
    """How long ago the peer last showed that it still wants to receive (RFC 7675)."""

    FRESH = "fresh"
    WEAK = "weak"
    LOST = "lost"
    EXPIRED = "expired"


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
class ConsentChanged:
    """A connected peer has gone quiet, or is back: FRESH, WEAK after 5 s or LOST after 15. What is EXPIRED has `Failed`."""

    peer: PeerId
    consent: Consent


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


@dataclass(frozen=True, slots=True)
class Estimates:
    """What the way down to receiving peers takes. One batch: when an estimate has changed by more than 5 %, and once a second."""

    estimates: tuple[tuple[PeerId, int], ...]
    """(receiving peer, bits per second of all that it is sent, audio and retransmissions included).

    A receiver that has told nothing yet, or tells nothing, is not named: nothing holds back what it gets. 0: it is known no more."""


@dataclass(frozen=True, slots=True)
class Reception:
    """How one direction of a peer's way was since the last report of it."""

    loss: float
    """Share of the packets that did not arrive, 0 … 1, before retransmissions."""
    jitter: float
    """Seconds: the worst of its streams (RFC 3550 6.4.1)."""


@dataclass(frozen=True, slots=True)
class PeerReceptions:
    """The ways of one peer. A direction is None where nothing new is known of it: nothing was sent, or nothing reported."""

    peer: PeerId
    round_trip: float | None
    """Seconds to the peer and back, by its newest report; None while unknown."""
    up: Reception | None
    """From the peer to us, as we receive it."""
    down: Reception | None
    """From us to the peer, as its receiver reports tell."""


@dataclass(frozen=True, slots=True)
class Receptions:
    """Every 2 s, for quality scores: all peers of which something new is known."""

    receptions: tuple[PeerReceptions, ...]


@dataclass(frozen=True, slots=True)
class LayerRate:
    """One layer of a video section: what a receiver gets who is given this spatial layer up to this temporal one."""

    spatial: int
    """0 is the lowest; a simulcast stream or an SVC layer alike."""
    temporal: int
    """0 is the lowest."""
    bits_per_second: int
    """RTP payloads, of the last second or so."""
    width: int
    """Pixels; 0 unknown."""
    height: int
    """Pixels; 0 unknown."""
    frame_rate: float
    """Frames a second."""


@dataclass(frozen=True, slots=True)
class LayerRates:
    """The layers of one video section that come now. Told when the set changes, and else about once a second while it sends."""

    peer: PeerId
    mid: str
    layers: tuple[LayerRate, ...]
    """Lowest first, by spatial and then by temporal layer. A source without layers has one entry, (0, 0). Empty: nothing comes."""
    rids: tuple[str, ...]
    """Of each spatial layer its rid, empty without simulcast."""


Report = Connected | ConsentChanged | Failed | FirstForwarded | AudioLevels | Estimates | Receptions | LayerRates
