"""A client's SDP offer, read: one transport for everything (BUNDLE), and what each media section can carry.

We read it with a grammar of our own instead of aiortc's: that one drops rids, simulcast, extmap directions and the `fmtp`
text, is quadratic in `a=ssrc`, and raises six kinds of exception. Two readers of one text could also come to differ. The
tests compare what both make of real offers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sfu.signaling.sdp.codecs import (
    RTP_STREAM_ID,
    CodecPlan,
    Extension,
    number,
    payload_types,
    served_codecs,
    served_extensions,
)
from sfu.signaling.sdp.lines import Block, Description, bad_sdp, read

DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
MAX_RIDS: Final = 4
"""Simulcast layers of a section. Browsers send at most three."""
MAX_FINGERPRINTS: Final = 8
FINGERPRINT_BYTES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""Hash functions that are good enough to name a certificate. Fingerprints by others are passed over (RFC 8122 5)."""
RTP_PROFILES: Final = frozenset(
    {f"{protocol}RTP/{profile}" for protocol in ("UDP/TLS/", "TCP/DTLS/", "") for profile in ("SAVPF", "SAVP")}
)
"""RFC 9429 5.1.2: all of them are to be understood, and mean the same."""

_MEDIA: Final = re.compile(r"([a-z]+) ([0-9]{1,5}) ([A-Za-z0-9/]{1,32}) ([\x21-\x7e]+(?: [\x21-\x7e]+)*) ?")
_ORIGIN: Final = re.compile(r"[^ ]+ [0-9]+ ([0-9]{1,20}) IN IP[46] [^ ]+")
_MID: Final = re.compile(r"[A-Za-z0-9._-]{1,16}")
"""RFC 9143 15.1: a token; 16 bytes are what a one-byte header extension holds."""
_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_RID: Final = re.compile(r"[A-Za-z0-9]{1,16}")
_HEX: Final = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2})*")


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """One `m=` section of an offer."""

    media: str
    """`audio`, `video`, `application`, …"""
    protocol: str
    formats: tuple[str, ...]
    mid: str
    """Empty only where the section is not live."""
    live: bool
    """Not rejected by the offer itself: its port is not 0, or it is bundle-only."""
    direction: str
    """As the client sees it: one of `DIRECTIONS`."""
    codecs: tuple[CodecPlan, ...] = ()
    """Those we serve, in the order of the offer."""
    extensions: tuple[Extension, ...] = ()
    """Those we serve."""
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: tuple[int, ...] = ()
    """Pairwise with the first of `ssrcs`."""
    rids: tuple[str, ...] = ()
    simulcast: bool = False
    """The rids stand in an `a=simulcast`, not only in `a=rid`."""
    rtcp_rsize: bool = False

    @property
    def taken(self) -> bool:
        """Whether the answer accepts it; all else is answered with port 0."""
        return self.live and bool(self.codecs)

    @property
    def peer_sends(self) -> bool:
        return self.direction in ("sendrecv", "sendonly")

    @property
    def peer_receives(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")


@dataclass(frozen=True, slots=True)
class ParsedOffer:
    """An offer that is good: one transport for all, and sections that can be answered one by one."""

    ice_ufrag: str
    ice_pwd: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    """(hash function in lower case, upper-case hex with colons), in the order of the offer."""
    version: int
    """The session version of `o=`; the answer repeats it, so that it rises as the offers do."""
    bundled: bool
    extmap_allow_mixed: bool
    sections: tuple[OfferedSection, ...]
    """All of them, in the order of the offer."""


@dataclass(frozen=True, slots=True)
class _Transport:
    """ICE and DTLS attributes of one section; None where it leaves one to the section that speaks for the bundle."""

    ice_ufrag: str | None
    ice_pwd: str | None
    fingerprints: tuple[tuple[str, str], ...] | None
    setup: str | None
    rtcp_mux: bool


def parse_offer(sdp: str) -> ParsedOffer:
    """Read an offer. Raises `Refused(BAD_SDP)`, and nothing else, for whatever is wrong with it."""
    description = read(sdp)
    origin = _ORIGIN.fullmatch(description.origin)
    if origin is None:
        raise bad_sdp("The o= line is not of the form <user> <session> <version> IN IP4|IP6 <address>.")
    if description.session.has("ice-lite"):
        raise bad_sdp("Client and server cannot both be ICE-lite.")
    sections = tuple(_section(block, description.session) for block in description.sections)
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids):
        raise bad_sdp("Two media sections have the same mid.")
    bundle = _bundle(description.session, set(mids))
    live = [(section, block) for section, block in zip(sections, description.sections, strict=True) if section.live]
    if not live:
        raise bad_sdp("There is no live media section.")
    if (bundle or len(live) > 1) and any(section.mid not in bundle for section, _ in live):
        raise bad_sdp("Every live media section stands in one a=group:BUNDLE: there is one transport for all.")

    blocks = {section.mid: block for section, block in live}
    tagged = next((mid for mid in bundle if mid in blocks), live[0][0].mid)
    transport = _one_transport(description, blocks, tagged)
    _check_across(sections)
    return ParsedOffer(
        ice_ufrag=transport.ice_ufrag or "",
        ice_pwd=transport.ice_pwd or "",
        fingerprints=transport.fingerprints or (),
        version=int(origin[1]),
        bundled=bool(bundle),
        extmap_allow_mixed=description.session.has("extmap-allow-mixed"),
        sections=sections,
    )


