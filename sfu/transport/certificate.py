"""Our DTLS certificate: one key, one self-signed certificate and one OpenSSL context a process, made when it starts."""

from __future__ import annotations

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTP_PROFILES,
    RTCCertificate,
    SRTPProtectionProfile,
)
from OpenSSL import SSL

MTU = 1200
"""Bytes of a DTLS datagram: what passes every path that a browser's own handshake passes (libwebrtc uses the same)."""

_DTLS_1_2 = 0xFEFD

PROFILES: tuple[SRTPProtectionProfile, ...] = tuple(
    profile
    for profile in (SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80)
    if profile in SRTP_PROFILES
)
"""SRTP profiles, the first that the peer offers too is taken. aiortc has AES-256 first; a packet of 1,200 bytes costs 3.1 µs
with AES-128-GCM, 3.9 µs with AES-CM and HMAC-SHA1, 4.7 µs with AES-256-GCM, and 128 bits are not what an attacker would break."""


class Certificate:
    """The identity of this process towards all its peers. `fingerprint` is as in SDP (RFC 8122): ("sha-256", "AB:CD:…")."""

    __slots__ = ("_context", "fingerprint")

    def __init__(self) -> None:
        certificate = RTCCertificate.generateCertificate()
        sha256 = next(each for each in certificate.getFingerprints() if each.algorithm == "sha-256")
        self.fingerprint: tuple[str, str] = (sha256.algorithm, sha256.value)
        context = certificate._create_ssl_context(list(PROFILES))
        context.set_min_proto_version(_DTLS_1_2)
        # One context for all peers must not let one resume another's session, nor exchange its certificate later.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_QUERY_MTU)
        # A connected peer keeps its connection for the alerts alone: 10 KiB of it without the buffers, 30 KiB with them.
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        self._context: SSL.Context = context

    def server_connection(self) -> SSL.Connection:
        """A fresh server side of a DTLS handshake, over memory BIOs."""
        connection = SSL.Connection(self._context)
        connection.set_ciphertext_mtu(MTU)
        connection.set_accept_state()
        return connection
