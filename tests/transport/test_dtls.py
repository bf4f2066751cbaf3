from __future__ import annotations

import itertools
import random

import pytest
from aiortc.rtcdtlstransport import RTCCertificate
from cryptography.hazmat.primitives.serialization import Encoding

from sfu.transport.certificate import MTU, Certificate
from sfu.transport.dtls import (
    FIRST_RETRANSMISSION,
    HANDSHAKE_TIMEOUT,
    MAX_FRESH_STARTS,
    MAX_HANDSHAKE_BYTES,
    MAX_HANDSHAKE_RECORDS,
    MAX_LAST_FLIGHTS,
    DtlsServer,
    DtlsState,
    certificate_is_signalled,
    pack_records,
    split_records,
)
from tests.transport.client import CERTIFICATE, OTHER_CERTIFICATE, DtlsClient, client_context, fingerprints

SERVER = Certificate()
FATAL_ALERT = bytes.fromhex("15fefd000000000000000100020228")
CLOSE_NOTIFY = bytes.fromhex("15fefd000000000000000100020100")
BAD_HELLO = bytes.fromhex("16fefd0000000000000000000e" + "010000020000000000000002" + "ffff")
"""A whole ClientHello of two bytes."""


def server(certificate: RTCCertificate = CERTIFICATE) -> DtlsServer:
    return DtlsServer(SERVER, fingerprints(certificate), 0.0)


def feed(dtls: DtlsServer, datagrams: list[bytes], now: float = 0.0) -> list[bytes]:
    for datagram in datagrams:
        dtls.receive(datagram, now)
    return dtls.take_sends()


def shake_hands(dtls: DtlsServer, client: DtlsClient) -> None:
    """All of it, with nothing lost."""
    sends = feed(dtls, client.receive())
    for _ in range(4):
        sends = feed(dtls, client.receive(*sends)) if sends else []


def connected() -> tuple[DtlsServer, DtlsClient]:
    dtls, client = server(), DtlsClient()
    shake_hands(dtls, client)
    assert dtls.state is DtlsState.CONNECTED
    assert client.connected
    return dtls, client


def test_both_sides_have_the_same_keys_and_aes_128_gcm() -> None:
    dtls, client = connected()
    assert dtls.keys is not None
    assert dtls.keys.profile == "SRTP_AEAD_AES_128_GCM"
    assert (dtls.keys.receive, dtls.keys.send) == client.keys(28)
    assert client.ssl.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM"
    assert dtls.next_timer() is None


def test_a_client_is_shown_the_certificate_of_the_answer() -> None:
    _, client = connected()
    certificate = client.ssl.get_peer_certificate()
    assert certificate is not None
    assert SERVER.fingerprint[0] == "sha-256"
    assert certificate.digest("sha256").decode() == SERVER.fingerprint[1]


@pytest.mark.parametrize("mtu", [300, 1200])
def test_no_datagram_is_longer_than_the_mtu(mtu: int) -> None:
    dtls, client = server(), DtlsClient(mtu=mtu)
    sends = feed(dtls, client.receive())
    assert len(sends) == 1
    assert all(len(datagram) <= MTU for datagram in sends)


def test_records_are_packed_in_order_into_the_fewest_datagrams() -> None:
    sizes = [700, 400, 101, 1200, 1, 1300]
    assert [len(each) for each in pack_records(bytes(size) for size in sizes)] == [1100, 101, 1200, 1, 1300]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_hello_in_three_pieces_in_any_order_and_twice_is_understood(order: tuple[int, ...]) -> None:
    """As post-quantum key shares make it (X25519MLKEM768: 1.2 KB more)."""
    dtls, client = server(), DtlsClient(client_context(padding=1_700), mtu=700)
    pieces = client.receive()
    assert len(pieces) == 3
    sends = feed(dtls, [pieces[index] for index in (*order, *order)])
    for _ in range(3):
        sends = feed(dtls, client.receive(*sends)) if sends else []
    assert dtls.state is DtlsState.CONNECTED