def _bundle(session: Block, mids: set[str]) -> list[str]:
    groups = [value.split() for value in session.all("group")]
    bundles = [group[1:] for group in groups if group and group[0] == "BUNDLE"]
    if not bundles:
        return []
    if len(bundles) > 1:
        raise bad_sdp("There is at most one a=group:BUNDLE.")
    bundle = bundles[0]
    if len(set(bundle)) != len(bundle) or not mids.issuperset(bundle):
        raise bad_sdp("a=group:BUNDLE names the mid of each of its sections once, and no other.")
    return bundle


def _one_transport(description: Description, blocks: dict[str, Block], tagged: str) -> _Transport:
    """What the tagged section says, for the whole bundle (RFC 9143 7.1.3: the others say the same, or leave it out)."""
    transport = _transport(blocks[tagged], description.session)
    if transport.ice_ufrag is None or transport.ice_pwd is None:
        raise bad_sdp("a=ice-ufrag or a=ice-pwd is missing.")
    if not transport.fingerprints:
        raise bad_sdp("a=fingerprint is missing, or by none of sha-256, sha-384, sha-512.")
    if transport.setup is None:
        raise bad_sdp("a=setup is missing.")
    if not transport.rtcp_mux:
        raise bad_sdp("a=rtcp-mux is missing: RTP and RTCP share one port.")
    for mid, block in blocks.items():
        if mid == tagged:
            continue
        other = _transport(block, description.session)
        if (
            other.ice_ufrag not in (None, transport.ice_ufrag)
            or other.ice_pwd not in (None, transport.ice_pwd)
            or other.fingerprints not in (None, transport.fingerprints)
            or other.setup not in (None, transport.setup)
        ):
            raise bad_sdp(
                "Bundled sections differ in ICE or DTLS: use bundlePolicy 'max-bundle', there is one transport for all."
            )
    return transport


def _transport(block: Block, session: Block) -> _Transport:
    def effective(name: str) -> str | None:
        value = block.one(name)
        return session.one(name) if value is None else value

    ufrag, pwd, setup = effective("ice-ufrag"), effective("ice-pwd"), effective("setup")
    if ufrag is not None and not _UFRAG.fullmatch(ufrag):
        raise bad_sdp("a=ice-ufrag has 4 to 256 letters, digits, + or / (RFC 8839 5.4).")
    if pwd is not None and not _PWD.fullmatch(pwd):
        raise bad_sdp("a=ice-pwd has 22 to 256 letters, digits, + or / (RFC 8839 5.4).")
    if setup not in (None, "actpass", "active"):
        raise bad_sdp("a=setup is actpass or active: the server is passive.")
    return _Transport(
        ice_ufrag=ufrag,
        ice_pwd=pwd,
        fingerprints=_fingerprints(block.all("fingerprint") or session.all("fingerprint")),
        setup=setup,
        rtcp_mux=block.has("rtcp-mux") or block.has("rtcp-mux-only"),
    )


def _fingerprints(values: list[str]) -> tuple[tuple[str, str], ...] | None:
    """RFC 8122 5. None where there is none at all; empty where there is none that we accept."""
    if len(values) > MAX_FINGERPRINTS:
        raise bad_sdp(f"A section has at most {MAX_FINGERPRINTS} fingerprints.")
    fingerprints = []
    for value in values:
        name, _, digest = value.partition(" ")
        function, digest = name.lower(), digest.strip().upper()
        if not _HEX.fullmatch(digest):
            raise bad_sdp("a=fingerprint is a hash function and hexadecimal bytes with colons between them.")
        if function in FINGERPRINT_BYTES:
            if len(digest) != FINGERPRINT_BYTES[function] * 3 - 1:
                raise bad_sdp(f"A {function} fingerprint has {FINGERPRINT_BYTES[function]} bytes.")
            fingerprints.append((function, digest))
    return tuple(dict.fromkeys(fingerprints)) if values else None


