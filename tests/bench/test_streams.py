"""Outgoing and incoming streams, with real SRTP between them and no network."""

from __future__ import annotations

import os
import struct

import pytest

from bench.clip import Clip
from bench.incoming import Incoming, vp8_descriptor_size
from bench.latency import Latencies
from bench.outgoing import PACKET, SEND_SLAB, Canned, Outgoing
from bench.rtcp import SenderReport, feedback
from bench.sdp import RID_EXTENSION
from bench.srtp import Srtp
from sfu.rtp.extensions import RID, URI_RID, Elements, Reader
from sfu.transport.slab import Slab

SSRC, SOURCE = 77, 5
VIDEO = Canned(Clip("VP8", 90_000, 3_000, (os.urandom(5_000), os.urandom(900))))
AUDIO = Canned(Clip("OPUS", 48_000, 960, (os.urandom(80), os.urandom(60))))


class Line:
    """A stream's sender and receiver. `cross` carries one frame over; `spoil` may change the packets on the way."""

    def __init__(self, canned: Canned, *, open_one_in: int = 1, source: int = SOURCE) -> None:
        key = os.urandom(28)
        self.srtp = Srtp("SRTP_AEAD_AES_128_GCM", key, key)
        self.slab = Slab(SEND_SLAB)
        self.latencies = Latencies()
        self.sender = Outgoing(canned, SOURCE, SSRC, "1", "cname")
        self.receiver = Incoming(SSRC, canned.clip.codec == "VP8", source, self.latencies, open_one_in)

    def packets(self, stamp_ns: int = 0) -> list[bytes]:
        end, segment = self.sender.frame(self.srtp, self.slab, stamp_ns)
        return [bytes(self.slab.view[at : min(at + segment, end)]) for at in range(0, end, segment)]

    def take(self, packet: bytes, arrived_ns: int = 0) -> None:
        sequence, timestamp, ssrc = struct.unpack_from("!2xHII", packet)
        assert ssrc == SSRC
        if self.receiver.arrive(sequence, timestamp, arrived_ns):
            self.slab.view[: len(packet)] = packet
            length = self.srtp.unprotect(self.slab.address, len(packet))
            if length is None:
                self.receiver.refused += 1
            else:
                self.receiver.check(self.slab.view, 0, length, arrived_ns)


@pytest.mark.parametrize("canned", [VIDEO, AUDIO], ids=["video", "audio"])
def test_what_is_sent_arrives_whole_in_order_and_with_its_latency(canned: Canned) -> None:
    line = Line(canned)
    for number in range(50):
        for packet in line.packets(stamp_ns=number * 1_000_000):
            line.take(packet, arrived_ns=number * 1_000_000 + 2_500_000)
    receiver = line.receiver
    assert receiver.received == receiver.checked == line.sender.packets > 0
    assert (receiver.reordered, receiver.corrupt, receiver.refused) == (0, 0, 0)
    assert line.latencies.percentile_ms(0.5) == line.latencies.percentile_ms(1.0) == pytest.approx(2.51)


def test_packets_are_of_one_size_but_the_last_and_within_the_limit() -> None:
    sizes = [len(packet) for packet in Line(VIDEO).packets()]
    assert len(set(sizes[:-1])) == 1
    assert sizes[-1] <= sizes[0] <= PACKET
    assert len(sizes) == 5


def test_each_packet_of_sound_carries_the_level_of_its_frame() -> None:
    levels = (0x80 | 20, 70)
    line = Line(Canned(Clip("OPUS", 48_000, 960, (os.urandom(80), os.urandom(20)), levels)))
    seen = [line.packets()[0][19] for _ in range(4)]
    assert set(seen) == set(levels)
    assert seen[:2] == seen[2:]


def test_each_packet_of_a_simulcast_layer_names_its_layer() -> None:
    line = Line(VIDEO)
    line.sender = Outgoing(VIDEO, SOURCE, SSRC, "1", "cname", "h")
    reader, elements = Reader([(RID_EXTENSION, URI_RID)]), Elements()
    for packet in line.packets():
        assert reader.read(packet, 0xBEDE, 16, 4, elements)
        assert elements.value(packet, RID) == b"h"
        line.take(packet)
    assert (line.receiver.checked, line.receiver.corrupt) == (5, 0)


def test_only_the_last_packet_of_a_frame_is_marked() -> None:
    assert [packet[1] >> 7 for packet in Line(VIDEO).packets()] == [0, 0, 0, 0, 1]


