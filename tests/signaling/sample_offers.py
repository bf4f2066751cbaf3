"""Offers of real clients, by file name (see offers/README.md), and small changes to them."""

from __future__ import annotations

from pathlib import Path

from sfu.signaling.sdp import EgressStream, LocalAnswer, ParsedOffer

FOLDER = Path(__file__).parent / "offers"
OFFERS = {path.stem: path.read_bytes().decode() for path in sorted(FOLDER.glob("*.sdp"))}

SIMPLE = OFFERS["chromium_sendrecv"]
"""One audio and one video section, both sendrecv, mids 0 and 1."""

LOCAL = LocalAnswer(
    ice_ufrag="Lite",
    ice_pwd="0123456789abcdefghijkl",
    fingerprint=("sha-256", ":".join(["A7"] * 32)),
    candidates=(("192.0.2.7", 44444), ("2001:db8::7", 44444)),
    tcp_candidates=(("192.0.2.7", 44444), ("2001:db8::7", 44444)),
)


def without(sdp: str, start: str) -> str:
    """The description without the lines that begin so."""
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(start))


def lines_of(sdp: str, mid: str) -> list[str]:
    """The lines of the section with this mid, `m=` first."""
    for section in sdp.split("\r\nm=")[1:]:
        lines = ["m=" + section.splitlines()[0], *section.splitlines()[1:]]
        if f"a=mid:{mid}" in lines:
            return lines
    raise KeyError(mid)


def egress_of(offer: ParsedOffer) -> dict[str, EgressStream]:
    """A stream for every section on which the client receives."""
    receiving = [section for section in offer.sections if section.taken and section.peer_receives]
    return {
        section.mid: EgressStream(
            ssrc=1_000 + 2 * index,
            rtx_ssrc=1_001 + 2 * index if section.media == "video" else None,
            stream="p_ana",
            track=f"t_{section.mid}",
        )
        for index, section in enumerate(receiving)
    }
