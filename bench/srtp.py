"""SRTP for the clients: libsrtp called on a slab, so that no packet is copied to be protected or opened."""

from __future__ import annotations

from typing import Any

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from sfu.transport.srtp import PROFILES

RTP_TAG = 16  # bytes at most that protection adds to an RTP packet
RTCP_TAG = 20  # bytes at most that protection adds to an RTCP packet: index and tag
REPLAY_WINDOW = 1024  # packets

_length = ffi.new("int *")


class Srtp:
    """Both directions of one client. Packets are named by a C pointer and a length; None where libsrtp refuses."""

    def __init__(self, profile: str, send_key: bytes, receive_key: bytes) -> None:
        number = PROFILES[profile].libsrtp
        self._sessions = (
            Session(_policy(number, send_key, Policy.SSRC_ANY_OUTBOUND)),
            Session(_policy(number, receive_key, Policy.SSRC_ANY_INBOUND)),
        )
        self._sending, self._receiving = (session._srtp[0] for session in self._sessions)

    def protect(self, pointer: Any, length: int) -> int | None:
        """Protect an RTP packet where it lies; there must be room for `RTP_TAG`. Gives its new length."""
        return _run(lib.srtp_protect, self._sending, pointer, length)

    def unprotect(self, pointer: Any, length: int) -> int | None:
        """Open an SRTP packet where it lies. Gives its new length."""
        return _run(lib.srtp_unprotect, self._receiving, pointer, length)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound RTCP packet, protected."""
        return self._sessions[0].protect_rtcp(packet)

    def unprotect_rtcp(self, pointer: Any, length: int) -> int | None:
        """Open an SRTCP packet where it lies. Gives its new length."""
        return _run(lib.srtp_unprotect_rtcp, self._receiving, pointer, length)


def _policy(profile: int, key: bytes, direction: int) -> Policy:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile)
    policy.window_size = REPLAY_WINDOW
    return policy


def _run(function: Any, session: Any, pointer: Any, length: int) -> int | None:
    _length[0] = length
    if function(session, pointer, _length):
        return None
    changed: int = _length[0]
    return changed