@pytest.mark.parametrize("seed", range(20))
def test_a_handshake_survives_loss_reordering_and_duplicates(seed: int) -> None:
    """The client answers each flight it gets, and sends its last one again while it has no answer."""
    chance = random.Random(seed)
    dtls, client = server(), DtlsClient()
    flight = client.receive()
    now = 0.0
    while not client.connected and now < HANDSHAKE_TIMEOUT:
        arriving = [each for each in flight * 2 if chance.random() < 0.6]
        chance.shuffle(arriving)
        sends = feed(dtls, arriving, now)
        now += 0.5
        dtls.handle_timer(now)
        sends = [each for each in sends + dtls.take_sends() if chance.random() < 0.8]
        answer = client.receive(*sends) if sends else []
        flight = answer or client.again(flight)
    assert client.connected
    assert dtls.state is DtlsState.CONNECTED


def test_an_unanswered_flight_is_sent_again_after_1_2_4_seconds_until_the_end() -> None:
    dtls, client = server(), DtlsClient()
    first = feed(dtls, client.receive())
    times = []
    now = 0.0
    while (due := dtls.next_timer()) is not None:
        now = due
        dtls.handle_timer(now)
        sends = dtls.take_sends()
        if sends:
            times.append(now)
            assert [each[:5] + each[11:] for each in split_records(b"".join(sends))] == [
                each[:5] + each[11:] for each in split_records(b"".join(first))
            ]
    assert times == [FIRST_RETRANSMISSION, 3.0, 7.0]
    assert now == HANDSHAKE_TIMEOUT
    assert dtls.state is DtlsState.FAILED
    assert dtls.keys is None


def test_plaintext_records_never_repeat_a_sequence_number() -> None:
    dtls, client = server(), DtlsClient()
    sent = feed(dtls, client.receive())
    for now in (1.0, 3.0):
        dtls.handle_timer(now)
        sent += dtls.take_sends()
    numbers = [record[5:11] for record in split_records(b"".join(sent))]
    assert len(set(numbers)) == len(numbers) > 10


def test_the_last_flight_is_sent_again_to_who_asks_but_not_for_ever() -> None:
    dtls, client = server(), DtlsClient()
    last = client.receive(*feed(dtls, client.receive()))
    lost = feed(dtls, last)
    assert lost
    assert dtls.state is DtlsState.CONNECTED
    sends = feed(dtls, last[-1:])
    client.receive(*sends)
    assert client.connected
    again = [feed(dtls, last[-1:]) for _ in range(2 * MAX_LAST_FLIGHTS)]
    assert sum(map(bool, again)) == MAX_LAST_FLIGHTS - 1


def test_no_stranger_ends_a_handshake_by_a_plaintext_alert() -> None:
    dtls, client = server(), DtlsClient()
    assert feed(dtls, [FATAL_ALERT, CLOSE_NOTIFY]) == []
    sends = feed(dtls, [piece + FATAL_ALERT for piece in client.receive()])
    assert feed(dtls, [FATAL_ALERT, CLOSE_NOTIFY]) == []
    for _ in range(3):
        sends = feed(dtls, [CLOSE_NOTIFY, *client.receive(*sends), FATAL_ALERT]) if sends else []
    assert dtls.state is DtlsState.CONNECTED


def test_plaintext_alerts_after_the_handshake_are_ignored() -> None:
    dtls, _ = connected()
    assert feed(dtls, [FATAL_ALERT, CLOSE_NOTIFY]) == []
    forged = bytearray(CLOSE_NOTIFY)
    forged[4] = 1  # says that it is encrypted, and is not
    assert feed(dtls, [bytes(forged)]) == []
    assert dtls.state is DtlsState.CONNECTED


def test_an_authentic_close_notify_closes_in_silence() -> None:
    dtls, client = connected()
    assert feed(dtls, [client.close_notify()]) == []
    assert dtls.state is DtlsState.CLOSED


def test_a_bad_hello_is_forgotten_and_the_real_one_answered() -> None:
    dtls, client = server(), DtlsClient()
    assert feed(dtls, [BAD_HELLO] * MAX_FRESH_STARTS) == []
    shake_hands(dtls, client)
    assert dtls.state is DtlsState.CONNECTED


def test_one_bad_hello_too_many_fails() -> None:
    dtls = server()
    assert feed(dtls, [BAD_HELLO] * (MAX_FRESH_STARTS + 1)) == []
    assert dtls.state is DtlsState.FAILED
    assert feed(dtls, DtlsClient().receive()) == []


