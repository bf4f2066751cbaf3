"""The server side of one peer's DTLS-SRTP handshake (RFC 6347, 5764), over OpenSSL with memory BIOs.

What OpenSSL is not left alone with, and why (trio's DTLS met the same):
- Its retransmission timer reads the real clock. Ours takes `now`; what OpenSSL sends again on its own is thrown away.
- A memory BIO forgets where datagrams end. Its output is split into records and packed into datagrams of at most `MTU` bytes.
- It believes a plaintext alert. Anybody can forge one, so an alert that is not encrypted never reaches it.
- Once connected it is given encrypted alerts only: nothing renegotiates, and nothing else is for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum

from aiortc.rtcdtlstransport import SRTPProtectionProfile
from OpenSSL import SSL, crypto

from sfu.transport.certificate import MTU, PROFILES, Certificate
from sfu.transport.ports import SrtpKeys

HANDSHAKE_TIMEOUT = 10.0
"""Seconds from start to keys. A phone on a bad network needs two or three retransmissions: 1 + 2 + 4."""
FIRST_RETRANSMISSION = 1.0
"""Seconds, doubled each time (RFC 6347 4.2.4.1)."""
MAX_HANDSHAKE_BYTES = 65_536
MAX_HANDSHAKE_RECORDS = 60
"""From the peer until connected. A handshake with a post-quantum hello and some repeats is 8 KiB in 25 records."""
MAX_FRESH_STARTS = 3
"""New OpenSSL objects after a ClientHello that one refused: the next hello may be the real one."""
MAX_LAST_FLIGHTS = 8
"""How often our last flight is sent again for a peer that still asks. It asks after 1, 2, 4, … s."""

_RECORD_HEADER = 13
_CHANGE_CIPHER_SPEC = 20
_ALERT = 21
_HANDSHAKE = 22
_CLIENT_HELLO = b"\x01"
_HASHES = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}


class DtlsState(StrEnum):
    NEW = "new"
    HANDSHAKING = "handshaking"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"
    """By the peer: an authentic close_notify or fatal alert."""


def certificate_is_signalled(der: bytes, fingerprints: Iterable[tuple[str, str]]) -> bool:
    """Whether a certificate (DER) is the one that the offer's fingerprints (RFC 8122) name.

    At least one fingerprint must be of a hash we trust, and all that are must be right; others are passed over.
    """
    known = [(name.lower(), value) for name, value in fingerprints if name.lower() in _HASHES]
    return bool(known) and all(
        _HASHES[name](der).hexdigest().upper() == value.replace(":", "").upper() for name, value in known
    )


class DtlsServer:
    """One handshake, and afterwards its alerts. Feed `receive`, send what `take_sends` gives, mind `next_timer`.

    `keys` is there exactly when `state` is CONNECTED or was: after the peer's certificate has been proved and matched.
    """

    __slots__ = (
        "_bytes",
        "_certificate",
        "_connection",
        "_deadline",
        "_delay",
        "_fingerprints",
        "_flight",
        "_fresh_starts",
        "_hello_length",
        "_last_flights",
        "_records",
        "_retransmit_at",
        "_sends",
        "_sequence",
        "keys",
        "state",
    )

    def __init__(self, certificate: Certificate, fingerprints: Sequence[tuple[str, str]], now: float) -> None:
        self._certificate = certificate
        self._fingerprints = tuple(fingerprints)
        self._deadline = now + HANDSHAKE_TIMEOUT
        self._connection: SSL.Connection | None = None
        self._flight: list[bytes] = []
        self._sends: list[bytes] = []
        self._sequence = 0
        self._retransmit_at: float | None = None
        self._delay = FIRST_RETRANSMISSION
        self._bytes = 0
        self._records = 0
        self._fresh_starts = 0
        self._hello_length: bytes | None = None
        self._last_flights = 0
        self.state = DtlsState.NEW
        self.keys: SrtpKeys | None = None

    def receive(self, datagram: bytes, now: float) -> None:
        """Take a datagram from the peer's validated address. Never raises for what is in it."""
        if self.state is DtlsState.CONNECTED:
            self._receive_connected(datagram)
        elif self.state is DtlsState.NEW or self.state is DtlsState.HANDSHAKING:
            self._receive_handshake(datagram, now)

    def take_sends(self) -> list[bytes]:
        """Datagrams for the peer, once each."""
        sends, self._sends = self._sends, []
        return sends

    def next_timer(self) -> float | None:
        if self.state is DtlsState.NEW or self.state is DtlsState.HANDSHAKING:
            return self._deadline if self._retransmit_at is None else min(self._deadline, self._retransmit_at)
        return None

    def handle_timer(self, now: float) -> None:
        """Send the flight again that is not answered, or give up."""
        due = self.next_timer()
        if due is None or now < due:
            return
        if now >= self._deadline:
            self._end(DtlsState.FAILED)
            return
        self._send_flight()
        self._delay *= 2
        self._retransmit_at = now + self._delay

    def _receive_handshake(self, datagram: bytes, now: float) -> None:
        records = split_records(datagram)
        self._bytes += len(datagram)
        self._records += max(1, len(records))
        if self._bytes > MAX_HANDSHAKE_BYTES or self._records > MAX_HANDSHAKE_RECORDS:
            self._end(DtlsState.FAILED)
            return
        admitted = b"".join(record for record in records if _may_shake_hands(record))
        if not admitted:
            return
        self.state = DtlsState.HANDSHAKING
        if not self._flight:
            self._note_hello(admitted)
        if self.state is DtlsState.HANDSHAKING and not self._advance(admitted, now):
            self._start_afresh()

    def _note_hello(self, records: bytes) -> None:
        """A fragment of another length than the hello begun is of another hello, and OpenSSL would not let go of the first."""
        if records[0] != _HANDSHAKE or records[_RECORD_HEADER : _RECORD_HEADER + 1] != _CLIENT_HELLO:
            return
        length = records[_RECORD_HEADER + 1 : _RECORD_HEADER + 4]
        if self._hello_length is not None and length != self._hello_length:
            self._start_afresh()
        self._hello_length = length

    def _start_afresh(self) -> None:
        """What came so far may have been a stranger's. The peer sends its hello again after a second at the latest."""
        self._connection = None
        self._hello_length = None
        self._fresh_starts += 1
        if self._fresh_starts > MAX_FRESH_STARTS:
            self._end(DtlsState.FAILED)

    def _advance(self, records: bytes, now: float) -> bool:
        """Give OpenSSL these records. False where it refuses them before it has answered a hello."""
        if self._connection is None:
            self._connection = self._certificate.server_connection()
        connection = self._connection
        try:
            connection.bio_write(records)
            connection.do_handshake()
        except SSL.WantReadError:
            self._take_flight(_drain(connection), now)
            return True
        except SSL.Error:
            # What OpenSSL would send now is an alert, which ends the peer's own attempt. The reason may be a stranger's bytes.
            if not self._flight:
                return False
            self._end(DtlsState.FAILED)
            return True
        self._finish(connection)
        return True

    def _take_flight(self, output: bytes, now: float) -> None:
        flight = split_records(output)
        if not flight or (self._flight and _message_number(flight) == _message_number(self._flight)):
            return
        self._flight = flight
        self._delay = FIRST_RETRANSMISSION
        self._retransmit_at = now + self._delay
        self._send_flight()

    def _finish(self, connection: SSL.Connection) -> None:
        """OpenSSL is content: the peer has proved that it holds the key of its certificate. Is it the signalled one?"""
        last_flight = split_records(_drain(connection))
        certificate = connection.get_peer_certificate()
        if certificate is None or not certificate_is_signalled(
            crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate), self._fingerprints
        ):
            self._end(DtlsState.FAILED)
            return
        selected = connection.get_selected_srtp_profile()
        profile = next((profile for profile in PROFILES if profile.openssl_profile == selected), None)
        if profile is None:
            self._end(DtlsState.FAILED)
            return
        self.keys = _export_keys(connection, profile)
        self._end(DtlsState.CONNECTED)
        self._flight = last_flight
        self._send_flight()

    def _receive_connected(self, datagram: bytes) -> None:
        records = split_records(datagram)
        alerts = b"".join(record for record in records if record[0] == _ALERT and _is_encrypted(record))
        if alerts and self._connection is not None:
            self._read_alerts(self._connection, alerts)
            return
        repeated = any(record[0] in (_HANDSHAKE, _CHANGE_CIPHER_SPEC) for record in records)
        if repeated and self._last_flights < MAX_LAST_FLIGHTS:
            # RFC 6347 4.2.4: who sends its last flight again has not seen ours.
            self._last_flights += 1
            self._send_flight()

    def _read_alerts(self, connection: SSL.Connection, alerts: bytes) -> None:
        try:
            connection.bio_write(alerts)
            connection.recv(1)
        except SSL.WantReadError:
            pass  # a warning, or not authentic: OpenSSL drops that in silence
        except SSL.Error:
            self._end(DtlsState.CLOSED)

    def _send_flight(self) -> None:
        """Plaintext records get a new sequence number each time they are sent (RFC 6347 4.1); encrypted ones cannot.

        A peer takes a number for a replay only if it has had the record already, and then it does not need it again.
        """
        numbered = []
        for record in self._flight:
            if _is_encrypted(record):
                numbered.append(record)
            else:
                numbered.append(record[:5] + self._sequence.to_bytes(6, "big") + record[11:])
                self._sequence += 1
        self._sends += pack_records(numbered)

    def _end(self, state: DtlsState) -> None:
        """The handshake, or the connection, is over. OpenSSL's object is kept only for the alerts of a connected peer."""
        self.state = state
        self._retransmit_at = None
        if state is not DtlsState.CONNECTED:
            self._connection = None
            self._flight = []
            self._sends = []


