from __future__ import annotations

import struct

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket
from hypothesis import given
from hypothesis import strategies as st

from bench.rtcp import (
    KeyframeRequest,
    Nack,
    ReportBlock,
    SenderReport,
    feedback,
    ntp_time,
    receiver_report,
    sender_report,
)


def test_ntp_time_counts_from_1900() -> None:
    assert ntp_time(0) == 2_208_988_800 << 32
    assert ntp_time(1_500_000_000) == (2_208_988_801 << 32) + (1 << 31)


@given(st.text("abcdef0123456789", min_size=1, max_size=20))
def test_another_implementation_reads_our_sender_report(cname: str) -> None:
    report, description = RtcpPacket.parse(sender_report(7, cname, 10**18, 2**32 + 5, 11, 12))
    assert isinstance(report, RtcpSrPacket)
    assert (report.ssrc, report.sender_info.ntp_timestamp) == (7, ntp_time(10**18))
    assert (report.sender_info.rtp_timestamp, report.sender_info.packet_count, report.sender_info.octet_count) == (
        5,
        11,
        12,
    )
    assert isinstance(description, RtcpSdesPacket)
    assert description.chunks[0].items == [(1, cname.encode())]


def test_another_implementation_reads_our_receiver_report() -> None:
    block = ReportBlock(9, fraction_lost=3, lost=4, highest=70_000, jitter=6, last_sr=7, since_sr=8)
    report = RtcpPacket.parse(receiver_report(7, "c", [block, block]))[0]
    assert isinstance(report, RtcpRrPacket)
    assert len(report.reports) == 2
    read = report.reports[1]
    assert (read.ssrc, read.fraction_lost, read.packets_lost, read.highest_sequence) == (9, 3, 4, 70_000)
    assert (read.jitter, read.lsr, read.dlsr) == (6, 7, 8)


def test_a_receiver_reads_the_middle_of_a_sender_report_s_time() -> None:
    told = list(feedback(sender_report(7, "c", 10**18, 0, 0, 0)))
    assert told == [SenderReport(7, ntp_time(10**18) >> 16 & 0xFFFFFFFF)]


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (struct.pack("!BBHII", 0x81, 206, 2, 1, 42), [KeyframeRequest(42)]),
        (struct.pack("!BBHIIIB3x", 0x84, 206, 4, 1, 0, 42, 5), [KeyframeRequest(42)]),
        (struct.pack("!BBHIIHH", 0x81, 205, 3, 1, 42, 7, 0), [Nack(42)]),
        (struct.pack("!BBHII4sI", 0x8F, 206, 4, 1, 0, b"REMB", 0), []),
    ],
    ids=["pli", "fir", "nack", "remb"],
)
def test_feedback_is_read_alone_and_in_a_compound(packet: bytes, told: list[object]) -> None:
    assert list(feedback(packet)) == told
    assert list(feedback(receiver_report(1, "c", []) + packet)) == told


@given(st.binary(max_size=100))
def test_no_bytes_make_feedback_raise(packet: bytes) -> None:
    assert all(isinstance(told, SenderReport | KeyframeRequest | Nack) for told in feedback(packet))