def test_a_strangers_fragment_does_not_spoil_the_real_hello() -> None:
    dtls, client = server(), DtlsClient()
    fragment = bytes.fromhex("16fefd00000000000000000010" + "010040000000000000000004" + "fefd0000")
    assert feed(dtls, [fragment]) == []
    shake_hands(dtls, client)
    assert dtls.state is DtlsState.CONNECTED


def test_a_bad_hello_amid_a_handshake_is_passed_over() -> None:
    dtls, client = server(), DtlsClient()
    sends = feed(dtls, client.receive())
    assert feed(dtls, [BAD_HELLO]) == []
    for _ in range(3):
        sends = feed(dtls, client.receive(*sends)) if sends else []
    assert dtls.state is DtlsState.CONNECTED


@pytest.mark.parametrize(
    "signalled",
    [
        pytest.param(fingerprints(OTHER_CERTIFICATE)[:1], id="another certificate's"),
        pytest.param((("md5", "AA:BB"),), id="md5 only"),
        pytest.param((), id="none"),
    ],
)
def test_a_certificate_that_was_not_signalled_gets_no_keys_and_no_answer(
    signalled: tuple[tuple[str, str], ...],
) -> None:
    dtls, client = DtlsServer(SERVER, signalled, 0.0), DtlsClient()
    shake_hands(dtls, client)
    assert (dtls.state, dtls.keys) == (DtlsState.FAILED, None)
    assert not client.connected


def test_a_client_without_a_certificate_fails() -> None:
    dtls, client = server(), DtlsClient(client_context(None))
    shake_hands(dtls, client)
    assert (dtls.state, dtls.keys) == (DtlsState.FAILED, None)


def test_a_client_that_does_not_prove_its_key_fails() -> None:
    dtls, client = server(), DtlsClient()
    last = client.receive(*feed(dtls, client.receive()))
    proofs = [
        index for index, record in enumerate(last) if record[0] == 22 and record[3:5] == b"\0\0" and record[13] == 15
    ]
    assert proofs
    broken = bytearray(last[proofs[-1]])
    broken[-1] ^= 1
    last[proofs[-1]] = bytes(broken)
    assert feed(dtls, last) == []
    assert (dtls.state, dtls.keys) == (DtlsState.FAILED, None)


@pytest.mark.parametrize(
    ("datagram", "times"), [(b"\x16garbage", MAX_HANDSHAKE_RECORDS), (bytes(1400), MAX_HANDSHAKE_BYTES // 1400)]
)
def test_a_handshake_is_bounded_in_records_and_bytes(datagram: bytes, times: int) -> None:
    dtls = server()
    feed(dtls, [datagram] * times)
    before = dtls.state
    feed(dtls, [datagram])
    assert (before, dtls.state) == (DtlsState.NEW, DtlsState.FAILED)


def test_nothing_that_arrives_raises() -> None:
    chance = random.Random(7)
    pieces = DtlsClient().receive()
    for _ in range(300):
        dtls = server()
        for _ in range(5):
            data = bytearray(chance.choice([*pieces, BAD_HELLO, FATAL_ALERT]))
            for _ in range(chance.randrange(5)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            feed(dtls, [bytes(data[: chance.randrange(len(data) + 1)])])
        assert dtls.keys is None


DER = CERTIFICATE._cert.public_bytes(Encoding.DER)
SHA256, SHA384, SHA512 = fingerprints()
WRONG = ("sha-256", fingerprints(OTHER_CERTIFICATE)[0][1])
MD5 = ("md5", "AA:BB")


@pytest.mark.parametrize(
    ("signalled", "right"),
    [
        ((SHA256,), True),
        ((SHA384,), True),
        ((SHA512,), True),
        ((SHA256, SHA512), True),
        ((SHA256, MD5), True),
        ((("SHA-256", SHA256[1].lower()),), True),
        ((WRONG,), False),
        ((MD5,), False),
        ((("sha-1", "AA"),), False),
        ((), False),
        ((SHA256, WRONG), False),
        ((WRONG, SHA256), False),
        ((("sha-256", ""),), False),
        ((("sha-256", SHA256[1][:-3]),), False),
        ((("sha-512", SHA256[1]),), False),
    ],
)
def test_fingerprints(signalled: tuple[tuple[str, str], ...], right: bool) -> None:
    assert certificate_is_signalled(DER, signalled) is right