def split_records(data: bytes) -> list[bytes]:
    """The whole DTLS 1.2 records at the start of `data`; what follows and is none is left out."""
    records = []
    at = 0
    while at + _RECORD_HEADER <= len(data) and data[at + 1] == 0xFE:
        end = at + _RECORD_HEADER + (data[at + 11] << 8 | data[at + 12])
        if end > len(data):
            break
        records.append(data[at:end])
        at = end
    return records


def pack_records(records: Iterable[bytes]) -> list[bytes]:
    """Records in as few datagrams of at most `MTU` bytes as keeping their order allows."""
    datagrams: list[bytes] = []
    for record in records:
        if datagrams and len(datagrams[-1]) + len(record) <= MTU:
            datagrams[-1] += record
        else:
            datagrams.append(record)
    return datagrams


def _is_encrypted(record: bytes) -> bool:
    return record[3:5] != b"\0\0"


def _may_shake_hands(record: bytes) -> bool:
    return record[0] in (_HANDSHAKE, _CHANGE_CIPHER_SPEC) or (record[0] == _ALERT and _is_encrypted(record))


def _message_number(flight: list[bytes]) -> bytes:
    """`message_seq` of the first handshake message (RFC 6347 4.2.2): what OpenSSL repeats keeps it, what is new does not."""
    return flight[0][_RECORD_HEADER + 4 : _RECORD_HEADER + 6]


def _drain(connection: SSL.Connection) -> bytes:
    output = b""
    while True:
        try:
            output += connection.bio_read(65_536)
        except SSL.WantReadError:
            return output


def _export_keys(connection: SSL.Connection, profile: SRTPProtectionProfile) -> SrtpKeys:
    """RFC 5764 4.2: client key, server key, client salt, server salt. The peer is the client."""
    material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length))
    return SrtpKeys(
        profile=profile.openssl_profile.decode(),
        receive=profile.get_key_and_salt(material, 0),
        send=profile.get_key_and_salt(material, 1),
    )
