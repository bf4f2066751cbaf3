"""Packets as they go out."""

from __future__ import annotations

import struct

from sfu.rtp.rtcp.packets import (
    BYE,
    FEEDBACK,
    FEEDBACK_APPLICATION,
    FEEDBACK_FIR,
    FEEDBACK_NACK,
    FEEDBACK_PLI,
    FEEDBACK_TRANSPORT_CC,
    HEADER,
    PAIR,
    PAYLOAD_SPECIFIC_FEEDBACK,
    RECEIVER_REPORT,
    REMB,
    REPORT,
    SDES_CNAME,
    SENDER_INFO,
    SENDER_REPORT,
    SOURCE_DESCRIPTION,
    TRANSPORT_LAYER_FEEDBACK,
    U32,
    Bye,
    FullIntraRequest,
    Nack,
    Packet,
    PictureLoss,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
    SourceDescription,
)
from sfu.rtp.seq import distance
from sfu.rtp.transport_feedback import TransportFeedback, build_transport_feedback


def build(*packets: Packet) -> bytes:
    """A compound of the packets, in order."""
    return b"".join(_build_one(packet) for packet in packets)


def _build_one(packet: Packet) -> bytes:
    match packet:
        case SenderReport():
            info = SENDER_INFO.pack(
                packet.ssrc, packet.ntp, packet.rtp_timestamp, packet.packet_count, packet.octet_count
            )
            return _frame(len(packet.reports), SENDER_REPORT, info + _build_reports(packet.reports))
        case ReceiverReport():
            return _frame(len(packet.reports), RECEIVER_REPORT, U32.pack(packet.ssrc) + _build_reports(packet.reports))
        case SourceDescription():
            chunks = b"".join(_build_chunk(ssrc, cname) for ssrc, cname in packet.cnames)
            return _frame(len(packet.cnames), SOURCE_DESCRIPTION, chunks)
        case Bye():
            return _frame(len(packet.ssrcs), BYE, struct.pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs))
        case Nack():
            body = FEEDBACK.pack(packet.sender_ssrc, packet.media_ssrc) + _build_lost(packet.lost)
            return _frame(FEEDBACK_NACK, TRANSPORT_LAYER_FEEDBACK, body)
        case PictureLoss():
            body = FEEDBACK.pack(packet.sender_ssrc, packet.media_ssrc)
            return _frame(FEEDBACK_PLI, PAYLOAD_SPECIFIC_FEEDBACK, body)
        case FullIntraRequest():
            body = FEEDBACK.pack(packet.sender_ssrc, 0)
            body += b"".join(struct.pack("!IB3x", ssrc, number & 0xFF) for ssrc, number in packet.requests)
            return _frame(FEEDBACK_FIR, PAYLOAD_SPECIFIC_FEEDBACK, body)
        case Remb():
            return _frame(FEEDBACK_APPLICATION, PAYLOAD_SPECIFIC_FEEDBACK, _build_remb(packet))
        case TransportFeedback():
            return _frame(FEEDBACK_TRANSPORT_CC, TRANSPORT_LAYER_FEEDBACK, build_transport_feedback(packet))


def _frame(count: int, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _build_reports(reports: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        REPORT.pack(
            report.ssrc,
            report.fraction_lost << 24 | (report.cumulative_lost & 0xFFFFFF),
            report.highest_sequence,
            report.jitter,
            report.last_sr,
            report.delay_since_last_sr,
        )
        for report in reports
    )


def _build_chunk(ssrc: int, cname: bytes) -> bytes:
    chunk = U32.pack(ssrc) + bytes((SDES_CNAME, len(cname))) + cname
    return chunk + bytes(4 - len(chunk) % 4)


def _build_lost(lost: tuple[int, ...]) -> bytes:
    """Numbers that rise are put together, seventeen to a word; any others are said one by one."""
    words = []
    index = 0
    while index < len(lost):
        first = lost[index]
        mask = 0
        index += 1
        while index < len(lost) and 0 < distance(lost[index], first) <= 16:
            mask |= 1 << (distance(lost[index], first) - 1)
            index += 1
        words.append(PAIR.pack(first, mask))
    return b"".join(words)


def _build_remb(packet: Remb) -> bytes:
    exponent = max(packet.bitrate.bit_length() - 18, 0)
    mantissa = packet.bitrate >> exponent
    return (
        FEEDBACK.pack(packet.sender_ssrc, 0)
        + REMB
        + U32.pack(len(packet.ssrcs) << 24 | exponent << 18 | mantissa)
        + struct.pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs)
    )
