"""SRTP for the clients: libsrtp called on a slab, so that no packet is copied to be protected or opened."""

from __future__ import annotations

from sfu.transport.slab import Slab
from sfu.transport.srtp import SrtpSession

RTP_TAG = 16  # bytes at most that protection adds to an RTP packet

_rtcp = Slab(2048)
"""Where RTCP is protected: packets of our own, which fit."""


class Srtp:
    """Both directions of one client. Packets are named by their address in a slab and a length; None where libsrtp refuses."""

    def __init__(self, profile: str, send_key: bytes, receive_key: bytes) -> None:
        self._sending = SrtpSession(profile, send_key, inbound=False)
        self._receiving = SrtpSession(profile, receive_key, inbound=True)

    def protect(self, address: int, length: int) -> int | None:
        """Protect an RTP packet where it lies; there must be room for `RTP_TAG`. Gives its new length."""
        changed = self._sending.protect(address, length, length + RTP_TAG)
        return changed if changed >= 0 else None

    def unprotect(self, address: int, length: int) -> int | None:
        """Open an SRTP packet where it lies. Gives its new length."""
        changed = self._receiving.unprotect(address, length)
        return changed if changed >= 0 else None

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound RTCP packet, protected."""
        length = len(packet)
        _rtcp.view[:length] = packet
        changed = self._sending.protect_rtcp(_rtcp.address, length, _rtcp.size)
        if changed < 0:
            raise RuntimeError("libsrtp refused to protect a report of our own")
        return bytes(_rtcp.view[:changed])

    def unprotect_rtcp(self, address: int, length: int) -> int | None:
        """Open an SRTCP packet where it lies. Gives its new length."""
        changed = self._receiving.unprotect_rtcp(address, length)
        return changed if changed >= 0 else None
