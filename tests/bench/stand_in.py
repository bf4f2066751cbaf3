"""The server's side of one transport, from aiortc's parts: enough for a client to connect to, in one thread and without sockets."""

from __future__ import annotations

from aioice import stun
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate
from OpenSSL import SSL

from bench.dtls_client import datagrams
from bench.srtp import Srtp

UFRAG, PASSWORD = "lite", "0123456789abcdef01234567"


class StandIn:
    """Answers checks and a handshake. `srtp` is there when the handshake is done."""

    def __init__(self) -> None:
        certificate = RTCCertificate.generateCertificate()
        self.fingerprint = next(
            (f.algorithm, f.value) for f in certificate.getFingerprints() if f.algorithm == "sha-256"
        )
        self._ssl = SSL.Connection(certificate._create_ssl_context(srtp_profiles=SRTP_PROFILES))
        self._ssl.set_ciphertext_mtu(1200)
        self._ssl.set_accept_state()
        self.srtp: Srtp | None = None

    def answer_sdp(self, audio: tuple[int, ...] = (), video: tuple[int, ...] = ()) -> str:
        """An answer to an offer of sections 0 (audio) and 1 (video), on which these SSRCs will be sent."""
        lines = ["v=0", "a=ice-lite"]
        for mid, kind, ssrcs in (("0", "audio", audio), ("1", "video", video)):
            lines += [
                f"m={kind} 9 UDP/TLS/RTP/SAVPF 111",
                f"a=mid:{mid}",
                f"a=ice-ufrag:{UFRAG}",
                f"a=ice-pwd:{PASSWORD}",
                f"a=fingerprint:{self.fingerprint[0]} {self.fingerprint[1]}",
                "a=candidate:1 1 udp 1 127.0.0.1 9 typ host",
                *(f"a=ssrc:{ssrc} cname:x" for ssrc in ssrcs),
            ]
        return "\r\n".join(lines)

    def receive(self, datagram: bytes) -> list[bytes]:
        """What to send for a datagram of STUN or DTLS."""
        return [self._binding(datagram)] if datagram[0] < 4 else self._handshake(datagram)

    def _binding(self, datagram: bytes) -> bytes:
        request = stun.parse_message(datagram)
        assert request.check_message_integrity(PASSWORD.encode())
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 9)
        response.add_message_integrity(PASSWORD.encode())
        return bytes(response)

    def _handshake(self, datagram: bytes) -> list[bytes]:
        self._ssl.bio_write(datagram)
        try:
            if self.srtp is None:
                self._ssl.do_handshake()
                self._finish()
        except SSL.WantReadError:
            pass
        flight = b""
        while True:
            try:
                flight += self._ssl.bio_read(65_536)
            except SSL.WantReadError:
                return datagrams(flight)

    def _finish(self) -> None:
        chosen = self._ssl.get_selected_srtp_profile()
        profile = next(p for p in SRTP_PROFILES if p.openssl_profile == chosen)
        material = self._ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        self.srtp = Srtp(chosen.decode(), profile.get_key_and_salt(material, 1), profile.get_key_and_salt(material, 0))
