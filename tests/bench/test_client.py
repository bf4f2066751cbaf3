from __future__ import annotations

import os
import struct

import pytest

from bench.client import REPORT_INTERVAL, Client
from bench.clip import Clip
from bench.datagrams import SLOT, Batch
from bench.incoming import Incoming
from bench.latency import Latencies
from bench.outgoing import SEND_SLAB, Canned, Outgoing
from bench.rtcp import Nack, ReportBlock, feedback, sender_report
from bench.sdp import MediaSection, read_answer
from sfu.transport.slab import Slab
from tests.bench.stand_in import StandIn

CANNED = Canned(Clip("OPUS", 48_000, 960, (os.urandom(80),)))
RECEIVING = [MediaSection("0", "audio"), MediaSection("1", "video")]


class Pair:
    """A client connected to a stand-in for the server."""

    def __init__(self) -> None:
        self.server, self.client, self.batch = StandIn(), Client(), Batch()
        self.ssrc = 70
        self.client.offer(RECEIVING)
        self.client.accept(read_answer(self.server.answer_sdp()), now=0.0)
        while self.client.sends:
            for datagram in self.taken():
                for answer in self.server.receive(datagram):
                    self.give(answer)

    def taken(self) -> list[bytes]:
        sends = list(self.client.sends)
        self.client.sends.clear()
        return sends

    def give(self, datagram: bytes, arrived_ns: int = 0, now: float = 0.0) -> None:
        """Two datagrams at once, of which the first is nothing."""
        self.batch.view[SLOT : SLOT + len(datagram)] = datagram
        self.client.take(self.batch, [(0, arrived_ns), (len(datagram), arrived_ns)], now)

    def give_rtcp(self, packet: bytes, now: float = 0.0) -> None:
        assert self.server.srtp is not None
        self.give(self.server.srtp.protect_rtcp(packet), now=now)

    def receive_frames(self, count: int) -> Incoming:
        """Have the server send audio on a new SSRC, of which the client has been told."""
        assert self.server.srtp is not None
        self.ssrc += 1
        ssrc = self.ssrc
        stream = self.client.incoming[ssrc] = Incoming(ssrc, False, 5, Latencies())
        outgoing, slab = Outgoing(CANNED, 5, ssrc, "0", "c"), Slab(SEND_SLAB)
        for _ in range(count):
            end, _ = outgoing.frame(self.server.srtp, slab, 0)
            self.give(bytes(slab.view[:end]))
        return stream


@pytest.fixture(scope="module")
def connected() -> Pair:
    return Pair()


@pytest.fixture
def pair(connected: Pair) -> Pair:
    """One handshake serves all; streams are each test's own."""
    connected.client.incoming.clear()
    connected.client.outgoing.clear()
    connected.client.unknown.clear()
    connected.client.nacks = 0
    connected.taken()
    return connected


def test_offer_answer_check_and_handshake_end_with_srtp(pair: Pair) -> None:
    assert pair.client.srtp is not None
    assert pair.client.profile.startswith("SRTP_AEAD_AES_")


def test_media_from_the_server_are_checked(pair: Pair) -> None:
    stream = pair.receive_frames(3)
    assert (stream.received, stream.checked, stream.corrupt) == (3, 3, 0)


def test_a_stream_that_no_answer_named_is_unexpected(pair: Pair) -> None:
    stream = pair.receive_frames(1)
    pair.give(struct.pack("!BBHII", 0x80, 111, 1, 1, 12_345) + bytes(40))
    assert pair.client.unexpected == 1
    assert stream.received == 1


def test_what_is_received_is_reported_once_an_interval(pair: Pair) -> None:
    pair.receive_frames(3)
    pair.client.handle_timers(now=100.0)
    assert sent_highest(pair) == [pair.ssrc + 2]
    pair.client.handle_timers(now=100.0 + REPORT_INTERVAL / 2)
    assert sent_highest(pair) == []
    pair.receive_frames(1)
    pair.client.handle_timers(now=100.0 + REPORT_INTERVAL)
    assert sent_highest(pair) == [pair.ssrc - 1 + 2, pair.ssrc]


def sent_highest(pair: Pair) -> list[int]:
    """The highest sequence number of every block in the receiver reports sent; streams begin with that of their SSRC."""
    assert pair.server.srtp is not None
    found: list[int] = []
    for datagram in pair.taken():
        if datagram[0] & 0xC0 == 0x80:
            slab = Slab(len(datagram))
            slab.view[:] = datagram
            assert pair.server.srtp.unprotect_rtcp(slab.address, len(datagram)) is not None
            found += [struct.unpack_from("!I", slab.view, 16 + 24 * block)[0] for block in range(datagram[0] & 0x1F)]
    return found


def test_a_keyframe_request_restarts_the_stream_it_names(pair: Pair) -> None:
    named, other = (Outgoing(CANNED, 1, ssrc, "0", "c") for ssrc in (11, 12))
    pair.client.outgoing = {11: named, 12: other}
    pair.give_rtcp(struct.pack("!BBHII", 0x81, 206, 2, 1, 11))
    assert (named.keyframes_asked, other.keyframes_asked) == (1, 0)


def test_nacks_are_counted(pair: Pair) -> None:
    packet = struct.pack("!BBHIIHH", 0x81, 205, 3, 1, 11, 7, 0)
    assert list(feedback(packet)) == [Nack(11)]
    pair.give_rtcp(packet)
    assert pair.client.nacks == 1


def test_sender_reports_are_told_back(pair: Pair) -> None:
    stream = pair.receive_frames(1)
    pair.give_rtcp(sender_report(pair.ssrc, "c", 10**18, 0, 0, 0), now=5.0)
    block = stream.block(now=6.0)
    assert isinstance(block, ReportBlock)
    assert block.last_sr != 0
    assert block.since_sr == 65_536


def test_forged_and_cut_datagrams_change_nothing(pair: Pair) -> None:
    pair.client.incoming[77] = Incoming(77, False, 5, Latencies())
    for datagram in (
        b"",
        b"\x80",
        bytes(12),
        b"\x80\xc8" + bytes(40),
        b"\x16\xfe\xfd" + bytes(20),
        b"\x00\x01" + bytes(30),
    ):
        pair.give(datagram)
    assert (pair.client.unexpected, pair.client.incoming[77].received) == (0, 0)


def test_media_before_the_handshake_are_dropped() -> None:
    client, batch = Client(), Batch()
    batch.view[:12] = struct.pack("!BBHII", 0x80, 111, 1, 1, 77)
    client.take(batch, [(12, 0)], 0.0)
    assert client.unexpected == 0


def test_a_close_is_told_to_the_server() -> None:
    pair = Pair()
    pair.client.close()
    assert [datagram[0] & 0xF0 for datagram in pair.taken()] in ([0x10], [0x20])
