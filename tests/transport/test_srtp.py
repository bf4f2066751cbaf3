"""SRTP on our own buffers: what RFC 3711 and RFC 7714 promise, checked against pylibsrtp's own sessions."""

from __future__ import annotations

import random
import struct

import pytest
from pylibsrtp import Policy, Session

from sfu.transport.ports import SrtpKeys
from sfu.transport.slab import Slab
from sfu.transport.srtp import (
    AUTHENTICATION_FAILURE,
    MAX_TRAILER,
    NO_CAPACITY,
    PROFILES,
    REPLAY_WINDOW,
    REPLAYED,
    REPLAYED_TOO_OLD,
    SrtpSession,
    sessions,
)

GCM = "SRTP_AEAD_AES_128_GCM"
NAMES = sorted(PROFILES)


def key(profile: str, fill: int = 1) -> bytes:
    return bytes((fill + n) & 0xFF for n in range(PROFILES[profile].key_and_salt))


def rtp(sequence: int, payload: bytes = b"payload", ssrc: int = 0x11223344) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence & 0xFFFF, 3000 * sequence & 0xFFFFFFFF, ssrc) + payload


def rtcp(ssrc: int = 0x11223344) -> bytes:
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


def theirs(profile: str, inbound: bool) -> Session:
    policy = Policy(
        key=key(profile),
        ssrc_type=Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=PROFILES[profile].libsrtp,
    )
    policy.window_size = 1024
    return Session(policy)


def ours(profile: str, inbound: bool) -> SrtpSession:
    return SrtpSession(profile, key(profile), inbound=inbound)


class Bench:
    """A slab with one packet at `offset`, so that no test passes only because offset is 0."""

    def __init__(self, offset: int = 100) -> None:
        self.slab = Slab(4096)
        self.offset = offset
        self.address = self.slab.address + offset

    def put(self, packet: bytes) -> int:
        self.slab.view[self.offset : self.offset + len(packet)] = packet
        return len(packet)

    def get(self, length: int) -> bytes:
        return bytes(self.slab.view[self.offset : self.offset + length])

    def protect(self, session: SrtpSession, packet: bytes) -> bytes | int:
        length = session.protect(self.address, self.put(packet), 2000)
        return length if length < 0 else self.get(length)

    def unprotect(self, session: SrtpSession, packet: bytes) -> bytes | int:
        length = session.unprotect(self.address, self.put(packet))
        return length if length < 0 else self.get(length)


@pytest.mark.parametrize("profile", NAMES)
def test_what_we_protect_another_session_reads(profile: str) -> None:
    bench, sending, receiving = Bench(), ours(profile, False), theirs(profile, True)
    for sequence in (1, 2, 65535, 65536, 65537):
        protected = bench.protect(sending, rtp(sequence))
        assert isinstance(protected, bytes)
        assert len(protected) == len(rtp(sequence)) + PROFILES[profile].rtp_trailer
        assert receiving.unprotect(protected) == rtp(sequence)


@pytest.mark.parametrize("profile", NAMES)
def test_what_another_session_protects_we_read(profile: str) -> None:
    bench, sending, receiving = Bench(), theirs(profile, False), ours(profile, True)
    for sequence in (1, 2, 3):
        assert bench.unprotect(receiving, sending.protect(rtp(sequence))) == rtp(sequence)


@pytest.mark.parametrize("profile", NAMES)
def test_control_packets_pass_both_ways(profile: str) -> None:
    bench, sending, receiving = Bench(), ours(profile, False), ours(profile, True)
    length = sending.protect_rtcp(bench.address, bench.put(rtcp()), 100)
    assert length == len(rtcp()) + PROFILES[profile].rtcp_trailer
    protected = bench.get(length)
    assert theirs(profile, True).unprotect_rtcp(protected) == rtcp()
    assert receiving.unprotect_rtcp(bench.address, length) == len(rtcp())
    bench.put(protected)
    assert receiving.unprotect_rtcp(bench.address, length) == REPLAYED


@pytest.mark.parametrize("profile", NAMES)
def test_trailer_is_never_more_than_the_maximum(profile: str) -> None:
    assert max(PROFILES[profile].rtp_trailer, PROFILES[profile].rtcp_trailer) <= MAX_TRAILER


