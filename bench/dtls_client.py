"""The client side of a DTLS-SRTP handshake (RFC 5764) over memory BIOs, from aiortc's certificate and profiles."""

from __future__ import annotations

import contextlib

from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, certificate_digest
from OpenSSL import SSL

OFFERED = [profile for profile in SRTP_PROFILES if profile.openssl_profile == b"SRTP_AEAD_AES_128_GCM"]
"""One profile alone, so that every server does the same work. Left to choose, Janus takes AES-256."""

MTU = 1200  # bytes of UDP payload, the least that WebRTC networks carry
_HEADER = 13  # bytes of a DTLS 1.2 record header (RFC 6347 4.1)


class HandshakeFailed(Exception):
    """The handshake ended without keys: refused, another certificate than the answer named, or no common SRTP profile."""


class DtlsClient:
    """Sans-IO: every call gives the datagrams to send now. `keys` is there once the handshake is done."""

    def __init__(self, certificate: RTCCertificate, fingerprint: tuple[str, str]) -> None:
        """`fingerprint` is the answer's (hash function in lower case, upper-case hex with colons)."""
        self._fingerprint = fingerprint
        self._ssl = SSL.Connection(certificate._create_ssl_context(srtp_profiles=OFFERED))
        self._ssl.set_ciphertext_mtu(MTU)
        self._ssl.set_connect_state()
        self.profile = ""
        """The SRTP profile as OpenSSL spells it."""
        self.keys: tuple[bytes, bytes] | None = None
        """Master key and salt of what we send, and of what we receive (RFC 5764 4.2)."""

    def start(self) -> list[bytes]:
        """The first flight."""
        return self._advance()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram from the server. Raises `HandshakeFailed`."""
        self._ssl.bio_write(datagram)
        if self.keys is None:
            return self._advance()
        # A close_notify, or nothing for us: media runs beside DTLS.
        with contextlib.suppress(SSL.Error):
            self._ssl.recv(1)
        return self._sends()

    def timer(self) -> float | None:
        """Seconds until `handle_timer` is due; None where no flight is waited for."""
        timeout: float | None = self._ssl.DTLSv1_get_timeout()
        return timeout

    def handle_timer(self) -> list[bytes]:
        """Send the last flight again, if it is time. Raises `HandshakeFailed` after too many."""
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise HandshakeFailed("the server does not answer the DTLS handshake") from error
        return self._sends()

    def close(self) -> list[bytes]:
        """A close_notify, so that the server need not wait for consent to expire."""
        if self.keys is None:
            return []
        try:
            self._ssl.shutdown()
        except SSL.Error:
            return []
        return self._sends()

    def _advance(self) -> list[bytes]:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            return self._sends()
        except SSL.Error as error:
            raise HandshakeFailed("DTLS handshake refused") from error
        self._finish()
        return self._sends()

    def _finish(self) -> None:
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        algorithm, expected = self._fingerprint
        if certificate is None or certificate_digest(certificate, algorithm) != expected:
            raise HandshakeFailed("the server's certificate is not the one its answer named")
        chosen = self._ssl.get_selected_srtp_profile()
        profile = next((p for p in OFFERED if p.openssl_profile == chosen), None)
        if profile is None:
            raise HandshakeFailed("no SRTP profile in common")
        material = self._ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        self.profile = chosen.decode()
        self.keys = profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)

    def _sends(self) -> list[bytes]:
        flight = b""
        while True:
            try:
                flight += self._ssl.bio_read(65_536)
            except SSL.WantReadError:
                return datagrams(flight)


def datagrams(flight: bytes) -> list[bytes]:
    """Pack the records of a flight, which a memory BIO runs together, into datagrams of at most `MTU` bytes."""
    packed: list[bytes] = []
    while flight:
        size = _record_size(flight)
        record, flight = flight[:size], flight[size:]
        if packed and len(packed[-1]) + len(record) <= MTU:
            packed[-1] += record
        else:
            packed.append(record)
    return packed


def _record_size(data: bytes) -> int:
    """Bytes of the first record: an old header, or the unified one of DTLS 1.3 (RFC 9147 4), which may leave out its length."""
    first = data[0]
    if first & 0xE0 != 0x20:
        return _HEADER + int.from_bytes(data[11:13], "big")
    length_at = 3 if first & 0x08 else 2
    if not first & 0x04:
        return len(data)
    return length_at + 2 + int.from_bytes(data[length_at : length_at + 2], "big")
