"""A WebRTC client's ICE and DTLS, as far as a test needs them: checks by aioice's messages, a handshake by OpenSSL."""

from __future__ import annotations

from aioice import stun
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate
from OpenSSL import SSL

from sfu.transport.dtls import split_records
from sfu.transport.parameters import LocalParameters, RemoteParameters

CERTIFICATE = RTCCertificate.generateCertificate()
OTHER_CERTIFICATE = RTCCertificate.generateCertificate()
UFRAG, PWD = "cafe", "client-password-of-24-char"


def fingerprints(certificate: RTCCertificate = CERTIFICATE) -> tuple[tuple[str, str], ...]:
    return tuple((each.algorithm, each.value) for each in certificate.getFingerprints())


def remote_parameters(certificate: RTCCertificate = CERTIFICATE) -> RemoteParameters:
    """What this client's offer says."""
    return RemoteParameters(UFRAG, PWD, fingerprints(certificate)[:1])


def check(
    local: LocalParameters,
    *,
    nominate: bool = True,
    ufrag: str = UFRAG,
    pwd: str | None = None,
    transaction: bytes | None = None,
    controlled: bool = False,
    without: str = "",
) -> bytes:
    """A connectivity check to the server that answered with `local`. `without` leaves an attribute out."""
    attributes: dict[str, object] = {
        "USERNAME": f"{local.ice_ufrag}:{ufrag}",
        "PRIORITY": 1853824767,
        "ICE-CONTROLLED" if controlled else "ICE-CONTROLLING": 0x0102030405060708,
    }
    if nominate:
        attributes["USE-CANDIDATE"] = None
    attributes.pop(without, None)
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction, attributes)
    if without == "MESSAGE-INTEGRITY":
        message.add_fingerprint()
    else:
        message.add_message_integrity((local.ice_pwd if pwd is None else pwd).encode())
    return bytes(message)


def answer_to(data: bytes, server: str, *, ufrag: str = UFRAG, pwd: str = PWD) -> bytes:
    """What a browser answers to a check of the server whose username fragment is `server`. The check must be as RFC 8445 has it."""
    message = stun.parse_message(data)
    assert message.check_message_integrity((PWD if ufrag == UFRAG else pwd).encode())
    assert (message.message_method, message.message_class) == (stun.Method.BINDING, stun.Class.REQUEST)
    assert message.attributes["USERNAME"] == f"{ufrag}:{server}"
    assert "ICE-CONTROLLED" in message.attributes
    assert "USE-CANDIDATE" not in message.attributes
    made = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
    made.attributes["XOR-MAPPED-ADDRESS"] = ("192.0.2.100", 44444)
    made.add_message_integrity(pwd.encode())
    return bytes(made)


def client_context(certificate: RTCCertificate | None = CERTIFICATE, *, padding: int = 0) -> SSL.Context:
    """As aiortc's clients have it; `padding` bytes more make the hello as long as a post-quantum one."""
    context = (certificate or CERTIFICATE)._create_ssl_context(SRTP_PROFILES)
    if certificate is None:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
        context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
    context.set_options(SSL.OP_NO_QUERY_MTU)
    if padding:
        context.set_alpn_protos([b"x" * 100] * (padding // 101))
    return context


class DtlsClient:
    """The client side of a handshake, over memory."""

    def __init__(self, context: SSL.Context | None = None, mtu: int = 1200) -> None:
        self.ssl = SSL.Connection(context if context is not None else client_context())
        self.ssl.set_ciphertext_mtu(mtu)
        self.ssl.set_connect_state()
        self.mtu = mtu
        self.connected = False
        self.sequence = 1000

    def receive(self, *datagrams: bytes) -> list[bytes]:
        """Take datagrams, none to begin; gives what the client sends, a record in each datagram."""
        out = b""
        for datagram in datagrams or (b"",):
            if datagram:
                self.ssl.bio_write(datagram)
            try:
                self.ssl.do_handshake()
                self.connected = True
            except SSL.WantReadError:
                pass
            out += self.drain()
        return split_records(out)

    def drain(self) -> bytes:
        try:
            return self.ssl.bio_read(65_536)
        except SSL.WantReadError:
            return b""

    def again(self, records: list[bytes]) -> list[bytes]:
        """Records as a client sends them once more: the plaintext ones with new sequence numbers (RFC 6347 4.1)."""
        numbered = []
        for record in records:
            if record[3:5] == bytes(2):
                self.sequence += 1
                record = record[:5] + self.sequence.to_bytes(6, "big") + record[11:]
            numbered.append(record)
        return numbered

    def close_notify(self) -> bytes:
        self.ssl.shutdown()
        return self.drain()

    def keys(self, key_and_salt: int) -> tuple[bytes, bytes]:
        """(what we send with, what we receive with) for profiles with this key and salt length, AES-128-GCM: 16 + 12."""
        material = self.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * key_and_salt)
        key = 16
        salt = key_and_salt - key
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        return client, server