def _section(block: Block, session: Block) -> OfferedSection:
    line = _MEDIA.fullmatch(block.media)
    if line is None:
        raise bad_sdp("An m= line is not of the form <media> <port> <protocol> <formats>.")
    media, port, protocol, formats = line[1], int(line[2]), line[3], line[4].split(" ")
    live = port != 0 or block.has("bundle-only")
    mid = block.one("mid") or ""
    if (live or mid) and not _MID.fullmatch(mid):
        raise bad_sdp("A media section has an a=mid of 1 to 16 letters, digits, '.', '_' or '-'.")
    section = OfferedSection(
        media=media, protocol=protocol, formats=tuple(formats), mid=mid, live=live, direction=_direction(block, session)
    )
    if media not in ("audio", "video") or protocol not in RTP_PROFILES:
        return section

    numbers = payload_types(formats)
    if not live:
        return section
    extensions = served_extensions(block)
    rids, simulcast = _rids(block) if section.peer_sends else ((), False)
    if rids and all(extension.uri != RTP_STREAM_ID for extension in extensions):
        raise bad_sdp("A section with a=rid has the header extension rtp-stream-id, which tells its layers apart.")
    ssrcs, rtx_ssrcs = _ssrcs(block) if section.peer_sends and not rids else ((), ())
    return OfferedSection(
        media=media,
        protocol=protocol,
        formats=tuple(formats),
        mid=mid,
        live=True,
        direction=section.direction,
        codecs=served_codecs(media, numbers, block),
        extensions=extensions,
        ssrcs=ssrcs,
        rtx_ssrcs=rtx_ssrcs,
        rids=rids,
        simulcast=simulcast,
        rtcp_rsize=block.has("rtcp-rsize"),
    )


def _direction(block: Block, session: Block) -> str:
    for where in (block, session):
        stated = [direction for direction in DIRECTIONS if where.has(direction)]
        if len(stated) > 1:
            raise bad_sdp("A media section has one direction.")
        if stated:
            return stated[0]
    return "sendrecv"


def _rids(block: Block) -> tuple[tuple[str, ...], bool]:
    """Layers that the client sends (RFC 8851, 8853), and whether they stand in an `a=simulcast`."""
    sent = []
    for value in block.all("rid"):
        rid, direction = (*value.split(" ", 2), "", "")[:2]
        if not _RID.fullmatch(rid) or direction not in ("send", "recv"):
            raise bad_sdp("a=rid is not of the form <1 to 16 letters or digits> send|recv.")
        if direction == "send":
            sent.append(rid)
    listed = _simulcast(block.one("simulcast"))
    if len(set(sent)) != len(sent) or len(set(listed)) != len(listed) or not set(listed) <= set(sent):
        raise bad_sdp("a=simulcast names each a=rid of its direction once.")
    layers = listed or sent
    if len(layers) > MAX_RIDS:
        raise bad_sdp(f"A section has at most {MAX_RIDS} simulcast layers.")
    return tuple(layers), bool(listed)


def _simulcast(value: str | None) -> list[str]:
    """The rids of the `send` list. Of alternatives (`a,b`) the first; `~`, initially paused, is nothing to us."""
    words = (value or "").split()
    if len(words) % 2:
        raise bad_sdp("a=simulcast is not of the form send|recv <rids>.")
    lists = dict(zip(words[::2], words[1::2], strict=True))
    if not lists.keys() <= {"send", "recv"} or len(lists) * 2 != len(words):
        raise bad_sdp("a=simulcast is not of the form send|recv <rids>.")
    if "send" not in lists:
        return []
    return [layer.split(",")[0].removeprefix("~") for layer in lists["send"].split(";")]


def _ssrcs(block: Block) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Media SSRCs and, pairwise with the first of them, RTX SSRCs (RFC 5576)."""
    declared = dict.fromkeys(_ssrc(value.partition(" ")[0]) for value in block.all("ssrc"))
    rtx: dict[int, int] = {}
    repairs: set[int] = set()
    for value in block.all("ssrc-group"):
        semantics, *members = value.split() or [""]
        if semantics not in ("FID", "FEC-FR"):
            continue
        group = [_ssrc(member) for member in members]
        if len(group) != 2 or group[0] == group[1] or not declared.keys() >= set(group):
            raise bad_sdp("An a=ssrc-group pairs two SSRCs, each declared by a=ssrc.")
        if group[0] in repairs or group[1] in repairs or group[1] in rtx or (semantics == "FID" and group[0] in rtx):
            raise bad_sdp("An SSRC is repaired twice, or repairs two others.")
        repairs.add(group[1])
        if semantics == "FID":
            rtx[group[0]] = group[1]
    media = sorted((ssrc for ssrc in declared if ssrc not in repairs), key=lambda ssrc: ssrc not in rtx)
    return tuple(media), tuple(rtx[ssrc] for ssrc in media if ssrc in rtx)


def _ssrc(text: str) -> int:
    return number(text, 1, 2**32 - 1, "An SSRC")


def _check_across(sections: tuple[OfferedSection, ...]) -> None:
    """What sections of one transport share has one meaning in all of them (RFC 9143 7.1.3, 10.2)."""
    ids: dict[int, str] = {}
    codecs: dict[int, str] = {}
    ssrcs: set[int] = set()
    for section in sections:
        for extension in section.extensions:
            if ids.setdefault(extension.id, extension.uri) != extension.uri:
                raise bad_sdp("An a=extmap id means different extensions in different sections.")
        for codec in section.codecs:
            for payload_type, name in ((codec.payload_type, codec.name), (codec.rtx_payload_type, "RTX")):
                if payload_type is not None and codecs.setdefault(payload_type, name) != name:
                    raise bad_sdp("A payload type means different codecs in different sections.")
        for ssrc in section.ssrcs + section.rtx_ssrcs:
            if ssrc in ssrcs:
                raise bad_sdp("Two sections declare the same SSRC.")
            ssrcs.add(ssrc)
