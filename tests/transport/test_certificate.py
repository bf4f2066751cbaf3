from __future__ import annotations

from OpenSSL import SSL

from sfu.transport.certificate import PROFILES, Certificate
from sfu.transport.dtls import DtlsServer, DtlsState, split_records
from tests.transport.client import CERTIFICATE, DtlsClient, client_context, fingerprints

CERTIFICATE_MESSAGE = 11


def first_flight(server: Certificate, client: DtlsClient) -> tuple[DtlsServer, list[bytes]]:
    dtls = DtlsServer(server, fingerprints(), 0.0)
    for datagram in client.receive():
        dtls.receive(datagram, 0.0)
    return dtls, dtls.take_sends()


def test_each_process_start_has_a_certificate_of_its_own() -> None:
    name, value = Certificate().fingerprint
    assert name == "sha-256"
    assert len(value) == 95
    assert (name, value) != Certificate().fingerprint


def test_the_cheapest_profile_comes_first() -> None:
    assert [profile.openssl_profile for profile in PROFILES] == [
        b"SRTP_AEAD_AES_128_GCM",
        b"SRTP_AEAD_AES_256_GCM",
        b"SRTP_AES128_CM_SHA1_80",
    ]


def test_no_session_is_resumed_so_a_certificate_is_shown_and_checked_each_time() -> None:
    server, context = Certificate(), client_context()
    client = DtlsClient(context)
    dtls, flight = first_flight(server, client)
    for datagram in client.receive(*flight):
        dtls.receive(datagram, 0.0)
    client.receive(*dtls.take_sends())
    session = client.ssl.get_session()
    assert session is not None
    again = DtlsClient(context)
    again.ssl.set_session(session)
    _, flight = first_flight(server, again)
    assert CERTIFICATE_MESSAGE in [record[13] for record in split_records(b"".join(flight))]


def test_dtls_1_0_is_not_spoken() -> None:
    context = client_context()
    context.set_cipher_list(b"ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    context.set_min_proto_version(0xFEFF)
    context.set_max_proto_version(0xFEFF)
    client = DtlsClient(context)
    hello = client.receive()
    assert hello[0][13 + 12 : 13 + 14] == b"\xfe\xff"
    _, flight = first_flight(Certificate(), DtlsClient(context))
    assert flight == []


def test_a_peer_that_speaks_no_srtp_fails() -> None:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
    context.use_certificate(CERTIFICATE._cert)
    context.use_privatekey(CERTIFICATE._key)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    client = DtlsClient(context)
    dtls, flight = first_flight(Certificate(), client)
    for datagram in client.receive(*flight):
        dtls.receive(datagram, 0.0)
    assert (dtls.state, dtls.keys) == (DtlsState.FAILED, None)
