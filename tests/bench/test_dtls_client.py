from __future__ import annotations

import pytest
from aiortc.rtcdtlstransport import RTCCertificate

from bench.dtls_client import MTU, DtlsClient, HandshakeFailed, datagrams
from bench.srtp import RTP_TAG, Srtp
from sfu.transport.slab import Slab
from tests.bench.stand_in import StandIn


def handshake(client: DtlsClient, server: StandIn) -> list[bytes]:
    """Carry datagrams until nobody has more to say. Gives all that the client sent."""
    sent = to_server = client.start()
    while to_server:
        to_client = [answer for datagram in to_server for answer in server.receive(datagram)]
        to_server = [answer for datagram in to_client for answer in client.receive(datagram)]
        sent = sent + to_server
    return sent


@pytest.fixture(scope="module")
def certificate() -> RTCCertificate:
    return RTCCertificate.generateCertificate()


def test_both_sides_come_to_the_same_keys(certificate: RTCCertificate) -> None:
    server = StandIn()
    client = DtlsClient(certificate, server.fingerprint)
    handshake(client, server)
    assert client.keys is not None
    assert server.srtp is not None
    srtp, slab = Srtp(client.profile, *client.keys), Slab(200)
    packet = b"\x80\x60\x00\x01" + bytes(8) + b"media"
    slab.view[: len(packet)] = packet
    length = srtp.protect(slab.address, len(packet))
    assert length is not None
    assert len(packet) < length <= len(packet) + RTP_TAG
    assert server.srtp.unprotect(slab.address, length) == len(packet)
    assert bytes(slab.view[: len(packet)]) == packet


def test_no_datagram_is_larger_than_the_mtu(certificate: RTCCertificate) -> None:
    server = StandIn()
    sent = handshake(DtlsClient(certificate, server.fingerprint), server)
    assert max(map(len, sent)) <= MTU


def test_another_certificate_than_the_answer_named_gives_no_keys(certificate: RTCCertificate) -> None:
    client = DtlsClient(certificate, ("sha-256", StandIn().fingerprint[1]))
    with pytest.raises(HandshakeFailed, match="certificate"):
        handshake(client, StandIn())
    assert client.keys is None


def test_an_alert_ends_the_handshake(certificate: RTCCertificate) -> None:
    client = DtlsClient(certificate, StandIn().fingerprint)
    client.start()
    with pytest.raises(HandshakeFailed, match="refused"):
        client.receive(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")


def test_records_are_packed_into_datagrams_in_order() -> None:
    def old(size: int) -> bytes:
        return b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + bytes(size)

    def unified(size: int) -> bytes:
        return b"\x2e\x00\x01" + size.to_bytes(2, "big") + bytes(size)

    records = [old(700), old(400), unified(300), unified(20), b"\x2a\x00\x01rest"]
    packed = datagrams(b"".join(records))
    assert packed == [records[0] + records[1], b"".join(records[2:])]
    assert datagrams(b"") == []