@pytest.mark.parametrize("profile", NAMES)
def test_every_flipped_bit_is_refused_and_the_true_packet_still_passes(profile: str) -> None:
    bench, receiving = Bench(), ours(profile, True)
    good = theirs(profile, False).protect(rtp(7))
    for bit in range(8 * 12, 8 * len(good)):
        forged = bytearray(good)
        forged[bit // 8] ^= 1 << bit % 8
        assert bench.unprotect(receiving, bytes(forged)) == AUTHENTICATION_FAILURE
    assert bench.unprotect(receiving, good) == rtp(7)


def test_a_replayed_packet_is_refused() -> None:
    bench, sending, receiving = Bench(), theirs(GCM, False), ours(GCM, True)
    packets = [sending.protect(rtp(sequence)) for sequence in range(1, 10)]
    for packet in packets:
        assert isinstance(bench.unprotect(receiving, packet), bytes)
    assert {bench.unprotect(receiving, packet) for packet in packets} == {REPLAYED}


def test_replays_stay_refused_over_three_turns_of_the_sequence_number() -> None:
    bench, sending, receiving = Bench(), theirs(GCM, False), ours(GCM, True)
    old = sending.protect(rtp(100))
    assert isinstance(bench.unprotect(receiving, old), bytes)
    for sequence in range(1000, 3 * 65536 + 2000, 500):
        packet = sending.protect(rtp(sequence))
        assert bench.unprotect(receiving, packet) == rtp(sequence)
        assert bench.unprotect(receiving, packet) == REPLAYED
        assert isinstance(bench.unprotect(receiving, old), int)


def test_reordering_inside_the_window_passes_and_beyond_it_does_not() -> None:
    bench, sending, receiving = Bench(), theirs(GCM, False), ours(GCM, True)
    packets = [sending.protect(rtp(sequence)) for sequence in range(1, REPLAY_WINDOW + 3)]
    assert isinstance(bench.unprotect(receiving, packets[-1]), bytes)
    inside = packets[-REPLAY_WINDOW:-1]
    random.Random(5).shuffle(inside)
    assert all(isinstance(bench.unprotect(receiving, packet), bytes) for packet in inside)
    assert bench.unprotect(receiving, packets[0]) == REPLAYED_TOO_OLD


@pytest.mark.parametrize("profile", NAMES)
def test_one_index_is_never_sent_twice(profile: str) -> None:
    bench, sending = Bench(), ours(profile, False)
    assert isinstance(bench.protect(sending, rtp(5, b"one")), bytes)
    assert bench.protect(sending, rtp(5, b"two")) == REPLAYED
    assert isinstance(bench.protect(sending, rtp(6, b"two")), bytes)
    assert isinstance(bench.protect(sending, rtp(5, b"one", ssrc=9)), bytes)


@pytest.mark.parametrize("profile", NAMES)
def test_no_byte_is_written_past_the_capacity(profile: str) -> None:
    bench, sending = Bench(), ours(profile, False)
    trailer = PROFILES[profile].rtp_trailer
    packet = rtp(1, bytes(500))
    for sequence, missing in enumerate((0, 1, trailer), start=1):
        packet = rtp(sequence, bytes(500))
        bench.slab.view[:] = bytes([0xEE]) * bench.slab.size
        bench.put(packet)
        capacity = len(packet) + trailer - missing
        expected = NO_CAPACITY if missing else capacity
        assert sending.protect(bench.address, len(packet), capacity) == expected
        end = bench.offset + (len(packet) if missing else capacity)
        assert set(bench.slab.view[end:]) == {0xEE}
    bench.put(rtcp())
    assert sending.protect_rtcp(bench.address, 8, 8 + PROFILES[profile].rtcp_trailer - 1) == NO_CAPACITY


def test_junk_of_every_short_length_is_a_status_and_no_exception() -> None:
    bench, receiving, sending = Bench(), ours(GCM, True), ours(GCM, False)
    for length in range(64):
        for fill in (0x00, 0x80, 0x9F, 0xBF, 0xFF):
            size = bench.put(bytes([fill]) * length)
            assert receiving.unprotect(bench.address, size) < 0
            bench.put(bytes([fill]) * length)
            assert receiving.unprotect_rtcp(bench.address, size) < 0
    bench.put(b"\xff" * 20)
    assert sending.protect(bench.address, 4, 100) < 0


def test_a_forged_stream_leaves_nothing_behind_and_costs_the_true_one_nothing() -> None:
    bench, receiving, sending = Bench(), ours(GCM, True), theirs(GCM, False)
    for ssrc in range(1000):
        assert bench.unprotect(receiving, rtp(1, bytes(40), ssrc=ssrc)) == AUTHENTICATION_FAILURE
    assert bench.unprotect(receiving, sending.protect(rtp(1))) == rtp(1)


def test_a_removed_inbound_stream_can_be_replayed_so_its_ssrc_must_not_return() -> None:
    """Why the allow-list remembers the SSRCs it has retired."""
    bench, sending, receiving = Bench(), theirs(GCM, False), ours(GCM, True)
    packet = sending.protect(rtp(1))
    assert isinstance(bench.unprotect(receiving, packet), bytes)
    receiving.remove_stream(0x11223344)
    assert isinstance(bench.unprotect(receiving, packet), bytes)


def test_keys_make_an_inbound_and_an_outbound_session() -> None:
    bench = Bench()
    inbound, _ = sessions(SrtpKeys(GCM, receive=key(GCM, 1), send=key(GCM, 50)))
    _, outbound = sessions(SrtpKeys(GCM, receive=key(GCM, 50), send=key(GCM, 1)))
    protected = bench.protect(outbound, rtp(3))
    assert isinstance(protected, bytes)
    assert bench.unprotect(inbound, protected) == rtp(3)


@pytest.mark.parametrize(("profile", "length"), [("SRTP_NULL", 30), (GCM, 27), (GCM, 29), (GCM, 0)])
def test_other_profiles_and_key_lengths_are_refused(profile: str, length: int) -> None:
    with pytest.raises(ValueError, match="profile"):
        SrtpSession(profile, bytes(length), inbound=True)
