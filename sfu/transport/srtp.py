"""SRTP and SRTCP (RFC 3711, RFC 7714) by libsrtp, in place on our own buffers.

pylibsrtp's `Session` copies every packet twice and raises for every forged one, so the C functions beneath it are called
here directly. The policies are ours: a window of 1,024 packets and never the same packet index twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from socket import htonl
from typing import Any

import pylibsrtp  # its import initialises libsrtp
from pylibsrtp._binding import ffi, lib

from sfu.transport import native
from sfu.transport.ports import SrtpKeys

REPLAY_WINDOW = 1024
"""Packets. As wide as 1 s of video at 10 Mbit/s; what arrives later than that is of no use to anybody."""

AUTHENTICATION_FAILURE = -7
REPLAYED = -9
REPLAYED_TOO_OLD = -10
NO_CAPACITY = -1000
"""The protected packet would not fit; libsrtp was not called."""


# Looked up once and not with every packet.
_protect = native.function("srtp_protect")
_unprotect = native.function("srtp_unprotect")
_protect_rtcp = native.function("srtp_protect_rtcp")
_unprotect_rtcp = native.function("srtp_unprotect_rtcp")


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile by its numbers (RFC 5764 4.1.2, RFC 7714 14.2)."""

    libsrtp: int
    key_and_salt: int
    """Bytes of master key and master salt together."""
    rtp_trailer: int
    """Bytes that protection adds to an RTP packet."""
    rtcp_trailer: int
    """Bytes that protection adds to an RTCP packet: the tag, and four of E flag and index."""


PROFILES: dict[str, Profile] = {
    "SRTP_AEAD_AES_256_GCM": Profile(lib.srtp_profile_aead_aes_256_gcm, 44, 16, 20),
    "SRTP_AEAD_AES_128_GCM": Profile(lib.srtp_profile_aead_aes_128_gcm, 28, 16, 20),
    "SRTP_AES128_CM_SHA1_80": Profile(lib.srtp_profile_aes128_cm_sha1_80, 30, 10, 14),
}
"""What we agree to, best first, as OpenSSL spells it."""

MAX_TRAILER = 20
"""Bytes that protection adds at most, over all profiles, RTP or RTCP."""


class SrtpSession:
    """One direction of one transport. Every call answers with a length, or with a negative status and no exception.

    A session is never saved, copied or restored: a packet index that came back would be a nonce used twice.
    """

    __slots__ = ("_context", "_session", "rtcp_trailer", "rtp_trailer")

    def __init__(self, profile: str, key_and_salt: bytes, *, inbound: bool) -> None:
        """Keys of the wrong length and unknown profiles are bugs of the caller: ValueError."""
        numbers = PROFILES.get(profile)
        if numbers is None or len(key_and_salt) != numbers.key_and_salt:
            raise ValueError("no such SRTP profile, or a master key and salt of another length")
        policy = pylibsrtp.Policy(
            key=key_and_salt,
            ssrc_type=lib.ssrc_any_inbound if inbound else lib.ssrc_any_outbound,
            srtp_profile=numbers.libsrtp,
        )
        policy.window_size = REPLAY_WINDOW
        policy.allow_repeat_tx = False
        session = ffi.new("srtp_t *")
        if lib.srtp_create(session, policy._policy) != lib.srtp_err_status_ok:
            raise RuntimeError("libsrtp could not create a session")
        self._session: Any = ffi.gc(session, _deallocate)
        self._context: Any = native.handle(session)
        self.rtp_trailer = numbers.rtp_trailer
        self.rtcp_trailer = numbers.rtcp_trailer

    def unprotect(self, address: int, length: int) -> int:
        """Verify and decrypt the RTP packet at `address` in place. Its new length, or a negative status.

        After a failure the bytes are worth nothing.
        """
        return native.in_place(_unprotect, self._context, address, length)

    def unprotect_rtcp(self, address: int, length: int) -> int:
        """As `unprotect`, for SRTCP."""
        return native.in_place(_unprotect_rtcp, self._context, address, length)

    def protect(self, address: int, length: int, capacity: int) -> int:
        """Encrypt the RTP packet at `address` in place. Its new length, or a negative status.

        `capacity` is how many bytes there are at `address`. libsrtp does not ask, and writes its tag past the packet.
        """
        if length + self.rtp_trailer > capacity:
            return NO_CAPACITY
        return native.in_place(_protect, self._context, address, length)

    def protect_rtcp(self, address: int, length: int, capacity: int) -> int:
        """As `protect`, for RTCP."""
        if length + self.rtcp_trailer > capacity:
            return NO_CAPACITY
        return native.in_place(_protect_rtcp, self._context, address, length)

    def remove_stream(self, ssrc: int) -> None:
        """Forget what libsrtp keeps of an SSRC; its look-up is linear.

        The index starts over if the SSRC is used again: an outbound one must not be, and an inbound one could be replayed.
        """
        lib.srtp_remove_stream(self._session[0], htonl(ssrc))


def sessions(keys: SrtpKeys) -> tuple[SrtpSession, SrtpSession]:
    """The inbound and the outbound session of a finished handshake."""
    return (
        SrtpSession(keys.profile, keys.receive, inbound=True),
        SrtpSession(keys.profile, keys.send, inbound=False),
    )


def _deallocate(session: Any) -> None:
    lib.srtp_dealloc(session[0])