def test_a_keyframe_request_begins_the_clip_anew() -> None:
    line = Line(VIDEO)
    sizes = [len(line.packets()) for _ in range(3)]
    assert sizes == [5, 1, 5]
    line.sender.restart()
    assert len(line.packets()) == 5
    assert line.sender.keyframes_asked == 1


def test_a_packet_of_another_source_is_corrupt() -> None:
    line = Line(AUDIO, source=SOURCE + 1)
    line.take(line.packets()[0])
    assert (line.receiver.corrupt, line.latencies.count) == (1, 0)


def test_a_packet_changed_on_the_way_is_refused() -> None:
    line = Line(AUDIO)
    packet = line.packets()[0]
    line.take(packet[:-1] + bytes((packet[-1] ^ 1,)))
    assert (line.receiver.refused, line.receiver.checked) == (1, 0)


def test_a_server_that_spoils_the_content_is_found_out() -> None:
    line = Line(AUDIO)
    packet = line.packets()[0]
    line.slab.view[: len(packet)] = packet
    length = line.srtp.unprotect(line.slab.address, len(packet))
    assert length is not None
    line.slab.view[length - 40] ^= 1
    line.receiver.check(line.slab.view, 0, length, 0)
    assert line.receiver.corrupt == 1


def test_reordered_packets_are_counted_and_are_no_loss() -> None:
    line = Line(VIDEO)
    first, second, third, *_ = line.packets()
    for packet in (first, third, second):
        line.take(packet)
    assert line.receiver.reordered == 1
    block = line.receiver.block(now=1.0)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (0, 0)


def test_loss_stands_in_the_next_report_and_in_the_total() -> None:
    line = Line(VIDEO)
    kept = line.packets()
    for packet in (kept[0], kept[3]):
        line.take(packet)
    block = line.receiver.block(now=1.0)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (2, 128)
    line.take(kept[4])
    block = line.receiver.block(now=2.0)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (2, 0)


def test_sequence_numbers_go_on_past_their_wrap() -> None:
    receiver = Incoming(SSRC, False, SOURCE, Latencies())
    for sequence in (65_534, 65_535, 0, 1):
        receiver.arrive(sequence, sequence, 0)
    block = receiver.block(now=1.0)
    assert block is not None
    assert (block.highest, block.lost, receiver.reordered) == (65_537, 0, 0)


def test_no_report_before_the_first_packet() -> None:
    assert Incoming(SSRC, False, SOURCE, Latencies()).block(now=1.0) is None


def test_a_report_refers_to_the_last_sender_report() -> None:
    line = Line(AUDIO)
    line.take(line.packets()[0])
    told = next(iter(feedback(line.sender.report(stamp_ns=10**18))))
    assert isinstance(told, SenderReport)
    line.receiver.sender_report(told.middle, now=10.0)
    block = line.receiver.block(now=10.5)
    assert block is not None
    assert (block.last_sr, block.since_sr) == (told.middle, 32_768)


def test_even_arrivals_have_no_jitter_and_uneven_ones_have() -> None:
    even, uneven = Line(AUDIO), Line(AUDIO)
    for number in range(200):
        even.take(even.packets()[0], arrived_ns=number * 20_000_000 + 5_000_000_000)
        uneven.take(uneven.packets()[0], arrived_ns=number * 20_000_000 + number % 2 * 1_000_000 + 5_000_000_000)
    steady, shaken = even.receiver.block(now=1.0), uneven.receiver.block(now=1.0)
    assert steady is not None
    assert shaken is not None
    assert steady.jitter == 0
    assert shaken.jitter == pytest.approx(48, abs=1)


def test_only_a_share_is_opened_where_so_asked_and_all_are_counted() -> None:
    line = Line(AUDIO, open_one_in=4)
    for _ in range(40):
        line.take(line.packets()[0])
    assert (line.receiver.received, line.receiver.checked, line.latencies.count) == (40, 10, 10)


@pytest.mark.parametrize(
    ("descriptor", "size"),
    [
        (b"\x10", 1),
        (b"\x90\x00", 2),
        (b"\x90\x80\x05", 3),
        (b"\x90\x80\x85\x05", 4),
        (b"\x90\xe0\x85\x05\x01\x00", 6),
        (b"\x90\xf0\x05\x01\x00", 5),
    ],
)
def test_a_descriptor_is_as_long_as_its_flags_say(descriptor: bytes, size: int) -> None:
    assert vp8_descriptor_size(memoryview(descriptor + b"media"), 0) == size
